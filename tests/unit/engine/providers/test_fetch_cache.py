# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetched values are requested once and cached for as long as the caller allows."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from concurrent.futures import Future

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.providers import fetch_cache as fetching
from ansible_collections.scoped.secrets.plugins.module_utils.engine.providers.fetch_cache import (
    WORKERS,
    Fetches,
    in_parallel,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import (
    Forbidden,
    NotFound,
    ScopedSecretsError,
    Unavailable,
)

MISSING = NotFound("unknown_path", "m", hint="h")
DOWN = Unavailable("provider_unavailable", "m", hint="h")
DENIED = Forbidden("provider_denied", "m", hint="h")


class Clock:
    """A clock that a test sets."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(fetching, "time", clock)
    return clock


def fetch(fetches: Fetches, key: Hashable, outcome: bytes | ScopedSecretsError) -> Future[bytes]:
    future, is_mine = fetches.claim(key)
    assert is_mine
    fetches.deliver(key, future, outcome)
    return future


def must_fetch(fetches: Fetches, key: Hashable, ttl: float | None = None) -> bool:
    return fetches.claim(key, ttl)[1]


def test_the_first_caller_fetches_for_all() -> None:
    fetches = Fetches()
    future, is_mine = fetches.claim("a")
    others = [fetches.claim("a") for _time in range(3)]
    assert (is_mine, others) == (True, [(future, False)] * 3)
    fetches.deliver("a", future, b"value")
    assert [other.result() for other, _mine in others] == [b"value"] * 3
    assert must_fetch(fetches, "b")


def test_a_value_is_cached() -> None:
    fetches = Fetches()
    fetch(fetches, "a", b"value")
    future, is_mine = fetches.claim("a")
    assert (future.result(), is_mine) == (b"value", False)


def test_cached_and_pending_values_are_found_and_no_others(clock: Clock) -> None:
    fetches = Fetches()
    assert fetches.find("a") is None
    future, _mine = fetches.claim("a")
    clock.now += 9
    assert (fetches.find("a"), fetches.find("a", 0)) == (future, future)
    fetches.deliver("a", future, b"value")
    assert [fetches.find("a", ttl) for ttl in (None, 10, 9, 0)] == [future, future, None, None]
    assert fetches.find("b") is None


@pytest.mark.parametrize(("error", "is_kept"), [(MISSING, True), (DOWN, False), (DENIED, False)])
def test_not_found_is_cached_and_other_errors_are_not(error: ScopedSecretsError, is_kept: bool) -> None:
    fetches = Fetches()
    future = fetch(fetches, "a", error)
    assert future.exception() is error
    assert must_fetch(fetches, "a") is not is_kept


def test_the_caller_decides_how_old_a_value_may_be(clock: Clock) -> None:
    fetches = Fetches()
    fetch(fetches, "a", b"old")
    clock.now += 9.9
    assert not must_fetch(fetches, "a", 10)
    assert must_fetch(fetches, "a", 5)
    assert not must_fetch(fetches, "a", 5)


def test_without_a_ttl_a_value_lasts_for_the_run_and_with_0_not_at_all(clock: Clock) -> None:
    fetches = Fetches()
    fetch(fetches, "a", b"old")
    clock.now += 1e6
    assert not must_fetch(fetches, "a")
    assert must_fetch(fetches, "a", 0)


def test_the_age_of_a_value_starts_with_its_request(clock: Clock) -> None:
    fetches = Fetches()
    future, _mine = fetches.claim("a")
    clock.now += 8
    fetches.deliver("a", future, b"value")
    clock.now += 2
    assert must_fetch(fetches, "a", 10)


@pytest.mark.parametrize("ttl", [0, 5])
def test_a_pending_value_never_expires(clock: Clock, ttl: float) -> None:
    fetches = Fetches()
    future, _mine = fetches.claim("a")
    clock.now += 100
    assert fetches.claim("a", ttl) == (future, False)


def test_a_pending_value_that_is_forgotten_reaches_only_those_who_wait(clock: Clock) -> None:
    fetches = Fetches()
    old, _mine = fetches.claim("a")
    fetches.forget(lambda key: key == "a")
    new, is_mine = fetches.claim("a")
    assert is_mine
    fetches.deliver("a", old, b"old")
    fetches.deliver("a", new, b"new")
    assert [future.result() for future in (old, new, fetches.claim("a")[0])] == [b"old", b"new", b"new"]


def test_only_matching_keys_are_forgotten() -> None:
    fetches = Fetches()
    for key in ("a", "b"):
        fetch(fetches, key, b"value")
    fetch(fetches, "c", MISSING)
    fetches.forget(lambda key: key in ("a", "c"))
    assert [must_fetch(fetches, key) for key in ("a", "b", "c")] == [True, False, True]


def test_memory_is_bounded_and_pending_values_stay() -> None:
    fetches = Fetches(max_bytes=100)
    waiting, _mine = fetches.claim("waiting")
    for number in range(4):
        fetch(fetches, number, b"x" * 25)
    assert not any(must_fetch(fetches, number) for number in range(4))
    fetch(fetches, "more", b"x" * 25)
    assert fetches.claim("waiting") == (waiting, False)
    assert not must_fetch(fetches, "more")
    assert all(must_fetch(fetches, number) for number in range(4))


def test_a_large_value_is_returned_but_not_cached() -> None:
    fetches = Fetches(max_bytes=100)
    fetch(fetches, "small", b"x" * 25)
    assert fetch(fetches, "large", b"x" * 26).result() == b"x" * 26
    assert must_fetch(fetches, "large")
    assert not must_fetch(fetches, "small")


def test_forgotten_values_make_room() -> None:
    fetches = Fetches(max_bytes=100)
    for _round in range(50):
        fetch(fetches, "a", b"x" * 25)
        fetches.forget(lambda key: True)
    for number in range(4):
        fetch(fetches, number, b"x" * 25)
    assert not any(must_fetch(fetches, number) for number in range(4))


def test_at_most_eight_jobs_run_at_once() -> None:
    meet, lock = threading.Barrier(WORKERS, timeout=30), threading.Lock()
    running, most, done = 0, 0, 0

    def job() -> None:
        nonlocal running, most, done
        with lock:
            running, most = running + 1, max(most, running + 1)
        meet.wait()
        with lock:
            running, done = running - 1, done + 1

    in_parallel([job] * 24)
    assert (WORKERS, most, done) == (8, 8, 24)


def test_a_single_job_runs_in_the_callers_thread() -> None:
    threads: list[int] = []
    in_parallel([lambda: threads.append(threading.get_ident())])
    assert threads == [threading.get_ident()]
    in_parallel([])
