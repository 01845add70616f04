# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which process is meant: ids come again, and another container or machine has its own."""

from __future__ import annotations

import os
import socket
from functools import lru_cache

__all__ = ["has_ended", "is_running", "namespace", "process_text", "run_process", "started", "this_process"]


def started(pid: int) -> str:
    """Return when a process started, in ticks since boot; empty where it has ended, or there is no /proc.

    Raises OSError where that can't be told just now.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # proc(5): the name in field 2 may hold anything, a parenthesis too; 3 is the state, 22 the time.
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in (b"Z", b"X") else fields[19].decode()


def namespace() -> str:
    """Return what tells process ids of one container from those of another."""
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return ""


def is_running(pid: int, since: str) -> bool:
    """Tell whether the very process that `started` told of is there, and no other one with its id."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    try:
        return started(pid) == since
    except OSError:
        # For example, no descriptor is free. That must not end anything.
        return True


def run_process() -> int:
    """Return the id of the process of the run that this one, a worker or ansible-playbook itself, belongs to."""
    # Imported here: a worker has it already, and the broker never asks.
    from multiprocessing import parent_process

    parent = parent_process()
    return (parent.pid if parent else None) or os.getpid()


def this_process() -> str:
    """Return this process as text."""
    return _own_text(os.getpid())


@lru_cache(maxsize=1)
def _own_text(pid: int) -> str:
    return process_text(pid)


def process_text(pid: int) -> str:
    """Return a process of this machine as text: where it is, its id, and when it started."""
    return "/".join([_place(), str(pid), started(pid)])


def has_ended(process: str) -> bool | None:
    """Tell whether a process that `this_process` named has ended; None for one of another machine or container."""
    place, _slash, rest = process.rpartition("/")[0].rpartition("/")
    if place != _place():
        return None
    return not is_running(int(rest), process.rpartition("/")[2])


def _place() -> str:
    """Return what a machine, since it booted, and a container on it share with no other."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
    except OSError:
        boot = ""
    return f"{socket.gethostname()}/{boot}/{namespace()}"
