# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others change between the steps of a batch, and what fails there, affects the items concerned and no others."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.batch import Batch
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.change import Change
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.intents import Intents
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.providers.runtime import Runtime
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request, Result
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import StaleRow
from ansible_collections.scoped.secrets.plugins.module_utils.store.schema import now
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import OURS, Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, forget_kind, read, rows_of, shown

PAY: dict[str, Any] = {"org": "pay", "project": ""}


def text(identifier: str, value: bytes = b"v", **params: Any) -> Request:
    return Request("secret_text", {**PAY, "identifier": identifier, "value": value, **params})


def gone(resource: str, **params: Any) -> Request:
    return Request(resource, {**PAY, "state": "absent", **params})


def manifest(engine: Engine, *items: Request, check_mode: bool = False, **params: Any) -> Result:
    return engine.handle(Request("manifest", {**PAY, **params}, check_mode, items))


def outcomes(result: Result) -> list[str]:
    """Return the error code of each item, its status where it has none."""
    return [one.get("code") or one["status"] for one in result.returned["results"]]


@pytest.fixture
def pay(engine: Engine) -> Engine:
    """An organization with a connector that is not its default."""
    declare(engine, "scope", **PAY)
    declare(engine, "connector_memory_vault", **PAY, identifier="vault", token="good")
    return engine


def before_the_write(monkeypatch: pytest.MonkeyPatch, engine: Engine, meddle: Callable[[], object]) -> None:
    """Call `meddle` once all is planned, before the engine begins its next write transaction."""
    write, left = Runtime.write, [meddle]

    def late(runtime: Runtime, *arguments: Any) -> Any:
        if runtime is engine and left:
            left.pop()()
        return write(runtime, *arguments)

    monkeypatch.setattr(Runtime, "write", late)


@pytest.mark.parametrize("count", [1, 2])
def test_a_default_that_is_set_meanwhile_gets_the_new_secrets(
    settings: Settings, cloud: Cloud, pay: Engine, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    others = Engine(settings)
    before_the_write(monkeypatch, pay, lambda: declare(others, "default_secret_manager", **PAY, secret_manager="vault"))
    assert outcomes(manifest(pay, *[text(f"s{number}") for number in range(count)])) == ["changed"] * count
    assert cloud.paths() == [f"app/s{number}" for number in range(count)]
    assert read(Engine(settings), "org.s0", "pay") == b"v"


def test_a_scope_that_gets_kept_secrets_meanwhile_is_removed_with_them(
    settings: Settings, cloud: Cloud, pay: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = Engine(settings)
    before_the_write(monkeypatch, pay, lambda: others.handle(text("s", secret_manager="vault")))
    assert declare(pay, "scope", **PAY, state="absent", force=True).changed
    assert cloud.paths() == []


def test_a_share_of_a_removed_scope_is_gone_with_it(pay: Engine) -> None:
    declare(pay, "scope", org="pay", project="api")
    pay.handle(text("s"))
    share = {"identifier": "s", "to_project": "api"}
    declare(pay, "secret_share", **PAY, **share)
    result = manifest(pay, gone("scope", force=True), gone("secret_share", **share))
    assert outcomes(result) == ["changed", "ok"]


def test_what_a_rolled_back_attempt_derived_is_not_used_again(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The revision of a row that was never committed becomes that of another writer's row."""
    call = {"identifier": "web", "user": "web", "password": "p"}
    declare(engine, "secret_ssh", **call, port=22)
    others, follow, attempts = Engine(settings), Change.follow, []

    def lose(change: Change, session: Any) -> Any:
        done = follow(change, session)
        attempts.append(change)
        if len(attempts) == 1:
            raise StaleRow("secret")
        return done

    monkeypatch.setattr(Change, "follow", lose)
    once = engine.store(create=True).database._once

    def attempt(*arguments: Any, **options: Any) -> Any:
        if len(attempts) == 1:
            attempts.append(declare(others, "secret_ssh", **call, port=2222))
        return once(*arguments, **options)

    monkeypatch.setattr(engine.store(create=True).database, "_once", attempt)
    declare(engine, "secret_ssh", **call, description="of the web server")
    (found,) = shown(Engine(settings), "secret_info", identifier="web", kind="ssh")
    assert (found["options"]["port"], found["description"]) == (2222, "of the web server")


def test_a_forced_second_try_forces_own_secrets_too(pay: Engine) -> None:
    """In check mode, what uses the own secret of a connector is assumed to be removed."""
    declare(pay, "connector_memory_vault", **PAY, identifier="other", token_ref="vault_token", base="z")
    items = [gone("connector_memory_vault", identifier=name) for name in ("vault", "other")]
    assert outcomes(manifest(pay, *items, check_mode=True)) == ["changed", "changed"]


@pytest.mark.parametrize("is_removal", [False, True])
def test_a_connector_of_an_unknown_kind_fails_its_own_item_only(
    settings: Settings, engine: Engine, is_removal: bool
) -> None:
    declare(engine, "connector_memory_vault", identifier="vault", token="good")
    declare(engine, "secret_text", identifier="a", value=b"v", secret_manager="vault")
    declare(engine, "secret_text", identifier="b", value=b"v")
    forget_kind(settings, "vault")
    change = {"state": "absent", "force": True} if is_removal else {"value": b"w"}
    items = [Request("secret_text", {"identifier": name, **change}) for name in "ab"]
    assert outcomes(manifest(Engine(settings), *items, org="", on_error="continue")) == ["unknown_kind", "changed"]


def test_an_item_whose_scope_can_not_be_read_fails_alone(pay: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = Runtime.read

    def away(runtime: Runtime, work: Callable[..., Any], path: ScopePath = ACCOUNT) -> Any:
        if path == ScopePath("pay"):
            raise failures.unavailable("the store", "it is away")
        return inner(runtime, work, path)

    monkeypatch.setattr(Runtime, "read", away)
    call = {"identifier": "web", "user": "web", "password": "p"}
    items = [Request("secret_ssh", {"org": org, **call}) for org in ("pay", "")]
    assert outcomes(manifest(pay, *items, on_error="continue")) == ["provider_unavailable", "changed"]


def test_what_another_one_holds_is_not_waited_for_once_an_item_has_failed(
    settings: Settings, cloud: Cloud, pay: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest(pay, *[text(name, secret_manager="vault") for name in "ab"])
    with rows_of(settings) as tx:
        (scope,), (connector,) = (
            tx.all("SELECT id FROM scope WHERE level = 'org'"),
            tx.all("SELECT id FROM connector"),
        )
        row = {"path": "app/b", "goal": "absent", "process": "elsewhere/1/1", "created_at": now(), "about": ""}
        tx.insert("intent", id=str(uuid.uuid4()), scope_id=scope["id"], connector_id=connector["id"], tag=b"", **row)
    waited: list[float] = []
    monkeypatch.setattr(Intents, "wait", lambda _intents, until: waited.append(until))
    wrong = text("a", b"w", secret_manager="harness_secret_manager")
    assert outcomes(manifest(pay, wrong, text("b", b"w"))) == ["manager_fixed", "skipped"]
    assert (waited, cloud.newest("app/b")) == ([], OURS + b"v")


def test_intents_are_recorded_among_those_of_all_scopes(pay: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sibling scope may be at the same value, at a connector that both inherit."""
    write, paths = Runtime.write, []

    def noted(runtime: Runtime, work: Callable[..., Any], path: ScopePath = ACCOUNT) -> Any:
        paths.append(path)
        return write(runtime, work, path)

    monkeypatch.setattr(Runtime, "write", noted)
    pay.handle(text("s", secret_manager="vault"))
    assert paths == [ACCOUNT, ScopePath("pay")]


def test_a_clean_up_that_fails_hides_neither_the_interrupt_nor_the_other_intents(
    settings: Settings, cloud: Cloud, pay: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare, give_up, failed = Batch._prepare, Intents.give_up, []

    def interrupted(batch: Batch, number: int) -> Any:
        if number == 2:
            raise KeyboardInterrupt
        return prepare(batch, number)

    def away_once(intents: Intents, error: BaseException) -> None:
        if not failed:
            failed.append(error)
            raise failures.unavailable("the store", "it is away")
        give_up(intents, error)

    monkeypatch.setattr(Batch, "_prepare", interrupted)
    monkeypatch.setattr(Intents, "give_up", away_once)
    with pytest.raises(KeyboardInterrupt):
        manifest(pay, *[text(name, secret_manager="vault") for name in "abc"])
    with rows_of(settings) as tx:
        rows = tx.all("SELECT path FROM intent WHERE process = '' ORDER BY path")
        assert [row["path"] for row in rows] == ["app/b", "app/c"]
