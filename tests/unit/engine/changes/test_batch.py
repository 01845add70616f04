# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many things at secret managers in few transactions: counts of these, and what one that fails does to the others."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.batch import Batch, Crew
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.change import Change, Step
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.intents import Intents
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.manifest.manifest import BATCH
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things.secrets import SecretResource
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request, Result
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.intents import pending_intents
from ansible_collections.scoped.secrets.plugins.module_utils.store.schema import now
from ansible_collections.scoped.secrets.tests.unit.engine import stores
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import OURS, Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import rows_of, shown

PAY: dict[str, Any] = {"org": "pay", "project": ""}


def text(identifier: str, value: bytes = b"v", **params: Any) -> Request:
    return Request("secret_text", {**PAY, "identifier": identifier, "value": value, **params})


def texts(count: int, value: bytes = b"v") -> list[Request]:
    return [text(f"s{number}", value) for number in range(count)]


def declare(engine: Engine, *items: Request, **params: Any) -> Result:
    return engine.handle(Request("manifest", {**PAY, "max_parallel": 4, **params}, False, items))


def statuses(result: Result) -> list[str]:
    return [one["status"] for one in result.returned["results"]]


def pending(settings: Settings) -> int:
    with rows_of(settings) as tx:
        return pending_intents(tx)


@pytest.fixture
def tree(cloud: Cloud, engine: Engine) -> Engine:
    """An organization whose secrets a vault keeps."""
    stores.declare(engine, "scope", **PAY)
    stores.declare(
        engine, "connector_memory_vault", **PAY, identifier="vault", use_as_default=True, auth_method="anonymous"
    )
    return engine


def test_a_group_takes_two_transactions(
    settings: Settings, cloud: Cloud, tree: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    database = tree.store(create=True).database
    write = database.write

    def counted(*args: Any, **options: Any) -> Any:
        begun.append("write")
        return write(*args, **options)

    monkeypatch.setattr(database, "write", counted)
    assert set(statuses(declare(tree, *texts(BATCH + 5)))) == {"changed"}
    assert (len(begun), cloud.counts["write"]) == (4, BATCH + 5)
    assert set(statuses(declare(tree, *texts(BATCH + 5)))) == {"ok"}
    assert (len(begun), pending(settings)) == (4, 0)
    gone = [text(f"s{number}", state="absent") for number in range(BATCH + 5)]
    assert set(statuses(declare(tree, *gone))) == {"changed"}
    assert (len(begun), pending(settings), cloud.values) == (8, 0, {})


def test_one_that_fails_keeps_no_other_where_that_is_wanted(settings: Settings, cloud: Cloud, tree: Engine) -> None:
    cloud.put("app/s3", b"of somebody else")

    def away(path: str) -> None:
        if path == "app/s5":
            raise failures.unavailable("the vault", "it is away")

    cloud.before["write"] = away
    result = declare(tree, *texts(8), on_error="continue")
    codes = [one.get("code") for one in result.returned["results"]]
    assert codes == [None, None, None, "foreign_secret", None, "provider_unavailable", None, None]
    assert len(shown(tree, "secret_info", **PAY)) == 6
    refused = stores.declare(tree, "audit_info", **PAY, actions=["write"]).returned["events"]
    assert sorted(event["outcome"] for event in refused) == ["foreign_secret", "provider_unavailable"]
    # What was cut off where the provider may have it or not is put right by the next run.
    assert pending(settings) == 1
    cloud.before.clear()
    assert statuses(declare(Engine(settings), *texts(8), on_error="continue")) == [
        *["ok"] * 3,
        "failed",
        "ok",
        "changed",
        *["ok"] * 2,
    ]
    assert pending(settings) == 0


def test_nothing_is_begun_once_one_has_failed(settings: Settings, cloud: Cloud, tree: Engine) -> None:
    cloud.put("app/s1", b"of somebody else")
    result = declare(tree, *texts(6), max_parallel=1)
    assert statuses(result) == ["changed", "failed", *["skipped"] * 4]
    assert (cloud.counts["write"], pending(settings)) == (2, 0)


def test_what_another_one_is_at_is_waited_for(
    settings: Settings, cloud: Cloud, tree: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others go ahead meanwhile; that one is declared by itself, after its time."""
    declare(tree, *texts(3))
    with rows_of(settings) as tx:
        (scope,) = tx.all("SELECT id FROM scope WHERE level = 'org'")
        (connector,) = tx.all("SELECT id FROM connector")
        row = {
            "path": "app/s1",
            "goal": "absent",
            "process": "elsewhere/1/1",
            "tag": b"",
            "created_at": now(),
            "about": "",
        }
        tx.insert("intent", id=str(uuid.uuid4()), scope_id=scope["id"], connector_id=connector["id"], **row)
    monkeypatch.setattr("ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.intents.PATIENCE", 0)
    result = declare(tree, *texts(3, b"another"), on_error="continue")
    assert statuses(result) == ["changed", "failed", "changed"]
    assert result.returned["results"][1]["code"] == "being_changed"
    assert [cloud.newest(f"app/s{number}") for number in range(3)] == [
        OURS + b"another",
        OURS + b"v",
        OURS + b"another",
    ]


def test_what_changed_meanwhile_is_planned_anew(settings: Settings, cloud: Cloud, tree: Engine) -> None:
    """Another process writes a secret between the two transactions: the rest is kept, and that one begins anew."""
    declare(tree, *texts(3))
    others = Engine(settings)

    def meddle(path: str) -> None:
        if path == "app/s1":
            cloud.before.clear()
            others.handle(text("s1", description="of another", value=None))

    cloud.before["write"] = meddle
    assert statuses(declare(tree, *texts(3, b"another"), max_parallel=1)) == ["changed"] * 3
    found = shown(tree, "secret_info", **PAY)
    assert [one["description"] for one in found] == ["", "of another", ""]
    assert {cloud.newest(f"app/s{number}") for number in range(3)} == {OURS + b"another"}
    # What was begun for the first plan is put right by the next run, which finds all as it should be.
    assert set(statuses(declare(Engine(settings), *texts(3, b"another")))) == {"ok"}
    assert pending(settings) == 0


def test_what_changed_before_it_was_recorded_is_planned_anew(settings: Settings, cloud: Cloud, tree: Engine) -> None:
    """Another process writes a secret after all are planned: that one begins anew, and stops no other."""
    declare(tree, *texts(3))
    others, patch, record = Engine(settings), pytest.MonkeyPatch(), Batch.STEPS[Step.RECORD]

    def record_late(batch: Batch) -> None:
        patch.undo()
        others.handle(text("s1", b"of another"))
        record(batch)

    cloud.counts.clear()
    patch.setattr(Batch, "STEPS", {**Batch.STEPS, Step.RECORD: record_late})
    assert statuses(declare(tree, *texts(3, b"another"))) == ["changed"] * 3
    assert [one["version"] for one in shown(tree, "secret_info", **PAY)] == [2, 3, 2]
    assert {cloud.newest(f"app/s{number}") for number in range(3)} == {OURS + b"another"}
    assert (cloud.counts["write"], pending(settings)) == (4, 0)


@pytest.fixture
def batches(tree: Engine) -> Engine:
    """The same with a vault that reads 20 secrets at a time."""
    call = {"identifier": "batch", "use_as_default": True, "auth_method": "anonymous"}
    stores.declare(tree, "connector_memory_batch", **PAY, **call)
    return tree


def test_what_is_there_is_read_in_batches(settings: Settings, cloud: Cloud, batches: Engine) -> None:
    cloud.counts.clear()
    assert set(statuses(declare(batches, *texts(45)))) == {"changed"}
    assert (cloud.counts["read_many"], cloud.counts["read"], cloud.counts["write"]) == (0, 0, 45)
    cloud.counts.clear()
    assert set(statuses(declare(Engine(settings), *texts(45)))) == {"ok"}
    assert (cloud.counts["read_many"], cloud.counts["read"], cloud.counts["write"]) == (3, 0, 0)
    absent = [text(f"s{number}", state="absent") for number in range(45)]
    kept = [text(f"s{number}", update_value="on_create") for number in range(45)]
    cloud.counts.clear()
    declare(batches, *kept)
    declare(batches, *absent)
    assert (cloud.counts["read_many"], cloud.counts["read"]) == (0, 0)


def test_each_of_a_batch_is_judged_by_itself(cloud: Cloud, batches: Engine) -> None:
    declare(batches, *texts(4))
    cloud.overwrite("app/s1", OURS + b"of others")
    del cloud.values["main", "app/s2"]

    def away(path: str) -> None:
        if path == "app/s3":
            raise failures.denied("the vault", "read", "a policy")

    cloud.before["read_of_many"] = away
    result = declare(batches, *texts(4), on_error="continue")
    assert statuses(result) == ["ok", "changed", "changed", "failed"]
    assert result.returned["results"][3]["code"] == "provider_denied"
    assert [cloud.newest(f"app/s{number}") for number in range(4)] == [OURS + b"v"] * 4


def test_a_batch_that_can_not_be_read_fails_as_a_whole(cloud: Cloud, batches: Engine) -> None:
    declare(batches, *texts(21))
    asked: list[str] = []

    def away(paths: str) -> None:
        asked.append(paths)
        if "app/s0," in paths:
            raise failures.unavailable("the vault", "it is away")

    cloud.before["read_many"] = away
    result = declare(batches, *texts(21, b"another"), on_error="continue")
    assert statuses(result) == [*["failed"] * 20, "changed"]
    assert {one["code"] for one in result.returned["results"][:20]} == {"provider_unavailable"}
    assert len(asked) == 2


def test_no_batch_is_read_once_one_has_failed(cloud: Cloud, batches: Engine) -> None:
    declare(batches, *texts(BATCH + 5))
    cloud.counts.clear()

    def away(path: str) -> None:
        raise failures.denied("the vault", "read", "a policy")

    cloud.before["read_of_many"] = away
    assert statuses(declare(batches, *texts(BATCH + 5)))[BATCH:] == ["skipped"] * 5
    assert (cloud.counts["read_many"], cloud.counts["read"]) == (BATCH // 20, 0)


def fails_for(path: str, function: Callable[..., None], when: Callable[[Any], bool]) -> Callable[..., None]:
    """Return the function, which raises Unavailable where `when` says so of its first argument."""

    def call(first: Any, *rest: Any) -> None:
        if when(first):
            raise failures.unavailable("the store", path)
        function(first, *rest)

    return call


def test_a_failed_clean_up_does_not_hide_the_first_error(
    cloud: Cloud, tree: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.put("app/s1", b"of somebody else")
    monkeypatch.setattr(Intents, "give_up", fails_for("it is away", Intents.give_up, lambda _intents: True))
    result = declare(tree, *texts(3), on_error="continue")
    assert [one.get("code") for one in result.returned["results"]] == [None, "foreign_secret", None]


def test_a_failed_last_step_fails_its_own_item_only(
    settings: Settings, tree: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_second(change: Change) -> bool:
        return change.resource.params["identifier"] == "s1"

    monkeypatch.setattr(Change, "clear", fails_for("it is away", Change.clear, is_second))
    result = declare(tree, *texts(3), on_error="continue")
    assert [one.get("code") for one in result.returned["results"]] == [None, "provider_unavailable", None]
    assert len(shown(Engine(settings), "secret_info", **PAY)) == 3


def test_two_shares_of_one_secret(engine: Engine) -> None:
    """They take one turn, not two after each other."""
    stores.declare(engine, "scope", org="pay")
    for project in ("api", "web"):
        stores.declare(engine, "scope", org="pay", project=project)
    stores.declare(engine, "secret_text", **PAY, identifier="a", value=b"v")
    shares = [Request("secret_share", {**PAY, "identifier": "a", "to_project": project}) for project in ("api", "web")]
    assert statuses(stores.in_time(lambda: declare(engine, *shares))) == ["changed"] * 2
    assert statuses(stores.in_time(lambda: declare(engine, *shares))) == ["ok"] * 2


@pytest.mark.parametrize(("items", "is_pooled"), [([1], False), ([1, 2], True), ([1, 2, 3], True)])
def test_threads_are_used_for_several_items_only(items: list[int], is_pooled: bool) -> None:
    pooled: list[int] = []
    with ThreadPoolExecutor(2) as pool:
        pool.map = lambda work, each: pooled.extend(each) or map(work, each)  # type: ignore[method-assign,assignment]
        assert Crew(pool).each(str, items) == [str(item) for item in items]
        assert pooled == (items if is_pooled else [])
    assert Crew().each(str, items) == [str(item) for item in items]


def test_what_secret_managers_have_is_read_side_by_side(cloud: Cloud, tree: Engine) -> None:
    declare(tree, *texts(2))
    meet = threading.Barrier(2, timeout=5)
    cloud.before["read"] = lambda _path: meet.wait()
    assert statuses(declare(tree, *texts(2), max_parallel=2)) == ["ok", "ok"]


@pytest.mark.parametrize(("count", "requests"), [(1, (1, 0)), (2, (0, 1))])
def test_one_request_reads_two_values_or_more(
    settings: Settings, cloud: Cloud, batches: Engine, count: int, requests: tuple[int, int]
) -> None:
    declare(batches, *texts(count))
    cloud.counts.clear()
    declare(Engine(settings), *texts(count))
    assert (cloud.counts["read"], cloud.counts["read_many"]) == requests


@pytest.mark.parametrize(
    ("params", "check_mode", "code", "changed", "returned"),
    [
        ({"value": b"v"}, False, "unknown_scope", False, None),
        ({"value": b"v"}, True, "", True, {"org": "none", "project": "", "identifier": "a", "kind": "text"}),
        ({"state": "absent"}, False, "", False, None),
        ({"state": "absent"}, True, "", False, None),
    ],
)
def test_a_missing_scope_has_nothing_and_may_be_created_by_an_earlier_task(
    tree: Engine, params: dict[str, Any], check_mode: bool, code: str, changed: bool, returned: dict[str, str] | None
) -> None:
    resource = SecretResource({"org": "none", "identifier": "a", **params}, "text")
    (outcome,) = Batch(tree, [resource], check_mode=check_mode).run()
    if code:
        assert isinstance(outcome, ScopedSecretsError)
        assert outcome.code == code
        return
    assert isinstance(outcome, Result)
    assert (outcome.changed, outcome.returned["secret"]) == (changed, returned and {**resource.identity, **returned})
    assert ["Check mode assumes" in warning for warning in outcome.warnings] == [True] * changed


def test_a_locked_scope_is_an_error_in_check_mode_too(settings: Settings, tree: Engine) -> None:
    stores.declare(tree, "scope", org="other")
    resource = SecretResource({"org": "other", "identifier": "a", "state": "absent"}, "text")
    (outcome,) = Batch(stores.holding(settings, "pay"), [resource], check_mode=True).run()
    assert isinstance(outcome, ScopedSecretsError)
    assert outcome.code == "scope_locked"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_commit_that_is_refused_is_tried_again_only_to_find_the_faulty_one(
    tree: Engine, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    apply, applied = SecretResource.apply, []

    def refused(resource: SecretResource, *arguments: Any) -> None:
        applied.append(resource.identifier)
        if resource.identifier == "s0":
            raise failures.unavailable("the store", "it is full")
        apply(resource, *arguments)

    monkeypatch.setattr(SecretResource, "apply", refused)
    result = declare(tree, *texts(count), on_error="continue")
    assert statuses(result) == ["failed", *["changed"] * (count - 1)]
    assert applied.count("s0") == (1 if count == 1 else 2)


def test_a_batch_whose_intents_can_not_be_recorded_fails_as_a_whole(
    cloud: Cloud, tree: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_batch: Batch) -> None:
        raise failures.unavailable("the store", "it is full")

    monkeypatch.setattr(Batch, "STEPS", {**Batch.STEPS, Step.RECORD: full})
    result = declare(tree, *texts(2), on_error="continue")
    assert [one.get("code") for one in result.returned["results"]] == ["provider_unavailable"] * 2
    assert cloud.counts["write"] == 0
