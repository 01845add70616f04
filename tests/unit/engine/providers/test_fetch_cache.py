# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that are fetched: asked for once, kept as long as they count."""

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
    """Time, as a test says."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(fetching, "time", clock)
    return clock


def bring(fetches: Fetches, key: Hashable, outcome: bytes | ScopedSecretsError) -> Future[bytes]:
    future, is_mine = fetches.claim(key)
    assert is_mine
    fetches.bring(key, future, outcome)
    return future


def must_bring(fetches: Fetches, key: Hashable, ttl: float | None = None) -> bool:
    return fetches.claim(key, ttl)[1]


def test_the_first_to_ask_brings_it_for_all() -> None:
    fetches = Fetches()
    future, is_mine = fetches.claim("a")
    others = [fetches.claim("a") for _time in range(3)]
    assert (is_mine, others) == (True, [(future, False)] * 3)
    fetches.bring("a", future, b"value")
    assert [other.result() for other, _mine in others] == [b"value"] * 3
    assert must_bring(fetches, "b")


def test_a_value_is_kept() -> None:
    fetches = Fetches()
    bring(fetches, "a", b"value")
    future, is_mine = fetches.claim("a")
    assert (future.result(), is_mine) == (b"value", False)


def test_what_is_there_or_on_its_way_is_found_and_nothing_else(clock: Clock) -> None:
    fetches = Fetches()
    assert fetches.find("a") is None
    future, _mine = fetches.claim("a")
    clock.now += 9
    assert (fetches.find("a"), fetches.find("a", 0)) == (future, future)
    fetches.bring("a", future, b"value")
    assert [fetches.find("a", ttl) for ttl in (None, 10, 9, 0)] == [future, future, None, None]
    assert fetches.find("b") is None


@pytest.mark.parametrize(("error", "is_kept"), [(MISSING, True), (DOWN, False), (DENIED, False)])
def test_what_is_not_found_is_kept_and_other_errors_are_not(error: ScopedSecretsError, is_kept: bool) -> None:
    fetches = Fetches()
    future = bring(fetches, "a", error)
    assert future.exception() is error
    assert must_bring(fetches, "a") is not is_kept


def test_a_value_counts_for_as_long_as_the_caller_says(clock: Clock) -> None:
    fetches = Fetches()
    bring(fetches, "a", b"old")
    clock.now += 9.9
    assert not must_bring(fetches, "a", 10)
    assert must_bring(fetches, "a", 5)
    assert not must_bring(fetches, "a", 5)


def test_without_a_word_it_counts_for_the_run_and_0_never_counts(clock: Clock) -> None:
    fetches = Fetches()
    bring(fetches, "a", b"old")
    clock.now += 1e6
    assert not must_bring(fetches, "a")
    assert must_bring(fetches, "a", 0)


def test_its_age_begins_when_it_was_asked_for(clock: Clock) -> None:
    fetches = Fetches()
    future, _mine = fetches.claim("a")
    clock.now += 8
    fetches.bring("a", future, b"value")
    clock.now += 2
    assert must_bring(fetches, "a", 10)


@pytest.mark.parametrize("ttl", [0, 5])
def test_one_on_its_way_counts_however_long_it_takes(clock: Clock, ttl: float) -> None:
    fetches = Fetches()
    future, _mine = fetches.claim("a")
    clock.now += 100
    assert fetches.claim("a", ttl) == (future, False)


def test_what_is_forgotten_on_its_way_reaches_who_waits_and_nobody_after(clock: Clock) -> None:
    fetches = Fetches()
    old, _mine = fetches.claim("a")
    fetches.forget(lambda key: key == "a")
    new, is_mine = fetches.claim("a")
    assert is_mine
    fetches.bring("a", old, b"old")
    fetches.bring("a", new, b"new")
    assert [future.result() for future in (old, new, fetches.claim("a")[0])] == [b"old", b"new", b"new"]


def test_only_what_matches_is_forgotten() -> None:
    fetches = Fetches()
    for key in ("a", "b"):
        bring(fetches, key, b"value")
    bring(fetches, "c", MISSING)
    fetches.forget(lambda key: key in ("a", "c"))
    assert [must_bring(fetches, key) for key in ("a", "b", "c")] == [True, False, True]


def test_memory_is_bounded_and_what_is_on_its_way_stays() -> None:
    fetches = Fetches(max_bytes=100)
    waiting, _mine = fetches.claim("waiting")
    for number in range(4):
        bring(fetches, number, b"x" * 25)
    assert not any(must_bring(fetches, number) for number in range(4))
    bring(fetches, "more", b"x" * 25)
    assert fetches.claim("waiting") == (waiting, False)
    assert not must_bring(fetches, "more")
    assert all(must_bring(fetches, number) for number in range(4))


def test_one_large_value_is_given_and_not_kept() -> None:
    fetches = Fetches(max_bytes=100)
    bring(fetches, "small", b"x" * 25)
    assert bring(fetches, "large", b"x" * 26).result() == b"x" * 26
    assert must_bring(fetches, "large")
    assert not must_bring(fetches, "small")


def test_what_is_let_go_makes_room() -> None:
    fetches = Fetches(max_bytes=100)
    for _round in range(50):
        bring(fetches, "a", b"x" * 25)
        fetches.forget(lambda key: True)
    for number in range(4):
        bring(fetches, number, b"x" * 25)
    assert not any(must_bring(fetches, number) for number in range(4))


def test_jobs_run_eight_wide_and_no_wider() -> None:
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


def test_one_job_runs_in_the_callers_thread_and_none_is_fine() -> None:
    threads: list[int] = []
    in_parallel([lambda: threads.append(threading.get_ident())])
    assert threads == [threading.get_ident()]
    in_parallel([])
