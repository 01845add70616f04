# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scope has its own managers, and what two scopes have never meets, at one provider neither."""

from __future__ import annotations

from typing import Any

from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Capability

from conformance.stage import Stage
from conformance.subject import CONNECTOR, Subject
from conformance.topic import Topic
from conformance.workplace import canary

TOPIC = Topic()
ANN: dict[str, Any] = {"org": "ann"}
BOB: dict[str, Any] = {"org": "bob", "project": "api"}


def two_scopes(subject: Subject) -> None:
    for scope in ({"org": "ann"}, {"org": "bob"}, BOB):
        subject.add_scope(**scope)


@TOPIC.asked_of(able=Capability.WRITE, alone=True)
def the_same_name_in_two_scopes(subject: Subject) -> None:
    two_scopes(subject)
    for scope, place in ((ANN, f"{subject.provider.place}a"), (BOB, f"{subject.provider.place}b")):
        subject.connect(place, **scope)
        subject.keep("a", str(scope), **scope)
    for scope in (ANN, BOB):
        assert subject.read("a", **scope) == str(scope).encode()
        assert subject.names(**scope)[0] == "a"
    subject.drop("a", **ANN)
    subject.new_run()
    assert subject.refused_read("a", **ANN).code == "unknown_secret"
    assert subject.read("a", **BOB) == str(BOB).encode()
    assert subject.refused_read("a").code == "unknown_secret"


@TOPIC.asked_of(keeps_values=True, able=Capability.WRITE, alone=True)
def the_same_place_for_two_scopes(subject: Subject) -> None:
    two_scopes(subject)
    for scope in (ANN, BOB):
        subject.connect(**scope)
    subject.keep("a", "ann's", **ANN)
    assert subject.work.refused(lambda: subject.keep("a", canary(), **BOB)).code == "foreign_secret"
    assert subject.provider.value_at(subject.provider.path("a")) == b"ann's"
    subject.keep("b", "bob's", **BOB)
    subject.provider.remove(subject.provider.path("b"))
    subject.keep("b", "ann's", **ANN)
    subject.new_run()
    assert subject.work.refused(lambda: subject.keep("b", canary(), **BOB)).code == "foreign_secret"
    if Capability.DELETE in subject.provider.able():
        assert subject.work.refused(lambda: subject.drop("b", **BOB)).code == "foreign_secret"
    assert subject.read("b", **ANN) == b"ann's"
    subject.drop("b", **BOB, force=True)
    assert subject.read("b", **ANN) == b"ann's"


@TOPIC.asked_of(connector=True, able=Capability.WRITE, alone=True)
def a_manager_of_the_account_is_not_that_of_an_organization(subject: Subject) -> None:
    subject.connect()
    two_scopes(subject)
    for name in (CONNECTOR, f"account.{CONNECTOR}"):
        error = subject.work.refused(lambda name=name: subject.keep("a", canary(), **ANN, secret_manager=name))  # type: ignore[misc]
        assert (error.code, error.category) == ("manager_of_other_scope", "forbidden")
    subject.connect(use_as_default=True)
    assert subject.keep("a", "value", **ANN, secret_manager=None).returned["secret"]["secret_manager"] == "builtin"
    assert list(subject.provider.present()) == []


@TOPIC.asked_of(connector=True, able=Capability.WRITE, alone=True)
def an_inherited_manager(subject: Subject) -> None:
    subject.connect()
    two_scopes(subject)
    subject.work.declare("scope", inherited_managers="allowed")
    name = f"account.{CONNECTOR}"
    for scope in (ANN, BOB):
        subject.keep("a", str(scope), **scope, secret_manager=name)
    for scope in (ANN, BOB):
        assert subject.read("a", **scope) == str(scope).encode()
    assert subject.work.refused(subject.disconnect).code == "connector_in_use"
    subject.work.declare("scope", inherited_managers="forbidden")
    assert subject.read("a", **ANN) == str(ANN).encode()
    assert subject.keep("a", "value 2", **ANN, secret_manager=None).changed
    assert subject.read("a", **ANN) == b"value 2"
    subject.drop("a", **ANN)
    subject.new_run()
    assert subject.read("a", **BOB) == str(BOB).encode()
    error = subject.work.refused(lambda: subject.keep("recent", "x", **ANN, secret_manager=name))
    assert error.code == "manager_of_other_scope"


@TOPIC.asked_of(connector=True, able=Capability.WRITE, each={"unused": False, "used": True}, alone=True)
def an_inherited_default_goes_by_force(subject: Subject, has_secret: bool) -> None:
    subject.connect()
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


@TOPIC.asked_of(connector=True, able=(Capability.WRITE, Capability.DELETE), alone=True)
def a_scope_that_goes_by_force_leaves_nothing_at_the_provider(subject: Subject) -> None:
    """Its connectors are still needed while it goes, and so is what they log in with."""
    two_scopes(subject)
    subject.connect(f"{subject.provider.place}a", **BOB, identifier="z_last", use_as_default=True)
    subject.connect(f"{subject.provider.place}b", **BOB)
    credential = f"{CONNECTOR}_{subject.provider.CREDENTIAL}"
    kept = {secret["identifier"]: secret["secret_manager"] for secret in subject.work.view("secret_info", **BOB)}
    assert kept[credential] == "z_last"
    subject.keep("z", "value", **BOB)
    subject.new_run()
    assert subject.work.refused(lambda: subject.work.declare("scope", org="bob", state="absent")).code == "scope_in_use"
    assert len(subject.work.declare("scope", org="bob", state="absent", force=True).warnings) == 1
    assert subject.provider.present() == set()
    assert subject.work.rows("connector") == 0


@TOPIC.managers()
def test_scopes(stage: Stage) -> None:
    stage.play(TOPIC)
