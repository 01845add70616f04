# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting a broker: only one per run, even if many try at once or a starting process is killed."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.broker import protocol
from ansible_collections.scoped.secrets.plugins.module_utils.client import starting
from ansible_collections.scoped.secrets.plugins.module_utils.client.starting import NotStarted, start
from ansible_collections.scoped.secrets.plugins.module_utils.processes.programs import Process
from ansible_collections.scoped.secrets.tests.unit.broker.brokers import (
    Lab,
    fork,
    fork_many,
    make_lab,
    read,
    wait_for,
    write,
)

WORKERS = 40
# Text that does not occur anywhere by chance.
CANARY = "canary-4f1d"


def refuse() -> Any:
    raise FileNotFoundError


def test_simultaneous_callers_start_one_broker(lab: Lab) -> None:
    write(lab.client(through_broker=False), "a")

    def work() -> None:
        client = lab.client()
        assert read(client, "a") == [b"v"]
        assert client.take_notices() == []

    assert fork_many(WORKERS, work) == [0] * WORKERS
    assert len(lab.brokers()) == 1
    assert lab.usage()["calls"] == WORKERS


def test_another_store_has_a_broker_of_its_own(lab: Lab) -> None:
    first, other = lab.client(), lab.client(store=f"sqlite:///{lab.folder}/other/store.db")
    assert write(first, "a", b"1")
    assert write(other, "a", b"2")
    assert (read(first, "a"), read(other, "a")) == ([b"1"], [b"2"])
    assert len(lab.brokers()) == 2
    assert lab.usage()["calls"] == 4
    lab.end()
    wait_for(lambda: lab.brokers() == [] and lab.files() == [])


def test_a_starting_caller_may_be_killed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next caller then waits for the broker that is already starting."""
    write(lab.client(through_broker=False), "a")

    def killed() -> None:
        monkeypatch.setattr(protocol, "receive", lambda _connection: os.kill(os.getpid(), signal.SIGKILL))
        read(lab.client(), "a")

    assert os.waitpid(fork(killed), 0)[1] == signal.SIGKILL
    wait_for(lambda: lab.brokers() != [])
    started = lab.broker()
    assert fork_many(5, lambda: read(lab.client(), "a")) == [0] * 5
    assert lab.broker() == started
    assert lab.usage()["calls"] == 5


def test_a_start_interrupted_by_a_timeout_leaves_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    class Timeout(BaseException):
        pass

    def cut(_connection: object) -> None:
        raise Timeout

    with monkeypatch.context() as patched:
        patched.setattr(protocol, "receive", cut)
        with pytest.raises(Timeout):
            write(lab.client(), "a")
    assert lab.brokers() == []
    assert write(lab.client(), "a")


def test_its_arguments_and_environment_hold_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROOT_KEY", "PASSPHRASE", "SCOPE_KEY", "STORE", "ANYTHING"):
        monkeypatch.setenv(f"SCOPED_SECRETS_{name}", f"{CANARY}-{name}")
    monkeypatch.setenv("KEPT", "canary-kept")
    spawned: list[tuple[list[str], dict[str, str]]] = []

    def spy(arguments: list[str], environment: dict[str, str], **options: Any) -> Process:
        spawned.append((arguments, environment))
        return Process(arguments, environment=environment, **options)

    with make_lab(monkeypatch, root_key="", passphrase=f"{CANARY} long enough for a passphrase") as lab:
        monkeypatch.setattr(starting, "Process", spy)
        write(lab.client(), "a")
        assert CANARY not in str(spawned)
        assert [environment["KEPT"] for _arguments, environment in spawned] == ["canary-kept"]
        process = Path(f"/proc/{lab.broker()}")
        assert CANARY.encode() not in (process / "cmdline").read_bytes()
        if os.geteuid() == 0:  # only root may read it
            environment = (process / "environ").read_bytes()
            assert b"canary-kept" in environment
            assert CANARY.encode() not in environment


def test_it_imports_nothing_from_the_current_folder(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    assert write(lab.client(), "a")
    assert len(lab.brokers()) == 1


def test_a_process_that_exits_at_once_is_reported(lab: Lab) -> None:
    (lab.folder / "plugins").unlink()
    with pytest.raises(NotStarted, match="exited at once"):
        start(lab.meeting, lab.run, lab.settings, refuse)


def test_a_failure_of_the_process_is_reported(lab: Lab) -> None:
    Path(lab.meeting.socket).mkdir()
    with pytest.raises(NotStarted, match="Is a directory"):
        start(lab.meeting, lab.run, lab.settings, refuse)
    assert lab.brokers() == []


@pytest.mark.parametrize("python", ["/none/python", "/dev/null", ""])
def test_an_unusable_python_is_reported(lab: Lab, python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", python)
    with pytest.raises(NotStarted, match="can't be started"):
        start(lab.meeting, lab.run, lab.settings, refuse)


def test_a_process_that_does_not_get_ready_is_killed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = lab.folder / "python"
    stuck.write_text("#!/bin/sh\nexec sleep 600\n")
    stuck.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(stuck))
    monkeypatch.setattr(starting, "PATIENCE", 0.2)
    spawned: list[Process] = []
    real = starting._spawn

    def spy(orders: int, lock: int) -> Process:
        spawned.append(real(orders, lock))
        return spawned[-1]

    monkeypatch.setattr(starting, "_spawn", spy)
    with pytest.raises(NotStarted, match="not ready within"):
        start(lab.meeting, lab.run, lab.settings, refuse)
    assert [process.returncode for process in spawned] == [-signal.SIGKILL]


def test_no_broker_is_started_for_an_ended_run(lab: Lab) -> None:
    meeting = lab.meeting
    lab.end()
    with pytest.raises(NotStarted, match="has ended"):
        start(meeting, lab.run, lab.settings, refuse)
    assert lab.files() == []


def test_a_broker_started_by_another_process_is_used(lab: Lab) -> None:
    write(lab.client(), "a")
    with lab.connection() as there:
        assert start(lab.meeting, lab.run, lab.settings, lambda: there) is there
    assert len(lab.brokers()) == 1
