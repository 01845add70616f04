# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret that only a check writes, at a provider in memory where others meddle. Real ones: tests/managers."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ConnectorContext
from ansible_collections.scoped.secrets.plugins.module_utils.managers.checks import Turn
from ansible_collections.scoped.secrets.plugins.module_utils.managers.probe import write_probe
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud, MemoryVault, at_once, install

PATH = "app/probe"


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    return install(monkeypatch)


@pytest.fixture
def keeper(cloud: Cloud) -> MemoryVault:
    kind = type("Kept", (MemoryVault,), {"cloud": cloud})
    made: MemoryVault = kind({"auth_method": "anonymous"}, ConnectorContext("connector 'x'"))
    made.login()
    return made


def probe(keeper: MemoryVault, turn: Turn | None = None) -> None:
    write_probe(keeper, PATH, turn or Turn(), by_hand="rm it")


def raising(error: ScopedSecretsError, times: int = 1) -> object:
    left = [times]

    def fail(_path: str) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise error

    return fail


def test_it_is_written_changed_read_and_removed(cloud: Cloud, keeper: MemoryVault) -> None:
    probe(keeper)
    assert [verb for verb, _path in cloud.asked[1:]] == ["write", "relabel", "read", "remove"]
    assert cloud.paths() == []


@pytest.mark.parametrize("verb", ["relabel", "read"])
def test_a_check_elsewhere_that_removes_it_in_between_makes_it_begin_again(
    cloud: Cloud, keeper: MemoryVault, verb: str
) -> None:
    cloud.before[verb] = raising(failures.unknown_path("it", PATH), 2)  # type: ignore[assignment]
    probe(keeper)
    assert (cloud.counts["write"], cloud.paths()) == (3, [])


def test_one_that_is_disturbed_all_the_time_gives_up_and_leaves_nothing(cloud: Cloud, keeper: MemoryVault) -> None:
    cloud.before["read"] = raising(failures.unknown_path("it", PATH), 100)  # type: ignore[assignment]
    with pytest.raises(ScopedSecretsError) as caught:
        probe(keeper)
    assert (caught.value.code, cloud.counts["write"], cloud.paths()) == ("unknown_path", 3, [])


def test_a_provider_that_is_away_is_not_asked_again(cloud: Cloud, keeper: MemoryVault) -> None:
    cloud.before["write"] = raising(failures.unavailable("it", "down"))  # type: ignore[assignment]
    with pytest.raises(ScopedSecretsError) as caught:
        probe(keeper)
    assert (caught.value.code, cloud.counts["write"], cloud.counts["remove"]) == ("provider_unavailable", 1, 1)


def test_a_failure_whose_removal_fails_too_stays_what_it_is(cloud: Cloud, keeper: MemoryVault) -> None:
    cloud.before["read"] = raising(failures.unavailable("it", "down"))  # type: ignore[assignment]
    cloud.before["remove"] = raising(failures.denied("it", "remove"))  # type: ignore[assignment]
    with pytest.raises(ScopedSecretsError) as caught:
        probe(keeper)
    error = caught.value
    assert (error.code, error.category, error.retryable) == ("provider_unavailable", "unavailable", True)
    assert (f"may have left '{PATH}'" in error.message, "rm it" in error.hint) == (True, True)
    assert cloud.paths() == [PATH]
    probe(keeper)
    assert cloud.paths() == []


def test_many_checks_at_once_write_once(cloud: Cloud, keeper: MemoryVault) -> None:
    turn = Turn()
    at_once(20, lambda _number: probe(keeper, turn))
    assert (cloud.counts["write"], cloud.counts["remove"], turn.is_done) == (1, 1, True)


def test_a_check_that_failed_does_not_stand_for_the_next(cloud: Cloud, keeper: MemoryVault) -> None:
    turn = Turn()
    cloud.before["remove"] = raising(failures.denied("it", "remove"))  # type: ignore[assignment]
    with pytest.raises(ScopedSecretsError) as caught:
        probe(keeper, turn)
    assert (caught.value.code, turn.is_done) == ("probe_left", False)
    probe(keeper, turn)
    assert (cloud.counts["write"], cloud.paths(), turn.is_done) == (2, [], True)


def test_turns_of_different_connectors_do_not_wait_for_each_other(cloud: Cloud, keeper: MemoryVault) -> None:
    both = threading.Barrier(2, timeout=30)
    cloud.before["write"] = lambda _path: both.wait()
    at_once(2, lambda _number: probe(keeper))
    assert cloud.counts["write"] >= 2
