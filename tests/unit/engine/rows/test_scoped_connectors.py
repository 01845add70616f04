# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managers of a scope: found by name, shown with what they hold."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.scopekey import ScopeKey
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.held_scope import HeldScope
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.scoped_connectors import (
    Managers,
    ScopedConnector,
    connector_removed,
    load_managers,
)
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Connector, Scope
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Conflict, Forbidden, NotFound
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    add_connector,
    declare,
    error_of,
    holding,
    in_session,
    shown,
)

PAY, API = ScopePath("pay"), ScopePath("pay", "api")
CONNECTORS = [
    ScopedConnector(Connector("api-id", "i", "memory_vault", "mine", "n"), API),
    ScopedConnector(Connector("gone-id", "i", "memory_vault", "gone", "n", is_removed=True), API),
    ScopedConnector(Connector("org-id", "p", "memory_vault", "shared", "n"), PAY),
    ScopedConnector(Connector("top-id", "a", "memory_kms", "shared", "n"), ACCOUNT),
]


def managers(*, inherits: bool = False, connectors: list[ScopedConnector] | None = None, **scope: Any) -> Managers:
    return Managers(Scope("i", API, "p", "name", **scope), CONNECTORS if connectors is None else connectors, inherits)


def test_a_scope_may_use_its_own_managers() -> None:
    assert managers().names == ["builtin", "mine"]
    assert managers(builtin_enabled=False).names == ["mine"]
    assert managers(builtin_enabled=False, connectors=[]).names == []


def test_a_scope_may_use_inherited_managers_if_allowed() -> None:
    assert managers(inherits=True).names == ["builtin", "mine", "org.shared", "account.shared"]
    found = [managers(inherits=True).find(name) for name in ("builtin", "mine", "org.shared", "account.shared")]
    assert found == [None, CONNECTORS[0], CONNECTORS[2], CONNECTORS[3]]


def test_the_default_is_builtin_until_one_is_set() -> None:
    assert (managers().default, managers().for_new(None)) == ("builtin", None)
    own = managers(default_connector_id="api-id")
    assert (own.default, own.for_new(None)) == ("mine", CONNECTORS[0])
    above = managers(default_connector_id="top-id", inherits=True)
    assert (above.default, above.for_new(None)) == ("account.shared", CONNECTORS[3])


def test_a_manager_is_found_by_its_id_even_one_removed_by_force() -> None:
    assert [managers().connector(one) for one in ("gone-id", "top-id", "none", None)] == [*CONNECTORS[1::2], None, None]
    assert managers().name_of("top-id") == "account.shared"


@pytest.mark.parametrize("name", ["Mine", "gone", "org.mine", "account.mine", "none", ""])
def test_the_error_for_an_unknown_manager_lists_the_known_ones(name: str) -> None:
    for inherits in (False, True):
        error = error_of(lambda inherits=inherits: managers(inherits=inherits).find(name))
        assert (type(error), error.code) == (NotFound, "unknown_connector")
        assert f"'{name}' in project 'pay/api'" in error.message
        assert error.hint.endswith(f"are: {', '.join(managers(inherits=inherits).names)}.")
    assert error_of(lambda: managers(connectors=[], builtin_enabled=False).find(name)).hint.endswith("are: none.")


@pytest.mark.parametrize("name", ["shared", "org.shared", "account.shared"])
def test_a_manager_of_another_scope_is_refused_and_usable_ones_are_listed(name: str) -> None:
    error = error_of(lambda: managers().find(name))
    assert (type(error), error.code) == (Forbidden, "manager_of_other_scope")
    assert "'shared' of " in error.message
    assert "project 'pay/api' are: builtin, mine." in error.hint
    assert "inherited_managers: allowed" in error.hint


def test_managers_of_the_same_name_are_told_apart_by_scope() -> None:
    twins = [ScopedConnector(CONNECTORS[3].row._replace(id="own"), API), CONNECTORS[3]]
    assert managers(connectors=twins).find("shared") == twins[0]
    assert error_of(lambda: managers(connectors=twins).find("account.shared")).code == "manager_of_other_scope"


def test_an_inherited_default_takes_new_secrets_only_if_allowed() -> None:
    error = error_of(lambda: managers(default_connector_id="top-id").for_new(None))
    assert (type(error), error.code, "of the account" in error.message) == (Forbidden, "manager_of_other_scope", True)
    assert managers(default_connector_id="top-id").for_new("mine") == CONNECTORS[0]


def test_a_disabled_built_in_manager_takes_nothing_new() -> None:
    for name in (None, "builtin"):
        error = error_of(lambda name=name: managers(builtin_enabled=False).for_new(name))
        assert (type(error), error.code, "(mine)" in error.hint) == (Conflict, "builtin_disabled", True)
    assert "it has none yet" in error_of(lambda: managers(builtin_enabled=False, connectors=[]).for_new(None)).hint
    assert managers(builtin_enabled=False).for_new("mine") == CONNECTORS[0]
    assert managers(builtin_enabled=False).find("builtin") is None


HELD = HeldScope(ScopeKey("p", 1, bytes(32)), PAY, "the test")
LOCKED = [CONNECTORS[0], CONNECTORS[2], CONNECTORS[3]._replace(locked_by=HELD)]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("account.shared", "scope_locked"),
        ("shared", "manager_of_other_scope"),
        (None, "scope_locked"),
        ("account.none", "unknown_connector"),
    ],
)
def test_a_locked_manager_is_not_used(name: str | None, code: str) -> None:
    """A name without its scope may mean a manager of any scope, so the error tells nothing about a locked one."""
    locked = managers(inherits=True, connectors=LOCKED, default_connector_id="top-id")
    assert locked.names == ["builtin", "mine", "org.shared"]
    assert error_of(lambda: locked.for_new(name)).code == code


def test_an_open_manager_is_open() -> None:
    LOCKED[0].check_open()
    assert error_of(LOCKED[2].check_open).message.startswith("The account can't be opened")


def test_a_removed_connector_is_named_if_it_is_known() -> None:
    known, unknown = (connector_removed("It", connector).message for connector in (CONNECTORS[1], None))
    assert known == "It is kept by the connector 'gone', which was removed."
    assert unknown == "It is kept by a removed connector."


def test_labels_and_names_of_managers() -> None:
    assert [connector.label for connector in CONNECTORS] == ["pay/api/mine", "pay/api/gone", "pay/shared", "shared"]
    assert [connector.keeps_keys for connector in CONNECTORS] == [False, False, False, True]
    assert CONNECTORS[2].what == "connector 'shared' of organization 'pay'"


def test_the_nearest_come_first_and_each_scope_sees_those_above_it(settings: Settings, engine: Engine) -> None:
    for path in (PAY, API, ScopePath("web")):
        declare(engine, "scope", org=path.org, project=path.project)
    for path in (ACCOUNT, PAY, API, ScopePath("web")):
        for identifier in ("b", "a"):
            add_connector(settings, identifier, path)
    declare(engine, "scope", inherited_managers="allowed")

    def work(session: Session) -> list[list[str]]:
        chains = [session.chain(path) for path in (ACCOUNT, PAY, API)]
        return [load_managers(session, chain).names for chain in chains]

    own, of_pay = ["builtin", "a", "b"], ["builtin", "a", "b", "account.a", "account.b"]
    assert in_session(settings, work) == [own, of_pay, [*own, "org.a", "org.b", "account.a", "account.b"]]


def test_managers_are_loaded_once_until_the_scope_changes(settings: Settings, engine: Engine) -> None:
    for path in (PAY, API):
        declare(engine, "scope", org=path.org, project=path.project)

    def work(session: Session) -> None:
        chains = [session.chain(path) for path in (ACCOUNT, PAY, API)]
        loaded = [load_managers(session, chain) for chain in chains]
        assert all(load_managers(session, chain) is one for chain, one in zip(chains, loaded, strict=True))
        session.write_scope([*chains[2][:-1], chains[2][-1]._replace(builtin_enabled=False)])
        assert [load_managers(session, session.chain(path)).names for path in (PAY, API)] == [["builtin"], []]

    in_session(settings, work)


@pytest.mark.parametrize("inherits", [False, True])
def test_the_key_of_one_scope_leaves_those_above_it_locked(settings: Settings, engine: Engine, inherits: bool) -> None:
    """The account's row can't be verified then, so nothing is inherited."""
    declare(engine, "scope", inherited_managers="allowed" if inherits else "denied")
    for path in (PAY, API):
        declare(engine, "scope", org=path.org, project=path.project)
    for path in (ACCOUNT, PAY, API):
        add_connector(settings, f"of_{path.level.value}", path)

    def look(engine: Engine) -> tuple[bool, list[tuple[str, bool]]]:
        found = engine.read(lambda session: load_managers(session, session.chain(API)), API)
        return found.inherits, [(one.row.identifier, bool(one.locked_by)) for one in found.connectors]

    names = ["of_project", "of_org", "of_account"]
    assert look(Engine(settings)) == (inherits, [(name, False) for name in names])
    assert look(holding(settings, "pay")) == (False, list(zip(names, (False, False, True), strict=True)))
    assert look(holding(settings, "pay", "api")) == (False, list(zip(names, (False, True, True), strict=True)))


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
        ["vault", "memory_vault", "The vault", "payments", True, True, 2],
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
        ({"kind": "memory_vault"}, ["one", "two"]),
        ({"kind": "memory_vault", "identifier": "builtin"}, []),
        ({"identifier": "none"}, []),
    ],
)
def test_filters(settings: Settings, engine: Engine, filters: dict[str, str], expected: list[str]) -> None:
    declare(engine, "scope", name="Root")
    for identifier in ("two", "one"):
        add_connector(settings, identifier)
    found = shown(Engine(settings), "connector_info", **filters)
    assert [view["identifier"] for view in found] == expected
