# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The broker's process: hardened from the start, and it cleans up after itself and after killed brokers."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import re
import resource
import signal
import socket
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ansible_collections.scoped.secrets.plugins.module_utils.broker import main as module
from ansible_collections.scoped.secrets.plugins.module_utils.broker.lifetime import LifeTime
from ansible_collections.scoped.secrets.plugins.module_utils.broker.main import harden, main, sweep, write_token
from ansible_collections.scoped.secrets.plugins.module_utils.broker.meeting import (
    Meeting,
    Run,
    namespace,
    started,
    this_run,
)
from ansible_collections.scoped.secrets.plugins.module_utils.client import through_broker
from ansible_collections.scoped.secrets.plugins.module_utils.client.connect import Client
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.tests.unit.broker.brokers import (
    PLAIN_USER,
    Lab,
    as_user,
    becomes,
    broker_in,
    fork,
    read,
    wait_for,
    write,
)

# Number of short runs, and how many of them run in parallel. A trial with 1,000 runs left nothing behind.
SHORT_RUNS = 32
ABREAST = 8
PTRACE_ATTACH = 16  # ptrace(2)
US = Run(os.getpid(), started(os.getpid()))
GONE = Run(2**22 + 7, "1")


def reachable(pid: int) -> set[str]:
    """Return the ways in which this process can inspect another one."""
    found: set[str] = set()
    for name in ("environ", "maps", "mem"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                if name == "mem":
                    file.seek(id(found))
                file.read(1)
            found.add(name)
        except OSError:
            pass
    try:
        os.listdir(f"/proc/{pid}/fd")
        found.add("fd")
    except OSError:
        pass
    if ctypes.CDLL(None).ptrace(PTRACE_ATTACH, pid, 0, 0) == 0:
        found.add("ptrace")
    return found


def sleep_undefended() -> None:
    becomes(PLAIN_USER)
    signal.pause()


def test_other_processes_of_the_user_can_not_inspect_it(folder: Path) -> None:
    pid, reply = broker_in(folder)
    # A control: a process that isn't hardened can be inspected.
    other = fork(sleep_undefended)
    try:
        wait_for(lambda: as_user(PLAIN_USER, lambda: {"environ", "maps", "fd"} <= reachable(other)))
        assert reply == {"ready": True}
        assert as_user(PLAIN_USER, lambda: reachable(pid)) == set()
    finally:
        for child in (pid, other):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def test_a_crash_leaves_no_core(folder: Path) -> None:
    pid, _reply = broker_in(folder)
    os.kill(pid, signal.SIGQUIT)
    status = os.waitpid(pid, 0)[1]
    assert (os.WTERMSIG(status), os.WCOREDUMP(status)) == (signal.SIGQUIT, False)
    assert re.search(r"Max core file size +0 +0 ", limits_of_child(harden))


def limits_of_child(prepare: Callable[[], None]) -> str:
    """Return the resource limits of a child after it has called `prepare`."""
    source, target = os.pipe()

    def in_child() -> None:
        # Open the file first: this process may already have more files open than the limit under test.
        with open("/proc/self/limits", "rb") as limits:
            prepare()
            os.write(target, limits.read())

    pid = fork(in_child)
    os.close(target)
    with os.fdopen(source, "rb") as file:
        text = file.read().decode()
    assert os.waitpid(pid, 0)[1] == 0
    return text


def test_it_raises_a_low_limit_of_open_files() -> None:
    def prepare() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 1024))
        harden()

    assert re.search(r"Max open files +1024 +1024 ", limits_of_child(prepare))


def test_a_limit_that_can_not_be_raised_stays() -> None:
    def prepare() -> None:
        def refuse(_which: int, _limits: tuple[int, int]) -> None:
            raise ValueError

        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 1024))
        resource.setrlimit = refuse
        module._raise_limit()

    assert re.search(r"Max open files +64 +1024 ", limits_of_child(prepare))


def test_it_sets_the_umask_and_leaves_the_folder() -> None:
    def prepare() -> None:
        os.umask(0)
        harden()
        assert (os.umask(0), os.getcwd()) == (0o077, "/")

    limits_of_child(prepare)


def test_without_an_order_it_ends(folder: Path) -> None:
    ours, theirs = socket.socketpair()

    def in_child() -> None:
        os.dup2(theirs.fileno(), 0)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        ours.close()
        theirs.close()
        main()

    pid = fork(in_child)
    ours.close()
    theirs.close()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    assert list(folder.iterdir()) == []


def test_an_idle_broker_ends_and_cleans_up(folder: Path) -> None:
    def prepare() -> None:
        setattr(module, "LifeTime", partial(LifeTime, idle_limit=0.2))  # noqa: B010

    pid, reply = broker_in(folder, prepare)
    assert reply == {"ready": True}
    assert os.waitpid(pid, 0)[1] == 0
    assert list(folder.iterdir()) == []


def test_it_reports_why_it_can_not_start(folder: Path) -> None:
    (folder / "n.sock").mkdir()
    pid, reply = broker_in(folder)
    os.waitpid(pid, 0)
    assert reply == {"failed": "Is a directory"}


def test_a_token_is_complete_and_private(tmp_path: Path) -> None:
    path = tmp_path / "token"
    for token in (b"one" * 10, b"two"):
        write_token(str(path), token)
        assert (path.read_bytes(), path.stat().st_mode & 0o777) == (token, 0o600)
    assert os.listdir(tmp_path) == ["token"]


def name_of(run: Run, space: str | None = None) -> str:
    return f"{run.pid}-{run.started}-{namespace() if space is None else space}-0123"


def test_sweeping_removes_files_of_ended_runs(tmp_path: Path) -> None:
    stays = [f"{name_of(US)}.{end}" for end in ("sock", "token", "lock", "token.12")]
    stays += ["notes", "12-notes", ".hidden", "a-b-c-d.sock", "²-1-1-1.sock"]
    goes = [f"{name_of(run)}.{end}" for run in (GONE, US._replace(started="1")) for end in ("sock", "token", "lock")]
    goes.append(f"{name_of(GONE)}.token.12")
    for name in (*stays, *goes):
        (tmp_path / name).touch()
    for run in (GONE, US):
        (tmp_path / f"{name_of(run)}.7.d").mkdir()
        (tmp_path / f"{name_of(run)}.7.d/agent").touch()
    sweep(str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == sorted([*stays, f"{name_of(US)}.7.d"])


def test_sweeping_spares_brokers_of_other_containers(folder: Path) -> None:
    """Process ids of other containers mean nothing here; only a socket without a listener shows that a broker ended."""
    living, dead = (Meeting(str(folder), name_of(run, "42")) for run in (GONE, US))
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as left:
        for meeting, bound in ((living, listener), (dead, left)):
            Path(meeting.token).touch()
            bound.bind(meeting.socket)
        listener.listen(1)
        left.close()
        # A broker that does not listen yet.
        early = Meeting(str(folder), name_of(GONE, "43"))
        Path(early.token).touch()
        sweep(str(folder))
        stay = (living.socket, living.token, early.token)
        assert sorted(os.listdir(folder)) == sorted(map(os.path.basename, stay))


def test_a_broker_that_was_killed_is_swept_by_the_next(lab: Lab) -> None:
    write(lab.client(), "a")
    first, left = lab.broker(), lab.files()
    os.kill(first, signal.SIGKILL)
    lab.end()
    wait_for(lambda: lab.brokers() == [])
    assert lab.files() == left != []
    lab.begin()
    assert read(lab.client(), "a") == [b"v"]
    assert not set(left) & set(lab.files())


def test_it_removes_its_files_at_the_end(lab: Lab) -> None:
    write(lab.client(), "a")
    assert len(lab.brokers()) == 1
    assert len(lab.files()) == 3
    lab.end()
    wait_for(lambda: lab.brokers() == [] and lab.files() == [])


def test_it_removes_files_of_a_killed_broker_of_its_run(lab: Lab) -> None:
    write(lab.client(), "a")
    killed = lab.broker()
    write(lab.client(store=f"sqlite:///{lab.folder}/other/store.db"), "a")
    os.kill(killed, signal.SIGKILL)
    lab.end()
    wait_for(lambda: lab.brokers() == [] and lab.files() == [])


def short_run(lab: Lab, number: int) -> None:
    """Read once as a run: directly, in a worker, with its broker killed, or killed itself, depending on `number`."""
    setattr(through_broker, "this_run", this_run)  # noqa: B010 -- undo the lab's patch
    if number % 4 == 1:
        worker = multiprocessing.get_context("fork").Process(target=lambda: read(lab.client(), "a"))
        worker.start()
        worker.join()
        assert worker.exitcode == 0
        return
    client = lab.client()
    assert read(client, "a") == [b"v"]
    if number % 4 == 2:
        (place,) = (check["message"] for check in doctor(client) if check["check"] == "engine")
        os.kill(int(place.rpartition(" ")[2]), signal.SIGKILL)
        assert read(client, "a") == [b"v"]
    if number % 4 == 3:
        os.kill(os.getpid(), signal.SIGKILL)


def doctor(client: Client) -> list[dict[str, str]]:
    checks: list[dict[str, str]] = client.handle(Request("doctor", {})).returned["checks"]
    return checks


def test_many_short_runs_leave_nothing(lab: Lab) -> None:
    write(lab.client(through_broker=False), "a")
    ends: Counter[int] = Counter()
    for first in range(0, SHORT_RUNS, ABREAST):
        runs = [fork(partial(short_run, lab, number)) for number in range(first, first + ABREAST)]
        ends.update(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in runs)
    assert ends == {0: SHORT_RUNS * 3 // 4, -signal.SIGKILL: SHORT_RUNS // 4}
    wait_for(lambda: lab.brokers() == [] and lab.files() == [])
