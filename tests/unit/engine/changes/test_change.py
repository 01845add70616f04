# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One change, step by step: what each step does, and what it makes of another writer who came in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.change import Change, Step
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.intents import Held, Moved
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things.secrets import SecretResource
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Intent
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.intents import unfinished
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import OURS, Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import add_connector, content_of, declare, read, shown

PAY = {"org": "pay"}
Meddle = Callable[[Engine], object]


@pytest.fixture
def pay(engine: Engine, settings: Settings) -> Engine:
    """An organization with a secret at a vault (`kept`) and one in the store (`own`)."""
    declare(engine, "scope", **PAY)
    add_connector(settings, "vault", ScopePath("pay"))
    declare(engine, "secret_text", **PAY, identifier="kept", value=b"old", secret_manager="vault")
    declare(engine, "secret_text", **PAY, identifier="own", value=b"old")
    return engine


def changing(engine: Engine, identifier: str, **params: Any) -> Change:
    """Return a planned change of a secret."""
    resource, access = SecretResource({**PAY, "identifier": identifier, **params}, "text"), engine.access()
    state = resource.observe(access, engine.read(resource.load, resource.path))
    return Change(engine, access, resource, state, resource.plan(state))


def record(engine: Engine, change: Change) -> list[Intent]:
    """Record a change; return the intents of all changes."""

    def work(session: Any) -> list[Intent]:
        begun = unfinished(session.tx)
        change.record(session, begun)
        return begun

    begun = engine.write(work)
    change.is_recorded()
    return begun


def commit(engine: Engine, change: Change) -> None:
    engine.write(change.follow, change.path)()


def pending(engine: Engine) -> list[str]:
    return [intent.path for intent in engine.read(lambda session: unfinished(session.tx))]


def write(identifier: str, value: bytes) -> Meddle:
    return lambda engine: declare(engine, "secret_text", **PAY, identifier=identifier, value=value)


def remove_scope(engine: Engine) -> None:
    declare(engine, "scope", **PAY, state="absent", force=True)


def set_default(engine: Engine) -> None:
    declare(engine, "default_secret_manager", **PAY, secret_manager="vault")


def test_the_steps_have_an_order() -> None:
    assert list(Step) == [Step.RECORD, Step.PREPARE, Step.COMMIT, Step.CLEAR]


@pytest.mark.parametrize(
    ("identifier", "params", "is_in_store", "goals"),
    [
        ("own", {"value": b"new"}, True, []),
        ("fresh", {"value": b"new"}, True, []),
        ("kept", {"value": b"new"}, False, ["app/kept"]),
        ("kept", {"description": "of ours"}, False, []),
        ("kept", {"state": "absent"}, False, ["app/kept"]),
        ("fresh", {"value": b"new", "secret_manager": "vault"}, False, ["app/fresh"]),
    ],
)
def test_what_is_recorded_is_done_and_forgotten(
    settings: Settings, pay: Engine, identifier: str, params: dict[str, Any], is_in_store: bool, goals: list[str]
) -> None:
    change = changing(pay, identifier, **params)
    assert (change.path, change.is_in_store, change.has_goals) == (ScopePath("pay"), is_in_store, bool(goals))
    before = content_of(settings)
    assert [intent.path for intent in record(pay, change)] == goals == pending(pay)
    change.prepare()
    assert [line for line in content_of(settings) if not line.startswith("intent")] == before
    commit(pay, change)
    assert (pending(pay), content_of(settings) != before) == ([], True)
    change.clear()
    result = change.result()
    assert (result.changed, result.returned["secret"]["identifier"]) == (True, identifier)
    found = {one["identifier"]: one for one in shown(Engine(settings), "secret_info", **PAY)}
    if params.get("state") == "absent":
        assert identifier not in found
    else:
        assert result.returned["secret"] == found[identifier]


def test_what_a_change_makes_superfluous_is_removed_last(settings: Settings, cloud: Cloud, pay: Engine) -> None:
    host = {**PAY, "identifier": "host", "user": "web"}
    declare(pay, "secret_ssh", **host, password="p", secret_manager="vault")
    assert cloud.paths() == ["app/host_password", "app/kept"]
    declare(pay, "secret_ssh", **host, password_ref="own")
    assert (cloud.paths(), pending(pay)) == (["app/kept"], [])


def test_the_result_follows_only_once_it_is_committed(pay: Engine) -> None:
    """A transaction may be rolled back and run again."""
    change = changing(pay, "own", value=b"new")
    done = pay.write(change.follow, change.path)
    assert change.result().returned["secret"]["version"] == 1
    done()
    assert change.result().returned["secret"]["version"] == 2


@pytest.mark.parametrize("meddle", [write("kept", b"theirs"), remove_scope], ids=["written", "scope removed"])
@pytest.mark.parametrize("step", [Step.RECORD, Step.COMMIT])
def test_a_plan_that_no_longer_holds_is_given_up(settings: Settings, pay: Engine, meddle: Meddle, step: Step) -> None:
    change = changing(pay, "kept", description="of ours")
    if step is Step.COMMIT:
        record(pay, change)
        change.prepare()
    meddle(Engine(settings))
    before = content_of(settings)
    with pytest.raises(Moved):
        (record if step is Step.RECORD else commit)(pay, change)
    assert content_of(settings) == before


def test_a_value_that_another_change_works_at_is_waited_for(settings: Settings, pay: Engine) -> None:
    record(pay, changing(Engine(settings), "kept", value=b"theirs"))
    with pytest.raises(Held):
        record(pay, changing(pay, "kept", value=b"ours"))
    assert pending(pay) == ["app/kept"]


@pytest.mark.parametrize(
    ("theirs", "is_changed", "version"), [(b"ours", False, 2), (b"theirs", True, 3), (b"old", True, 2)]
)
def test_what_only_concerns_the_store_is_planned_again(
    settings: Settings, pay: Engine, theirs: bytes, is_changed: bool, version: int
) -> None:
    change = changing(pay, "own", value=b"ours")
    write("own", theirs)(Engine(settings))
    commit(pay, change)
    result = change.result()
    assert (result.changed, result.returned["secret"]["version"]) == (is_changed, version)
    assert read(Engine(settings), "own", "pay") == b"ours"


def test_a_secret_manager_that_has_a_part_by_now_is_not_passed_over(settings: Settings, pay: Engine) -> None:
    change = changing(pay, "fresh", value=b"v")
    set_default(Engine(settings))
    with pytest.raises(Moved):
        commit(pay, change)
    assert [one["identifier"] for one in shown(pay, "secret_info", **PAY)] == ["kept", "own"]


def test_a_change_that_is_given_up_leaves_no_intent(settings: Settings, cloud: Cloud, pay: Engine) -> None:
    change = changing(pay, "kept", value=b"new")
    record(pay, change)
    change.give_up(InvalidInput("code", "Refused.", hint="Do not."))
    assert (pending(pay), cloud.newest("app/kept")) == ([], OURS + b"old")
