# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is declared: in turn with others, in check mode, and at secret managers that others use too."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes import declare as declaring
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.batch import Batch, Crew
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.change import Step
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.intents import Held, Intents
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things.secrets import SecretResource
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput, StoreRefused, Unavailable
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import OURS, Cloud, at_once
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    add_connector,
    check,
    content_of,
    declare,
    error_of,
    is_made,
    read,
    shown,
)

WRITERS, WRITES = 20, 10


@pytest.fixture
def managers(settings: Settings, engine: Engine) -> Engine:
    """Connectors `vault` and `kms`."""
    declare(engine, "scope", name="Root")
    add_connector(settings, "vault")
    add_connector(settings, "kms", kind="memory_kms")
    return Engine(settings)


def keep(engine: Engine, value: bytes, identifier: str = "a", **params: Any) -> bool:
    return declare(engine, "secret_text", identifier=identifier, value=value, **params).changed


def once(cloud: Cloud, verb: str, meddle: Callable[[], object]) -> None:
    """Let something happen before a verb is done the first time."""

    def hook(_path: str) -> None:
        del cloud.before[verb]
        meddle()

    cloud.before[verb] = hook


def values_of(engine: Engine, versions: int, identifier: str = "a") -> list[bytes]:
    """Return every version of a secret, newest last, as a reader without any cache gets it."""
    reader = Engine(engine.settings)
    return [read(reader, f"{identifier}@{number}") for number in range(1, versions + 1)]


def in_between(cloud: Cloud, manager: str, meddle: Callable[[], object]) -> None:
    """Call `meddle` once the next change is planned, and before its intents are recorded."""
    if manager == "kms":
        once(cloud, "wrap", meddle)
        return
    patch, record = pytest.MonkeyPatch(), Batch.STEPS[Step.RECORD]

    def record_late(batch: Batch) -> None:
        patch.undo()
        meddle()
        record(batch)

    patch.setattr(Batch, "STEPS", {**Batch.STEPS, Step.RECORD: record_late})


def consistent(engine: Engine, versions: int, *, identifier: str = "a") -> bytes:
    """Return the value of a secret; it is its last version, and every row is as it was written."""
    assert len(shown(engine, "scope_info", verify=True)) == 1
    assert shown(engine, "secret_info", identifier=identifier)[0]["version"] == versions
    newest = read(Engine(engine.settings), identifier)
    assert newest == values_of(engine, versions, identifier)[-1]
    assert not keep(engine, newest, identifier)
    return newest


@pytest.mark.parametrize("manager", ["vault", "kms"])
def test_parallel_writers_of_one_secret_lose_nothing(cloud: Cloud, managers: Engine, manager: str) -> None:
    """Threads of one engine, each of which writes values that nobody else does: they take turns."""

    def write(writer: int) -> None:
        for number in range(WRITES):
            assert keep(managers, b"%d-%d" % (writer, number), secret_manager=manager)

    at_once(WRITERS, write)
    total = WRITERS * WRITES
    assert (cloud.counts["write"] + cloud.counts["wrap"], cloud.counts["login"]) == (total, 1)
    consistent(managers, total)
    written = {b"%d-%d" % (writer, number) for writer in range(WRITERS) for number in range(WRITES)}
    assert set(values_of(managers, total)) == written


@pytest.mark.parametrize("manager", ["vault", "kms"])
def test_parallel_writers_in_engines_of_their_own_lose_nothing(
    settings: Settings, managers: Engine, manager: str
) -> None:
    """As processes without a broker do: nothing but the store tells them of each other."""

    def write(writer: int) -> None:
        engine = Engine(settings)
        for number in range(3):
            assert keep(engine, b"%d-%d" % (writer, number), secret_manager=manager)

    at_once(6, write)
    consistent(managers, 18)
    assert set(values_of(managers, 18)) == {b"%d-%d" % (writer, number) for writer in range(6) for number in range(3)}


@pytest.mark.parametrize("manager", ["vault", "kms"])
@pytest.mark.parametrize("value", [b"theirs", b"mine"])
def test_another_writer_in_between_means_that_all_begins_anew(
    settings: Settings, cloud: Cloud, managers: Engine, manager: str, value: bytes
) -> None:
    keep(managers, b"one", secret_manager=manager)
    in_between(cloud, manager, lambda: keep(Engine(settings), value))
    result = declare(managers, "secret_text", identifier="a", value=b"mine")
    if value == b"mine":
        assert consistent(managers, 2) == b"mine"
    else:
        assert (result.changed, result.returned["secret"]["version"]) == (True, 3)
        assert consistent(managers, 3) == b"mine"
        assert values_of(managers, 3) == [b"one", b"theirs", b"mine"]


def test_a_value_that_only_reached_the_provider_reaches_the_store_too(
    settings: Settings, cloud: Cloud, managers: Engine
) -> None:
    """Written there by one that died, or that the store had overtaken: the store must follow all the same."""
    keep(managers, b"one", secret_manager="vault")
    reader = Engine(settings)
    assert read(reader, "a") == b"one"
    cloud.overwrite("app/a", OURS + b"two")
    assert keep(managers, b"two")
    assert consistent(managers, 2) == b"two"
    assert read(reader, "a") == b"two"


def test_two_that_make_one_secret_make_it_once(settings: Settings, cloud: Cloud, managers: Engine) -> None:
    in_between(cloud, "vault", lambda: keep(Engine(settings), b"theirs", secret_manager="vault"))
    assert keep(managers, b"mine", secret_manager="vault")
    assert consistent(managers, 2) == b"mine"
    in_between(cloud, "kms", lambda: keep(Engine(settings), b"theirs", "b", secret_manager="kms"))
    assert keep(managers, b"mine", "b", secret_manager="kms")
    assert consistent(managers, 2, identifier="b") == b"mine"


def test_one_that_removes_and_one_that_writes(settings: Settings, cloud: Cloud, managers: Engine) -> None:
    keep(managers, b"one", secret_manager="vault")
    gone = {"identifier": "a", "state": "absent"}
    in_between(cloud, "vault", lambda: declare(Engine(settings), "secret_text", **gone))
    assert keep(managers, b"two", secret_manager="vault")
    assert consistent(managers, 1) == b"two"
    in_between(cloud, "vault", lambda: keep(Engine(settings), b"three"))
    assert declare(managers, "secret_text", **gone).changed
    assert (shown(managers, "secret_info"), cloud.paths()) == ([], [])


def test_a_connector_that_changes_in_between(settings: Settings, cloud: Cloud, managers: Engine) -> None:
    """Its secrets are kept where it is now, and not where it was."""
    call = {"identifier": "vault", "base": "moved"}
    once(cloud, "write", lambda: declare(Engine(settings), "connector_memory_vault", **call))
    assert keep(managers, b"v", secret_manager="vault")
    assert read(Engine(settings), "a") == b"v"
    assert cloud.newest("moved/a") == OURS + b"v"


def test_a_change_that_never_ends_is_told(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, cloud: Cloud, managers: Engine
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(declaring, "time", SimpleNamespace(sleep=pauses.append, monotonic=lambda: sum(pauses)))
    monkeypatch.setattr(declaring, "_jitter", SimpleNamespace(uniform=lambda least, most: most if least == 0 else 99))
    keep(managers, b"0", secret_manager="kms")
    values = iter(range(1, 1000))

    def meddle(_path: str) -> None:
        hook = cloud.before.pop("wrap")
        keep(Engine(settings), b"%d" % next(values))
        cloud.before["wrap"] = hook

    cloud.before["wrap"] = meddle
    error = error_of(lambda: keep(managers, b"mine"))
    assert (type(error), error.code, error.retryable) == (Unavailable, "changed_meanwhile", True)
    assert (pauses[:8], max(pauses)) == ([0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0, 1.0], 1.0)
    assert 60 < sum(pauses) <= 61
    assert "for 60 seconds" in error.message
    assert next(values) == len(pauses) + 2
    assert len(shown(managers, "scope_info", verify=True)) == 1


def test_what_fails_at_the_provider_changes_nothing_in_the_store(
    settings: Settings, cloud: Cloud, managers: Engine
) -> None:
    keep(managers, b"one", secret_manager="vault")
    keep(managers, b"one", "b", secret_manager="kms")
    before = content_of(settings)

    def fail(_path: str) -> None:
        raise failures.timed_out("it", 1)

    for verb in ("write", "wrap", "remove"):
        cloud.before[verb] = fail
    calls: list[dict[str, Any]] = [
        {"identifier": "a", "value": b"two"},
        {"identifier": "b", "value": b"two"},
        {"identifier": "c", "value": b"two", "secret_manager": "vault"},
        {"identifier": "d", "value": b"two", "secret_manager": "kms"},
        {"identifier": "a", "state": "absent"},
    ]
    for call in calls:
        assert error_of(lambda call=call: declare(managers, "secret_text", **call)).code == "provider_timeout"
        assert content_of(settings) == before


def test_a_write_through_the_engine_is_seen_at_once(cloud: Cloud, managers: Engine) -> None:
    for number in range(3):
        value = b'{"f": "%d"}' % number
        keep(managers, value, secret_manager="vault")
        assert [read(managers, name) for name in ("a", "a#f")] == [value, b"%d" % number]
        assert read(managers, "memory://vault/app/a") == OURS + value
        keep(managers, value, "b", secret_manager="kms")
        assert read(managers, "b") == value
    assert declare(managers, "secret_text", identifier="a", state="absent").changed
    assert error_of(lambda: read(managers, "a")).code == "unknown_secret"
    assert error_of(lambda: read(managers, "memory://vault/app/a")).code == "unknown_path"


def test_a_write_by_another_engine_is_seen_at_once(settings: Settings, cloud: Cloud, managers: Engine) -> None:
    other = Engine(settings)
    for number in range(3):
        for name, manager in (("a", "vault"), ("b", "kms"), ("c", "builtin")):
            keep(other, b"%d" % number, name, secret_manager=manager)
        answers = managers.resolve([Query(name) for name in "abcabc"])
        assert [answer.value for answer in answers] == [b"%d" % number] * 6
    reads, unwraps = cloud.counts["read"], cloud.counts["unwrap"]
    managers.resolve([Query(name) for name in "abc"])
    assert (cloud.counts["read"], cloud.counts["unwrap"]) == (reads, unwraps)


def test_the_same_again_writes_nothing(settings: Settings, cloud: Cloud, managers: Engine) -> None:
    for name, manager in (("a", "vault"), ("b", "kms"), ("c", "builtin")):
        assert keep(managers, b"v", name, secret_manager=manager)
    before, dump = content_of(settings), cloud.dump
    for name in "abc":
        assert not keep(Engine(settings), b"v", name)
        assert keep(Engine(settings), b"v", name, update_value="on_create") is False
    assert (content_of(settings), cloud.dump) == (before, dump)


def test_what_others_changed_at_the_provider_is_set_right(settings: Settings, cloud: Cloud, managers: Engine) -> None:
    keep(managers, b"v", secret_manager="vault")
    cloud.overwrite("app/a", OURS + b"by hand")
    assert read(managers, "a") == b"by hand"
    assert check(managers, "secret_text", identifier="a", value=b"v").changed
    assert keep(managers, b"v")
    assert consistent(managers, 2) == b"v"
    del cloud.values["main", "app/a"]
    assert error_of(lambda: read(Engine(settings), "a")).code == "unknown_path"
    assert keep(managers, b"v")
    assert read(Engine(settings), "a") == b"v"


def test_check_mode_says_the_same_and_writes_nothing_anywhere(
    settings: Settings, cloud: Cloud, managers: Engine
) -> None:
    for name, manager in (("a", "vault"), ("b", "kms")):
        keep(managers, b"v", name, secret_manager=manager)
    cloud.put("theirs", b"{}")
    before, dump = content_of(settings), cloud.dump
    calls: list[tuple[bool, dict[str, Any]]] = [
        (True, {"identifier": "a", "value": b"w"}),
        (False, {"identifier": "a", "value": b"v"}),
        (True, {"identifier": "a", "name": "N"}),
        (True, {"identifier": "a", "state": "absent"}),
        (True, {"identifier": "b", "value": b"w"}),
        (False, {"identifier": "b", "value": b"v"}),
        (True, {"identifier": "b", "state": "absent"}),
        (True, {"identifier": "c", "value": b"v", "secret_manager": "vault"}),
        (True, {"identifier": "c", "value": b"v", "secret_manager": "kms"}),
        (True, {"identifier": "c", "reference": "theirs", "secret_manager": "vault"}),
        (False, {"identifier": "c", "state": "absent"}),
    ]
    foreseen = []
    for changes, call in calls:
        result = check(managers, "secret_text", **call)
        assert (result.changed, content_of(settings), cloud.dump) == (changes, before, dump), call
        foreseen.append((result.before, result.after))
    for (_changes, call), said in zip(calls[:3], foreseen, strict=False):
        result = declare(managers, "secret_text", **call)
        assert result.changed or call["value"] in (b"v", b"w")
        if call == calls[0][1]:
            assert (result.before, result.after) == said


def test_an_unknown_resource_is_refused(managers: Engine) -> None:
    for name in ("none", "secret_", "connector_none", "connector_", "connector_base", "connector_registry"):
        error = error_of(lambda name=name: declare(managers, name, identifier="a"))
        assert (type(error), error.code in ("unknown_resource", "unknown_kind")) == (InvalidInput, True)


# What is recorded and created besides


@pytest.mark.parametrize(
    ("params", "check_mode", "creates"),
    [
        ({}, False, True),
        ({}, True, False),
        ({"org": "pay", "state": "absent"}, False, False),
        ({"org": "pay", "state": "absent"}, True, False),
    ],
)
def test_a_store_is_created_by_what_declares_something(
    settings: Settings, engine: Engine, params: dict[str, Any], check_mode: bool, creates: bool
) -> None:
    assert not (check if check_mode else declare)(engine, "scope", **params).changed
    assert is_made(settings) is creates


@pytest.mark.parametrize(
    ("call", "params", "recorded"),
    [
        (declare, {"value": b"v"}, [("write", "value_missing")]),
        (declare, {"state": "absent"}, [("delete", "value_missing")]),
        (check, {"value": b"v"}, []),
        (check, {"state": "absent"}, []),
    ],
)
def test_a_refusal_is_recorded_unless_in_check_mode(
    managers: Engine, monkeypatch: pytest.MonkeyPatch, call: Any, params: dict[str, Any], recorded: list[object]
) -> None:
    def refuse(*_arguments: object) -> None:
        raise InvalidInput("value_missing", "It is refused.", hint="Do not.")

    monkeypatch.setattr(SecretResource, "plan", refuse)
    seen = len(told(managers))
    assert error_of(lambda: call(managers, "secret_text", identifier="a", **params)).code == "value_missing"
    assert told(managers)[seen:] == recorded


def told(engine: Engine) -> list[tuple[str, str]]:
    """Return the recorded actions on the account and their outcomes."""
    return [(event["action"], event["outcome"]) for event in declare(engine, "audit_info").returned["events"]]


def test_a_store_that_can_not_be_opened_is_recorded_elsewhere(
    settings: Settings, managers: Engine, tmp_path: Path
) -> None:
    sink = tmp_path / "audit.jsonl"
    wrong = Engine(settings._replace(root_key=base64.b64encode(os.urandom(32)).decode(), audit_sink=f"file://{sink}"))
    assert error_of(lambda: keep(wrong, b"v")).code == "wrong_key"
    (line,) = sink.read_text(encoding="utf-8").splitlines()
    assert (json.loads(line)["action"], json.loads(line)["outcome"]) == ("write", "wrong_key")


def test_a_batch_that_fails_as_a_whole_is_recorded_for_each(managers: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_batch: Batch) -> None:
        raise StoreRefused("store_full", "No space is left.", hint="Free space.")

    monkeypatch.setattr(Batch, "_plan", full)
    resources = [SecretResource({"identifier": name, "value": b"v"}, "text") for name in "ab"]
    assert error_of(lambda: declaring.declare_all(managers, resources, check_mode=False)).code == "store_full"
    assert told(managers)[-2:] == [("write", "store_full")] * 2


def test_what_can_not_be_recorded_is_not_done(
    settings: Settings, cloud: Cloud, managers: Engine, tmp_path: Path
) -> None:
    """And the first error of a refused change is the one that people see."""
    strict = Engine(settings._replace(audit="required", audit_sink=f"store,file://{tmp_path}/none/audit.jsonl"))
    assert error_of(lambda: keep(strict, b"v", secret_manager="vault")).code == "audit_not_written"
    assert (cloud.counts["write"], shown(managers, "secret_info")) == (0, [])
    assert error_of(lambda: keep(strict, b"v", secret_manager="none")).code == "unknown_connector"


@pytest.mark.parametrize(
    ("secret_manager", "check_mode", "has_failed"),
    [("vault", False, False), ("none", False, True), ("none", True, False), ("held", False, True)],
)
def test_the_crew_is_told_of_a_failure_unless_in_check_mode(
    managers: Engine, monkeypatch: pytest.MonkeyPatch, secret_manager: str, check_mode: bool, has_failed: bool
) -> None:
    """In check mode, a failure may only be due to items that would be declared before."""

    def held(_intents: Intents, *_rest: object) -> None:
        raise Held(too_long)

    def too_long(_until: float) -> None:
        raise Unavailable("being_changed", "It is.", hint="Wait.")

    if secret_manager == "held":
        monkeypatch.setattr(Intents, "check_free", held)
        secret_manager = "vault"
    failures_told: list[str] = []
    crew = Crew(has_failed=lambda: failures_told.append("failed"))
    resource = SecretResource({"identifier": "a", "value": b"v", "secret_manager": secret_manager}, "text")
    declaring.declare_all(managers, [resource], crew, check_mode=check_mode)
    assert bool(failures_told) is has_failed
