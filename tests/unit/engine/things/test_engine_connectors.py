# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors: declared, changed, in use, removed, made again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Writing
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import manager_kind
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Conflict, Forbidden, NotFound
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Result
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import OURS, Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    add_connector,
    check,
    content_of,
    declare,
    error_of,
    read,
    rows_of,
    shown,
)
from ansible_collections.scoped.secrets.tests.unit.engine.templates import made_once

PAY: dict[str, Any] = {"org": "pay"}
API: dict[str, Any] = {"org": "pay", "project": "api"}


def vault(engine: Engine, identifier: str = "vault", **params: Any) -> Result:
    return declare(engine, "connector_memory_vault", identifier=identifier, **params)


def keep(engine: Engine, identifier: str, **params: Any) -> Result:
    return declare(engine, "secret_text", **{"identifier": identifier, "value": b"v", **params})


def secrets(engine: Engine, **scope: Any) -> dict[str, str]:
    """Return the manager of each secret."""
    return {view["identifier"]: view["secret_manager"] for view in shown(engine, "secret_info", **scope)}


def names(engine: Engine, **scope: Any) -> list[str]:
    return [view["identifier"] for view in shown(engine, "connector_info", **scope)]


def default_of(engine: Engine, **scope: Any) -> str:
    return str(shown(engine, "scope_info", **scope)[0]["default_secret_manager"])


def settled(settings: Settings, identifier: str = "vault") -> str:
    with rows_of(settings) as tx:
        row = tx.one("SELECT options FROM connector WHERE identifier = :identifier", identifier=identifier)
    assert row
    return str(json.loads(row["options"]).get("found_by_login"))


@pytest.fixture
def tree(engine: Engine) -> Engine:
    """An organization and a project; the secret `t` is a token, in the account and in the organization."""
    fill(engine)
    return engine


@made_once
def fill(engine: Engine) -> None:
    declare(engine, "scope", org="pay")
    declare(engine, "scope", **API)
    for scope in ({}, PAY):
        declare(engine, "secret_text", identifier="t", value=b"good", **scope)


def test_a_connector_is_made_once(settings: Settings, cloud: Cloud, tree: Engine) -> None:
    first = vault(tree, token_ref="t", description="d", tags={"a": 1})
    assert (first.changed, first.before, first.warnings) == (True, {}, [])
    view = first.returned["connector"]
    assert {name: view[name] for name in ("identifier", "kind", "name", "description", "tags", "org", "secrets")} == {
        "identifier": "vault",
        "kind": "memory_vault",
        "name": "vault",
        "description": "d",
        "tags": {"a": "1"},
        "org": "",
        "secrets": 0,
    }
    assert {name: view["options"][name] for name in ("vault", "base", "auth_method", "token_ref")} == {
        "vault": "main",
        "base": "app",
        "auth_method": "token",
        "token_ref": "t",
    }
    before, dump = content_of(settings), cloud.dump
    second = vault(tree, token_ref="t", description="d", tags={"a": "1"})
    assert (second.changed, second.returned) == (False, {"connector": view})
    assert (content_of(settings), cloud.dump) == (before, dump)


def test_access_is_proven_before_anything_is_saved(settings: Settings, cloud: Cloud, tree: Engine) -> None:
    before = content_of(settings)

    def deny(_path: str) -> None:
        raise failures.denied("it", "check")

    cloud.before["check"] = deny
    assert error_of(lambda: vault(tree, token_ref="t")).code == "provider_denied"
    del cloud.before["check"]
    for call in ({"token": "canary-bad"}, {"user": "u", "password": "canary-bad", "auth_method": "password"}):
        error = error_of(lambda call=call: vault(tree, **call))
        assert (type(error), error.code, "canary" in str(error)) == (Forbidden, "login_refused", False)
    error = error_of(lambda: vault(tree, token_ref="none"))
    assert (type(error), error.code) == (NotFound, "unknown_secret")
    assert content_of(settings) == before
    assert vault(tree, token="canary-bad", check=False).changed
    assert names(tree) == ["builtin", "vault"]


def test_a_secret_that_a_connector_uses_must_be_there_even_if_nothing_is_proven(tree: Engine) -> None:
    assert error_of(lambda: vault(tree, token_ref="none", check=False)).code == "unknown_secret"


def test_only_what_is_given_changes(cloud: Cloud, tree: Engine) -> None:
    vault(tree, token_ref="t", base="b", timeout=9, name="N", tags={"a": "1"})
    logins = cloud.counts["login"]
    result = vault(tree, timeout=10)
    view = result.returned["connector"]
    assert (view["name"], view["tags"], view["options"]["base"], view["options"]["timeout"]) == (
        "N",
        {"a": "1"},
        "b",
        10,
    )
    assert {name for name in result.after if result.after[name] != result.before.get(name)} == {"options"}
    assert cloud.counts["login"] == logins + 1


def test_the_login_of_the_run_follows_a_change(cloud: Cloud, tree: Engine) -> None:
    cloud.put("p", b"v", vault="other")
    vault(tree, token_ref="t")
    assert error_of(lambda: read(tree, "memory://vault/p")).code == "unknown_path"
    vault(tree, vault="other")
    assert read(tree, "memory://vault/p") == b"v"


def test_a_connector_keeps_its_kind(settings: Settings, tree: Engine) -> None:
    vault(tree)
    before = content_of(settings)
    for call in (declare, check):
        error = error_of(lambda call=call: call(tree, "connector_memory_kms", identifier="vault"))
        assert (type(error), error.code, "connector_memory_vault" in error.hint) == (Conflict, "other_connector", True)
    assert content_of(settings) == before


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"identifier": "a-b"}, "invalid_identifier"),
        ({"identifier": "builtin"}, "reserved_identifier"),
        ({"name": ""}, "invalid_name"),
        ({"tags": {"": 1}}, "invalid_tags"),
        ({"org": "none"}, "unknown_scope"),
        ({"timeout": 0}, "invalid_option"),
    ],
)
def test_what_is_refused_changes_nothing(
    settings: Settings, cloud: Cloud, tree: Engine, params: dict[str, Any], code: str
) -> None:
    before = content_of(settings)
    assert error_of(lambda: vault(tree, **params)).code == code
    assert (content_of(settings), cloud.counts["login"]) == (before, 0)


# --- credentials that are given themselves


def test_a_credential_is_kept_as_a_secret_of_the_default_manager(cloud: Cloud, tree: Engine) -> None:
    result = vault(tree, token="good")
    assert result.after["credentials"] == {"token": "create"}
    assert (secrets(tree)["vault_token"], read(tree, "vault_token")) == ("builtin", b"good")
    assert shown(tree, "secret_info", identifier="vault_token")[0]["used_by"] == [
        {"kind": "connector", "identifier": "vault", "field": "token_ref"}
    ]
    declare(tree, "default_secret_manager", secret_manager="vault")
    vault(tree, "second", token="good", vault="second")
    assert (secrets(tree)["second_token"], cloud.newest("app/second_token")) == ("vault", OURS + b"good")
    cloud.put("p", b"v", vault="second")
    assert read(Engine(tree.settings), "memory://second/p") == b"v"


def test_a_default_manager_keeps_its_own_credentials_in_the_built_in_one(cloud: Cloud, tree: Engine) -> None:
    vault(tree, token="good", use_as_default=True)
    assert (secrets(tree)["vault_token"], default_of(tree)) == ("builtin", "vault")
    vault(tree, "second", use_as_default=True, vault="second")
    vault(tree, "second", token="good")
    assert (secrets(tree)["second_token"], read(Engine(tree.settings), "second_token")) == ("builtin", b"good")
    assert cloud.paths("second") == []


def test_a_credential_that_is_the_same_again_changes_nothing(settings: Settings, cloud: Cloud, tree: Engine) -> None:
    vault(tree, "first", use_as_default=True, vault="first")
    vault(tree, token="good")
    before, dump = content_of(settings), cloud.dump
    assert not vault(tree, token="good").changed
    assert not vault(tree).changed
    assert not vault(tree, token_ref="vault_token").changed
    assert (content_of(settings), cloud.dump) == (before, dump)


def test_a_credential_that_changes_is_a_new_version_where_it_is(cloud: Cloud, tree: Engine) -> None:
    vault(tree, token="good")
    vault(tree, "first", use_as_default=True, vault="first")
    cloud.credentials.add("better")
    result = vault(tree, token="better")
    assert (result.changed, result.after["credentials"]) == (True, {"token": "update"})
    assert (secrets(tree)["vault_token"], read(tree, "vault_token@2")) == ("builtin", b"better")
    assert cloud.paths("first") == []
    cloud.credentials = {"better"}
    cloud.put("p", b"v")
    assert read(tree, "memory://vault/p") == b"v"


@pytest.mark.parametrize("change", [{"token_ref": "t"}, {"auth_method": "anonymous"}])
def test_a_credential_that_is_given_otherwise_is_kept_no_longer(
    cloud: Cloud, tree: Engine, change: dict[str, Any]
) -> None:
    vault(tree, "first", use_as_default=True, vault="first")
    vault(tree, token="good")
    assert cloud.paths("first") == ["app/vault_token"]
    result = vault(tree, **change)
    assert (result.changed, result.after["credentials"]) == (True, {"token": "delete"})
    assert (secrets(tree), cloud.paths("first")) == ({"t": "builtin"}, [])
    assert read(tree, "t") == b"good"
    assert not vault(tree, **change).changed


def test_a_secret_of_somebody_is_not_taken_for_a_credential(settings: Settings, cloud: Cloud, tree: Engine) -> None:
    keep(tree, "vault_token", value=b"theirs")
    before = content_of(settings)
    for call in (declare, check):
        given = {"identifier": "vault", "token": "good"}
        error = error_of(lambda call=call, given=given: call(tree, "connector_memory_vault", **given))
        assert (type(error), error.code) == (Conflict, "credential_name_taken")
        assert ("'vault_token'" in error.message, "token_ref: vault_token" in error.hint) == (True, True)
    assert (content_of(settings), read(tree, "vault_token")) == (before, b"theirs")


def test_a_secret_that_is_made_meanwhile_is_not_taken_for_a_credential(
    settings: Settings, cloud: Cloud, tree: Engine
) -> None:
    def meddle(_path: str) -> None:
        del cloud.before["check"]
        keep(Engine(settings), "vault_token", value=b"theirs")

    cloud.before["check"] = meddle
    assert error_of(lambda: vault(tree, token="good")).code == "credential_name_taken"
    assert (read(tree, "vault_token"), read(tree, "vault_token@1")) == (b"theirs", b"theirs")
    assert names(tree) == ["builtin"]


def test_no_credential_shows_in_results_or_in_the_file(settings: Settings, cloud: Cloud, tree: Engine) -> None:
    cloud.credentials = {"good", "canary"}
    results = [
        vault(tree, token="canary"),
        vault(tree, timeout=1),
        vault(tree, token="good"),
        vault(tree, token="canary"),
    ]
    results.append(declare(tree, "connector_check", identifier="vault"))
    results.append(vault(tree, state="absent"))
    assert "canary" not in repr(results)
    assert "canary" not in "\n".join(content_of(settings))


def test_a_credential_that_another_connector_uses_stays(settings: Settings, cloud: Cloud, tree: Engine) -> None:
    """What is referenced can't go, and the error lists who uses it; `force` says what it broke."""
    vault(tree, token="good")
    vault(tree, "other", token_ref="vault_token", vault="other")
    before = content_of(settings)
    user = "connector 'other' (token_ref)"
    for change in ({"token_ref": "t"}, {"auth_method": "anonymous"}, {"state": "absent"}):
        error = error_of(lambda change=change: vault(tree, **change))
        assert (error.code, error.details) == ("secret_in_use", {"used_by": [user]})
        assert content_of(settings) == before
    result = vault(tree, token_ref="t", force=True)
    assert [user in warning for warning in result.warnings] == [True]
    assert "vault_token" not in secrets(tree)


# --- what is settled at the provider, and where values lie


def test_what_was_found_out_stays_until_the_place_changes(settings: Settings, tree: Engine) -> None:
    vault(tree, token_ref="t")
    assert settled(settings) == "1"
    for change in ({"timeout": 5}, {"token": "good"}, {"name": "N"}, {"check": False, "timeout": 6}):
        vault(tree, **change)
        assert settled(settings) == "1"
    vault(tree, base="elsewhere")
    assert settled(settings) not in ("1", "None")
    vault(tree, base="third", check=False)
    assert settled(settings) == "None"


def test_what_was_found_out_is_no_option_that_people_see(tree: Engine) -> None:
    view = vault(tree, token_ref="t").returned["connector"]
    result = vault(tree, timeout=5)
    assert "settled" not in view["options"]
    assert {"settled", "found_by_login"} & (set(result.before["options"]) | set(result.after["options"])) == set()


@pytest.mark.parametrize("change", [{"vault": "other"}, {"base": "other"}, {"base": ""}])
def test_a_place_is_fixed_while_there_is_something(
    settings: Settings, cloud: Cloud, tree: Engine, change: dict[str, str]
) -> None:
    vault(tree)
    keep(tree, "a", secret_manager="vault")
    before, dump = content_of(settings), cloud.dump
    for call in (declare, check):
        params = {"identifier": "vault", **change, "force": True}
        error = error_of(lambda call=call, params=params: call(tree, "connector_memory_vault", **params))
        assert (type(error), error.code, "keeps 1 secrets" in error.message) == (Conflict, "location_fixed", True)
        assert (next(iter(change)) in error.message, "second connector" in error.hint) == (True, True)
    assert (content_of(settings), cloud.dump) == (before, dump)
    assert vault(tree, timeout=1).changed
    keep(tree, "a", state="absent", value=None)
    assert vault(tree, **change).changed


def test_a_place_is_fixed_by_what_a_scope_below_has_there(cloud: Cloud, tree: Engine) -> None:
    declare(tree, "scope", inherited_managers="allowed")
    vault(tree)
    keep(tree, "a", **API, secret_manager="account.vault")
    assert error_of(lambda: vault(tree, base="other")).code == "location_fixed"


# --- defaults


def test_a_connector_becomes_the_default_and_stops_being_it(tree: Engine) -> None:
    assert (vault(tree).returned["connector"]["is_default"], default_of(tree)) == (False, "builtin")
    assert (vault(tree, use_as_default=True).changed, default_of(tree)) == (True, "vault")
    assert (vault(tree, use_as_default=True).changed, vault(tree, timeout=5).changed) == (False, True)
    assert default_of(tree) == "vault"
    vault(tree, "second", use_as_default=True)
    assert (default_of(tree), vault(tree).returned["connector"]["is_default"]) == ("second", False)
    assert not vault(tree, use_as_default=False).changed
    assert (vault(tree, "second", use_as_default=False).changed, default_of(tree)) == (True, "builtin")


def test_a_default_is_for_new_secrets_only(cloud: Cloud, tree: Engine) -> None:
    keep(tree, "old")
    vault(tree, use_as_default=True)
    keep(tree, "old", value=b"changed", description="d")
    keep(tree, "fresh")
    vault(tree, use_as_default=False)
    keep(tree, "fresh", value=b"changed")
    keep(tree, "last")
    assert secrets(tree) == {"fresh": "vault", "last": "builtin", "old": "builtin", "t": "builtin"}
    assert (cloud.paths(), cloud.newest("app/fresh")) == (["app/fresh"], OURS + b"changed")


# --- removal


def test_a_connector_that_keeps_nothing_goes_with_its_credentials(
    settings: Settings, cloud: Cloud, tree: Engine
) -> None:
    vault(tree, "first", use_as_default=True, vault="first")
    vault(tree, token="good")
    result = vault(tree, state="absent")
    assert (result.changed, result.after, result.warnings, result.before["name"]) == (True, {}, [], "vault")
    assert (names(tree), secrets(tree), cloud.paths("first")) == (["builtin", "first"], {"t": "builtin"}, [])
    again = vault(tree, state="absent")
    assert (again.changed, again.returned) == (False, {"connector": None})
    assert len(shown(tree, "scope_info", verify=True)) == 1
    assert not any(line.startswith("secret_reference:") for line in content_of(settings))


def test_a_connector_in_use_stays_and_says_by_what(settings: Settings, cloud: Cloud, tree: Engine) -> None:
    declare(tree, "scope", inherited_managers="allowed")
    vault(tree, use_as_default=True)
    keep(tree, "a")
    keep(tree, "b", **API, secret_manager="account.vault")
    declare(tree, "default_secret_manager", org="pay", secret_manager="account.vault")
    before, dump = content_of(settings), cloud.dump
    for call in (declare, check):
        params = {"identifier": "vault", "state": "absent"}
        error = error_of(lambda call=call, params=params: call(tree, "connector_memory_vault", **params))
        assert (type(error), error.code) == (Conflict, "connector_in_use")
        users = [
            "secret 'a'",
            "secret 'b'",
            *(f"default secret manager of {name}" for name in ("the account", "organization 'pay'")),
        ]
        assert (error.details, ", ".join(users) in error.message) == ({"used_by": users}, True)
    assert (content_of(settings), cloud.dump) == (before, dump)


def test_many_secrets_are_counted_and_some_named(tree: Engine) -> None:
    vault(tree)
    for number in range(23):
        keep(tree, f"s{number:02}", secret_manager="vault")
    error = error_of(lambda: vault(tree, state="absent"))
    assert len(error.details["used_by"]) == 21
    assert error.details["used_by"][-2:] == ["secret 's19'", "3 more secrets"]


def test_a_default_that_goes_makes_builtin_the_default_everywhere(tree: Engine) -> None:
    declare(tree, "scope", inherited_managers="allowed")
    vault(tree, use_as_default=True)
    for scope in (PAY, API):
        declare(tree, "default_secret_manager", **scope, secret_manager="account.vault")
    result = vault(tree, state="absent", force=True)
    assert (result.changed, len(result.warnings), "'pay'" in result.warnings[0]) == (True, 2, True)
    for scope in ({}, PAY, API):
        assert default_of(tree, **scope) == "builtin"
        assert keep(tree, "fresh", **scope).returned["secret"]["secret_manager"] == "builtin"
    assert len(shown(tree, "scope_info", recursive=True, verify=True)) == 3


def test_force_removes_a_connector_in_use_and_it_can_be_made_again(
    settings: Settings, cloud: Cloud, tree: Engine
) -> None:
    declare(tree, "scope", inherited_managers="allowed")
    vault(tree, token="good", use_as_default=True)
    for name in ("a", "b"):
        keep(tree, name, value=name.encode())
    declare(tree, "default_secret_manager", **PAY, secret_manager="account.vault")
    keep(tree, "below", **PAY)
    dump = cloud.dump
    result = vault(tree, state="absent", force=True)
    assert (result.changed, "secret 'a', secret 'b', secret 'below'" in result.warnings[0]) == (True, True)
    assert (cloud.dump, names(tree)) == (dump, ["builtin"])
    assert [default_of(tree, **scope) for scope in ({}, PAY)] == ["builtin", "builtin"]
    assert error_of(lambda: read(tree, "a")).code == "connector_removed"
    assert vault(tree, state="absent").returned == {"connector": None}
    assert error_of(lambda: keep(tree, "c", secret_manager="vault")).code == "unknown_connector"
    assert error_of(lambda: shown(tree, "connector_check", identifier="vault")).code == "unknown_connector"
    assert len(shown(tree, "scope_info", recursive=True, verify=True)) == 3
    again = vault(tree)
    assert (again.changed, again.before, again.returned["connector"]["secrets"]) == (True, {}, 3)
    assert [read(Engine(settings), name) for name in ("a", "b")] == [b"a", b"b"]
    assert default_of(tree) == "builtin"


@pytest.mark.parametrize(
    "call",
    [
        {"value": b"other"},
        {"value": b"v"},
        {"generate": {"kind": "password", "length": 20, "charset": ["digits"]}, "value": b"x"},
    ],
)
def test_nothing_is_written_to_a_connector_that_was_removed(
    settings: Settings, cloud: Cloud, tree: Engine, call: dict[str, Any]
) -> None:
    vault(tree)
    keep(tree, "a", secret_manager="vault")
    vault(tree, state="absent", force=True)
    before, dump, asked = content_of(settings), cloud.dump, list(cloud.asked)
    for method in (declare, check):
        error = error_of(lambda method=method: method(tree, "secret_text", identifier="a", **call))
        assert (type(error), error.code) == (Conflict, "connector_removed")
    assert (content_of(settings), cloud.dump, cloud.asked) == (before, dump, asked)
    assert keep(tree, "a", value=None, name="N").changed
    assert keep(tree, "a", value=None, state="absent").changed
    assert (secrets(tree), cloud.paths()) == ({"t": "builtin"}, ["app/a"])


def test_one_removed_by_force_is_fixed_to_its_kind_and_place(tree: Engine) -> None:
    vault(tree)
    keep(tree, "a", secret_manager="vault")
    vault(tree, state="absent", force=True)
    assert error_of(lambda: vault(tree, base="other")).code == "location_fixed"
    error = error_of(lambda: declare(tree, "connector_memory_kms", identifier="vault"))
    assert error.code == "other_connector"
    keep(tree, "a", value=None, state="absent")
    assert vault(tree, base="other").changed


def test_one_removed_by_force_goes_for_good_once_it_keeps_nothing(
    settings: Settings, cloud: Cloud, tree: Engine
) -> None:
    vault(tree, token="good")
    keep(tree, "a", secret_manager="vault")
    vault(tree, state="absent", force=True)
    assert vault(tree, state="absent", force=True).changed is False
    keep(tree, "a", value=None, state="absent")
    assert check(tree, "connector_memory_vault", identifier="vault", state="absent").changed
    assert vault(tree, state="absent").changed
    assert (secrets(tree), vault(tree, state="absent").changed) == ({"t": "builtin"}, False)
    assert not any(line.startswith("connector:") for line in content_of(settings))
    assert declare(tree, "connector_memory_kms", identifier="vault").changed


def test_check_mode_says_the_same_and_writes_nothing_anywhere(settings: Settings, cloud: Cloud, tree: Engine) -> None:
    vault(tree, token="good")
    vault(tree, "first", use_as_default=True, vault="first")
    keep(tree, "a")
    before, dump = content_of(settings), cloud.dump
    calls: list[tuple[bool, dict[str, Any]]] = [
        (True, {"identifier": "fresh", "token": "good"}),
        (True, {"identifier": "vault", "token": "other"}),
        (True, {"identifier": "vault", "token_ref": "t"}),
        (False, {"identifier": "vault", "token": "good"}),
        (True, {"identifier": "vault", "use_as_default": True}),
        (True, {"identifier": "vault", "state": "absent"}),
        (True, {"identifier": "first", "state": "absent", "force": True}),
        (False, {"identifier": "none", "state": "absent"}),
    ]
    for changes, call in calls:
        result = check(tree, "connector_memory_vault", **call)
        assert (result.changed, content_of(settings), cloud.dump) == (changes, before, dump), call
    foreseen, real = (method(tree, "connector_memory_vault", **calls[0][1]) for method in (check, declare))
    assert (foreseen.before, foreseen.after) == (real.before, real.after)
    seen, made = foreseen.returned["connector"], real.returned["connector"]
    known_after = {"created_at", "updated_at", "secrets", "enabled", "options"}
    assert {name: seen[name] for name in seen if name not in known_after} == {
        name: made[name] for name in made if name not in known_after
    }
    assert {**made["options"], **seen["options"]} == made["options"]
    assert check(tree, "connector_memory_vault", **calls[4][1]).returned["connector"]["is_default"] is True


# --- rules between scopes


def test_a_manager_of_another_scope_is_refused_and_the_own_ones_are_named(
    settings: Settings, cloud: Cloud, tree: Engine
) -> None:
    vault(tree)
    vault(tree, "org_vault", org="pay")
    vault(tree, "mine", **API)
    before, dump = content_of(settings), cloud.dump
    for name in ("vault", "account.vault", "org_vault", "org.org_vault"):
        for call in (declare, check):
            params = {"identifier": "a", "value": b"v", "secret_manager": name, **API}
            error = error_of(lambda call=call, params=params: call(tree, "secret_text", **params))
            assert (type(error), error.code) == (Forbidden, "manager_of_other_scope")
            assert "project 'pay/api' are: builtin, mine." in error.hint
    assert (content_of(settings), cloud.dump) == (before, dump)
    assert error_of(lambda: keep(tree, "a", secret_manager="mine")).code == "unknown_connector"


def test_with_inherited_managers_those_above_may_be_used_and_no_others(cloud: Cloud, tree: Engine) -> None:
    vault(tree)
    vault(tree, "vault", org="pay", base="of_pay")
    declare(tree, "scope", inherited_managers="allowed")
    made = [
        keep(tree, f"a{number}", **API, secret_manager=name).returned["secret"]["secret_manager"]
        for number, name in enumerate(("account.vault", "org.vault", "builtin"))
    ]
    assert (made, cloud.paths()) == (["account.vault", "org.vault", "builtin"], ["app/pay/api/a0", "of_pay/pay/api/a1"])
    assert [read(Engine(tree.settings), f"a{number}", **API) for number in range(3)] == [b"v"] * 3
    error = error_of(lambda: keep(tree, "b", **API, secret_manager="vault"))
    assert (error.code, "builtin, org.vault, account.vault." in error.hint) == ("unknown_connector", True)


def test_when_inheriting_ends_what_is_there_stays_and_nothing_new_comes(cloud: Cloud, tree: Engine) -> None:
    vault(tree)
    declare(tree, "scope", inherited_managers="allowed")
    declare(tree, "default_secret_manager", **API, secret_manager="account.vault")
    keep(tree, "a", **API)
    declare(tree, "scope", inherited_managers="forbidden")
    assert read(Engine(tree.settings), "a", **API) == b"v"
    assert keep(tree, "a", **API, value=b"w").changed
    error = error_of(lambda: keep(tree, "b", **API))
    assert (type(error), error.code) == (Forbidden, "manager_of_other_scope")
    assert (cloud.paths(), keep(tree, "b", **API, secret_manager="builtin").changed) == (["app/pay/api/a"], True)


def test_with_the_built_in_manager_off_new_secrets_need_another(tree: Engine) -> None:
    vault(tree, use_as_default=True)
    declare(tree, "scope", builtin_manager="disabled")
    assert keep(tree, "a").returned["secret"]["secret_manager"] == "vault"
    assert error_of(lambda: keep(tree, "b", secret_manager="builtin")).code == "builtin_disabled"
    error = error_of(lambda: vault(tree, use_as_default=False))
    assert (error.code, "(vault)" in error.hint) == ("builtin_disabled", True)
    assert keep(tree, "t", value=b"good2").returned["secret"]["secret_manager"] == "builtin"


def test_a_credential_of_a_connector_needs_a_manager_too(settings: Settings, tree: Engine) -> None:
    vault(tree, use_as_default=True)
    declare(tree, "scope", builtin_manager="disabled")
    # A new scope does as its parent: it has no manager at all.
    declare(tree, "scope", org="bare")
    before = content_of(settings)
    assert error_of(lambda: vault(tree, "second", token="good", org="bare")).code == "builtin_disabled"
    assert content_of(settings) == before
    assert vault(tree, "second", token_ref="account.t", org="bare").changed


# --- at the provider


def test_what_others_made_at_the_provider_is_neither_overwritten_nor_removed(
    settings: Settings, cloud: Cloud, tree: Engine
) -> None:
    vault(tree)
    cloud.put("app/a", b"theirs")
    before = content_of(settings)
    error = error_of(lambda: keep(tree, "a", secret_manager="vault"))
    assert (type(error), error.code) == (Conflict, "foreign_secret")
    assert (content_of(settings), cloud.newest("app/a")) == (before, b"theirs")
    assert keep(tree, "a", secret_manager="vault", adopt=True).changed
    assert (cloud.newest("app/a"), read(tree, "a")) == (OURS + b"v", b"v")
    cloud.put("app/a", b"theirs again")
    assert error_of(lambda: keep(tree, "a", state="absent", value=None)).code == "foreign_secret"
    assert (cloud.newest("app/a"), "a" in secrets(tree)) == (b"theirs again", True)


def test_connectors_of_one_place_do_not_take_each_others_secrets(cloud: Cloud, tree: Engine) -> None:
    for name in ("one", "two"):
        vault(tree, name)
    keep(tree, "a", secret_manager="one")
    error = error_of(lambda: keep(tree, "a", **PAY, secret_manager="two"))
    assert error.code == "manager_of_other_scope"
    vault(tree, "two", org="pay")
    assert error_of(lambda: keep(tree, "a", **PAY, secret_manager="two")).code == "foreign_secret"
    assert (read(tree, "a"), secrets(tree, **PAY)) == (b"v", {"t": "builtin"})


def test_a_reference_is_proven_to_be_there_and_goes_alone(settings: Settings, cloud: Cloud, tree: Engine) -> None:
    vault(tree)
    cloud.put("their/path", b'{"f": "x", "g": "y"}')
    there = {"value": None, "secret_manager": "vault"}
    for reference, code in (
        ("none", "unknown_path"),
        ("their/path#no", "unknown_key"),
        ("#f", "invalid_reference_path"),
    ):
        error = error_of(lambda reference=reference: keep(tree, "r", **there, reference=reference))
        assert error.code == code
    result = keep(tree, "r", **there, reference="their/path#f")
    assert (result.returned["secret"]["reference_to"], read(tree, "r")) == ("their/path#f", b"x")
    assert not keep(tree, "r", **there, reference="their/path#f").changed
    changed = keep(tree, "r", value=None, reference="their/path#g")
    assert (changed.changed, changed.before["reference_to"], read(tree, "r")) == (True, "their/path#f", b"y")
    assert keep(tree, "r", value=None, state="absent").changed
    assert (cloud.newest("their/path"), cloud.counts["remove"], cloud.counts["write"]) == (
        b'{"f": "x", "g": "y"}',
        0,
        0,
    )


def test_a_reference_may_pin_a_version(cloud: Cloud, tree: Engine) -> None:
    vault(tree)
    cloud.put("their/path #1", b'{"f": "one"}', b'{"f": "two"}')
    there = {"value": None, "secret_manager": "vault"}
    first = keep(tree, "r", **there, reference="their/path %231@1#f")
    assert (first.returned["secret"]["reference_to"], read(tree, "r")) == ("their/path %231@1#f", b"one")
    assert [read(tree, name) for name in ("r@1", "memory://vault/their/path %231@2#f")] == [b"one", b"two"]
    assert error_of(lambda: read(tree, "r@2")).code == "conflicting_reference"
    assert not keep(tree, "r", **there, reference="their/path %231@1#f").changed
    moved = keep(tree, "r", **there, reference="their/path %231@2#f")
    assert (moved.changed, moved.before["reference_to"], read(tree, "r")) == (True, "their/path %231@1#f", b"two")
    assert keep(tree, "r", **there, reference="their/path %231#f").changed
    assert [read(tree, name) for name in ("r", "r@1")] == [b"two", b"one"]
    assert error_of(lambda: keep(tree, "r", **there, reference="their/path %231@3#f")).code == "unknown_path"


def test_a_credential_may_use_a_pinned_reference(cloud: Cloud, tree: Engine) -> None:
    vault(tree)
    cloud.put("login", b"old", b"new")
    keep(tree, "pinned", value=None, secret_manager="vault", reference="login@1")
    for reference, password in (("pinned", "old"), ("memory://vault/login@1", "old"), ("memory://vault/login", "new")):
        declare(tree, "secret_ssh", identifier="host", auth_scheme="password", user="u", password_ref=reference)
        assert json.loads(read(tree, "host"))["password"] == password


def test_a_kind_may_say_which_field_is_the_value(cloud: Cloud, tree: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager_kind("memory_vault"), "DEFAULT_KEY", "f")
    vault(tree)
    cloud.put("their/path", b'{"f": "{\\"in\\": 1}", "g": "y"}')
    keep(tree, "r", value=None, secret_manager="vault", reference="their/path")
    keep(tree, "s", value=None, secret_manager="vault", reference="their/path#f")
    whole = b'{"in": 1}'
    found = {"r": whole, "r#g": b"y", "s#in": b"1", "memory://vault/their/path": whole}
    found["memory://vault/their/path#g"] = b"y"
    assert {reference: read(tree, reference) for reference in found} == found
    keep(tree, "v", secret_manager="vault")
    assert read(tree, "v") == b"v"


def test_a_kind_is_told_which_version_it_wrote_last(
    cloud: Cloud, tree: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind: Any = manager_kind("memory_vault")
    told: list[str] = []
    write = kind.write

    def noting(manager: Any, path: str, value: bytes, writing: Writing) -> str:
        told.append(writing.previous)
        return str(write(manager, path, value, writing))

    monkeypatch.setattr(kind, "write", noting)
    vault(tree)
    for value in (b"one", b"two", b"three"):
        keep(tree, "v", value=value, secret_manager="vault")
    assert told == ["", "1", "2"]


def test_a_value_does_not_become_a_reference_nor_the_other_way_round(
    settings: Settings, cloud: Cloud, tree: Engine
) -> None:
    vault(tree)
    cloud.put("p", b"x")
    keep(tree, "r", value=None, reference="p", secret_manager="vault")
    keep(tree, "v", secret_manager="vault")
    before, dump = content_of(settings), cloud.dump
    for call in (
        {"identifier": "r", "value": b"v"},
        {"identifier": "r", "generate": {"kind": "password", "length": 9, "charset": ["digits"]}},
        {"identifier": "v", "reference": "p"},
        {"identifier": "t", "reference": "p"},
    ):
        error = error_of(lambda call=call: declare(tree, "secret_text", **call))
        assert (type(error), error.code) == (Conflict, "reference_or_value")
    assert (content_of(settings), cloud.dump) == (before, dump)


def test_a_secret_stays_with_its_manager(settings: Settings, cloud: Cloud, tree: Engine) -> None:
    for name in ("one", "two"):
        vault(tree, name, vault=name)
    keep(tree, "a", secret_manager="one")
    before, dump = content_of(settings), cloud.dump
    for identifier, manager in (("a", "two"), ("a", "builtin"), ("a", "none"), ("t", "one")):
        call = {"identifier": identifier, "secret_manager": manager}
        for method in (declare, check):
            error = error_of(lambda call=call, method=method: method(tree, "secret_text", **call))
            assert (type(error), error.code, "secret_manager" in error.hint) == (Conflict, "manager_fixed", True)
    assert (content_of(settings), cloud.dump) == (before, dump)
    assert not keep(tree, "a", secret_manager="one").changed


def test_a_scope_that_goes_takes_what_its_connectors_keep(cloud: Cloud, tree: Engine) -> None:
    """And leaves what they only refer to, what is beside it, and what was removed by force before."""
    declare(tree, "scope", inherited_managers="allowed")
    vault(tree)
    vault(tree, "first", **PAY, vault="first", use_as_default=True)
    vault(tree, "zeta", **PAY, vault="zeta", token="good")
    vault(tree, "gone", **PAY, vault="gone")
    cloud.put("theirs", b"x", vault="zeta")
    keep(tree, "a", **PAY, secret_manager="zeta")
    keep(tree, "zz", **PAY, secret_manager="zeta")
    keep(tree, "r", **PAY, secret_manager="zeta", value=None, reference="theirs")
    keep(tree, "b", **API, secret_manager="org.zeta")
    keep(tree, "c", **API, secret_manager="account.vault")
    keep(tree, "d", **PAY, secret_manager="gone")
    keep(tree, "beside", secret_manager="vault")
    vault(tree, "gone", **PAY, state="absent", force=True)
    fresh = Engine(tree.settings)
    assert declare(fresh, "scope", **PAY, state="absent", force=True).changed
    places = {name: cloud.paths(name) for name in ("main", "first", "zeta", "gone")}
    assert places == {"main": ["app/beside"], "first": [], "zeta": ["theirs"], "gone": ["app/d"]}
    assert len(shown(fresh, "scope_info", recursive=True, verify=True)) == 1


def test_a_scope_that_goes_needs_no_credential_that_is_gone_already(cloud: Cloud, tree: Engine) -> None:
    """`a_token` is kept at `first`, and `a` must log in with it for `b` to go."""
    vault(tree, "first", **PAY, vault="first", use_as_default=True)
    vault(tree, "a", **PAY, vault="a", token="good")
    keep(tree, "b", **PAY, secret_manager="a")
    assert declare(Engine(tree.settings), "scope", **PAY, state="absent", force=True).changed
    assert (cloud.paths("first"), cloud.paths("a")) == ([], [])
    removed = [path for verb, path in cloud.asked if verb == "remove"]
    assert removed == ["app/b", "app/a_token"]


def test_a_scope_stays_whole_if_one_of_its_connectors_can_not_log_in(
    settings: Settings, cloud: Cloud, tree: Engine
) -> None:
    cloud.credentials.add("other")
    vault(tree, "one", **PAY, vault="one")
    vault(tree, "two", **PAY, vault="two", token="other")
    for name in ("one", "two"):
        keep(tree, name, **PAY, secret_manager=name)
    before, dump = content_of(settings), cloud.dump
    cloud.credentials = {"good"}
    gone = {**PAY, "state": "absent", "force": True}
    assert error_of(lambda: declare(Engine(settings), "scope", **gone)).code == "login_refused"
    assert (content_of(settings), cloud.dump) == (before, dump)


def test_a_scope_leaves_at_the_provider_what_is_no_longer_its_own(cloud: Cloud, tree: Engine) -> None:
    vault(tree, **PAY)
    for name in ("a", "b"):
        keep(tree, name, **PAY, secret_manager="vault")
    cloud.put("app/a", b"theirs")
    result = declare(tree, "scope", **PAY, state="absent", force=True)
    assert ["'app/a' was left at connector 'vault'" in warning for warning in result.warnings] == [False, True]
    assert (cloud.paths(), len(shown(tree, "scope_info", recursive=True, verify=True))) == (["app/a"], 1)


def test_what_comes_into_a_scope_while_it_goes_goes_too(cloud: Cloud, tree: Engine) -> None:
    vault(tree, **PAY)
    declare(tree, "scope", inherited_managers="allowed")
    keep(tree, "a", **PAY, secret_manager="vault")

    def meddle(_path: str) -> None:
        del cloud.before["remove"]
        keep(Engine(tree.settings), "late", **API, secret_manager="org.vault")

    cloud.before["remove"] = meddle
    assert declare(tree, "scope", **PAY, state="absent", force=True).changed
    assert cloud.paths() == []
    assert len(shown(tree, "scope_info", recursive=True, verify=True)) == 1


def test_a_scope_whose_provider_does_not_answer_stays(settings: Settings, cloud: Cloud, tree: Engine) -> None:
    vault(tree, **PAY)
    for name in ("a", "b"):
        keep(tree, name, **PAY, secret_manager="vault")

    def fail(path: str) -> None:
        if path == "app/b":
            raise failures.timed_out("it", 1)

    cloud.before["remove"] = fail
    before = content_of(settings)
    gone = {**PAY, "state": "absent", "force": True}
    assert error_of(lambda: declare(tree, "scope", **gone)).code == "provider_timeout"
    assert content_of(settings) == before
    cloud.before.clear()
    assert declare(tree, "scope", **gone).changed
    assert cloud.paths() == []


# --- who edits the database


@pytest.mark.parametrize(
    "change",
    [
        "options = replace(options, '\"main\"', '\"evil\"')",
        "options = replace(options, '\"t\"', '\"other\"')",
        "kept = '[\"token\"]'",
        "is_removed = 1",
        "kind = 'memory_batch'",
        "identifier = 'other'",
    ],
)
def test_an_edited_connector_is_found_by_whatever_uses_it(
    settings: Settings, cloud: Cloud, tree: Engine, change: str
) -> None:
    vault(tree, token_ref="t")
    keep(tree, "a", secret_manager="vault")
    with rows_of(settings) as tx:
        assert tx.run(f"UPDATE connector SET {change}") == 1
    asked = list(cloud.asked)
    for call in (
        lambda: read(Engine(settings), "a"),
        lambda: read(Engine(settings), "memory://vault/p"),
        lambda: keep(Engine(settings), "b", secret_manager="vault"),
        lambda: keep(Engine(settings), "b", **API),
        lambda: vault(Engine(settings)),
        lambda: shown(Engine(settings), "connector_info"),
        lambda: shown(Engine(settings), "connector_check", identifier="vault"),
        lambda: shown(Engine(settings), "scope_info", verify=True),
    ):
        error = error_of(call)
        assert (error.code, "connector" in error.message) == ("damaged_row", True)
    assert cloud.asked == asked


@pytest.mark.parametrize("change", ["vault = 'other'", "timeout = 5", "removed", "new"])
def test_a_connector_put_back_to_an_older_state_is_found(settings: Settings, tree: Engine, change: str) -> None:
    if change != "new":
        vault(tree, token_ref="t")
    with rows_of(settings) as tx:
        old = tx.all("SELECT * FROM connector")
    if change == "removed":
        vault(tree, state="absent")
    else:
        vault(tree, **({"vault": "other"} if "vault" in change else {"timeout": 5}))
    assert len(shown(tree, "scope_info", verify=True)) == 1
    with rows_of(settings) as tx:
        tx.run("DELETE FROM connector")
        for row in old:
            tx.insert("connector", **dict(row))
    error = error_of(lambda: shown(Engine(settings), "scope_info", verify=True))
    assert (error.code, "the account" in error.message) == ("rolled_back", True)


def test_a_connector_moved_to_another_scope_is_found(settings: Settings, tree: Engine) -> None:
    add_connector(settings, "vault")
    with rows_of(settings) as tx:
        tx.run("UPDATE connector SET scope_id = (SELECT id FROM scope WHERE identifier = 'pay')")
    assert error_of(lambda: read(Engine(settings), "memory://vault/p", "pay")).code == "damaged_row"
    assert str(ScopePath("pay")) in error_of(lambda: read(Engine(settings), "memory://vault/p", "pay")).message


@pytest.mark.parametrize(
    ("params", "asked"),
    [
        ({"tags": {"a": "2"}}, 1),
        ({"description": "new"}, 1),
        ({"description": "new", "tags": {}, "update_value": "on_create", "value": b"other"}, 1),
        ({"name": "N"}, 0),
        ({"expires": "2099-01-01"}, 0),
        ({"value": b"v", "tags": {"a": "1"}}, 0),
        ({"value": b"w", "tags": {"a": "2"}}, 0),
    ],
    ids=str,
)
def test_changed_tags_and_descriptions_reach_the_manager(
    cloud: Cloud, tree: Engine, params: dict[str, Any], asked: int
) -> None:
    vault(tree)
    first = {"identifier": "a", "secret_manager": "vault", "description": "old", "tags": {"a": "1"}}
    declare(tree, "secret_text", **first, value=b"v")
    check(tree, "secret_text", **{**first, **params})
    assert cloud.counts["relabel"] == 0
    for _twice in range(2):
        view = shown(Engine(tree.settings), "secret_text", **{**first, **params})
        assert (cloud.counts["relabel"], cloud.labels["app/a"]) == (asked, (view["description"], view["tags"]))


def test_tags_of_what_is_not_kept_there_stay_here(settings: Settings, cloud: Cloud, tree: Engine) -> None:
    vault(tree)
    cloud.put("theirs", b"x")
    declare(tree, "secret_text", identifier="a", secret_manager="vault", reference="theirs")
    declare(tree, "secret_text", identifier="a", tags={"a": "1"})
    declare(tree, "secret_text", identifier="b", value=b"v")
    declare(tree, "secret_text", identifier="b", tags={"a": "1"})
    assert cloud.counts["relabel"] == 0


def test_tags_at_a_manager_that_lost_the_value_say_so(cloud: Cloud, tree: Engine) -> None:
    vault(tree)
    keep(tree, "a", secret_manager="vault")
    cloud.values.clear()
    error = error_of(lambda: declare(tree, "secret_text", identifier="a", tags={"a": "1"}))
    assert error.code == "unknown_path"
    assert keep(tree, "a", tags={"a": "1"}).changed
    assert cloud.labels["app/a"] == ("", {"a": "1"})


@pytest.mark.parametrize("kind", ["text", "file"])
def test_check_mode_finds_what_others_have_in_the_place_of_a_new_secret(cloud: Cloud, tree: Engine, kind: str) -> None:
    vault(tree)
    cloud.put("app/a", b"theirs")
    new = {"identifier": "a", "secret_manager": "vault", "value": b"v"}
    for call in (check, declare):
        assert error_of(lambda call=call: call(tree, f"secret_{kind}", **new)).code == "foreign_secret"
    assert check(tree, f"secret_{kind}", **new, adopt=True).changed
    assert check(tree, f"secret_{kind}", **{**new, "identifier": "b"}).changed
    assert (cloud.counts["write"], cloud.values["main", "app/a"][-1].content) == (1, b"theirs")


def test_check_mode_looks_for_what_a_new_reference_names(cloud: Cloud, tree: Engine) -> None:
    vault(tree)
    cloud.put("theirs", b'{"user": "ann"}')
    for reference, code in (("none", "unknown_path"), ("theirs#port", "unknown_key"), ("theirs#user", "")):
        new = {"identifier": "a", "secret_manager": "vault", "reference": reference}
        if code:
            for call in (check, declare):
                assert error_of(lambda call=call, new=new: call(tree, "secret_text", **new)).code == code
        else:
            assert check(tree, "secret_text", **new).changed


def test_check_mode_finds_a_login_that_may_not_look(cloud: Cloud, tree: Engine) -> None:
    vault(tree)

    def deny(_path: str) -> None:
        raise failures.denied("it", "look", "a policy")

    cloud.before["foresee"] = deny
    new = {"identifier": "a", "secret_manager": "vault", "value": b"v"}
    assert error_of(lambda: check(tree, "secret_text", **new)).code == "provider_denied"
    declare(tree, "secret_text", **new)


@pytest.mark.parametrize("is_off", [False, True], ids=["built-in on", "built-in off"])
@pytest.mark.parametrize("kind", ["memory_vault", "memory_kms"])
def test_what_follows_from_a_removal_by_force_is_said(cloud: Cloud, tree: Engine, kind: str, is_off: bool) -> None:
    place = {"vault": "main"} if kind == "memory_vault" else {"key": "k"}
    declare(tree, f"connector_{kind}", identifier="c", token_ref="t", use_as_default=True, **place)
    declare(tree, "scope", inherited_managers="allowed")
    declare(tree, "default_secret_manager", **API, secret_manager="account.c")
    keep(tree, "a", secret_manager="c")
    if is_off:
        declare(tree, "scope", **API, builtin_manager="disabled")
    before = dict(cloud.values)
    removed = declare(tree, f"connector_{kind}", identifier="c", state="absent", force=True)
    in_use, unread, *defaults = removed.warnings
    assert "although it is in use: secret 'a', default secret manager of the account" in in_use
    assert ("stay at the manager" if kind == "memory_vault" else "stay in the store") in unread
    project = "project 'pay/api'"
    on, off = "New secrets go to the built-in secret manager again in", "manager is switched off, so new secrets need"
    assert defaults[0] == f"{on} the account{'' if is_off else f', {project}'}."
    assert (
        [off in defaults[-1], defaults[-1].endswith(f"in {project}.")] == [True, True] if is_off else not defaults[1:]
    )
    assert cloud.values == before
    if is_off:
        assert error_of(lambda: keep(tree, "b", **API)).code == "builtin_disabled"
    else:
        assert keep(tree, "b", **API).returned["secret"]["secret_manager"] == "builtin"


def test_an_empty_place_is_as_none(tree: Engine) -> None:
    """As when a playbook passes an empty variable for an option that was left out before."""
    vault(tree)
    keep(tree, "a", secret_manager="vault")
    vault(tree, path_template="")
    error = error_of(lambda: vault(tree, path_template="{org}/{project}/x_{identifier}"))
    assert (error.code, "path_template" in error.message) == ("location_fixed", True)


@pytest.mark.parametrize(
    ("scope", "template", "path"),
    [
        ({}, "{identifier}/{org}/{project}", "app/a/pay/api"),
        ({"org": "pay"}, "p_{project}/{identifier}", "app/p_api/a"),
        ({"org": "pay", "project": "api"}, "only_{identifier}", "app/only_a"),
        ({}, "{org}/{identifier}", ""),
        ({"org": "pay"}, "{org}/{identifier}", ""),
        ({"org": "pay", "project": "api"}, "{org}", ""),
    ],
)
def test_a_path_template_tells_the_scopes_apart_that_can_use_it(
    cloud: Cloud, tree: Engine, scope: dict[str, str], template: str, path: str
) -> None:
    declare(tree, "scope", inherited_managers="allowed")
    given = {**scope, "identifier": "c", "path_template": template, "vault": "main"}
    if not path:
        for call in (check, declare):
            error = error_of(lambda call=call: call(tree, "connector_memory_vault", **given))
            assert (error.code, "path_template" in error.message) == ("invalid_option", True)
        return
    declare(tree, "connector_memory_vault", **given)
    level = {0: "account.", 1: "org.", 2: ""}[len(scope)]
    keep(tree, "a", **API, secret_manager=f"{level}c")
    assert cloud.paths() == [path]
    assert read(Engine(tree.settings), "a", **API) == b"v"
