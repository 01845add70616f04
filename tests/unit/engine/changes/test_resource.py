# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all resources share: what was given, and what differs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.resource import (
    Action,
    Plan,
    changed_fields,
    pick,
)
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things.registry import INFOS, RESOURCES
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things.scopes import ScopeResource
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


def test_the_engine_knows_its_resources_only(engine: Engine) -> None:
    assert not set(INFOS) & set(RESOURCES)
    assert error_of(lambda: declare(engine, "secret_jwt", identifier="a")).code == "unknown_resource"
