# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a server as a child process, waits until it answers, and always stops it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import requests

__all__ = [
    "TESTS",
    "ServerFailed",
    "answers",
    "by_hand",
    "free_port",
    "has_ended",
    "processes_in",
    "program",
    "running",
    "session",
    "until",
]

TESTS = Path(__file__).resolve().parents[1]
WAIT_SECONDS = 60
END_SECONDS = 5
# Below the kernel's range for outgoing connections, which could take a port after we found it free.
PORTS = range(12000, 32000)
PR_SET_PDEATHSIG = 1
_RESERVED: list[socket.socket] = []
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class ServerFailed(Exception):
    """A server did not start. The message ends with its log."""


def free_port(width: int = 1) -> int:
    """Return a free port of the loopback interface, with the `width - 1` ports after it free as well.

    Reserves them among the test processes of this machine, because a server takes a moment to listen.
    """
    while True:
        port = random.SystemRandom().choice(PORTS)
        with contextlib.ExitStack() as sockets, contextlib.suppress(OSError):
            numbers = range(port, port + width)
            reserved = [sockets.enter_context(_reserved(number)) for number in numbers]
            for number in numbers:
                sockets.enter_context(socket.socket()).bind(("127.0.0.1", number))
            # Until this process ends.
            _RESERVED.extend(socket.socket(fileno=one.detach()) for one in reserved)
            return port


def _reserved(port: int) -> socket.socket:
    """Return a socket that stands for a port. Raises OSError if another test process has it."""
    one = socket.socket(socket.AF_UNIX)
    try:
        if sys.platform == "linux":
            # In the abstract namespace, where the name is free again once the socket is closed.
            one.bind(f"\0scoped-secrets-tests-port-{port}")
    except OSError:
        one.close()
        raise
    return one


def program(name: str) -> str:
    """Return the path of a program from a system package. Raises ServerFailed if it is missing."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if not found:
        raise ServerFailed(f"There is no program '{name}'. Install the tests' packages: run 'make packages' as root.")
    return found


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    folder: Path,
    name: str,
    is_ready: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server and yield its process once it answers. Its home is `folder`, its output is in `folder/name.log`.

    Of our environment it only gets PATH, so that no credential or proxy of the machine reaches it. Raises ServerFailed.
    """
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env={**_environment(folder), **(environment or {})},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
    try:
        _wait(process, name, log, is_ready)
        yield process
    finally:
        _end(process)


def _environment(folder: Path) -> dict[str, str]:
    home = {"HOME": str(folder), "TMPDIR": str(folder)}
    return {**home, "PATH": os.environ["PATH"], "PYTHONPATH": str(TESTS), "PYTHONDONTWRITEBYTECODE": "1"}


def until(is_so: Callable[[], bool]) -> None:
    """Wait until `is_so` returns true. Raises ServerFailed after a timeout."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise ServerFailed(f"Timed out after {WAIT_SECONDS} seconds.")
        time.sleep(0.05)


def answers(url: str, *, verify: str | bool = True, below: int = 500) -> bool:
    """Return whether a GET of `url` gets a status less than `below`."""
    with contextlib.suppress(requests.RequestException), session() as client:
        return client.get(url, verify=verify, timeout=5).status_code < below
    return False


def session() -> requests.Session:
    """Return an HTTP client that ignores the machine's proxy variables and .netrc."""
    client = requests.Session()
    client.trust_env = False
    return client


def by_hand(server: contextlib.AbstractContextManager[Mapping[str, str]]) -> None:
    """Run a server until Ctrl-C or SIGTERM, and print its variables as shell exports."""
    signal.signal(signal.SIGTERM, lambda *_ignored: sys.exit(0))
    with contextlib.suppress(KeyboardInterrupt), server as variables:
        for name, value in variables.items():
            print(f"export {name}={value}", flush=True)
        signal.pause()


def processes_in(folder: Path) -> list[int]:
    """Return the processes whose working directory is `folder`, which finds every server started there."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if link.readlink() == folder:
                found.append(int(link.parent.name))
    return found


def _end_with_parent() -> None:
    """Make the kernel kill this process if the tests are killed, since they can't stop it then."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _wait(process: subprocess.Popen[bytes], name: str, log: Path, is_ready: Callable[[], bool]) -> None:
    with contextlib.suppress(ServerFailed):
        until(lambda: has_ended(process) or is_ready())
        if not has_ended(process):
            return
    why = "it ended" if has_ended(process) else f"it did not answer within {WAIT_SECONDS} seconds"
    raise ServerFailed(f"{name} did not start: {why}.\n{log.read_text(encoding='utf-8', errors='replace')[-4000:]}")


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process has ended, without reaping it: until then, no other process gets its number."""
    if process.returncode is not None:
        return True
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop the process and its children, which share its process group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        deadline = time.monotonic() + END_SECONDS
        while not has_ended(process) and time.monotonic() < deadline:
            time.sleep(0.01)
    # Last: a signal to a number that is free again could reach the processes of another test.
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
