# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all resources share: what was given, and what differs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.resource import (
    Action,
    Info,
    Plan,
    Resource,
    View,
    changed_fields,
    pick,
    row_key,
)
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things.registry import INFOS, RESOURCES
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things.scopes import ScopeResource
from ansible_collections.scoped.secrets.plugins.module_utils.model.audit import Subject
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Connector
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, error_of


def test_only_what_was_given_is_picked() -> None:
    params = {"a": "", "b": None, "c": {}, "d": 0, "e": False, "other": 1}
    assert pick(params, "a", "b", "c", "d", "e", "f") == {"a": "", "c": {}, "d": 0, "e": False}


def test_only_what_differs_is_a_change() -> None:
    assert changed_fields({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 3, "d": 4}) == {"b": 2, "c": 3}
    assert changed_fields({}, {"a": 1}) == {}


def test_an_empty_plan_does_nothing() -> None:
    assert Plan() == Plan(Action.NONE, {}, {}, {}, ())


def test_actions_have_names_for_people() -> None:
    assert [action.value for action in Action] == ["none", "create", "update", "delete"]


@pytest.mark.parametrize(
    ("params", "path", "absent", "force"),
    [
        ({}, ScopePath(), False, False),
        ({"org": "a", "project": "b", "state": "present", "force": True}, ScopePath("a", "b"), False, True),
        ({"org": "a", "project": "", "state": "absent", "force": False}, ScopePath("a"), True, False),
    ],
)
def test_the_options_of_all(params: dict[str, Any], path: ScopePath, absent: bool, force: bool) -> None:
    resource = ScopeResource(params)
    assert (resource.path, resource.absent, resource.force) == (path, absent, force)


class Thing(Resource[str]):
    """The simplest resource: a word in the store."""

    noun = "thing"

    def load(self, session: Session) -> str:
        return "word"

    def plan(self, state: str) -> Plan:
        return Plan()

    def apply(self, session: Session, state: str, plan: Plan, prepared: object) -> None:
        pass

    def view(self, state: str) -> View | None:
        return {"word": state, "org": "shown"} if state else None


def test_what_a_resource_need_not_say() -> None:
    """Until it says something else, it asks no secret manager, and is neither batched nor made by a manifest."""
    access: Any = None
    thing, plan = Thing({}), Plan()
    assert not thing.is_in_store("word")
    assert (thing.observe(access, "word"), thing.with_observed("word", "before")) == ("word", "word")
    assert (thing.observed_at("word"), thing.goals("word", plan)) == (None, [])
    assert (thing.prepare(access, "word", plan), thing.guard("word")) == (None, None)
    assert (Thing.is_batchable, thing.made_by) == (False, "")


@pytest.mark.parametrize(
    ("params", "identifier", "turn", "identity"),
    [
        ({"org": "pay", "identifier": "a"}, "a", "a", {"org": "pay", "project": ""}),
        ({"org": "pay", "project": "api"}, "api", "", {"org": "pay", "project": "api"}),
        ({}, "account", "", {"org": "", "project": ""}),
    ],
)
def test_what_names_a_thing(params: dict[str, str], identifier: str, turn: str, identity: dict[str, str]) -> None:
    thing = Thing(params)
    assert thing.subject == Subject("thing", thing.path.announced, identifier)
    assert (thing.turn, thing.identity) == (("thing", thing.path, turn), identity)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("is_predicted", [False, True])
def test_a_result_has_what_changed_and_the_thing_as_it_is_or_would_be(action: Action, is_predicted: bool) -> None:
    plan = Plan(action, {"size": 1}, {"size": 2}, {}, ["of the plan"])
    result = Thing({"org": "pay"}).result("word", plan, is_predicted=is_predicted, warnings=["of the access"])
    assert (result.changed, result.before, result.after) == (action is not Action.NONE, {"size": 1}, {"size": 2})
    assert result.warnings == ["of the plan", "of the access"]
    shown = {"word": "word", "org": "shown"}
    if is_predicted and action in (Action.CREATE, Action.UPDATE):
        shown = {"project": "", **shown, "size": 2}
    assert result.returned == {"thing": shown}


def test_a_result_is_of_the_present_unless_it_is_predicted() -> None:
    assert Thing({}).result("", Plan(Action.CREATE, {}, {"size": 2})).returned == {"thing": None}
    predicted = Thing({}).result("", Plan(Action.CREATE, {}, {"size": 2}), is_predicted=True)
    assert predicted.returned == {"thing": {"org": "", "project": "", "size": 2}}


def test_something_is_derived_once_for_each_key() -> None:
    thing, derived = Thing({}), []
    for key in ("a", "a", "b"):
        assert thing._once(key, lambda key=key: derived.append(key) or key.upper()) == key.upper()
    assert derived == ["a", "b"]


def test_states_of_a_row_are_told_apart() -> None:
    row = Connector("id", "s", "k", "i", "n", revision=3, digest=b"t")
    assert (row_key(row), row_key(None)) == (("id", 3, b"t"), None)
    assert (
        len({row_key(row._replace(**change)) for change in ({}, {"revision": 4}, {"digest": b"u"}, {"id": "x"})}) == 4
    )


def test_a_list_is_of_one_scope() -> None:
    class Things(Info):
        def views(self, session: Session) -> list[View]:
            return []

    assert [Things(params).path for params in ({}, {"org": "a"}, {"org": "a", "project": "b"})] == [
        ScopePath(),
        ScopePath("a"),
        ScopePath("a", "b"),
    ]


def test_the_engine_knows_its_resources_only(engine: Engine) -> None:
    assert not set(INFOS) & set(RESOURCES)
    assert error_of(lambda: declare(engine, "secret_jwt", identifier="a")).code == "unknown_resource"
