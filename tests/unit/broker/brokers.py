# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs and their brokers, as fixtures for the tests of broker and client."""

from __future__ import annotations

import base64
import contextlib
import ctypes
import os
import pickle
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.broker import protocol
from ansible_collections.scoped.secrets.plugins.module_utils.broker.main import main
from ansible_collections.scoped.secrets.plugins.module_utils.broker.meeting import (
    Meeting,
    Run,
    meeting_of,
    proof_of,
    started,
)
from ansible_collections.scoped.secrets.plugins.module_utils.client import starting, through_broker
from ansible_collections.scoped.secrets.plugins.module_utils.client import usage as client_usage
from ansible_collections.scoped.secrets.plugins.module_utils.client.connect import Client
from ansible_collections.scoped.secrets.plugins.module_utils.client.usage import usage_of_run
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.processes.caller import this_caller

__all__ = [
    "BOUND",
    "OTHER_USER",
    "PLAIN_USER",
    "Lab",
    "as_user",
    "becomes",
    "broker_in",
    "fork",
    "fork_many",
    "make_lab",
    "needs_root",
    "read",
    "wait_for",
    "write",
]

T = TypeVar("T")

# A user id that owns nothing.
OTHER_USER = 65534
# A user id without root's privileges.
PLAIN_USER = os.geteuid() or OTHER_USER
# Seconds to wait for something that is immediate on an idle machine.
BOUND = 120.0

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


class Lab:
    """One run, which is a sleeping process, and the folder that holds its brokers' files."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        self.begin()

    def begin(self) -> None:
        """Begin a run."""
        self.process = subprocess.Popen(["sleep", "600"])
        self.run = Run(self.process.pid, started(self.process.pid))

    @property
    def meeting(self) -> Meeting:
        return meeting_of(self.run, self.settings)

    def client(self, **changes: Any) -> Client:
        """Return a client as a new worker would make it."""
        return Client(self.settings._replace(**changes))

    def brokers(self) -> list[int]:
        """Return the process ids of all brokers of this lab, of any run."""
        return sorted(int(path.name) for path in Path("/proc").glob("[0-9]*") if self._is_broker(path))

    def _is_broker(self, process: Path) -> bool:
        with contextlib.suppress(OSError):
            return os.fsencode(self.folder / "plugins") in (process / "cmdline").read_bytes().split(b"\0")
        return False

    def broker(self) -> int:
        """Return the process id of the only broker."""
        (pid,) = self.brokers()
        return pid

    def files(self) -> list[str]:
        """Return the names of the brokers' files."""
        return sorted(path.name for path in (self.folder / "run").glob("scoped-secrets-*/*"))

    def usage(self) -> dict[str, int]:
        return usage_of_run()

    @contextlib.contextmanager
    def connection(self) -> Iterator[socket.socket]:
        """Connect to the broker without a client. A broker that doesn't answer in time fails the test."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(BOUND)
            connection.connect(self.meeting.socket)
            yield connection

    def call(self, what: str, **content: Any) -> dict[str, Any]:
        """Return a valid call, which tests may modify."""
        proof = proof_of(Path(self.meeting.token).read_bytes(), self.settings)
        return {"protocol": protocol.PROTOCOL, "proof": proof, "call": what, **content}

    @contextlib.contextmanager
    def locked_store(self) -> Iterator[None]:
        """Hold the store's lock for writing, so that a write waits."""
        with contextlib.closing(sqlite3.connect(self.settings.store.removeprefix("sqlite:///"))) as database:
            database.execute("BEGIN IMMEDIATE")
            yield

    def end(self, signal_number: int = signal.SIGKILL) -> None:
        """End the run."""
        self.process.send_signal(signal_number)
        self.process.wait()

    def close(self) -> None:
        self.end()
        self._wait_for_coverage()
        for pid in self.brokers():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder)

    def _wait_for_coverage(self) -> None:
        """Give brokers time to end with their run: `make coverage` learns nothing from those that are killed."""
        end = time.monotonic() + (10 if "COVERAGE_PROCESS_START" in os.environ else 0)
        while self.brokers() and time.monotonic() < end:
            time.sleep(0.01)


@contextlib.contextmanager
def make_lab(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Iterator[Lab]:
    """Yield a lab. Clients of this process and its children belong to the lab's run."""
    # pytest's own folder won't do: its path is too long for a socket, and other users can't enter it.
    folder = Path(tempfile.mkdtemp(prefix="ss-", dir="/tmp"))
    (folder / "run").mkdir(mode=0o700)
    (folder / "plugins").symlink_to(starting._ROOT)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder / "run"))
    # Each broker has this path in its command line, which tells our brokers from those of other tests.
    monkeypatch.setattr(starting, "_ROOT", str(folder / "plugins"))
    key = base64.b64encode(os.urandom(32)).decode()
    lab = Lab(folder, Settings(f"sqlite:///{folder}/store/store.db", "/none", root_key=key)._replace(**settings))
    for module in (through_broker, client_usage):
        monkeypatch.setattr(module, "this_run", lambda: lab.run)
    try:
        yield lab
    finally:
        lab.close()


def write(client: Client, identifier: str, value: bytes = b"v", **params: Any) -> bool:
    """Declare a text secret; return whether that changed anything."""
    return client.handle(Request("secret_text", {"identifier": identifier, "value": value, **params})).changed


def read(client: Client, *references: str) -> list[bytes]:
    """Return the values; raise the first error."""
    answers = client.resolve([Query(reference) for reference in references])
    for answer in answers:
        if answer.error:
            raise answer.error
    return [answer.value for answer in answers]


def wait_for(condition: Callable[[], object]) -> None:
    """Return once the condition is true; fail the test if it isn't within BOUND seconds."""
    end = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < end, f"not true within {BOUND:.0f} seconds"
        time.sleep(0.01)


def fork(work: Callable[[], object]) -> int:
    """Run `work` in a child process; return the child's id. The child exits with 1 if `work` raises."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return pid


def fork_many(number: int, work: Callable[[], object]) -> list[int]:
    """Run `work` in `number` children that start at the same moment; return their exit codes."""
    gate, opened = os.pipe()

    def in_child() -> None:
        os.close(opened)
        os.read(gate, 1)
        work()

    pids = [fork(in_child) for _child in range(number)]
    os.close(gate)
    os.close(opened)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def becomes(user: int) -> None:
    """Turn this (child) process into a plain process of another user, which that user may debug."""
    if user != os.geteuid():
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE, prctl(2): the change of user cleared it


def as_user(user: int, work: Callable[[], T]) -> T:
    """Return what `work` returns in a child process of another user."""
    source, target = os.pipe()

    def in_child() -> None:
        becomes(user)
        os.write(target, pickle.dumps(work()))

    pid = fork(in_child)
    os.close(target)
    with os.fdopen(source, "rb") as file:
        content = file.read()
    assert os.waitpid(pid, 0)[1] == 0
    result: T = pickle.loads(content)
    return result


def broker_in(folder: Path, prepare: Callable[[], object] = bool) -> tuple[int, dict[str, Any] | None]:
    """Start a plain user's broker as a child whose run is this process; return its process id and first reply."""
    ours, theirs = socket.socketpair()
    lock = os.open(folder / "n.lock", os.O_CREAT | os.O_RDWR, 0o600)
    os.chown(lock, PLAIN_USER, -1)

    def in_child() -> None:
        becomes(PLAIN_USER)
        os.dup2(theirs.fileno(), 0)
        ours.close()
        prepare()
        main()

    pid = fork(in_child)
    theirs.close()
    os.close(lock)
    with ours:
        settings = Settings(f"sqlite:///{folder}/s/store.db", f"{folder}/root.key")
        run = Run(os.getpid(), started(os.getpid()))
        order = {"meeting": (str(folder), "n"), "run": run, "settings": settings, "caller": this_caller()}
        protocol.send(ours, {**order, "lock": lock})
        return pid, protocol.receive(ours)
