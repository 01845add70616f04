# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a program once: JSON in, bytes out, within limits of time and size. No shell, and nothing of ours to see."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

__all__ = ["Ended", "NotStarted", "Program", "TimedOut", "TooMuch", "run"]

# posix_spawn(3) changes no folder and closes no descriptors, so a small Python does, and becomes the program.
_BECOME = """\
import os, signal, sys
os.chdir("/")
os.closerange(3, 65536)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
try:
    os.execv(sys.argv[1], sys.argv[2:])
except OSError:
    os._exit(127)
"""
_PIECE = 65536
# Seconds between two looks at a program that has closed its output and not ended.
_PAUSE = 0.005


class NotStarted(Exception):
    """It does not run at all, and why."""


class TimedOut(Exception):
    """It was killed, with all that it had started, because it took too long."""


class TooMuch(Exception):
    """It was killed because it wrote too much."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, what it finds in its environment besides PATH, HOME and LANG, and its limits."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    timeout: float
    max_output: int


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended (the status; a signal as its negative number), and what it wrote."""

    status: int
    output: bytes = field(repr=False)


def run(program: Program, given: bytes) -> Ended:
    """Return how a program ended that got `given`; raise NotStarted, TimedOut or TooMuch."""
    deadline = time.monotonic() + program.timeout
    for_it, ours = os.pipe()
    theirs, from_it = os.pipe()
    try:
        pid = _spawn(program, for_it, from_it)
    except BaseException:
        _close(ours, theirs)
        raise
    finally:
        _close(for_it, from_it)
    try:
        output = _talk(ours, theirs, given, program.max_output, deadline)
        return Ended(_status(pid, deadline), output)
    except BaseException:
        _kill(pid)
        raise


def _spawn(program: Program, its_input: int, its_output: int) -> int:
    """Return the id of a new process, in a session of its own: it has no terminal to ask at."""
    found = shutil.which(program.command[0])
    if not found:
        raise NotStarted("there is no such program, or it may not be run")
    if not sys.executable:
        raise NotStarted("this Python does not know where it is")
    files = [
        (os.POSIX_SPAWN_DUP2, its_input, 0),
        (os.POSIX_SPAWN_DUP2, its_output, 1),
        # What it complains about may hold a value.
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    arguments = [sys.executable, "-I", "-S", "-c", _BECOME, os.path.abspath(found), *program.command]
    try:
        return os.posix_spawn(sys.executable, arguments, _environment(program), file_actions=files, setsid=True)
    except (OSError, ValueError) as error:
        raise NotStarted(getattr(error, "strerror", "") or type(error).__name__) from None


def _environment(program: Program) -> dict[str, str]:
    plain = {"PATH": os.environ.get("PATH", os.defpath), "LANG": os.environ.get("LANG") or "C.UTF-8"}
    home = {"HOME": os.environ["HOME"]} if "HOME" in os.environ else {}
    return {**plain, **home, **program.environment}


def _talk(ours: int, theirs: int, given: bytes, most: int, deadline: float) -> bytes:
    """Return what it writes until it closes its output; meanwhile it gets `given`."""
    output, rest = bytearray(), memoryview(given)
    with selectors.DefaultSelector() as selector:
        try:
            os.set_blocking(ours, False)
            selector.register(ours, selectors.EVENT_WRITE)
            selector.register(theirs, selectors.EVENT_READ)
            while True:
                for key, _events in selector.select(_left(deadline)):
                    if key.fd == ours:
                        rest = rest[_write(ours, rest) :]
                        if not rest:
                            selector.unregister(ours)
                            os.close(ours)
                            ours = -1
                        continue
                    piece = os.read(theirs, _PIECE)
                    output += piece
                    if len(output) > most:
                        raise TooMuch
                    if not piece:
                        return bytes(output)
        finally:
            _close(ours, theirs)


def _write(descriptor: int, rest: memoryview) -> int:
    """Return how much a program took. One that reads no more needs no more."""
    try:
        return os.write(descriptor, rest[:_PIECE])
    except BlockingIOError:
        return 0
    except BrokenPipeError:
        return len(rest)


def _status(pid: int, deadline: float) -> int:
    """Return the status of a program that has closed its output."""
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(min(_PAUSE, _left(deadline)))


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimedOut
    return left


def _kill(pid: int) -> None:
    # It leads a group, and was not waited for, so the number is still its own.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        with suppress(OSError):
            os.close(descriptor)
