# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A broker ends with the process of its run, on every system and however that ends, or after idling too long."""

from __future__ import annotations

import errno
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.broker import lifetime
from ansible_collections.scoped.secrets.plugins.module_utils.broker.lifetime import IDLE_LIMIT, LifeTime
from ansible_collections.scoped.secrets.plugins.module_utils.broker.meeting import Run
from ansible_collections.scoped.secrets.plugins.module_utils.processes import identity as process_identity
from ansible_collections.scoped.secrets.plugins.module_utils.processes.identity import is_running, started
from ansible_collections.scoped.secrets.tests.unit.broker.brokers import BOUND, OTHER_USER, as_user, needs_root


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def run(process: subprocess.Popen[bytes]) -> Run:
    return Run(process.pid, started(process.pid))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The broker's clock, which tests can advance."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize("ends_by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_end_of_the_run_is_announced(process: subprocess.Popen[bytes], run: Run, ends_by: int) -> None:
    life = LifeTime(run)
    assert not life.is_over()
    assert life.descriptor is not None
    assert select.select([life.descriptor], [], [], 0)[0] == []
    process.send_signal(ends_by)
    # The process is a zombie: nobody has waited for it yet.
    assert select.select([life.descriptor], [], [], BOUND)[0] == [life.descriptor]
    assert life.is_over()
    process.wait()
    assert life.is_over()


def test_without_a_descriptor_the_end_is_polled(
    process: subprocess.Popen[bytes], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    life = LifeTime(run)
    assert life.descriptor is None
    assert 0 < life.next_look <= 0.5
    assert not life.is_over()
    process.kill()
    process.wait()
    assert life.is_over()


@pytest.mark.parametrize("error", [PermissionError, OSError])
def test_without_a_pidfd_it_has_no_descriptor(run: Run, error: type[OSError], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_pid: int) -> int:
        raise error

    monkeypatch.setattr(os, "pidfd_open", refuse)
    assert LifeTime(run).descriptor is None


def test_a_run_that_has_already_ended(process: subprocess.Popen[bytes], run: Run) -> None:
    process.kill()
    process.wait()
    life = LifeTime(run)
    assert life.descriptor is None
    assert life.is_over()


class Queue:
    """A fake kqueue (macOS) that records the events it is asked to watch."""

    def __init__(self, events: list[Any], *, has_ended: bool = False) -> None:
        self._events = events
        self._has_ended = has_ended

    def control(self, events: list[Any], maximum: int) -> None:
        if self._has_ended:
            raise ProcessLookupError
        self._events += [*events, maximum]

    def fileno(self) -> int:
        return 77


def with_kqueue(monkeypatch: pytest.MonkeyPatch, queue: Queue) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    names = {name: name for name in ("KQ_FILTER_PROC", "KQ_EV_ADD", "KQ_NOTE_EXIT")}
    macos = SimpleNamespace(kqueue=lambda: queue, kevent=lambda *arguments: arguments, **names)
    monkeypatch.setattr(lifetime, "select", macos)


def test_on_macos_a_kqueue_announces_the_end(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[Any] = []
    with_kqueue(monkeypatch, Queue(events))
    life = LifeTime(run)
    assert life.descriptor == 77
    assert events == [(run.pid, "KQ_FILTER_PROC", "KQ_EV_ADD", "KQ_NOTE_EXIT"), 0]
    assert life.next_look > 0.5


def test_on_macos_a_run_that_has_already_ended(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with_kqueue(monkeypatch, Queue([], has_ended=True))
    assert LifeTime(run).descriptor is None


def test_an_idle_broker_ends_before_its_run(run: Run, clock: list[float]) -> None:
    life = LifeTime(run, idle_limit=60)
    clock[0] += 59
    assert not life.is_over()
    assert life.next_look == pytest.approx(1)
    life.called()
    clock[0] += 59
    assert not life.is_over()
    clock[0] += 1
    assert life.is_over()
    assert life.next_look == 0


def test_the_default_idle_limit(run: Run, clock: list[float]) -> None:
    life = LifeTime(run)
    clock[0] += 1799
    assert not life.is_over()
    clock[0] += 1
    assert life.is_over()
    assert IDLE_LIMIT == 1800


def test_a_reused_process_id_is_not_the_run(run: Run) -> None:
    assert is_running(*run)
    assert not is_running(run.pid, "1")
    assert LifeTime(run._replace(started="1")).is_over()


@pytest.mark.parametrize("pid", [2**22 + 1, 2**31 - 1, 2**70])
def test_an_id_that_no_process_has(pid: int) -> None:
    assert not is_running(pid, "")


@needs_root
def test_a_process_of_another_user_is_found() -> None:
    run = Run(os.getpid(), started(os.getpid()))
    assert as_user(OTHER_USER, lambda: (is_running(*run), is_running(run.pid, "1"))) == (True, False)


def test_an_unreadable_process_counts_as_running(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_descriptor_is_free(_pid: int) -> str:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(process_identity, "started", no_descriptor_is_free)
    assert is_running(*run)
