# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets: declared, updated, kept while they are in use."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    add_connector,
    add_user,
    check,
    content_of,
    declare,
    error_of,
    read,
    shown,
)

GENERATE = {"kind": "password", "length": 20, "charset": ["ascii_letters", "digits"]}
MAX_VALUE = 10 * 1024 * 1024


def test_a_secret_is_made_once(engine: Engine) -> None:
    declare(engine, "scope", org="payments")
    first = declare(engine, "secret_text", org="payments", identifier="a", value=b"value")
    view = first.returned["secret"]
    assert (first.changed, first.before, first.after["version"]) == (True, {}, 1)
    expected = {
        "identifier": "a",
        "org": "payments",
        "project": "",
        "kind": "text",
        "name": "a",
        "description": "",
        "tags": {},
        "expires": "",
        "secret_manager": "builtin",
        "reference": "org.a",
        "version": 1,
        "size": 5,
        "used_by": [],
    }
    assert {name: view[name] for name in expected} == expected
    assert len(bytes.fromhex(view["fingerprint"])) == 8
    second = declare(engine, "secret_text", org="payments", identifier="a", value=b"value")
    assert (second.changed, second.returned) == (False, first.returned)


def test_the_reference_is_how_the_own_scope_and_those_below_name_it(engine: Engine) -> None:
    declare(engine, "scope", org="payments")
    declare(engine, "scope", org="payments", project="api")
    for scope, prefix in (({}, "account."), ({"org": "payments"}, "org."), ({"org": "payments", "project": "api"}, "")):
        view = shown(engine, "secret_text", **scope, identifier="a", value=str(scope).encode())
        assert view["reference"] == f"{prefix}a"
        assert read(engine, view["reference"], "payments", "api") == str(scope).encode()


@pytest.mark.parametrize("value", [b"", b"\0\xff", b"x" * 70_000, b"x" * MAX_VALUE])
def test_every_value_comes_back(engine: Engine, value: bytes) -> None:
    assert shown(engine, "secret_file", identifier="a", value=value)["size"] == len(value)
    assert read(engine, "a") == value


def test_only_what_is_given_changes(engine: Engine) -> None:
    declare(engine, "secret_text", identifier="a", value=b"v", description="d", tags={"a": 1}, expires="2099-01-01")
    result = declare(engine, "secret_text", identifier="a", name="A")
    view = result.returned["secret"]
    assert (view["description"], view["tags"], view["expires"]) == ("d", {"a": "1"}, "2099-01-01T00:00:00Z")
    assert (result.changed, view["name"], view["version"]) == (True, "A", 1)
    cleared = shown(engine, "secret_text", identifier="a", description="", tags={}, expires="")
    assert (cleared["description"], cleared["tags"], cleared["expires"]) == ("", {}, "")


def test_a_new_value_is_a_new_version(engine: Engine) -> None:
    fingerprints = []
    for number, value in enumerate((b"one", b"two", b"one"), 1):
        result = declare(engine, "secret_text", identifier="a", value=value)
        assert (result.changed, result.after["version"], "value" in result.after) == (True, number, False)
        fingerprints.append(result.returned["secret"]["fingerprint"])
    assert (fingerprints[0] == fingerprints[2], fingerprints[0] == fingerprints[1]) == (True, False)


def test_update_value_on_create_sets_it_once(engine: Engine) -> None:
    once = {"identifier": "a", "update_value": "on_create"}
    assert declare(engine, "secret_text", **once, value=b"one").changed
    assert not declare(engine, "secret_text", **once, value=b"two").changed
    result = declare(engine, "secret_text", **once, value=b"two", name="A")
    assert (result.changed, result.returned["secret"]["version"], read(engine, "a")) == (True, 1, b"one")


def test_a_value_is_generated_once(engine: Engine) -> None:
    assert declare(engine, "secret_text", identifier="a", generate=GENERATE).changed
    made = read(engine, "a")
    assert len(made) == 20
    assert not declare(engine, "secret_text", identifier="a", generate={**GENERATE, "length": 30}).changed
    assert read(engine, "a") == made


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "value_missing"),
        ({"name": "A"}, "value_missing"),
        ({"value": b"x", "name": ""}, "invalid_name"),
        ({"value": b"x", "tags": {"": 1}}, "invalid_tags"),
        ({"value": b"x", "expires": "tomorrow"}, "invalid_time"),
        ({"value": b"x", "expires": "2027-13-01"}, "invalid_time"),
        ({"value": b"x", "org": "none"}, "unknown_scope"),
        ({"value": b"x", "project": "api"}, "project_without_org"),
        ({"value": b"x" * (MAX_VALUE + 1)}, "value_too_large"),
        ({"generate": {**GENERATE, "length": 0}}, "invalid_generate"),
        ({"value": b"x", "identifier": "a.b"}, "invalid_identifier"),
        ({"value": b"x", "identifier": "account"}, "reserved_identifier"),
    ],
)
def test_what_is_refused_leaves_nothing(engine: Engine, params: dict[str, Any], code: str) -> None:
    assert error_of(lambda: declare(engine, "secret_text", **{"identifier": "a", **params})).code == code
    assert shown(engine, "secret_info") == []


def test_a_secret_keeps_its_kind(settings: Settings, engine: Engine) -> None:
    declare(engine, "secret_text", identifier="a", value=b"v")
    before = content_of(settings)
    error = error_of(lambda: declare(engine, "secret_file", identifier="a", value=b"v"))
    assert (error.code, "secret_text" in error.hint, content_of(settings)) == ("other_kind", True, before)
    assert declare(engine, "secret_file", identifier="A", value=b"v").changed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2099-01-31", "2099-01-31T00:00:00Z"),
        ("2099-01-31T18:30", "2099-01-31T18:30:00Z"),
        ("2099-01-31 18:30:15.999999", "2099-01-31T18:30:15Z"),
        ("2099-01-31T18:30:00Z", "2099-01-31T18:30:00Z"),
        ("2099-01-31T18:30:00+02:00", "2099-01-31T16:30:00Z"),
        ("2098-12-31T23:30:00-01:00", "2099-01-01T00:30:00Z"),
        ("", ""),
    ],
)
def test_expiry_is_kept_in_utc(engine: Engine, text: str, expected: str) -> None:
    assert shown(engine, "secret_text", identifier="a", value=b"v", expires=text)["expires"] == expected
    assert not declare(engine, "secret_text", identifier="a", expires=text).changed
    assert not declare(engine, "secret_text", identifier="a", expires=expected).changed


def test_an_expired_secret_is_readable_again_once_it_expires_later(engine: Engine) -> None:
    past = (datetime.now(timezone.utc) - timedelta(seconds=1)).isoformat()
    declare(engine, "secret_text", identifier="a", value=b"v", expires=past)
    assert error_of(lambda: read(engine, "a")).code == "secret_expired"
    assert shown(engine, "secret_info", identifier="a")[0]["version"] == 1
    declare(engine, "secret_text", identifier="a", expires="")
    assert read(engine, "a") == b"v"


def test_a_secret_goes_with_its_versions_and_stays_gone(engine: Engine) -> None:
    for value in (b"one", b"two"):
        declare(engine, "secret_text", identifier="a", value=value)
    result = declare(engine, "secret_text", identifier="a", state="absent")
    assert (result.changed, result.before["version"], result.returned["secret"]["version"]) == (True, 2, 2)
    assert (result.after, result.warnings) == ({}, [])
    assert error_of(lambda: read(engine, "a@1")).code == "unknown_secret"
    again = declare(engine, "secret_text", identifier="a", state="absent")
    assert (again.changed, again.returned) == (False, {"secret": None})
    assert shown(engine, "secret_text", identifier="a", value=b"three")["version"] == 1
    assert len(shown(engine, "scope_info", verify=True)) == 1


@pytest.fixture
def used(settings: Settings, engine: Engine) -> Engine:
    """Secret `a`, which a connector uses twice and another secret once."""
    for identifier in ("a", "login"):
        declare(engine, "secret_text", identifier=identifier, value=b"v")
    add_connector(settings, "vault")
    add_user(settings, "a", "connector", "vault", "token_ref")
    add_user(settings, "a", "connector", "vault", "ca_ref")
    add_user(settings, "a", "secret", "login", "password_ref")
    return engine


USERS = ["connector 'vault' (ca_ref)", "connector 'vault' (token_ref)", "secret 'login' (password_ref)"]


def test_a_secret_in_use_stays_and_says_by_whom(settings: Settings, used: Engine) -> None:
    before = content_of(settings)
    for call in (declare, check):
        error = error_of(lambda call=call: call(used, "secret_text", identifier="a", state="absent"))
        assert (error.code, error.details) == ("secret_in_use", {"used_by": USERS})
        assert ", ".join(USERS) in error.message
    assert content_of(settings) == before
    assert shown(used, "secret_info", identifier="a")[0]["used_by"] == [
        {"kind": "connector", "identifier": "vault", "field": "ca_ref"},
        {"kind": "connector", "identifier": "vault", "field": "token_ref"},
        {"kind": "secret", "identifier": "login", "field": "password_ref"},
    ]


def test_force_removes_a_secret_in_use_and_says_what_it_broke(settings: Settings, used: Engine) -> None:
    result = declare(used, "secret_text", identifier="a", state="absent", force=True)
    assert (result.changed, len(result.warnings), ", ".join(USERS) in result.warnings[0]) == (True, 1, True)
    assert [line for line in content_of(settings) if line.startswith("secret_reference:")] == []
    assert declare(used, "secret_text", identifier="login", state="absent").warnings == []


def test_check_mode_says_the_same_and_leaves_the_bytes_as_they_are(settings: Settings, engine: Engine) -> None:
    declare(engine, "secret_text", identifier="a", value=b"v")
    before = content_of(settings)
    assert check(engine, "secret_text", identifier="b", value=b"v").after["version"] == 1
    assert check(engine, "secret_text", identifier="b", generate=GENERATE).changed
    assert check(engine, "secret_text", identifier="a", value=b"other").after["version"] == 2
    assert check(engine, "secret_text", identifier="a", name="A").after["name"] == "A"
    assert check(engine, "secret_text", identifier="a", state="absent").changed
    assert not check(engine, "secret_text", identifier="a", value=b"v").changed
    assert not check(engine, "secret_text", identifier="b", state="absent").changed
    missing = check(engine, "secret_text", org="later", identifier="a", value=b"v")
    assert (missing.changed, len(missing.warnings)) == (True, 1)
    for params in ({"identifier": "b"}, {"identifier": "a", "expires": "never"}):
        assert error_of(lambda params=params: check(engine, "secret_text", **params))
    assert content_of(settings) == before


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["b", "f", "v"]),
        ({"identifier": "b"}, ["b"]),
        ({"identifier": "none"}, []),
        ({"kind": "file"}, ["f"]),
        ({"identifier": "b", "kind": "file"}, []),
        ({"secret_manager": "vault"}, ["v"]),
        ({"secret_manager": "builtin"}, ["b", "f"]),
        ({"tags": {"team": "x"}}, ["b", "v"]),
        ({"tags": {"team": "x", "cost": 1}}, ["v"]),
        ({"tags": {"none": ""}}, []),
    ],
)
def test_secrets_are_listed(settings: Settings, engine: Engine, filters: dict[str, Any], expected: list[str]) -> None:
    declare(engine, "secret_file", identifier="f", value=b"v")
    declare(engine, "secret_text", identifier="b", value=b"v", tags={"team": "x"})
    add_connector(settings, "vault")
    declare(engine, "default_secret_manager", secret_manager="vault")
    declare(engine, "secret_text", identifier="v", value=b"v", tags={"team": "x", "cost": 1})
    found = shown(engine, "secret_info", **filters)
    assert [view["identifier"] for view in found] == expected
    assert all(view == shown(engine, f"secret_{view['kind']}", identifier=view["identifier"]) for view in found)


def test_no_value_and_no_name_of_a_key_is_in_the_file(settings: Settings, engine: Engine) -> None:
    value = os.urandom(20).hex().encode()
    declare(engine, "secret_text", identifier="a", value=value)
    assert value.decode() not in "\n".join(content_of(settings))
    assert value.hex().upper() not in "\n".join(content_of(settings)).upper()


def test_a_secret_that_is_gone_uses_nothing(settings: Settings, engine: Engine) -> None:
    for identifier in ("used", "user"):
        declare(engine, "secret_text", identifier=identifier, value=b"x")
    add_user(settings, "used", "secret", "user", "password")
    declare(engine, "secret_text", identifier="user", state="absent")
    assert declare(engine, "secret_text", identifier="used", state="absent").changed


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_out_of_the_calendar(engine: Engine, moment: str) -> None:
    call = {"identifier": "a", "value": b"x", "expires": moment}
    assert error_of(lambda: declare(engine, "secret_text", **call)).code == "invalid_time"


def test_an_early_year_has_expired(engine: Engine) -> None:
    secret = shown(engine, "secret_text", identifier="a", value=b"x", expires="0999-01-01")
    assert secret["expires"] == "0999-01-01T00:00:00Z"
    assert error_of(lambda: read(engine, "a")).code == "secret_expired"


def test_check_mode_says_nothing_about_a_value_that_it_does_not_know(engine: Engine) -> None:
    declare(engine, "secret_text", identifier="a", value=b"one")
    (foreseen,) = check(engine, "secret_text", identifier="a", value=b"three").returned.values()
    real = shown(engine, "secret_text", identifier="a", value=b"three")
    assert {**real, **foreseen, "updated_at": real["updated_at"]} == real
    assert foreseen["version"] == 2


def test_a_reference_stays_as_it_is_while_its_connector_is_removed(engine: Engine, cloud: Cloud) -> None:
    cloud.put("app/one", b"1")
    declare(engine, "connector_memory_vault", identifier="vault", token="good")
    declare(engine, "secret_text", identifier="theirs", reference="app/one", secret_manager="vault")
    declare(engine, "connector_memory_vault", identifier="vault", state="absent", force=True)
    given = {"identifier": "theirs", "reference": "app/two", "secret_manager": None}
    for call in (check, declare):
        assert error_of(lambda call=call: call(engine, "secret_text", **given)).code == "connector_removed"
    (listed,) = declare(engine, "secret_info", identifier="theirs").returned["secrets"]
    assert listed["reference_to"] == "app/one"
