# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors as users see them: listed and checked."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.scoped_connectors import ScopedConnector
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things.connector_views import view_of
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Connector
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput, NotFound
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    add_connector,
    check,
    content_of,
    declare,
    error_of,
    forget_kind,
    read,
    shown,
)

API = ScopePath("pay", "api")
OPTIONS = {"vault": "v", "token_ref": "t", "found_by_login": 1, "settled": ["found_by_login"]}
KEEPER = ScopedConnector(Connector("id", "s", "memory_vault", "vault", "N", "d", {"a": "b"}, OPTIONS), API)


@pytest.fixture
def store(settings: Settings, engine: Engine) -> Engine:
    """The account and an organization have a `vault` each; the account also a `kms`, and one removed by force."""
    declare(engine, "scope", org="pay")
    declare(engine, "secret_text", identifier="t", value=b"good")
    add_connector(settings, "vault", auth_method="token", token_ref="t")
    add_connector(settings, "vault", ScopePath("pay"))
    add_connector(settings, "kms", kind="memory_kms")
    add_connector(settings, "gone", is_removed=True)
    return Engine(settings)


def status(engine: Engine, identifier: str = "vault", **scope: Any) -> tuple[str, str]:
    view = shown(engine, "connector_check", identifier=identifier, **scope)
    return view["status"], view["code"]


def test_a_connector_is_shown_as_it_is_declared() -> None:
    view = view_of(KEEPER, "vault", 3)
    assert view == {
        "identifier": "vault",
        "kind": "memory_vault",
        "name": "N",
        "description": "d",
        "tags": {"a": "b"},
        "org": "pay",
        "project": "api",
        "enabled": True,
        "is_default": True,
        "secrets": 3,
        "options": {"vault": "v", "token_ref": "t", "found_by_login": 1},
        "created_at": "",
        "updated_at": "",
    }
    assert view_of(KEEPER, "account.vault", 0)["is_default"] is False


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["builtin", "kms", "vault"]),
        ({"org": "pay"}, ["builtin", "vault"]),
        ({"identifier": "kms"}, ["kms"]),
        ({"kind": "memory_kms"}, ["kms"]),
        ({"kind": "builtin", "identifier": "kms"}, []),
        ({"identifier": "gone"}, []),
    ],
)
def test_the_managers_of_one_scope_are_listed(cloud: Cloud, store: Engine, filters: Any, expected: list[str]) -> None:
    assert [view["identifier"] for view in shown(store, "connector_info", **filters)] == expected
    assert cloud.asked == []


def test_a_module_returns_the_same_as_the_list(store: Engine) -> None:
    for call in ({"token_ref": "t"}, {"token_ref": "t", "use_as_default": True}):
        one = shown(store, "connector_memory_vault", identifier="vault", **call)
        assert shown(store, "connector_info", identifier="vault") == [one]


def test_secrets_are_counted_where_they_are_kept(store: Engine) -> None:
    declare(store, "scope", inherited_managers="allowed")
    declare(store, "secret_text", identifier="a", value=b"v", secret_manager="vault")
    declare(store, "secret_text", org="pay", identifier="a", value=b"v", secret_manager="account.kms")
    counts = {view["identifier"]: view["secrets"] for view in shown(store, "connector_info")}
    assert counts == {"builtin": 1, "kms": 1, "vault": 1}


def test_a_check_logs_in_anew_reads_nothing_and_changes_nothing(
    settings: Settings, cloud: Cloud, store: Engine
) -> None:
    cloud.put("p", b"v")
    read(store, "memory://vault/p")
    before, dump = content_of(settings), cloud.dump
    result = declare(store, "connector_check", identifier="vault")
    view = result.returned["connector"]
    assert (result.changed, view["status"], view["kind"], view["is_default"]) == (False, "ready", "memory_vault", False)
    assert (content_of(settings), cloud.dump) == (before, dump)
    counts = {verb: cloud.counts[verb] for verb in ("login", "check", "close", "read")}
    assert counts == {"login": 2, "check": 1, "close": 1, "read": 1}


def test_a_check_reports_failures(cloud: Cloud, store: Engine) -> None:
    errors = {
        failures.timed_out("it", 1): "unknown",
        failures.unavailable("it", "down"): "unknown",
        failures.tls_refused("it", "who"): "unknown",
        failures.denied("it", "read"): "error",
        failures.key_unusable("it", "off"): "error",
    }
    for error, expected in errors.items():

        def fail(_path: str, error: Exception = error) -> None:
            raise error

        cloud.before["check"] = fail
        view = shown(store, "connector_check", identifier="vault")
        assert (view["status"], view["code"], view["message"], view["hint"]) == (
            expected,
            error.code,
            error.message,
            error.hint,
        )
        assert view["proof"] == dict.fromkeys(("read", "write"), f"not proved: {error.message}")
        with pytest.raises(type(error)) as caught:
            declare(store, "connector_check", identifier="vault", fail=True)
        assert caught.value.code == error.code
    cloud.before.clear()
    assert declare(store, "connector_check", identifier="vault", fail=True).returned["connector"]["status"] == "ready"
    cloud.credentials.clear()
    assert (status(store), status(store, org="pay")) == (("error", "login_refused"), ("ready", ""))


def test_a_check_uses_the_current_credential(settings: Settings, cloud: Cloud, store: Engine) -> None:
    """Others rotated it at its source, in a run that has read it before."""
    cloud.put("token", b"good")
    add_connector(settings, "second", auth_method="token", token_ref="memory://kept/token")
    add_connector(settings, "kept")
    assert status(store, "second") == ("ready", "")
    cloud.put("token", b"rotated")
    cloud.credentials = {"good", "rotated"}
    assert status(store, "second") == ("ready", "")
    cloud.credentials = {"rotated"}
    assert status(store, "second") == ("ready", "")


def test_a_missing_credential_is_reported_not_raised(store: Engine) -> None:
    declare(store, "secret_text", identifier="t", state="absent", force=True)
    assert status(store) == ("error", "unknown_secret")


@pytest.mark.parametrize("identifier", ["none", "gone", "builtin", "Vault", "account.vault"])
def test_unknown_connectors_are_refused(store: Engine, identifier: str) -> None:
    error = error_of(lambda: status(store, identifier))
    assert (type(error), error.code) == (NotFound, "unknown_connector")
    assert error.hint == "Its secret managers are: builtin, kms, vault."


def test_a_connector_of_an_unknown_kind_is_listed_but_not_checked(settings: Settings, store: Engine) -> None:
    add_connector(settings, "later")
    forget_kind(settings, "later")
    assert "later" in [view["identifier"] for view in shown(store, "connector_info")]
    assert status(store, "later") == ("error", "unknown_kind")


PROBED = "app/scoped-secrets-check-"


def probed(store: Engine, settings: Settings) -> Engine:
    """Return an engine of a new run, with a connector `probed`, which proves writing by a secret."""
    add_connector(settings, "probed", kind="memory_probed")
    return Engine(settings)


@pytest.mark.parametrize(
    ("params", "read_proof", "write_proof"),
    [
        ({}, "asked", f"wrote {PROBED}"),
        ({"check": "write"}, "asked", f"wrote {PROBED}"),
        ({"check": "read"}, "asked", "not proved: only reading was to be proved"),
    ],
)
def test_a_check_says_which_proof_it_had(
    settings: Settings, cloud: Cloud, store: Engine, params: Any, read_proof: str, write_proof: str
) -> None:
    result = declare(probed(store, settings), "connector_check", identifier="probed", **params)
    view = result.returned["connector"]
    assert (view["proof"]["read"], view["proof"]["write"].startswith(write_proof)) == (read_proof, True)
    assert (view["status"], result.warnings, cloud.paths()) == ("ready", [], [])
    assert cloud.counts["write"] == (params != {"check": "read"})


def test_a_check_writes_where_the_secrets_of_the_connector_are(settings: Settings, cloud: Cloud, store: Engine) -> None:
    add_connector(settings, "probed", ScopePath("pay"), kind="memory_probed", path_template="teams/{org}/{identifier}")
    proof = shown(Engine(settings), "connector_check", identifier="probed", org="pay")["proof"]
    assert proof["write"].startswith("wrote app/teams/pay/scoped-secrets-check-")


def test_a_check_in_check_mode_writes_nothing(settings: Settings, cloud: Cloud, store: Engine) -> None:
    engine = probed(store, settings)
    result = check(engine, "connector_check", identifier="probed", check="write")
    assert result.returned["connector"]["proof"]["write"] == "not proved: check mode writes nothing"
    assert (result.warnings, cloud.counts["write"], cloud.counts["check"]) == ([], 0, 1)


def test_what_was_proved_before_a_failure_is_said(settings: Settings, cloud: Cloud, store: Engine) -> None:
    def deny(_path: str) -> None:
        raise failures.denied("it", "write")

    cloud.before["write"] = deny
    view = shown(probed(store, settings), "connector_check", identifier="probed")
    assert (view["status"], view["code"]) == ("error", "provider_denied")
    assert view["proof"] == {"read": "asked", "write": "not proved: it may not write."}


def test_a_run_writes_once_for_all_checks_of_a_connector(settings: Settings, cloud: Cloud, store: Engine) -> None:
    engine = Engine(settings)
    made = declare(engine, "connector_memory_probed", identifier="probed", token="good")
    assert made.returned["proof"]["write"].startswith(f"wrote {PROBED}")
    again = [shown(engine, "connector_check", identifier="probed")["proof"] for _twice in range(2)]
    assert again == [made.returned["proof"]] * 2
    assert "proof" not in declare(engine, "connector_memory_probed", identifier="probed").returned
    assert (cloud.counts["check"], cloud.counts["write"], cloud.paths()) == (3, 1, [])
    declare(engine, "connector_memory_probed", identifier="probed", timeout=3)
    shown(Engine(settings), "connector_check", identifier="probed")
    assert (cloud.counts["check"], cloud.counts["write"], cloud.paths()) == (5, 3, [])


@pytest.mark.parametrize(
    ("given", "checks", "right"),
    [(True, 1, ""), ("yes", 1, ""), ("read", 1, "read"), ("write", 1, "write"), (False, 0, ""), ("no", 0, "")],
)
def test_a_connector_is_checked_as_the_task_says(
    settings: Settings, cloud: Cloud, store: Engine, given: object, checks: int, right: str
) -> None:
    result = declare(Engine(settings), "connector_memory_vault", identifier="own", check=given)
    proof = {"read": "asked", "write": f"asked for '{right}'"}
    assert (cloud.counts["check"], result.returned.get("proof")) == (checks, proof if checks else None)


def test_a_check_that_is_no_boolean_and_no_right_is_refused_even_in_check_mode(cloud: Cloud, store: Engine) -> None:
    for call in (declare, check):
        with pytest.raises(InvalidInput) as caught:
            call(store, "connector_memory_vault", identifier="own", check="delete")
        assert caught.value.code == "invalid_option"
    assert cloud.asked == []


def test_a_task_that_asks_for_a_proof_that_can_not_be_had_is_warned(
    settings: Settings, cloud: Cloud, store: Engine
) -> None:
    add_connector(settings, "unproved", kind="memory_unproved")
    for right, warned in (("write", True), (None, False)):
        result = declare(Engine(settings), "connector_check", identifier="unproved", check=right)
        expected = ["Writing of connector 'unproved' of the account is not proved: it has no check for it."]
        assert (result.returned["connector"]["status"], result.warnings) == ("ready", expected if warned else [])
