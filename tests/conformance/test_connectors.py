# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors: declared, proved, in use, removed by force, declared again."""

from __future__ import annotations

from typing import Any

from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Capability

from conformance.stage import Stage
from conformance.subject import CONNECTOR, Subject
from conformance.topic import MODES, Topic

TOPIC = Topic()


def connectors(subject: Subject, **scope: str) -> list[str]:
    return [one["identifier"] for one in subject.work.view("connector_info", **scope)]


@TOPIC.asked_of(connector=True, alone=True)
def it_is_declared_once(subject: Subject) -> None:
    first = subject.connect(description="d")
    view = first.returned["connector"]
    assert (first.changed, view["kind"], view["description"]) == (True, subject.provider.KIND, "d")
    again = subject.connect(description="d")
    assert (again.changed, again.returned["connector"]) == (False, view)
    subject.new_run()
    assert not subject.connect(description="d").changed
    assert subject.connect(description="e").changed


@TOPIC.asked_of(connector=True, alone=True)
def check_mode_asks_nobody(subject: Subject) -> None:
    subject.options()
    subject.provider.forget_requests()
    predicted = subject.connect(check_mode=True)
    assert (predicted.changed, predicted.returned["connector"]["kind"]) == (True, subject.provider.KIND)
    assert (list(subject.provider.requests), subject.work.rows("connector"), subject.work.rows("secret")) == ([], 0, 0)
    subject.connect()
    assert not subject.connect(check_mode=True).changed
    assert subject.disconnect(check_mode=True).changed
    assert connectors(subject) == ["builtin", CONNECTOR]


@TOPIC.asked_of(connector=True, login=True, alone=True)
def a_wrong_credential_is_refused_and_nothing_stays(subject: Subject) -> None:
    error = subject.work.refused(lambda: subject.connect(**subject.provider.wrong_login()))
    assert (error.code, error.category) == ("login_refused", "forbidden")
    assert (subject.work.rows("connector"), subject.work.rows("secret")) == (0, 0)


@TOPIC.asked_of(connector=True, login=True, able=Capability.WRITE)
def a_wrong_credential_leaves_the_right_one(subject: Subject) -> None:
    wrong = {subject.provider.CREDENTIAL: "canary-of-nobody"}
    login = {**subject.provider.wrong_login(), **wrong}
    assert subject.work.refused(lambda: subject.connect(**login)).code == "login_refused"
    subject.new_run()
    subject.keep("a", "value")
    assert subject.read("a") == b"value"


@TOPIC.asked_of(connector=True, login=True, alone=True)
def check_says_ready_or_why_not(subject: Subject) -> None:
    subject.connect()
    outcome = subject.work.view("connector_check", identifier=CONNECTOR)
    assert (outcome["status"], outcome["code"]) == ("ready", "")
    wrong = {**subject.options(), **subject.provider.wrong_login()}
    subject.work.declare(subject.resource, **wrong, identifier="wrong", check=False)
    outcome = subject.work.view("connector_check", identifier="wrong")
    assert (outcome["status"], outcome["code"]) == ("error", "login_refused")
    assert outcome["message"]
    assert outcome["hint"]


@TOPIC.asked_of(connector=True, able=Capability.WRITE, keeps_values=True)
def check_reads_no_value_and_leaves_nothing(subject: Subject) -> None:
    subject.keep("a", "value")
    there = subject.provider.remains()
    for right in (None, "read", "write"):
        subject.new_run()
        view = subject.work.view("connector_check", identifier=CONNECTOR, check=right)
        assert (view["status"], sorted(view["proof"])) == ("ready", ["read", "write"])
        assert subject.provider.remains() == there
    assert (there, subject.read("a")) == ({subject.provider.path("a")}, b"value")


@TOPIC.asked_of(connector=True, able=Capability.WRITE, keeps_values=True, each=MODES)
def a_check_writes_only_to_prove_that_it_can(subject: Subject, check_mode: bool) -> None:
    subject.new_run()
    right = "write" if check_mode else "read"
    result = subject.work.declare("connector_check", identifier=CONNECTOR, check=right, check_mode=check_mode)
    assert (result.changed, subject.writes) == (False, 0)


@TOPIC.asked_of(connector=True, login=True, alone=True)
def its_credential_is_a_secret_of_the_builtin_manager(subject: Subject) -> None:
    subject.connect()
    name = f"{CONNECTOR}_{subject.provider.CREDENTIAL}"
    (secret,) = subject.work.view("secret_info", identifier=name)
    user = {"kind": "connector", "identifier": CONNECTOR, "field": f"{subject.provider.CREDENTIAL}_ref"}
    assert (secret["secret_manager"], secret["used_by"]) == ("builtin", [user])
    assert subject.work.refused(lambda: subject.drop(name)).code == "secret_in_use"
    subject.disconnect()
    assert subject.names() == []


@TOPIC.asked_of(connector=True, login=True, able=Capability.WRITE, alone=True)
def a_credential_may_be_a_reference(subject: Subject) -> None:
    field = subject.provider.CREDENTIAL
    given = dict(subject.options())
    subject.work.declare("secret_text", identifier="login", value=given.pop(field).encode())
    given[f"{field}_ref"] = "login"
    subject.work.declare(subject.resource, identifier=CONNECTOR, **given)
    subject.keep("a", "value")
    assert subject.read("a") == b"value"
    assert subject.work.refused(lambda: subject.drop("login")).code == "secret_in_use"
    subject.drop("a")
    subject.disconnect()
    assert subject.names() == ["login"]


@TOPIC.asked_of(connector=True, able=Capability.WRITE, alone=True)
def it_can_not_go_while_it_keeps_a_secret(subject: Subject) -> None:
    subject.connect()
    subject.keep("a", "value")
    error = subject.work.refused(subject.disconnect)
    assert (error.code, error.details) == ("connector_in_use", {"used_by": ["secret 'a'"]})
    assert subject.read("a") == b"value"
    subject.drop("a")
    assert subject.disconnect().changed
    assert not subject.disconnect().changed


@TOPIC.asked_of(connector=True, able=Capability.WRITE, variants=True)
def force_leaves_its_secrets_unread_until_it_is_declared_again(subject: Subject) -> None:
    subject.keep("a", "value")
    in_use, unread = subject.disconnect(force=True).warnings
    assert "secret 'a'" in in_use
    assert "can't be read until you declare it again" in unread
    assert connectors(subject) == ["builtin"]
    assert subject.refused_read("a").code == "connector_removed"
    assert subject.connect().changed
    assert subject.read("a") == b"value"
    assert not subject.keep("a", "value").changed


@TOPIC.asked_of(connector=True, able=Capability.WRITE, alone=True)
def what_force_left_goes_with_its_last_secret(subject: Subject) -> None:
    subject.connect()
    subject.keep("a", "value")
    subject.disconnect(force=True)
    assert not subject.disconnect().changed
    assert subject.drop("a").changed
    assert subject.disconnect().changed
    assert (subject.names(), subject.work.rows("connector")) == ([], 0)
    assert not subject.disconnect().changed
    for path in subject.provider.present():
        subject.provider.remove(path)


@TOPIC.asked_of(connector=True, able=Capability.WRITE, alone=True)
def its_place_is_fixed_while_it_keeps_a_secret(subject: Subject) -> None:
    subject.connect()
    elsewhere = subject.options(f"{subject.provider.place}x")
    subject.keep("a", "value")
    assert subject.work.refused(lambda: subject.connect(**elsewhere)).code == "location_fixed"
    assert subject.read("a") == b"value"
    subject.drop("a")
    assert subject.connect(**elsewhere).changed
    subject.keep("a", "value")
    assert subject.read("a") == b"value"


@TOPIC.asked_of(connector=True, each={"login": {"auth_method": "nothing"}, "scope": {"org": "nowhere"}}, alone=True)
def what_can_not_be_is_refused_before_any_request(subject: Subject, params: dict[str, Any]) -> None:
    subject.options()
    subject.provider.forget_requests()
    error = subject.work.refused(lambda: subject.connect(**params))
    assert error.code in ("unclear_login", "unknown_scope")
    assert list(subject.provider.requests) == []


@TOPIC.asked_of(option="read_only", each=MODES, alone=True)
def a_connector_that_only_reads(subject: Subject, check_mode: bool) -> None:
    subject.connect()
    subject.keep("a", "value")
    subject.connect(read_only=True)
    subject.provider.forget_requests()
    deeds = [lambda: subject.keep("b", "x", check_mode=check_mode), lambda: subject.drop("a", check_mode=check_mode)]
    assert [subject.work.refused(deed).code for deed in deeds] == ["read_only_manager"] * 2
    assert subject.writes == 0
    assert subject.read("a") == b"value"
    forced = subject.drop("a", force=True)
    assert "was left" in forced.warnings[0]
    path = subject.provider.path("a")
    assert subject.provider.value_at(path) == b"value"
    subject.provider.remove(path)


@TOPIC.asked_of(connector=True, able=Capability.WRITE, alone=True)
def a_default_gets_new_secrets_and_moves_none(subject: Subject) -> None:
    subject.connect()
    subject.keep("old", "value", secret_manager=None)
    subject.connect(use_as_default=True)
    subject.keep("recent", "value", secret_manager=None)
    subject.keep("old", "value 2", secret_manager=None)
    kept = {secret["identifier"]: secret["secret_manager"] for secret in subject.work.view("secret_info")}
    assert (kept["old"], kept["recent"]) == ("builtin", CONNECTOR)
    assert [subject.read("old"), subject.read("recent")] == [b"value 2", b"value"]
    error = subject.work.refused(lambda: subject.keep("recent", "x", secret_manager="builtin"))
    assert error.code == "manager_fixed"
    subject.work.declare("default_secret_manager", secret_manager="builtin")
    assert subject.keep("late", "value", secret_manager=None).returned["secret"]["secret_manager"] == "builtin"


@TOPIC.asked_of(connector=True, alone=True)
def a_default_can_not_go_but_by_force(subject: Subject) -> None:
    subject.connect()
    subject.connect(use_as_default=True)
    error = subject.work.refused(subject.disconnect)
    assert (error.code, error.details) == (
        "connector_in_use",
        {"used_by": ["default secret manager of the account"]},
    )
    assert len(subject.disconnect(force=True).warnings) == 2
    (builtin,) = subject.work.view("connector_info")
    assert (builtin["identifier"], builtin["is_default"]) == ("builtin", True)


@TOPIC.asked_of(connector=True, login=True, able=Capability.WRITE, alone=True)
def a_default_does_not_keep_its_own_credential(subject: Subject) -> None:
    subject.connect()
    subject.connect(use_as_default=True)
    name = f"{CONNECTOR}_{subject.provider.CREDENTIAL}"
    credential = subject.options()[subject.provider.CREDENTIAL]
    subject.connect(**{subject.provider.CREDENTIAL: f"{credential} "})
    (secret,) = subject.work.view("secret_info", identifier=name)
    assert (secret["secret_manager"], secret["version"]) == ("builtin", 2)
    subject.new_run()
    subject.keep("a", "value")
    assert subject.read("a") == b"value"


@TOPIC.managers()
def test_connectors(stage: Stage) -> None:
    stage.play(TOPIC)
