# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a program once: JSON in, bytes out, within limits of time and size. No shell, and nothing of ours to see."""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from ...processes.programs import Process

__all__ = ["OutputTooLarge", "Program", "ProgramNotStarted", "ProgramResult", "ProgramTimedOut", "run"]

_PIECE = 65536


class ProgramNotStarted(Exception):
    """It does not run at all, and why."""


class ProgramTimedOut(Exception):
    """It was killed, with all that it had started, because it took too long."""


class OutputTooLarge(Exception):
    """It was killed because it wrote too much."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, what it finds in its environment besides PATH, HOME and LANG, and its limits."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    timeout: float
    max_output: int


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """How a program ended (the status; a signal as its negative number), and what it wrote."""

    status: int
    output: bytes = field(repr=False)


def run(program: Program, given: bytes) -> ProgramResult:
    """Return how a program ended that got `given`; raise ProgramNotStarted, ProgramTimedOut or OutputTooLarge."""
    deadline = time.monotonic() + program.timeout
    for_it, ours = os.pipe()
    theirs, from_it = os.pipe()
    try:
        process = _spawn(program, for_it, from_it)
    except BaseException:
        _close(ours, theirs)
        raise
    finally:
        _close(for_it, from_it)
    try:
        output = _talk(ours, theirs, given, program.max_output, deadline)
        return ProgramResult(_status(process, deadline), output)
    except BaseException:
        process.kill_all()
        raise


def _spawn(program: Program, its_input: int, its_output: int) -> Process:
    found = shutil.which(program.command[0])
    if not found:
        raise ProgramNotStarted("there is no such program, or it may not be run")
    command, environment = [os.path.abspath(found), *program.command[1:]], _environment(program)
    try:
        return Process(command, environment=environment, stdin=its_input, stdout=its_output, folder="/")
    except (OSError, ValueError) as error:
        raise ProgramNotStarted(getattr(error, "strerror", "") or type(error).__name__) from None


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
                        raise OutputTooLarge
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


def _status(process: Process, deadline: float) -> int:
    """Return the status of a program that has closed its output."""
    try:
        return process.wait(_left(deadline))
    except subprocess.TimeoutExpired:
        raise ProgramTimedOut from None


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise ProgramTimedOut
    return left


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        with suppress(OSError):
            os.close(descriptor)
