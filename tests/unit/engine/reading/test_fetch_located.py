# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Located values are fetched once each, in as few requests as possible, eight at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine, Shared
from ansible_collections.scoped.secrets.plugins.module_utils.engine.providers import fetch_cache as fetching
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import OURS, Cloud, Kept, at_once, waiting_for
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    add_connector,
    declare,
    error_of,
    forget_kind,
    in_time,
    read,
)

THREADS = 50


@pytest.fixture
def vault(settings: Settings, cloud: Cloud, engine: Engine) -> Engine:
    """Connectors `vault` and `batch`, and 60 values there that others wrote."""
    declare(engine, "scope", name="Root")
    add_connector(settings, "vault")
    add_connector(settings, "batch", kind="memory_batch")
    for number in range(60):
        cloud.put(f"p{number}", b'{"a": "1", "b": "2"}')
    return Engine(settings)


def codes_of(engine: Engine, *references: str, **query: Any) -> list[str]:
    answers = engine.resolve([Query(reference, **query) for reference in references])
    return [answer.error.code if answer.error else "" for answer in answers]


def urls(count: int, scheme: str = "memory", connector: str = "vault") -> list[str]:
    return [f"{scheme}://{connector}/p{number}" for number in range(count)]


def counted_asking(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> Callable[[], int]:
    """Return a function that tells how often a value was looked up."""
    fetches, lock, asked = engine.shared.fetches, threading.Lock(), [0]
    find = fetches.find

    def counting(*args: Any) -> Any:
        found = find(*args)
        with lock:
            asked[0] += 1
        return found

    monkeypatch.setattr(fetches, "find", counting)
    return lambda: asked[0]


def test_fifty_concurrent_reads_of_one_value_cause_one_login_and_one_read(
    monkeypatch: pytest.MonkeyPatch, cloud: Cloud, vault: Engine
) -> None:
    asked = counted_asking(monkeypatch, vault)
    # The read ends only when all have asked.
    cloud.before["read"] = lambda _path: waiting_for(lambda: asked() == THREADS)
    values = at_once(THREADS, lambda _number: read(vault, "memory://vault/p0#a"))
    assert values == [b"1"] * THREADS
    assert (cloud.counts["login"], cloud.counts["read"]) == (1, 1)


def test_fifty_concurrent_reads_of_different_values_cause_one_login(cloud: Cloud, vault: Engine) -> None:
    values = at_once(THREADS, lambda number: read(vault, f"memory://vault/p{number}#b"))
    assert values == [b"2"] * THREADS
    assert (cloud.counts["login"], cloud.counts["read"]) == (1, THREADS)


def test_one_failure_reaches_all_fifty_waiting_readers(
    monkeypatch: pytest.MonkeyPatch, cloud: Cloud, vault: Engine
) -> None:
    asked = counted_asking(monkeypatch, vault)

    def fail(_path: str) -> None:
        waiting_for(lambda: asked() == THREADS)
        raise failures.unavailable("it", "down")

    cloud.before["read"] = fail
    codes = at_once(THREADS, lambda _number: codes_of(vault, "memory://vault/p0")[0])
    assert (set(codes), cloud.counts["read"]) == ({"provider_unavailable"}, 1)


def test_engines_of_one_process_share_fetched_values(settings: Settings, cloud: Cloud, vault: Engine) -> None:
    shared = Shared()
    engines = [Engine(settings, shared=shared) for _time in range(3)]
    assert [read(engine, "memory://vault/p0#a") for engine in engines] == [b"1"] * 3
    assert (cloud.counts["login"], cloud.counts["read"]) == (1, 1)
    assert read(Engine(settings), "memory://vault/p0#a") == b"1"
    assert (cloud.counts["login"], cloud.counts["read"]) == (2, 2)


def test_a_hundred_references_to_one_path_are_one_read(cloud: Cloud, vault: Engine) -> None:
    names = [f"memory://vault/p0{key}" for key in ("", "#a", "#b", "#/a")] * 25
    answers = vault.resolve([Query(name) for name in names])
    assert [answer.value for answer in answers[:4]] == [b'{"a": "1", "b": "2"}', b"1", b"2", b"1"]
    assert len(answers) == 100
    assert cloud.counts["read"] == 1


def test_one_query_with_ttl_0_refreshes_the_value_for_the_whole_call(cloud: Cloud, vault: Engine) -> None:
    name = "memory://vault/p0"
    assert codes_of(vault, name) == [""]
    cloud.put("p0", b"changed by others")
    answers = vault.resolve([Query(name), Query(name, cache_ttl=0), Query(name, cache_ttl=60)])
    assert {answer.value for answer in answers} == {b"changed by others"}
    assert cloud.counts["read"] == 2


def test_fetched_values_are_cached_for_the_run(cloud: Cloud, vault: Engine) -> None:
    for _round in range(3):
        assert codes_of(vault, *urls(10)) == [""] * 10
    cloud.put("p0", b"changed by others")
    assert read(vault, "memory://vault/p0#a") == b"1"
    assert (cloud.counts["read"], cloud.counts["login"]) == (10, 1)


def test_cache_ttl_0_reads_each_time_and_once_per_call(cloud: Cloud, vault: Engine) -> None:
    name = "memory://vault/p0"
    for number in range(3):
        cloud.put("p0", b"%d" % number)
        answers = vault.resolve([Query(name, cache_ttl=0), Query(name, cache_ttl=0), Query(name)])
        assert [answer.value for answer in answers] == [b"%d" % number] * 3
    assert cloud.counts["read"] == 3


def test_cache_ttl_n_reads_again_after_n_seconds(monkeypatch: pytest.MonkeyPatch, cloud: Cloud, vault: Engine) -> None:
    class Clock:
        now = 0.0

        def monotonic(self) -> float:
            return self.now

    clock = Clock()
    monkeypatch.setattr(fetching, "time", clock)
    for moment, reads in ((0, 1), (59.9, 1), (60, 2), (61, 2), (120, 3)):
        clock.now = moment
        assert codes_of(vault, "memory://vault/p0", cache_ttl=60) == [""]
        assert cloud.counts["read"] == reads
    clock.now = 1e9
    assert (codes_of(vault, "memory://vault/p0"), cloud.counts["read"]) == ([""], 3)


def test_missing_values_are_cached_and_failures_are_not(cloud: Cloud, vault: Engine) -> None:
    for _round in range(3):
        assert codes_of(vault, "memory://vault/none") == ["unknown_path"]
    assert cloud.counts["read"] == 1
    for error in (failures.denied("it", "read"), failures.incomplete_reply("it", "p"), failures.throttled("it")):

        def fail(_path: str, error: Exception = error) -> None:
            raise error

        cloud.before["read"] = fail
        assert codes_of(vault, "memory://vault/p1") == [error.code]
    del cloud.before["read"]
    assert (codes_of(vault, "memory://vault/p1"), cloud.counts["read"]) == ([""], 5)


def test_a_missing_field_causes_no_second_read(cloud: Cloud, vault: Engine) -> None:
    for _round in range(2):
        assert codes_of(vault, "memory://vault/p0#none", "memory://vault/p0#a") == ["unknown_key", ""]
    assert cloud.counts["read"] == 1


def test_one_error_does_not_spoil_the_others(cloud: Cloud, vault: Engine) -> None:
    assert codes_of(
        vault, "memory://vault/p0", "none", "memory://vault/none", "memory://no/p", "memory://vault/p1"
    ) == [
        "",
        "unknown_secret",
        "unknown_path",
        "unknown_connector",
        "",
    ]


def test_at_most_eight_reads_run_at_once(cloud: Cloud, vault: Engine) -> None:
    meet = threading.Barrier(8, timeout=30)
    cloud.before["read"] = lambda _path: meet.wait()
    assert codes_of(vault, *urls(24)) == [""] * 24
    assert (cloud.counts["read"], cloud.most_at_once) == (24, 8)


def test_a_batch_is_one_request(cloud: Cloud, vault: Engine) -> None:
    assert codes_of(vault, *urls(45, "batch", "batch")) == [""] * 45
    sizes = sorted(len(paths.split(",")) for verb, paths in cloud.asked if verb == "read_many")
    assert (sizes, cloud.counts["read"], cloud.counts["login"]) == ([5, 20, 20], 0, 1)
    assert codes_of(vault, *urls(60, "batch", "batch")) == [""] * 60
    assert cloud.counts["read_many"] == 4


def test_a_batch_requests_each_path_once_and_a_single_path_is_not_batched(cloud: Cloud, vault: Engine) -> None:
    names = [f"batch://batch/p{number}#{key}" for number in range(3) for key in "ab"]
    assert codes_of(vault, *names) == [""] * 6
    assert [paths for verb, paths in cloud.asked if verb == "read_many"] == ["p0,p1,p2"]
    assert codes_of(vault, "batch://batch/p9", "batch://batch/p0") == ["", ""]
    assert (cloud.counts["read"], cloud.counts["read_many"]) == (1, 1)


def test_in_a_batch_each_path_has_its_own_error(cloud: Cloud, vault: Engine) -> None:
    def fail(path: str) -> None:
        if path == "p1":
            raise failures.denied("it", "read")

    cloud.before["read_of_many"] = fail
    names = [f"batch://batch/{path}" for path in ("p0", "none", "p1")]
    assert codes_of(vault, *names) == ["", "unknown_path", "provider_denied"]
    cloud.before.clear()
    assert codes_of(vault, *names) == ["", "unknown_path", ""]
    assert (cloud.counts["read_many"], cloud.counts["read"]) == (1, 1)


def test_in_a_batch_a_spoiled_value_affects_no_other(cloud: Cloud, vault: Engine) -> None:
    for name in "abc":
        declare(vault, "secret_text", identifier=name, value=name.encode(), secret_manager="batch")
    cloud.put("app/b", b"not ours any more")
    assert codes_of(vault, *"abc") == ["", "value_field_missing", ""]
    assert cloud.counts["read_many"] == 1


def test_a_failed_batch_fails_all_its_queries(cloud: Cloud, vault: Engine) -> None:
    def fail(_paths: str) -> None:
        raise failures.timed_out("it", 1)

    cloud.before["read_many"] = fail
    assert codes_of(vault, *urls(3, "batch", "batch")) == ["provider_timeout"] * 3
    cloud.before["read_many"] = lambda _paths: 1 / 0
    assert codes_of(vault, *urls(3, "batch", "batch")) == ["internal_error"] * 3
    cloud.before.clear()
    assert codes_of(vault, *urls(3, "batch", "batch")) == [""] * 3


def test_sealed_values_are_opened_one_by_one(settings: Settings, cloud: Cloud, vault: Engine) -> None:
    add_connector(settings, "kms", kind="memory_kms")
    for name in ("one", "two"):
        declare(vault, "secret_text", identifier=name, value=name.encode(), secret_manager="kms")
    answers = Engine(settings).resolve([Query("one"), Query("two")])
    assert [answer.value for answer in answers] == [b"one", b"two"]
    assert (cloud.counts["unwrap"], cloud.counts["read_many"]) == (2, 0)


def test_versions_are_read_one_by_one(cloud: Cloud, vault: Engine) -> None:
    for value in (b"one", b"two"):
        declare(vault, "secret_text", identifier="a", value=value, secret_manager="batch")
    declare(vault, "secret_text", identifier="b", value=b"b", secret_manager="batch")
    answers = vault.resolve([Query("a"), Query("a@1"), Query("b")])
    assert [answer.value for answer in answers] == [b"two", b"one", b"b"]
    assert [path for verb, path in cloud.asked if verb == "read_many"] == ["app/a,app/b"]


@pytest.mark.parametrize("kind", ["text", "file"])
@pytest.mark.parametrize("lie", [OURS + b"canary 2", OURS, OURS + b"Canary 1"])
def test_a_version_that_a_manager_has_with_another_value_is_refused(
    settings: Settings, cloud: Cloud, vault: Engine, kind: str, lie: bytes
) -> None:
    for value in (b"canary 1", b"canary 2"):
        declare(vault, f"secret_{kind}", identifier="a", value=value, secret_manager="vault")
    cloud.values["main", "app/a"][0] = Kept(lie, cloud.values["main", "app/a"][1].owner)
    assert codes_of(Engine(settings), "a@1", "a@2", "a") == ["version_changed", "", ""]
    error = error_of(lambda: read(Engine(settings), "a", version="1"))
    assert (error.category, "anary" in str(error)) == ("damaged", False)
    # The newest may be changed at the manager.
    cloud.values["main", "app/a"].append(Kept(lie, cloud.values["main", "app/a"][1].owner))
    assert read(Engine(settings), "a") == lie.removeprefix(OURS)


def test_a_foreign_exception_is_reported_without_its_text(cloud: Cloud, vault: Engine) -> None:
    def fail(_path: str) -> None:
        raise RuntimeError("canary")

    cloud.before["read"] = fail
    error = error_of(lambda: read(vault, "memory://vault/p0"))
    assert (error.code, "canary" in str(error)) == ("internal_error", False)
    cloud.before.clear()
    assert read(vault, "memory://vault/p0#a") == b"1"


def test_stored_values_need_no_provider(cloud: Cloud, vault: Engine) -> None:
    declare(vault, "secret_text", identifier="here", value=b"v")
    assert (read(vault, "here"), cloud.asked) == (b"v", [])


def test_an_unknown_kind_is_an_error_each_time(settings: Settings, vault: Engine) -> None:
    """And not a wait for a fetch that nobody makes."""
    add_connector(settings, "later")
    declare(vault, "secret_text", identifier="a", value=b"v", secret_manager="later")
    forget_kind(settings, "later")
    for _round in range(2):
        assert in_time(lambda: codes_of(vault, "a", "memory://vault/p0")) == ["unknown_kind", ""]


def test_a_login_that_needs_a_requested_value_does_not_deadlock(
    settings: Settings, cloud: Cloud, vault: Engine
) -> None:
    """Eight reads wait for a login, which waits for a value that is read after them."""
    add_connector(settings, "second", auth_method="token", token_ref="memory://vault/token")
    cloud.put("token", b"good")
    names = [f"memory://second/p{number}" for number in range(30)]
    assert in_time(lambda: codes_of(vault, *names, "memory://vault/token")) == [""] * 31
    assert (cloud.counts["login"], cloud.counts["read"]) == (2, 31)
