# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of the broker process. It receives its order over a socket pair, which no other process can read."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
import sys
from typing import Any

from ..model.audit import Caller
from ..model.settings import Settings
from ..processes.identity import is_running, namespace
from . import protocol
from .engines import Engines
from .lifetime import LifeTime
from .meeting import Meeting, Run, proof_of, proof_of_run
from .server import Server, listen

__all__ = ["main", "sweep"]

_PR_SET_DUMPABLE = 4  # prctl(2)
# Wanted limit of open files: each caller takes one descriptor, and many systems default to 256 or 1024.
_DESCRIPTORS = 16384


def main() -> None:
    """Serve one run, then end the process."""
    harden()
    with socket.socket(fileno=os.dup(0)) as starter:
        order = protocol.receive(starter) or {}
        try:
            server = _server(order)
        except OSError as error:
            protocol.send(starter, {"failed": error.strerror or type(error).__name__})
            return
        # The worker that started us may be gone, but its run goes on.
        with contextlib.suppress(OSError):
            protocol.send(starter, {"ready": True})
    os.close(order["lock"])
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    signal.signal(signal.SIGTERM, _end)
    server.serve()
    sweep(Meeting(*order["meeting"]).folder)
    # A normal exit would wait for threads that are stuck on a caller or a provider.
    os._exit(0)


def _end(_signal: int, _frame: object) -> None:
    """Shut down as at the end of the run, so that pending records are written. A second signal kills at once."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise SystemExit(0)


def _server(order: dict[str, Any]) -> Server:
    meeting, settings = Meeting(*order["meeting"]), Settings(*order["settings"])
    sweep(meeting.folder)
    token = os.urandom(32)
    # Write the token before the socket exists, so that whoever can connect reads the right one.
    write_token(meeting.token, token)
    proof = proof_of(token, settings)
    proofs = {
        "handle": proof,
        "resolve": proof,
        "open_host_login": proof,
        "preload": proof,
        "usage": proof_of_run(token),
    }
    engines = Engines(settings, meeting.own_folder(os.getpid()), Caller(*order["caller"]))
    return Server(meeting, listen(meeting.socket), engines, proofs, LifeTime(Run(*order["run"])))


def harden() -> None:
    """Disable core dumps and, on Linux, debugging by other processes of this user.

    Also tightens the umask, leaves the run's folder, and raises the limit of open files.
    """
    os.umask(0o077)
    os.chdir("/")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _raise_limit()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _raise_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # The real limit on macOS is lower than the one it reports.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def write_token(path: str, token: bytes) -> None:
    """Write the token atomically, readable by this user only."""
    draft = f"{path}.{os.getpid()}"
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, token)
    finally:
        os.close(descriptor)
    os.replace(draft, path)


def sweep(folder: str) -> None:
    """Remove the files of brokers whose run has ended."""
    names = os.listdir(folder)
    stale = [stem for stem in {name.partition(".")[0] for name in names} if _is_stale(folder, stem)]
    for name in names:
        if name.partition(".")[0] in stale:
            _remove(f"{folder}/{name}")


def _remove(path: str) -> None:
    if os.path.isdir(path):
        # Imported late: only brokers that logged in to hosts have a folder.
        import shutil

        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        os.unlink(path)


def _is_stale(folder: str, name: str) -> bool:
    """Return whether the run that a name belongs to has ended; in another container, whether its broker has."""
    pid, _dash, rest = name.partition("-")
    parts = rest.split("-")
    if not pid.isdecimal() or len(parts) != 3:
        return False
    if parts[1] != namespace():
        return _has_no_listener(f"{folder}/{name}.sock")
    return not is_running(int(pid), parts[0])


def _has_no_listener(path: str) -> bool:
    """Return whether a socket refuses connections: the only sign that a process of another container has ended."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.setblocking(False)
        try:
            connection.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False
