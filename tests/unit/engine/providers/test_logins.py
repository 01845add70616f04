# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a connector needs to log in, and login loops, which are refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.providers import logins
from ansible_collections.scoped.secrets.plugins.module_utils.engine.providers.logins import (
    check_no_loop,
    login_depth,
    references_of,
    used_secrets,
)
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.scoped_connectors import ScopedConnector
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Connector
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Conflict, NotFound
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    add_connector,
    check,
    content_of,
    declare,
    error_of,
    in_session,
    in_time,
    read,
    shown,
)

API = {"org": "pay", "project": "api"}


def connector(path: ScopePath = ACCOUNT, *, kept: tuple[str, ...] = (), **options: Any) -> ScopedConnector:
    return ScopedConnector(Connector("id", "s", "memory_vault", "vault", "n", options=options, kept=kept), path)


@pytest.fixture
def chain(settings: Settings, cloud: Cloud, engine: Engine) -> Engine:
    """Connectors `a` (token in the store), `b` (token at `a`), `c` (token at `b`), each of which logs in."""
    declare(engine, "scope", org="pay")
    declare(engine, "scope", **API)
    declare(engine, "secret_text", identifier="first", value=b"good")
    declare(engine, "connector_memory_vault", identifier="a", token_ref="first")
    declare(engine, "secret_text", identifier="second", value=b"good", secret_manager="a")
    declare(engine, "connector_memory_vault", identifier="b", token_ref="second", vault="b")
    cloud.put("third", b"good", vault="b")
    declare(engine, "connector_memory_vault", identifier="c", token_ref="memory://b/third", vault="c")
    return engine


def test_references_among_the_options() -> None:
    options = {"token_ref": "t", "ca_cert_ref": "org.ca", "vault": "v", "password_ref": "", "other_ref": "x"}
    assert references_of(connector(**options)) == {"token_ref": "t", "ca_cert_ref": "org.ca"}
    assert references_of(connector()) == {}


def test_the_secrets_that_a_connector_uses(settings: Settings, chain: Engine) -> None:
    ids = {view["identifier"]: view for view in shown(chain, "secret_info")}
    assert set(ids) == {"first", "second"}

    def used(connector: ScopedConnector) -> dict[str, str]:
        return in_session(settings, lambda session: used_secrets(session, connector))

    assert set(used(connector(token_ref="first", ca_cert_ref="second#pem"))) == {"token_ref", "ca_cert_ref"}
    assert set(used(connector(ScopePath("pay", "api"), token_ref="account.first"))) == {"token_ref"}
    assert used(connector(token_ref="memory://a/path")) == {}
    assert used(connector(token_ref="vault_token", kept=("token",))) == {}


@pytest.mark.parametrize("reference", ["none", "vault_token"])
def test_a_missing_secret_is_named(settings: Settings, chain: Engine, reference: str) -> None:
    for path in (ACCOUNT, ScopePath("pay")):
        missing = connector(path, token_ref=reference)
        error = error_of(lambda missing=missing: in_session(settings, lambda s: used_secrets(s, missing)))
        assert (type(error), error.code) == (NotFound, "unknown_secret")
        assert f"'token_ref' of connector 'vault' of {path} names '{reference}'" in error.message


def test_uses_are_shown_and_kept_up_to_date(chain: Engine) -> None:
    users = {"kind": "connector", "identifier": "a", "field": "token_ref"}
    assert shown(chain, "secret_info", identifier="first")[0]["used_by"] == [users]
    declare(chain, "connector_memory_vault", identifier="a", auth_method="anonymous")
    assert shown(chain, "secret_info", identifier="first")[0]["used_by"] == []


def test_login_depth(settings: Settings, chain: Engine) -> None:
    def depths(session: Session) -> dict[str, int]:
        connectors = [ScopedConnector(connector, ACCOUNT) for connector in session.connectors(session.chain(ACCOUNT))]
        return {connector.row.identifier: login_depth(session, connector) for connector in connectors}

    assert in_session(settings, depths) == {"a": 0, "b": 1, "c": 2}
    for name, other in (("x", "y"), ("y", "x")):
        add_connector(settings, name, auth_method="token", token_ref=f"memory://{other}/t")
    assert in_time(lambda: in_session(settings, depths)) == {"a": 0, "b": 1, "c": 2, "x": 1, "y": 1}


def test_each_connector_is_followed_once(settings: Settings, chain: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever can write to a scope can declare connectors of which each needs the next one three times."""
    for number in range(12):
        path = f"memory://n{number + 1}/t"
        add_connector(
            settings, f"n{number}", auth_method="token", token_ref=path, ca_cert_ref=path, more_refs={"x": path}
        )
    add_connector(settings, "n12", auth_method="anonymous")
    followed: list[str] = []
    find = logins._connector_of

    def counting(session: Session, connector: ScopedConnector, option: str, first: ScopedConnector) -> Any:
        followed.append(connector.row.identifier)
        return find(session, connector, option, first)

    monkeypatch.setattr(logins, "_connector_of", counting)

    def work(session: Session) -> int:
        named = {one.identifier: one for one in session.connectors(session.chain(ACCOUNT))}
        check_no_loop(session, ScopedConnector(named["n0"], ACCOUNT))
        return login_depth(session, ScopedConnector(named["n0"], ACCOUNT))

    assert in_session(settings, work) == 12
    assert len(followed) == 2 * 3 * 12


LOOPS = {
    "itself, by a secret": ("a", {"token_ref": "second"}, ["a (token_ref: second)", "a"]),
    "itself, by a URL": ("a", {"token_ref": "memory://a/x"}, ["a (token_ref: memory://a/x)", "a"]),
    "two": ("a", {"token_ref": "memory://b/x"}, ["a (token_ref: memory://b/x)", "b (token_ref: second)", "a"]),
    "three": (
        "a",
        {"token_ref": "memory://c/x#f"},
        ["a (token_ref: memory://c/x#f)", "c (token_ref: memory://b/third)", "b (token_ref: second)", "a"],
    ),
    "three, not by the token": (
        "a",
        {"ca_cert_ref": "memory://c/x"},
        ["a (ca_cert_ref: memory://c/x)", "c (token_ref: memory://b/third)", "b (token_ref: second)", "a"],
    ),
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_is_refused_and_shown(settings: Settings, cloud: Cloud, chain: Engine, name: str) -> None:
    identifier, options, way = LOOPS[name]
    before, dump = content_of(settings), cloud.dump
    for force in ({}, {"check": False}):
        call = {"identifier": identifier, **options, **force}
        error = error_of(lambda call=call: declare(chain, "connector_memory_vault", **call))
        assert (type(error), error.code) == (Conflict, "login_loop")
        assert f"connector '{identifier}' of the account would need itself: {' -> '.join(way)}." in error.message
    assert (content_of(settings), cloud.dump) == (before, dump)


def test_a_loop_across_scopes(cloud: Cloud, chain: Engine) -> None:
    """References lead to the same scope or upward, never down, so all of a loop is in one scope."""
    declare(chain, "connector_memory_vault", identifier="x", vault="x", **API, token_ref="account.first")
    for number, place in enumerate(({"org": "pay"}, {})):
        for reference in ("memory://x/t", "project.memory://x/t"):
            call = {"identifier": f"y{number}", **place, "token_ref": reference}
            assert error_of(lambda call=call: declare(chain, "connector_memory_vault", **call)).code in (
                "unknown_connector",
                "reference_downward",
            )
    declare(chain, "connector_memory_vault", identifier="a", org="pay", vault="pay", token_ref="account.second")
    cloud.put("t", b"good", vault="pay")
    declare(chain, "connector_memory_vault", identifier="z", **API, token_ref="org.memory://a/t")
    error = error_of(
        lambda: declare(chain, "connector_memory_vault", identifier="a", org="pay", token_ref="memory://a/t")
    )
    assert "pay/a (token_ref: memory://a/t) -> pay/a." in error.message
    cloud.put("value", b"v")
    assert read(chain, "memory://z/value", **API) == b"v"


def test_a_recreated_secret_may_close_a_loop_that_the_next_login_reports(settings: Settings, chain: Engine) -> None:
    declare(chain, "secret_text", identifier="first", state="absent", force=True)
    declare(chain, "secret_text", identifier="first", value=b"good", secret_manager="b")
    of_a, of_b = (
        "a (token_ref: first) -> b (token_ref: second) -> a",
        "b (token_ref: second) -> a (token_ref: first) -> b",
    )
    for call, way in (
        (lambda: read(Engine(settings), "second"), of_a),
        (lambda: read(Engine(settings), "memory://c/x"), of_b),
        (lambda: declare(Engine(settings), "secret_text", identifier="f", value=b"v", secret_manager="a"), of_a),
    ):
        error = in_time(lambda call=call: error_of(call))
        assert (error.code, error.message.partition(": ")[2]) == ("login_loop", f"{way}.")
    status = shown(Engine(settings), "connector_check", identifier="a")
    assert (status["status"], status["code"]) == ("error", "login_loop")


def test_loops_of_other_connectors_are_not_followed_forever(settings: Settings, cloud: Cloud, engine: Engine) -> None:
    declare(engine, "scope", name="Root")
    for name, other in (("a", "b"), ("b", "a")):
        add_connector(settings, name, auth_method="token", token_ref=f"memory://{other}/t")
    call = {"identifier": "c", "token_ref": "memory://a/t"}
    error = in_time(lambda: error_of(lambda: declare(engine, "connector_memory_vault", **call)))
    assert (error.code, "a (token_ref: memory://b/t) -> b (token_ref: memory://a/t) -> a" in error.message) == (
        "login_loop",
        True,
    )
    assert cloud.counts["login"] == 0


def test_a_credential_does_not_go_to_a_default_manager_that_needs_the_connector(
    settings: Settings, cloud: Cloud, chain: Engine
) -> None:
    """`b` is the default and logs in with a secret at `a`: a token of `a` that is kept at `b` would be a loop."""
    declare(chain, "default_secret_manager", secret_manager="b")
    before, dump = content_of(settings), cloud.dump
    for call in (declare, check):
        error = error_of(lambda call=call: call(chain, "connector_memory_vault", identifier="a", token="good"))
        assert (type(error), error.code) == (Conflict, "login_loop")
        assert "a (token_ref: a_token) -> b (token_ref: second) -> a." in error.message
    assert (content_of(settings), cloud.dump) == (before, dump)


def test_check_mode_reports_loops_too(chain: Engine) -> None:
    for identifier, options, way in LOOPS.values():
        call = {"identifier": identifier, **options}
        error = error_of(lambda call=call: check(chain, "connector_memory_vault", **call))
        assert (error.code, " -> ".join(way) in error.message) == ("login_loop", True)
