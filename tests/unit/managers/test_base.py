# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base classes of secret managers, and the rules that all kinds follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import (
    ArgumentSpec,
    Capability,
    ConnectorContext,
    Found,
    KeyKeeper,
    Login,
    Manager,
    ValueKeeper,
    Writing,
)
from ansible_collections.scoped.secrets.plugins.module_utils.managers.checks import AccessProof, Aim, not_proved
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import kinds
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput, MissingLibrary, NotFound

CONNECTOR, OWNER = ConnectorContext("the manager"), "store/connector/scope"
KINDS = sorted(kinds().items())


class One(Login):
    NAME = "one"
    OPTIONS: ClassVar[ArgumentSpec] = {"a": {}, "b": {}}
    REQUIRED = ("a", "b")


class Reader(ValueKeeper):
    """A minimal kind."""

    KIND, TITLE, OPTIONS, LOCATION, LOGINS = "reader", "Reader", {}, frozenset(), (One,)
    CAPABILITIES, MAX_VALUE, REQUIREMENTS = frozenset({Capability.READ_PATH}), 10, ()
    DEFAULTS: Mapping[str, Any] = {"timeout": 30, "vault": "main"}

    def login(self) -> None: ...

    def path_of(self, *names: str) -> str:
        return "/".join(names)

    def read(self, path: str, version: str = "") -> Found:
        if path == "none":
            raise failures.unknown_path(self.connector.what, path)
        return Found(path.encode())


class Keeper(Reader):
    """One that also writes."""

    OPTIONS: ClassVar[ArgumentSpec] = {"read_only": {"type": "bool"}}
    CAPABILITIES = frozenset({Capability.READ_PATH, Capability.WRITE})


def reader(**options: Any) -> Reader:
    return Reader({"auth_method": "one", **options}, CONNECTOR)


def test_options_stand_over_defaults() -> None:
    assert reader(timeout=1).options == {"timeout": 1, "vault": "main", "auth_method": "one"}
    assert Reader.DEFAULTS == {"timeout": 30, "vault": "main"}


def test_the_login_that_the_options_name_has_them() -> None:
    login = reader(a="x").chosen_login()
    assert (type(login), login.options["a"]) == (One, "x")


@pytest.mark.parametrize("given", [frozenset(), frozenset({"a"}), frozenset({"b", "c"})])
def test_a_login_names_what_it_lacks(given: frozenset[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        One.validate(given)
    assert caught.value.code == "incomplete_login"
    assert [f"'{name}'" in caught.value.message for name in "ab"] == [name not in given for name in "ab"]
    One.validate(frozenset("abc"))


def test_what_a_kind_need_not_have() -> None:
    manager = reader()
    assert (manager.settled(), manager.notices, manager.value_in(b"x"), manager.BATCH) == ({}, [], b"x", 1)
    manager.close()
    manager.validate({})
    manager.connector.meter("requests")


def test_a_kind_that_only_reads_says_so() -> None:
    for call in (lambda: reader().write("p", b"canary", Writing(OWNER)), lambda: reader().remove("p", OWNER)):
        with pytest.raises(InvalidInput) as caught:
            call()
        assert (caught.value.code, "the manager can't" in caught.value.message) == ("not_supported", True)
        assert "canary" not in str(caught.value)


def test_many_are_read_one_by_one_each_with_its_own_error() -> None:
    found = reader().read_many(["a", "none", "b"])
    assert (found["a"], found["b"], isinstance(found["none"], NotFound)) == (Found(b"a"), Found(b"b"), True)


def test_no_value_shows() -> None:
    assert "canary" not in repr(Found(b"canary", "3"))
    assert "canary" not in repr(reader(a="canary"))
    assert "canary" not in repr(One({"a": "canary"}))


def test_the_small_values_can_not_be_changed() -> None:
    for value in (Found(b""), Writing(OWNER), CONNECTOR):
        with pytest.raises(AttributeError):
            setattr(value, value._fields[0], None)


def test_a_library_that_is_too_old_is_told_before_it_fails() -> None:
    class Newer(Reader):
        REQUIREMENTS = ("pytest>=999",)

    with pytest.raises(MissingLibrary) as caught:
        Newer({"auth_method": "one"}, CONNECTOR)
    assert (caught.value.code, "'pytest>=999' is needed for Reader," in caught.value.message) == (
        "outdated_library",
        True,
    )


@pytest.mark.parametrize(("name", "kind"), KINDS, ids=dict(KINDS))
def test_a_kind_is_what_it_says(name: str, kind: type[Manager]) -> None:
    assert name == kind.KIND
    assert issubclass(kind, (KeyKeeper, ValueKeeper))
    assert kind.TITLE
    assert kind.MAX_VALUE > 0
    assert all(">=" in requirement for requirement in kind.REQUIREMENTS)
    assert Capability.READ_PATH not in kind.CAPABILITIES or issubclass(kind, ValueKeeper)


@pytest.mark.parametrize(("name", "kind"), KINDS, ids=dict(KINDS))
def test_the_options_of_a_kind_fit_together(name: str, kind: type[Manager]) -> None:
    own = set(kind.OPTIONS)
    logins = {option for login in kind.LOGINS for option in login.OPTIONS}
    assert set(kind.LOCATION) | set(kind.REFERABLE) | set(kind.REFERENCE_DICTS) | set(kind.DEFAULTS) <= own
    assert all(kind.OPTIONS[option]["type"] == "dict" for option in kind.REFERENCE_DICTS)
    assert not own & logins
    assert all(set(login.REQUIRED) <= set(login.OPTIONS) for login in kind.LOGINS)
    assert len({login.NAME for login in kind.LOGINS}) == len(kind.LOGINS)
    # The engine adds `_ref`, and an omitted option keeps its stored value.
    assert not [option for option in own | logins if option.endswith("_ref")]
    specs = [*kind.OPTIONS.values(), *(spec for login in kind.LOGINS for spec in login.OPTIONS.values())]
    assert all("default" not in spec and "required" not in spec for spec in specs)
    reserved = {"identifier", "name", "description", "tags", "org", "project", "state", "force", "check", "auth_method"}
    assert not reserved & (own | logins)


@pytest.mark.parametrize(("name", "kind"), KINDS, ids=dict(KINDS))
def test_an_option_of_several_logins_means_the_same_in_all(name: str, kind: type[Manager]) -> None:
    for option in {option for login in kind.LOGINS for option in login.OPTIONS}:
        specs = [login.OPTIONS[option] for login in kind.LOGINS if option in login.OPTIONS]
        assert all(spec == specs[0] for spec in specs), option


READS = not_proved("the connector only reads")


@pytest.mark.parametrize(
    ("kind", "read_only", "right", "expected"),
    [
        (Reader, False, "", READS),
        (Reader, False, "read", READS),
        (Reader, False, "write", "not_supported"),
        (Keeper, True, "", READS),
        (Keeper, True, "read", READS),
        (Keeper, True, "write", "read_only_manager"),
        (Keeper, False, "", not_proved("Reader has no check for it")),
        (Keeper, False, "read", not_proved("only reading was to be proved")),
        (Keeper, False, "write", not_proved("Reader has no check for it")),
    ],
)
def test_a_check_proves_what_a_connector_is_for_or_what_it_is_asked(
    kind: type[Reader], *, read_only: bool, right: str, expected: str
) -> None:
    manager, proof = kind({"auth_method": "one", "read_only": read_only}, CONNECTOR), AccessProof()
    if expected.startswith("not proved"):
        manager.check(Aim(right), proof)
        assert proof.view == {"read": not_proved("Reader has no check for it"), "write": expected}
    else:
        with pytest.raises(InvalidInput) as caught:
            manager.check(Aim(right), proof)
        assert (caught.value.code, proof) == (expected, AccessProof())


def test_a_check_is_where_the_secrets_of_the_connector_are() -> None:
    assert reader().place_of_check("a") == "a"
    context = ConnectorContext("the manager", names=lambda name: ["teams", name])
    assert Reader({"auth_method": "one"}, context).place_of_check("a") == "teams/a"
