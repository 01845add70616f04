# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managers of a scope: found by name, shown with what they hold."""

from __future__ import annotations

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.managers import (
    check_takes_new,
    default_identifier,
    find_manager,
    names_of,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Connector, Scope
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Conflict, NotFound
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.stores import add_connector, declare, error_of, shown

ON = Scope("id", ScopePath("Payments"), "parent", "name")
OFF = Scope("id", ScopePath("Payments"), "parent", "name", builtin_enabled=False, default_connector_id="two-id")
TWO = [Connector("one-id", "id", "custom", "one", "n"), Connector("two-id", "id", "custom", "two", "n")]


def test_the_managers_of_a_scope() -> None:
    assert names_of(ON, TWO) == ["builtin", "one", "two"]
    assert names_of(OFF, TWO) == ["one", "two"]
    assert names_of(OFF, []) == []


def test_the_default_is_builtin_until_one_is_set() -> None:
    assert default_identifier(ON, TWO) == "builtin"
    assert default_identifier(OFF, TWO) == "two"


def test_a_manager_is_found_by_its_name() -> None:
    assert [find_manager(ON, TWO, name) for name in ("builtin", "one", "two")] == [None, *TWO]


@pytest.mark.parametrize(
    ("scope", "connectors", "names"), [(ON, TWO, "builtin, one, two."), (OFF, TWO, "one, two."), (OFF, [], "none.")]
)
def test_an_unknown_manager_lists_those_there_are(scope: Scope, connectors: list[Connector], names: str) -> None:
    error = error_of(lambda: find_manager(scope, connectors, "One"))
    assert (type(error), error.code) == (NotFound, "unknown_connector")
    assert "'One' in organization 'Payments'" in error.message
    assert error.hint.endswith(f"are: {names}")


def test_a_built_in_manager_that_is_switched_off_takes_nothing_new() -> None:
    error = error_of(lambda: find_manager(OFF, TWO, "builtin"))
    assert (type(error), error.code, "one, two" in error.hint) == (Conflict, "builtin_disabled", True)
    assert "it has none yet" in error_of(lambda: check_takes_new(OFF, [], None)).hint
    check_takes_new(OFF, TWO, "two-id")
    check_takes_new(ON, TWO, None)


def test_managers_are_shown_with_what_they_hold(settings: Settings, engine: Engine) -> None:
    declare(engine, "scope", org="payments")
    for org in ("", "payments"):
        add_connector(settings, "vault", ScopePath(org))
    declare(engine, "secret_text", org="payments", identifier="old", value=b"v")
    declare(engine, "default_secret_manager", org="payments", secret_manager="vault")
    for number in range(2):
        declare(engine, "secret_text", org="payments", identifier=f"new{number}", value=b"v")
    views = shown(engine, "connector_info", org="payments")
    columns = ("identifier", "kind", "name", "org", "is_default", "enabled", "secrets")
    assert [[view[column] for column in columns] for view in views] == [
        ["builtin", "builtin", "Built-in secret manager", "payments", False, True, 1],
        ["vault", "hashicorp_vault", "The vault", "payments", True, True, 2],
    ]
    above = shown(engine, "connector_info")
    assert [(view["identifier"], view["is_default"], view["secrets"]) for view in above] == [
        ("builtin", True, 0),
        ("vault", False, 0),
    ]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["builtin", "one", "two"]),
        ({"identifier": "two"}, ["two"]),
        ({"kind": "builtin"}, ["builtin"]),
        ({"kind": "hashicorp_vault"}, ["one", "two"]),
        ({"kind": "hashicorp_vault", "identifier": "builtin"}, []),
        ({"identifier": "none"}, []),
    ],
)
def test_filters(settings: Settings, engine: Engine, filters: dict[str, str], expected: list[str]) -> None:
    declare(engine, "scope", name="Root")
    for identifier in ("two", "one"):
        add_connector(settings, identifier)
    found = shown(Engine(settings), "connector_info", **filters)
    assert [view["identifier"] for view in found] == expected
