# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a program once: input in, output out, with limits on time and size.

There is no shell, and the program inherits neither our environment nor our open files.
"""

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

__all__ = ["OutputTooLarge", "Program", "ProgramNotStarted", "ProgramResult", "ProgramTimedOut", "located", "run"]

_PIECE = 65536


class ProgramNotStarted(Exception):
    """The program could not be started; the argument says why."""


class ProgramTimedOut(Exception):
    """The program was killed, with everything it started, because it took too long."""


class OutputTooLarge(Exception):
    """The program was killed because it wrote too much."""


@dataclass(frozen=True, slots=True)
class Program:
    """A command, the environment variables it gets besides PATH, HOME and LANG, and its limits."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    timeout: float
    max_output: int


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """The exit status of a program (negative for a signal) and its output."""

    status: int
    output: bytes = field(repr=False)


def located(name: str) -> str:
    """Return the absolute path at which a program is started, empty if there is none. Links are not followed."""
    found = shutil.which(name)
    return os.path.abspath(found) if found else ""


def run(program: Program, given: bytes) -> ProgramResult:
    """Run a program with `given` as input. Raises ProgramNotStarted, ProgramTimedOut or OutputTooLarge."""
    deadline = time.monotonic() + program.timeout
    input_end, our_input = os.pipe()
    our_output, output_end = os.pipe()
    try:
        process = _spawn(program, input_end, output_end)
    except BaseException:
        _close(our_input, our_output)
        raise
    finally:
        _close(input_end, output_end)
    try:
        output = _exchange(our_input, our_output, given, program.max_output, deadline)
        return ProgramResult(_status(process, deadline), output)
    except BaseException:
        process.kill_all()
        raise


def _spawn(program: Program, input_end: int, output_end: int) -> Process:
    path = located(program.command[0])
    if not path:
        raise ProgramNotStarted("the program does not exist or is not executable")
    command, environment = [path, *program.command[1:]], _environment(program)
    try:
        return Process(command, environment=environment, stdin=input_end, stdout=output_end, folder="/")
    except (OSError, ValueError) as error:
        raise ProgramNotStarted(getattr(error, "strerror", "") or type(error).__name__) from None


def _environment(program: Program) -> dict[str, str]:
    plain = {"PATH": os.environ.get("PATH", os.defpath), "LANG": os.environ.get("LANG") or "C.UTF-8"}
    home = {"HOME": os.environ["HOME"]} if "HOME" in os.environ else {}
    return {**plain, **home, **program.environment}


def _exchange(our_input: int, our_output: int, given: bytes, max_output: int, deadline: float) -> bytes:
    """Return the output until the program closes it, while feeding `given` to its input."""
    output, rest = bytearray(), memoryview(given)
    with selectors.DefaultSelector() as selector:
        try:
            os.set_blocking(our_input, False)
            selector.register(our_input, selectors.EVENT_WRITE)
            selector.register(our_output, selectors.EVENT_READ)
            while True:
                for key, _events in selector.select(_left(deadline)):
                    if key.fd == our_input:
                        rest = rest[_write(our_input, rest) :]
                        if not rest:
                            selector.unregister(our_input)
                            os.close(our_input)
                            our_input = -1
                        continue
                    piece = os.read(our_output, _PIECE)
                    output += piece
                    if len(output) > max_output:
                        raise OutputTooLarge
                    if not piece:
                        return bytes(output)
        finally:
            _close(our_input, our_output)


def _write(descriptor: int, rest: memoryview) -> int:
    """Return how many bytes were written, or all if the program has closed its input."""
    try:
        return os.write(descriptor, rest[:_PIECE])
    except BlockingIOError:
        return 0
    except BrokenPipeError:
        return len(rest)


def _status(process: Process, deadline: float) -> int:
    """Return the exit status of a program that has closed its output."""
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
