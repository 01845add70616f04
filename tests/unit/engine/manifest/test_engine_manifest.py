# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many things declared in one request: counts of transactions and of what secret managers are asked."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.manifest.manifest import BATCH
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request, Result
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import error_of, holding, read, shown

PAY: dict[str, Any] = {"org": "pay", "project": ""}
VAULT = Request("connector_memory_vault", {**PAY, "identifier": "vault", "use_as_default": True, "token": "good"})


def text(identifier: str, value: bytes = b"v", **params: Any) -> Request:
    return Request("secret_text", {**PAY, "identifier": identifier, "value": value, **params})


def declare(engine: Engine, *items: Request, check_mode: bool = False, **params: Any) -> Result:
    return engine.handle(Request("manifest", params, check_mode, items))


def statuses(result: Result) -> list[str]:
    return [one["status"] for one in result.returned["results"]]


@pytest.fixture
def tree(engine: Engine) -> Engine:
    engine.handle(Request("scope", PAY))
    return engine


def transactions(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows with each write transaction."""
    begun: list[str] = []
    write = engine.store(create=True).database.write

    def counted(*args: Any, **options: Any) -> Any:
        begun.append("write")
        return write(*args, **options)

    monkeypatch.setattr(engine.store(create=True).database, "write", counted)
    return begun


def test_what_only_the_store_has_takes_few_transactions(tree: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [text(f"s{number}", str(number).encode()) for number in range(BATCH + 10)]
    begun = transactions(tree, monkeypatch)
    assert set(statuses(declare(tree, *items))) == {"changed"}
    assert len(begun) == 2
    assert set(statuses(declare(tree, *items))) == {"ok"}
    assert len(begun) == 2
    assert [read(tree, f"s{number}", **PAY) for number in (0, BATCH + 9)] == [b"0", str(BATCH + 9).encode()]


def test_one_bad_item_takes_no_other_with_it(tree: Engine) -> None:
    items = [text("a"), text("bad", secret_manager="nobody"), Request("secret_text", {**PAY, "identifier": "none"})]
    result = declare(tree, *items, text("b"), on_error="continue")
    assert statuses(result) == ["changed", "failed", "failed", "changed"]
    assert [one.get("code") for one in result.returned["results"]] == [None, "unknown_connector", "value_missing", None]


def test_managers_are_asked_side_by_side(cloud: Cloud, tree: Engine) -> None:
    together = threading.Barrier(4, timeout=30)
    cloud.before["write"] = lambda _path: together.wait() and None
    items = [VAULT, *(text(f"s{number}") for number in range(8))]
    assert statuses(declare(tree, *items, max_parallel=4)) == ["changed"] * 9
    assert cloud.most_at_once == 4
    # Once to prove the connector, once to write.
    assert cloud.counts["login"] == 2


def test_one_at_a_time_where_that_is_wanted(cloud: Cloud, tree: Engine) -> None:
    declare(tree, VAULT, *(text(f"s{number}") for number in range(4)), max_parallel=1)
    assert cloud.most_at_once == 1


def test_a_manager_that_fails_stops_the_rest(cloud: Cloud, tree: Engine) -> None:
    def refuse(path: str) -> None:
        raise failures.unavailable("the vault", "it is away")

    cloud.before["write"] = refuse
    result = declare(tree, VAULT, text("a"), text("b"), text("c"), max_parallel=1)
    assert statuses(result) == ["changed", "failed", "skipped", "skipped"]
    assert result.returned["counts"] == {"ok": 0, "changed": 1, "failed": 1, "skipped": 2, "pruned": 0}
    cloud.before.clear()
    assert statuses(declare(tree, VAULT, text("a"), text("b"), text("c"))) == ["ok", "changed", "changed", "changed"]


def test_check_mode_touches_nothing(cloud: Cloud, tree: Engine) -> None:
    result = declare(tree, VAULT, text("a"), text("b", secret_manager="vault"), check_mode=True)
    assert statuses(result) == ["changed"] * 3
    assert cloud.counts["login"] == 0
    assert shown(tree, "secret_info", **PAY) == []
    assert [one["identifier"] for one in shown(tree, "connector_info", **PAY)] == ["builtin"]


def test_a_thing_is_listed_once(tree: Engine) -> None:
    error = error_of(lambda: declare(tree, text("a"), text("b"), text("a", b"w")))
    assert error.code == "invalid_manifest"
    assert error.details["errors"] == ["secret 'a' of organization 'pay' is listed 2 times"]
    assert shown(tree, "secret_info", **PAY) == []


def test_what_no_thing_can_be_is_told_for_all(tree: Engine) -> None:
    error = error_of(lambda: declare(tree, text("a b"), text("ok"), Request("secret_nothing", PAY)))
    numbers = [line.split(":")[0] for line in error.details["errors"]]
    assert numbers == ["item 1 (secret_text)", "item 3 (secret_nothing)"]


def test_progress_is_told(tree: Engine) -> None:
    told: list[str] = []
    items = tuple(text(f"s{number}") for number in range(120))
    tree.handle(Request("manifest", {}, False, items), told.append)
    assert told == ["50 of 120 items", "100 of 120 items"]


def test_shares_are_declared_and_taken_back(tree: Engine, settings: Settings) -> None:
    projects = [{"org": "pay", "project": name} for name in ("api", "web")]
    shares = [
        {**PAY, "identifier": name, "to_project": project["project"]} for name in ("a", "b") for project in projects
    ]
    items = [Request("secret_share", share) for share in shares]
    items += [text("a"), text("b"), *(Request("scope", project) for project in projects)]
    assert set(statuses(declare(tree, *items))) == {"changed"}
    assert set(statuses(declare(tree, *items))) == {"ok"}
    assert read(holding(settings, **projects[1]), "org.b", **projects[1]) == b"v"
    gone = [Request(item.resource, {**item.params, "state": "absent"}) for item in items[:6]]
    assert set(statuses(declare(tree, *gone))) == {"changed"}
    assert shown(tree, "scope_info", recursive=True, verify=True)


def test_check_mode_says_what_force_would_not_remove_either(tree: Engine) -> None:
    tree.handle(Request("secret_ssh", {**PAY, "identifier": "a", "user": "web", "password": "p"}))
    result = declare(tree, text("a", state="absent"), check_mode=True)
    (one,) = result.returned["results"]
    assert (one["status"], one["code"]) == ("failed", error_of(lambda: tree.handle(text("a", state="absent"))).code)
