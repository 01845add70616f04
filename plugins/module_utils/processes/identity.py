# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identifies processes. A process id alone can't: it is reused, and each container and machine has its own ids."""

from __future__ import annotations

import os
import socket
from functools import lru_cache

__all__ = ["has_ended", "is_running", "namespace", "process_text", "run_process", "started", "this_process"]


def started(pid: int) -> str:
    """Return when a process started, in clock ticks since boot; empty if it has ended or there is no /proc.

    Raises OSError if /proc can't be read at the moment.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # proc(5): field 2, the name, may contain anything, even parentheses; 3 is the state, 22 the start time.
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in (b"Z", b"X") else fields[19].decode()


def namespace() -> str:
    """Return an identifier of the PID namespace, which differs between containers; empty if there is no /proc."""
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return ""


def is_running(pid: int, since: str) -> bool:
    """Return whether a process with this id and start time (see `started`) is running."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    try:
        return started(pid) == since
    except OSError:
        # For example out of file descriptors. Don't take the process for ended because of that.
        return True


def run_process() -> int:
    """Return the process id of ansible-playbook, from that process itself or one of its workers."""
    # Imported here: workers have it loaded already, and the broker never calls this.
    from multiprocessing import parent_process

    parent = parent_process()
    return (parent.pid if parent else None) or os.getpid()


def this_process() -> str:
    """Return this process as text (see `process_text`)."""
    return _own_text(os.getpid())


@lru_cache(maxsize=1)
def _own_text(pid: int) -> str:
    return process_text(pid)


def process_text(pid: int) -> str:
    """Return a process of this machine as text: host name, boot id, PID namespace, process id and start time."""
    return "/".join([_environment(), str(pid), started(pid)])


def has_ended(process: str) -> bool | None:
    """Return whether a process (as text) has ended; None if it belongs to another machine, boot or container."""
    environment, _slash, rest = process.rpartition("/")[0].rpartition("/")
    if environment != _environment():
        return None
    return not is_running(int(rest), process.rpartition("/")[2])


def _environment() -> str:
    """Return what identifies this machine, its current boot, and the container on it."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
    except OSError:  # pragma: no cover -- only systems other than Linux have no such file
        boot = ""
    return f"{socket.gethostname()}/{boot}/{namespace()}"
