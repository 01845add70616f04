# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scopes are declared, listed, and removed with their contents."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    add_connector,
    check,
    content_of,
    declare,
    error_of,
    read,
    shown,
)

API = {"org": "payments", "project": "api"}


@pytest.fixture
def tree(engine: Engine) -> Engine:
    """An organization with a project, each with a secret, and an empty organization."""
    declare(engine, "scope", org="payments")
    declare(engine, "scope", **API)
    declare(engine, "scope", org="web")
    declare(engine, "secret_text", org="payments", identifier="a", value=b"of the organization")
    declare(engine, "secret_text", **API, identifier="a", value=b"of the project")
    return engine


def places(engine: Engine, **filters: Any) -> list[tuple[str, str]]:
    return [(view["org"], view["project"]) for view in shown(engine, "scope_info", **filters)]


def test_a_scope_is_created_once(engine: Engine) -> None:
    first = declare(engine, "scope", org="payments")
    assert (first.changed, first.before) == (True, {})
    view = first.returned["scope"]
    assert (view["level"], view["org"], view["project"], view["name"]) == ("org", "payments", "", "payments")
    assert (view["description"], view["tags"], view["builtin_manager"]) == ("", {}, "enabled")
    assert (view["projects"], view["connectors"], view["secrets"]) == (0, 0, 0)
    second = declare(engine, "scope", org="payments")
    assert (second.changed, second.returned) == (False, first.returned)


def test_only_given_fields_change(engine: Engine) -> None:
    declare(engine, "scope", org="payments", name="Payments", description="d", tags={"a": 1})
    result = declare(engine, "scope", org="payments", tags={"b": "2"})
    assert (result.before["tags"], result.after["tags"]) == ({"a": "1"}, {"b": "2"})
    view = result.returned["scope"]
    assert (view["name"], view["description"], view["tags"]) == ("Payments", "d", {"b": "2"})
    assert shown(engine, "scope", org="payments", tags={}, description="")["tags"] == {}
    assert not declare(engine, "scope", org="payments", tags={}, description="", name="Payments").changed


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"project": "api"}, "project_without_org"),
        ({"org": "or"}, "reserved_identifier"),
        ({"org": "a-b"}, "invalid_identifier"),
        ({"org": "payments", "name": ""}, "invalid_name"),
        ({"org": "payments", "tags": {"a": []}}, "invalid_tags"),
        ({"org": "payments", "builtin_manager": "disabled"}, "no_other_manager"),
        ({"org": "fresh", "builtin_manager": "disabled"}, "no_other_manager"),
        ({"builtin_manager": "disabled"}, "no_other_manager"),
        ({"state": "absent"}, "account_stays"),
        ({"state": "absent", "force": True}, "account_stays"),
    ],
)
def test_refused_declarations_change_nothing(
    settings: Settings, engine: Engine, params: dict[str, Any], code: str
) -> None:
    declare(engine, "scope", org="payments")
    before = content_of(settings)
    assert error_of(lambda: declare(engine, "scope", **params)).code == code
    assert error_of(lambda: check(engine, "scope", **params)).code == code
    assert content_of(settings) == before


def test_a_project_needs_an_existing_organization(engine: Engine) -> None:
    error = error_of(lambda: declare(engine, "scope", org="none", project="api"))
    assert (error.code, "no organization 'none'" in error.message) == ("unknown_scope", True)


def test_the_built_in_manager_can_be_disabled_if_another_is_the_default(settings: Settings, engine: Engine) -> None:
    declare(engine, "scope", name="Root")
    add_connector(settings, "vault")
    assert error_of(lambda: declare(engine, "scope", builtin_manager="disabled")).code == "no_other_manager"
    declare(engine, "default_secret_manager", secret_manager="vault")
    assert declare(engine, "scope", builtin_manager="disabled").changed
    assert not declare(engine, "scope", builtin_manager="disabled").changed
    assert not declare(engine, "scope", name="Root").changed
    assert shown(engine, "scope", builtin_manager="enabled")["builtin_manager"] == "enabled"


def test_a_scope_with_contents_is_not_removed(settings: Settings, tree: Engine) -> None:
    before = content_of(settings)
    error = error_of(lambda: declare(tree, "scope", org="payments", state="absent"))
    assert (error.code, error.details) == ("scope_in_use", {"projects": 1, "connectors": 0, "secrets": 1})
    assert "1 projects, 1 secrets" in error.message
    assert error_of(lambda: declare(tree, "scope", **API, state="absent")).details == {"connectors": 0, "secrets": 1}
    assert content_of(settings) == before


def test_force_removes_everything_below_and_nothing_beside(settings: Settings, tree: Engine) -> None:
    result = declare(tree, "scope", org="payments", state="absent", force=True)
    assert (result.changed, result.after, result.before["name"]) == (True, {}, "payments")
    assert ["1 projects, 1 secrets" in warning for warning in result.warnings] == [True]
    assert result.returned["scope"]["secrets"] == 1
    assert places(tree, recursive=True) == [("", ""), ("web", "")]
    rest = content_of(settings)
    assert [line for line in rest if line.startswith("secret")] == []
    assert len([line for line in rest if line.startswith("scope_key:")]) == 2
    assert error_of(lambda: read(tree, "a", "payments")).code == "unknown_scope"


def test_an_empty_scope_is_removed(tree: Engine) -> None:
    result = declare(tree, "scope", org="web", state="absent")
    assert (result.changed, result.warnings, result.returned["scope"]["org"]) == (True, [], "web")
    again = declare(tree, "scope", org="web", state="absent")
    assert (again.changed, again.returned) == (False, {"scope": None})
    below = declare(tree, "scope", org="web", project="x", state="absent")
    assert (below.changed, below.returned) == (False, {"scope": None})


def test_a_recreated_scope_does_not_open_old_secrets(tree: Engine) -> None:
    declare(tree, "scope", **API, state="absent", force=True)
    declare(tree, "scope", **API)
    assert error_of(lambda: read(tree, "a", **API)).code == "unknown_secret"


def test_check_mode_predicts_the_result_and_writes_nothing(settings: Settings, cloud: Cloud, tree: Engine) -> None:
    add_connector(settings, "vault", ScopePath("payments"))
    declare(tree, "secret_text", org="payments", identifier="kept", value=b"v", secret_manager="vault")
    before = content_of(settings)
    made = check(tree, "scope", org="fresh", name="New")
    assert (made.changed, made.after["name"], made.returned["scope"]["name"]) == (True, "New", "New")
    assert check(tree, "scope", org="payments", name="P").after["name"] == "P"
    assert check(tree, "scope", org="payments", state="absent", force=True).changed
    assert not check(tree, "scope", org="payments").changed
    assert not check(tree, "scope", org="none", state="absent").changed
    kept = cloud.dump
    assert check(tree, "scope", org="payments", state="absent", force=True).changed
    assert (cloud.dump, cloud.paths()) == (kept, ["app/kept"])
    below = check(tree, "scope", org="none", project="x")
    assert (below.changed, ["no organization" in warning for warning in below.warnings]) == (True, [True])
    assert content_of(settings) == before


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [("", "")]),
        ({"org": "payments"}, [("payments", "")]),
        ({"org": "payments", "recursive": True}, [("payments", ""), ("payments", "api")]),
        ({"recursive": True}, [("", ""), ("payments", ""), ("payments", "api"), ("web", "")]),
        (API, [("payments", "api")]),
        ({"org": "none"}, []),
        ({"org": "payments", "project": "none", "recursive": True}, []),
    ],
)
def test_scopes_are_listed(tree: Engine, filters: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert places(tree, **filters) == expected
    assert places(tree, **filters, verify=True) == expected


def test_force_removes_connectors_too(settings: Settings, engine: Engine) -> None:
    declare(engine, "scope", org="Pay")
    add_connector(settings, "vault", ScopePath("Pay"))
    assert "organization 'Pay'" in error_of(lambda: declare(engine, "scope", org="Pay", state="absent")).message
    assert declare(engine, "scope", org="Pay", state="absent", force=True).changed
    assert shown(engine, "scope_info", recursive=True)[0]["organizations"] == 0


def test_only_the_account_decides_whether_managers_are_inherited(settings: Settings, engine: Engine) -> None:
    assert shown(engine, "scope", name="Root")["inherited_managers"] == "forbidden"
    assert declare(engine, "scope", inherited_managers="allowed").changed
    assert not declare(engine, "scope", inherited_managers="allowed").changed
    assert shown(engine, "scope_info")[0]["inherited_managers"] == "allowed"
    assert "inherited_managers" not in shown(engine, "scope", org="payments")
    before = content_of(settings)
    for call in (declare, check):
        error = error_of(lambda call=call: call(engine, "scope", org="payments", inherited_managers="allowed"))
        assert (error.code, "organization 'payments'" in error.message) == ("only_for_account", True)
    assert content_of(settings) == before
    assert shown(engine, "scope", inherited_managers="forbidden")["inherited_managers"] == "forbidden"
