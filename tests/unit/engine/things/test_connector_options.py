# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connector's new options, merged from those stored and those given."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things.connector_options import (
    WantedOptions,
    wanted_options,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Connector
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import MemoryVault
from ansible_collections.scoped.secrets.tests.unit.engine.stores import error_of

PLACE = {"vault": "main", "base": "app", "timeout": 30}
TOKEN = {**PLACE, "auth_method": "token", "token_ref": "mine", "namespace": "n"}
PASSWORD = {**PLACE, "auth_method": "password", "user": "u", "password_ref": "mine"}


def stored(options: dict[str, Any], *kept: str) -> Connector:
    return Connector("id", "scope", "memory_vault", "c", "c", options=options, kept=kept)


def wanted(given: dict[str, Any], connector: Connector | None = None) -> WantedOptions:
    return wanted_options(MemoryVault, "c", given, connector)


def options_of(given: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    return dict(wanted(given, stored(before)).options)


def test_a_new_connector_has_the_defaults_of_its_kind() -> None:
    assert wanted({}).options == {**PLACE, "auth_method": "anonymous"}
    assert wanted({"base": "b", "timeout": 5}).options == {
        **PLACE,
        "base": "b",
        "timeout": 5,
        "auth_method": "anonymous",
    }


def test_options_left_out_stay() -> None:
    before = {**TOKEN, "ca_cert": "pem"}
    assert options_of({}, before) == before
    assert options_of({"timeout": 1, "base": None}, before) == {**before, "timeout": 1}
    without_default = {name: value for name, value in TOKEN.items() if name != "timeout"}
    assert options_of({}, without_default) == without_default


def test_an_empty_text_removes_an_option() -> None:
    assert options_of({"ca_cert": ""}, {**TOKEN, "ca_cert": "pem"}) == TOKEN
    assert options_of({"base": ""}, TOKEN) == {name: value for name, value in TOKEN.items() if name != "base"}


def test_options_unknown_to_the_kind_are_ignored() -> None:
    given = {"identifier": "c", "name": "N", "state": "present", "org": "o", "check": False, "use_as_default": True}
    assert options_of({**given, "token_x": 1}, TOKEN) == TOKEN


def test_one_login_option_changes_alone() -> None:
    assert options_of({"namespace": "other"}, TOKEN) == {**TOKEN, "namespace": "other"}
    assert options_of({"token_ref": "other"}, TOKEN) == {**TOKEN, "token_ref": "other"}
    assert options_of({"user": "v"}, PASSWORD) == {**PASSWORD, "user": "v"}
    assert options_of({"password_ref": "org.other#f"}, PASSWORD) == {**PASSWORD, "password_ref": "org.other#f"}


def test_another_login_keeps_nothing_of_the_old_one() -> None:
    assert options_of({"user": "u", "password_ref": "p", "auth_method": "password"}, TOKEN) == {
        **PLACE,
        "auth_method": "password",
        "user": "u",
        "password_ref": "p",
    }
    assert options_of({"token_ref": "t"}, PASSWORD) == {**PLACE, "auth_method": "token", "token_ref": "t"}
    assert options_of({"auth_method": "anonymous"}, TOKEN) == {**PLACE, "auth_method": "anonymous"}


def test_a_named_login_stays_even_if_another_fits() -> None:
    directory = {**PASSWORD, "auth_method": "directory"}
    assert options_of({"user": "v"}, directory) == {**directory, "user": "v"}
    assert options_of({"auth_method": "directory", "user": "v"}, directory) == {**directory, "user": "v"}


def test_a_login_is_inferred_if_only_one_fits() -> None:
    assert wanted({"token_ref": "t"}).options["auth_method"] == "token"
    assert wanted({"token": "t"}).options["auth_method"] == "token"
    both = {"user": "u", "password_ref": "p"}
    error = error_of(lambda: wanted(both))
    assert (error.code, "password, directory" in error.message) == ("unclear_login", True)
    for method in ("password", "directory"):
        assert wanted({**both, "auth_method": method}).options["auth_method"] == method


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"auth_method": "token"}, "incomplete_login"),
        ({"auth_method": "password", "user": "u"}, "incomplete_login"),
        ({"auth_method": "token", "token_ref": "t", "user": "u"}, "unclear_login"),
        ({"auth_method": "none"}, "unclear_login"),
        ({"namespace": "n"}, "unclear_login"),
        ({"token_ref": "t", "user": "u"}, "unclear_login"),
        ({"token": "t", "token_ref": "t"}, "value_and_reference"),
        ({"ca_cert": "pem", "ca_cert_ref": "t"}, "value_and_reference"),
        ({"token_ref": ""}, "invalid_reference"),
        ({"token_ref": "a b"}, "invalid_identifier"),
        ({"token_ref": "project.x"}, "reference_downward"),
        ({"timeout": 0}, "invalid_option"),
    ],
)
def test_refused_options(given: dict[str, Any], code: str) -> None:
    for connector in (None, stored({**PLACE, "auth_method": "anonymous"})):
        error = error_of(lambda connector=connector: wanted(given, connector))
        assert error.code == code


def test_a_stored_login_is_not_mixed_with_options_of_another() -> None:
    error = error_of(lambda: wanted({"user": "u"}, stored(TOKEN)))
    assert (error.code, "user" in error.message, "token" in error.message) == ("unclear_login", True, False)


@pytest.mark.parametrize("name", ["token", "ca_cert"])
def test_a_value_replaces_a_reference_and_the_other_way_round(name: str) -> None:
    by_reference = wanted({"token_ref": "t", f"{name}_ref": "other"}).options
    by_value = wanted({name: "itself"}, stored(dict(by_reference)))
    assert by_value.options.get(f"{name}_ref") in (None, "c_token")
    back = wanted({f"{name}_ref": "again"}, stored(dict(by_value.options), *by_value.kept))
    assert back.options[f"{name}_ref"] == "again"
    assert name not in back.options
    assert name not in back.kept


def test_a_given_credential_becomes_a_reference_to_its_secret() -> None:
    new = wanted({"token": "canary"})
    assert new.options == {**PLACE, "auth_method": "token", "token_ref": "c_token"}
    assert (new.inline, new.kept) == ({"token": "canary"}, ("token",))
    again = wanted({"timeout": 1}, stored(dict(new.options), "token"))
    assert (again.inline, again.kept, again.options["token_ref"]) == ({}, ("token",), "c_token")
    changed = wanted({"token": "other"}, stored(dict(new.options), "token"))
    assert (changed.options, changed.inline, changed.kept) == (new.options, {"token": "other"}, ("token",))


def test_a_reference_to_a_kept_credential_keeps_it() -> None:
    before = stored({**PLACE, "auth_method": "token", "token_ref": "c_token"}, "token")
    assert wanted({"token_ref": "c_token"}, before).kept == ("token",)
    assert wanted({"token_ref": "c_token"}).kept == ()
    assert wanted({"token_ref": "mine"}, before).kept == ()
    assert wanted({"auth_method": "anonymous"}, before).kept == ()


def test_a_number_as_a_credential_is_kept_as_typed() -> None:
    assert wanted({"token": 12345}).inline == {"token": "12345"}


def test_own_options_are_not_credentials() -> None:
    assert wanted({"ca_cert": "pem"}).options["ca_cert"] == "pem"
    assert wanted({"ca_cert": "pem"}).inline == {}


def test_no_credential_is_in_the_options_or_their_repr() -> None:
    for given in ({"token": "canary"}, {"auth_method": "password", "user": "u", "password": "canary"}):
        assert "canary" not in str(dict(wanted(given).options)) + repr(wanted(given))
    error = error_of(lambda: wanted({"token": "canary", "user": "u"}))
    assert "canary" not in str(error)
