# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scope has its own managers, and what two scopes have never meets, at one provider neither."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Capability

from conformance.choosing import managers
from conformance.subject import CONNECTOR, Subject
from conformance.workplace import canary

ANN: dict[str, Any] = {"org": "ann"}
BOB: dict[str, Any] = {"org": "bob", "project": "api"}


def two_scopes(subject: Subject) -> None:
    for scope in ({"org": "ann"}, {"org": "bob"}, BOB):
        subject.add_scope(**scope)


@managers(able=Capability.WRITE)
def test_the_same_name_in_two_scopes(bare: Subject) -> None:
    two_scopes(bare)
    for scope, place in ((ANN, f"{bare.provider.place}a"), (BOB, f"{bare.provider.place}b")):
        bare.connect(place, **scope)
        bare.keep("a", str(scope), **scope)
    for scope in (ANN, BOB):
        assert bare.read("a", **scope) == str(scope).encode()
        assert bare.names(**scope)[0] == "a"
    bare.drop("a", **ANN)
    bare.new_run()
    assert bare.refused_read("a", **ANN).code == "unknown_secret"
    assert bare.read("a", **BOB) == str(BOB).encode()
    assert bare.refused_read("a").code == "unknown_secret"


@managers(keeps_values=True, able=Capability.WRITE)
def test_the_same_place_for_two_scopes(bare: Subject) -> None:
    two_scopes(bare)
    for scope in (ANN, BOB):
        bare.connect(**scope)
    bare.keep("a", "ann's", **ANN)
    assert bare.work.refused(lambda: bare.keep("a", canary(), **BOB)).code == "foreign_secret"
    assert bare.provider.value_at(bare.provider.path("a")) == b"ann's"
    bare.keep("b", "bob's", **BOB)
    bare.provider.remove(bare.provider.path("b"))
    bare.keep("b", "ann's", **ANN)
    bare.new_run()
    assert bare.work.refused(lambda: bare.keep("b", canary(), **BOB)).code == "foreign_secret"
    if Capability.DELETE in bare.provider.able():
        assert bare.work.refused(lambda: bare.drop("b", **BOB)).code == "foreign_secret"
    assert bare.read("b", **ANN) == b"ann's"
    bare.drop("b", **BOB, force=True)
    assert bare.read("b", **ANN) == b"ann's"


@managers(connector=True, able=Capability.WRITE)
def test_a_manager_of_the_account_is_not_that_of_an_organization(subject: Subject) -> None:
    two_scopes(subject)
    for name in (CONNECTOR, f"account.{CONNECTOR}"):
        error = subject.work.refused(lambda name=name: subject.keep("a", canary(), **ANN, secret_manager=name))  # type: ignore[misc]
        assert (error.code, error.category) == ("manager_of_other_scope", "forbidden")
    subject.connect(use_as_default=True)
    assert subject.keep("a", "value", **ANN, secret_manager=None).returned["secret"]["secret_manager"] == "builtin"
    assert list(subject.provider.present()) == []


@managers(connector=True, able=Capability.WRITE)
def test_an_inherited_manager(subject: Subject) -> None:
    two_scopes(subject)
    subject.work.declare("scope", inherited_managers="allowed")
    name = f"account.{CONNECTOR}"
    for scope in (ANN, BOB):
        subject.keep(f"of_{scope['org']}", "value", **scope, secret_manager=name)
        assert subject.read(f"of_{scope['org']}", **scope) == b"value"
    assert subject.work.refused(subject.disconnect).code == "connector_in_use"
    subject.work.declare("scope", inherited_managers="forbidden")
    assert subject.read("of_ann", **ANN) == b"value"
    assert subject.keep("of_ann", "value 2", **ANN, secret_manager=None).changed
    assert subject.read("of_ann", **ANN) == b"value 2"
    error = subject.work.refused(lambda: subject.keep("recent", "x", **ANN, secret_manager=name))
    assert error.code == "manager_of_other_scope"


@managers(connector=True, able=Capability.WRITE)
@pytest.mark.parametrize("has_secret", [False, True])
def test_an_inherited_default_goes_by_force(subject: Subject, has_secret: bool) -> None:
    two_scopes(subject)
    subject.work.declare("scope", inherited_managers="allowed")
    subject.work.declare("default_secret_manager", **ANN, secret_manager=f"account.{CONNECTOR}")
    if has_secret:
        subject.keep("a", "value", **ANN, secret_manager=None)
    error = subject.work.refused(subject.disconnect)
    assert "default secret manager of organization 'ann'" in error.details["used_by"]
    subject.disconnect(force=True)
    subject.work.new_run()
    created = subject.keep("b", "value", **ANN, secret_manager=None)
    assert created.returned["secret"]["secret_manager"] == "builtin"
    assert subject.read("b", **ANN) == b"value"
    subject.connect()
    if has_secret:
        assert subject.read("a", **ANN) == b"value"


@managers(connector=True, able=(Capability.WRITE, Capability.DELETE))
def test_a_scope_that_goes_by_force_leaves_nothing_at_the_provider(bare: Subject) -> None:
    """Its connectors are still needed while it goes, and so is what they log in with."""
    two_scopes(bare)
    bare.connect(f"{bare.provider.place}a", **BOB, identifier="z_last", use_as_default=True)
    bare.connect(f"{bare.provider.place}b", **BOB)
    credential = f"{CONNECTOR}_{bare.provider.CREDENTIAL}"
    kept = {secret["identifier"]: secret["secret_manager"] for secret in bare.work.view("secret_info", **BOB)}
    assert kept[credential] == "z_last"
    bare.keep("z", "value", **BOB)
    bare.new_run()
    assert bare.work.refused(lambda: bare.work.declare("scope", org="bob", state="absent")).code == "scope_in_use"
    assert len(bare.work.declare("scope", org="bob", state="absent", force=True).warnings) == 1
    assert bare.provider.present() == set()
    assert bare.work.rows("connector") == 0
