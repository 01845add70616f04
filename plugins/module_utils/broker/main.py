# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the broker's process begins. What it needs to know comes by a socket, which no other process can read."""

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
# Each caller takes one. Many systems give 256 or 1024 unless more are asked for.
_DESCRIPTORS = 16384


def main() -> None:
    """Serve one run, and end the process when that has ended."""
    harden()
    with socket.socket(fileno=os.dup(0)) as starter:
        order = protocol.receive(starter) or {}
        try:
            server = _server(order)
        except OSError as error:
            protocol.send(starter, {"failed": error.strerror or type(error).__name__})
            return
        # Who started it may be gone; the run is not.
        with contextlib.suppress(OSError):
            protocol.send(starter, {"ready": True})
    os.close(order["lock"])
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    signal.signal(signal.SIGTERM, _end)
    server.serve()
    sweep(Meeting(*order["meeting"]).folder)
    # Threads that still wait for a caller or a provider don't hold it up.
    os._exit(0)


def _end(_signal: int, _frame: object) -> None:
    """End as at the end of the run: what was gathered is still written. A second signal is not waited for."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise SystemExit(0)


def _server(order: dict[str, Any]) -> Server:
    meeting, settings = Meeting(*order["meeting"]), Settings(*order["settings"])
    sweep(meeting.folder)
    token = os.urandom(32)
    # Before the socket: who can connect finds the right token.
    write_token(meeting.token, token)
    proof = proof_of(token, settings)
    proofs = {
        "handle": proof,
        "resolve": proof,
        "open_host_login": proof,
        "preload": proof,
        "usage": proof_of_run(token),
    }
    engines = Engines(settings, meeting.own_folder, Caller(*order["caller"]))
    return Server(meeting, listen(meeting.socket), engines, proofs, LifeTime(Run(*order["run"])))


def harden() -> None:
    """Leave no core file, and no way in for a debugger of the same user."""
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
        # macOS has a limit of its own below the one that it tells.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def write_token(path: str, token: bytes) -> None:
    """Write the token whole, for the eyes of this user only."""
    draft = f"{path}.{os.getpid()}"
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, token)
    finally:
        os.close(descriptor)
    os.replace(draft, path)


def sweep(folder: str) -> None:
    """Remove what brokers of runs that have ended left behind."""
    names = os.listdir(folder)
    left = [stem for stem in {name.partition(".")[0] for name in names} if _is_left(folder, stem)]
    for name in names:
        if name.partition(".")[0] in left:
            _remove(f"{folder}/{name}")


def _remove(path: str) -> None:
    if os.path.isdir(path):
        # Imported here: few brokers have had a folder of their own.
        import shutil

        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        os.unlink(path)


def _is_left(folder: str, name: str) -> bool:
    """Tell whether the run, or the broker, that a name stands for has ended."""
    pid, _dash, rest = name.partition("-")
    parts = rest.split("-")
    if not pid.isdecimal() or len(parts) != 3:
        return False
    if parts[1] != namespace():
        return _is_deserted(f"{folder}/{name}.sock")
    return not is_running(int(pid), parts[0])


def _is_deserted(path: str) -> bool:
    """Tell whether nobody listens at a socket any more: all that shows whether a process of another container lives."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.setblocking(False)
        try:
            connection.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False
