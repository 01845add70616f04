# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pruning removes what a manifest made and no longer lists, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request, Result
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import error_of, holding, rows_of, shown

PAY: dict[str, Any] = {"org": "pay", "project": ""}
API: dict[str, Any] = {"org": "pay", "project": "api"}
ORG = Request("scope", PAY)
VAULT = Request(
    "connector_memory_vault", {**PAY, "identifier": "vault", "token_ref": "org.login", "use_as_default": True}
)
LOGIN = Request("secret_text", {**PAY, "identifier": "login", "value": b"good", "secret_manager": "builtin"})


def text(identifier: str, scope: dict[str, Any] | None = None, **params: Any) -> Request:
    return Request("secret_text", {**(scope or PAY), "identifier": identifier, "value": b"v", **params})


def declare(engine: Engine, *items: Request, check_mode: bool = False, **params: Any) -> Result:
    """Declare as a manifest of the organization unless another scope is given, and prune unless told not to."""
    of_manifest = {**PAY, "prune": True, **params}
    items = tuple(Request(one.resource, one.params, check_mode) for one in items)
    return engine.handle(Request("manifest", of_manifest, check_mode, items))


def pruned(result: Result) -> list[tuple[str, str]]:
    """Return the items that were pruned, or would be, with their status."""
    return [(one["item"], one["status"]) for one in result.returned["results"] if "state" in one]


def names(engine: Engine, **scope: Any) -> list[str]:
    return [one["identifier"] for one in shown(engine, "secret_info", **{**PAY, **scope})]


def test_things_no_longer_listed_are_removed(engine: Engine) -> None:
    declare(engine, ORG, text("a"), text("b"), text("c"))
    result = declare(engine, ORG, text("b"))
    assert pruned(result) == [
        ("secret 'a' of organization 'pay'", "changed"),
        ("secret 'c' of organization 'pay'", "changed"),
    ]
    assert result.changed
    assert result.returned["counts"] == {"ok": 2, "changed": 2, "failed": 0, "skipped": 0, "pruned": 2}
    gone = result.returned["results"][-1]
    assert (gone["module"], gone["state"], gone["before"]["version"], gone["after"]) == ("secret_text", "absent", 1, {})
    assert names(engine) == ["b"]
    again = declare(engine, ORG, text("b"))
    assert (again.changed, pruned(again)) == (False, [])


def test_nothing_is_removed_without_prune(engine: Engine) -> None:
    declare(engine, ORG, text("a"), prune=False)
    assert pruned(declare(engine, ORG, prune=False)) == []
    assert pruned(declare(engine, ORG)) == [("secret 'a' of organization 'pay'", "changed")]


def test_things_that_others_made_stay(engine: Engine) -> None:
    engine.handle(ORG)
    engine.handle(text("by_hand"))
    declare(engine, ORG, text("other"), name="other")
    declare(engine, ORG, text("above"), org="")
    # Things that it declares or changes, but did not create, are not its own.
    changed = text("by_hand", description="changed")
    assert declare(engine, ORG, changed, text("other"), text("above"), text("own")).changed
    assert pruned(declare(engine)) == [("secret 'own' of organization 'pay'", "changed")]
    assert names(engine) == ["above", "by_hand", "other"]


def test_everything_is_removed_in_the_order_of_its_use(cloud: Cloud, engine: Engine) -> None:
    project = Request("scope", API)
    share = Request("secret_share", {**PAY, "identifier": "login", "to_project": "api"})
    host = Request("secret_ssh", {**API, "identifier": "host", "user": "web", "password_ref": "org.kept"})
    items = [ORG, project, VAULT, LOGIN, share, text("kept"), text("own", API), host]
    assert {one["status"] for one in declare(engine, *items).returned["results"]} == {"changed"}
    told = declare(engine, check_mode=True)
    assert {status for _item, status in pruned(told)} == {"changed"}
    assert [one["identifier"] for one in shown(engine, "secret_info", **API)] == ["host", "own"]
    gone = declare(engine)
    assert sorted(pruned(gone)) == sorted(pruned(told))
    assert gone.returned["counts"] == {"ok": 0, "changed": 9, "failed": 0, "skipped": 0, "pruned": 9}
    assert shown(engine, "scope_info", **PAY) == []
    assert not cloud.values
    assert gone.warnings == told.warnings


def test_an_inline_credential_is_removed_with_its_connector(cloud: Cloud, engine: Engine) -> None:
    inline = Request("connector_memory_vault", {**PAY, "identifier": "v", "token": "good"})
    declare(engine, ORG, inline)
    assert names(engine) == ["v_token"]
    assert pruned(declare(engine, ORG, inline)) == []
    for check_mode in (True, False):
        told = pruned(declare(engine, check_mode=check_mode))
        assert [status for _item, status in told] == ["changed", "changed"]
    assert shown(engine, "scope_info", **PAY) == []


def test_things_in_use_stay_and_their_users_are_named(engine: Engine) -> None:
    declare(engine, ORG, text("used"), text("free"))
    engine.handle(Request("secret_ssh", {**PAY, "identifier": "host", "user": "web", "password_ref": "used"}))
    for check_mode in (True, False):
        result = declare(engine, ORG, on_error="continue", check_mode=check_mode)
        assert sorted(pruned(result)) == [
            ("secret 'free' of organization 'pay'", "changed"),
            ("secret 'used' of organization 'pay'", "failed"),
        ]
        (failed,) = (one for one in result.returned["results"] if one["status"] == "failed")
        assert (failed["code"], "secret 'host' (password_ref)" in failed["msg"]) == ("secret_in_use", True)
    assert names(engine) == ["host", "used"]


def test_a_thing_is_skipped_if_what_uses_it_stays(engine: Engine) -> None:
    declare(engine, ORG, Request("scope", API), text("a", API))
    engine.handle(Request("secret_ssh", {**API, "identifier": "host", "user": "web", "password_ref": "a"}))
    result = declare(engine, ORG, on_error="continue")
    assert [status for _item, status in pruned(result)] == ["skipped", "failed"]
    assert result.returned["results"][1]["msg"].startswith("Not removed: secret 'a' of project 'pay/api'")


def test_a_user_that_changes_in_the_same_run_no_longer_counts(engine: Engine) -> None:
    def host(password: str) -> Request:
        return Request("secret_ssh", {**PAY, "identifier": "host", "user": "web", "password_ref": password})

    declare(engine, ORG, text("old"), host("old"))
    for check_mode in (True, False):
        result = declare(engine, ORG, text("newer"), host("newer"), check_mode=check_mode)
        assert pruned(result) == [("secret 'old' of organization 'pay'", "changed")]


def test_nothing_is_removed_after_a_failure(engine: Engine) -> None:
    declare(engine, ORG, text("a"))
    bad = text("bad", secret_manager="nobody")
    assert pruned(declare(engine, ORG, bad)) == [("secret 'a' of organization 'pay'", "skipped")]
    assert pruned(declare(engine, ORG, bad, on_error="continue")) == [("secret 'a' of organization 'pay'", "changed")]


def test_a_default_goes_back_to_the_builtin_manager(cloud: Cloud, engine: Engine) -> None:
    declare(engine, ORG, LOGIN, VAULT)
    without = Request(VAULT.resource, {**VAULT.params, "use_as_default": False})
    assert pruned(declare(engine, ORG, LOGIN, VAULT)) == []
    chosen = Request("default_secret_manager", {**PAY, "secret_manager": "vault"})
    declare(engine, ORG, LOGIN, without, chosen)
    assert pruned(declare(engine, ORG, LOGIN, chosen)) == [("connector 'vault' of organization 'pay'", "failed")]
    left_out = {name: value for name, value in VAULT.params.items() if name != "use_as_default"}
    result = declare(engine, ORG, LOGIN, Request(VAULT.resource, left_out))
    assert pruned(result) == [("the default secret manager of organization 'pay'", "changed")]
    assert shown(engine, "scope_info", **PAY)[0]["default_secret_manager"] == "builtin"


def test_a_value_that_others_overwrote_is_left_at_its_manager(cloud: Cloud, engine: Engine) -> None:
    declare(engine, ORG, LOGIN, VAULT, text("kept"))
    cloud.put("app/kept", b"of somebody else")
    result = declare(engine, ORG, LOGIN, VAULT)
    assert [(one["status"], one["code"]) for one in result.returned["results"] if "state" in one] == [
        ("failed", "foreign_secret")
    ]
    assert cloud.newest("app/kept") == b"of somebody else"


def test_an_interrupted_removal_is_finished_by_the_next_run(cloud: Cloud, engine: Engine, settings: Settings) -> None:
    declare(engine, ORG, LOGIN, VAULT, text("kept"))

    def away(path: str) -> None:
        raise failures.unavailable("the vault", "it is away")

    cloud.before["remove"] = away
    assert [status for _item, status in pruned(declare(engine, ORG, LOGIN, VAULT))] == ["failed"]
    cloud.before.clear()
    again = declare(Engine(settings), ORG, LOGIN, VAULT)
    assert {status for _item, status in pruned(again)} <= {"changed"}
    assert (names(engine), cloud.values) == (["login"], {})


def test_a_scope_key_prunes_what_it_opens(engine: Engine, settings: Settings) -> None:
    web = {"org": "pay", "project": "web"}
    declare(engine, ORG, Request("scope", API), Request("scope", web), text("a", API), text("a", web), text("a"))
    held = holding(settings, **API)
    assert pruned(declare(held, Request("scope", API))) == [("secret 'a' of project 'pay/api'", "changed")]
    assert [names(engine, **scope) for scope in (API, web, PAY)] == [[], ["a"], ["a"]]


@pytest.mark.parametrize("table", ["secret", "connector", "scope"])
def test_a_mark_written_without_the_key_is_found(engine: Engine, settings: Settings, table: str) -> None:
    for one in (ORG, text("by_hand")):
        engine.handle(one)
    plain = {"identifier": "env", "plugin": "ansible.builtin.env", "check": False}
    engine.handle(Request("connector_lookup", {**PAY, **plain}))
    with rows_of(settings) as tx:
        condition = "level = 'org'" if table == "scope" else "identifier IN ('by_hand', 'env')"
        assert tx.run(f"UPDATE {table} SET made_by = 'account/pay#' WHERE {condition}") == 1
    assert error_of(lambda: declare(Engine(settings), Request("scope", {"org": "shop"}))).code == "damaged_row"


def test_a_mark_outlives_changes(cloud: Cloud, engine: Engine, settings: Settings) -> None:
    scope, share = Request("scope", API), Request("secret_share", {**PAY, "identifier": "a", "to_project": "api"})
    shared = text("a", secret_manager="builtin")
    made = declare(engine, ORG, scope, share, shared, LOGIN, VAULT)
    assert made.returned["counts"]["changed"] == 6
    for one in (text("a", value=b"another"), Request("scope", {**API, "description": "changed"})):
        engine.handle(one)
    engine.handle(Request(VAULT.resource, {**VAULT.params, "description": "changed"}))
    engine.handle(Request("key_rotation", {**PAY, "target": "scope"}))
    assert {item for item, _status in pruned(declare(engine, ORG, check_mode=True))} == {
        "project 'pay/api'",
        "secret 'a' of organization 'pay'",
        "secret 'a/pay/api' of organization 'pay'".replace("secret", "share"),
        "secret 'login' of organization 'pay'",
        "connector 'vault' of organization 'pay'",
        "the default secret manager of organization 'pay'",
    }


def test_an_invalid_name_is_refused(engine: Engine) -> None:
    assert isinstance(error_of(lambda: declare(engine, ORG, name="a\nb")), InvalidInput)
