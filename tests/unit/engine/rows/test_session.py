# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions: verified rows in, signed rows out."""

from __future__ import annotations

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.index import EMPTY_ROOT
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Secret
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, error_of, in_session, read

API = ScopePath("payments", "api")


@pytest.fixture
def project(settings: Settings, engine: Engine) -> Settings:
    """A store with a project, and the secret `a` in the account and in the project."""
    for scope in ({"org": "payments"}, {"org": "payments", "project": "api"}):
        declare(engine, "scope", **scope)
    for scope in ({}, {"org": "payments", "project": "api"}):
        declare(engine, "secret_text", **scope, identifier="a", value=b"v")
    return settings


def test_a_chain_is_verified_down_to_its_scope(project: Settings) -> None:
    chain = in_session(project, lambda session: session.chain(API))
    assert [scope.path for scope in chain] == [ACCOUNT, ScopePath("payments"), API]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (ScopePath("none"), "There is no organization 'none'."),
        (ScopePath("none", "api"), "There is no organization 'none'."),
        (ScopePath("payments", "none"), "The organization 'payments' has no project 'none'."),
    ],
)
def test_the_first_scope_that_is_missing_is_named(project: Settings, path: ScopePath, message: str) -> None:
    error = error_of(lambda: in_session(project, lambda session: session.chain(path)))
    assert (error.code, error.message) == ("unknown_scope", message)


def test_a_secret_moved_to_another_scope_is_found(project: Settings) -> None:
    def move(session: Session) -> None:
        account, api = session.chain(ACCOUNT)[-1], session.chain(API)[-1]
        session.tx.run(
            "UPDATE secret SET identifier = 'b', scope_id = :to WHERE scope_id = :at", to=account.id, at=api.id
        )

    in_session(project, move)
    error = error_of(lambda: read(Engine(project), "b"))
    assert (error.code, "the account" in error.message) == ("rolled_back", True)


def test_a_version_that_is_gone_is_damage(project: Settings) -> None:
    def look(session: Session) -> list[object]:
        chain = session.chain(ACCOUNT)
        secret = session.secret(chain, "a")
        assert secret is not None
        return [session.secret(chain, "none"), session.version(chain, secret, 1).version]

    def lose(session: Session) -> None:
        session.tx.run("DELETE FROM secret_version")

    assert in_session(project, look) == [None, 1]
    in_session(project, lose)
    assert error_of(lambda: in_session(project, look)).code == "missing_version"


def test_a_value_is_bound_to_its_place(project: Settings) -> None:
    def contexts(session: Session) -> list[bytes]:
        chains = [session.chain(path) for path in (ACCOUNT, ScopePath("payments"), API)]
        secrets = [Secret(identifier, "s", "x", kind, "n") for identifier, kind in (("1", "text"), ("2", "file"))]
        return [
            session.context(chain, secret, version).encode()
            for chain in chains
            for secret in secrets
            for version in (1, 2)
        ]

    assert len(set(in_session(project, contexts))) == 12


def test_a_replaced_secret_moves_the_root(project: Settings) -> None:
    def work(session: Session) -> list[bool]:
        chain = session.chain(ACCOUNT)
        old = session.secret(chain, "a")
        assert old is not None
        signed = session.replace_secret(chain, old, old._replace(expires_at="2099-01-01T00:00:00Z"))
        assert signed is not None
        session.sign_heads()
        after = session.chain(ACCOUNT)
        return [after[-1].secrets_root != chain[-1].secrets_root, signed.digest != old.digest]

    assert in_session(project, work) == [True, True]


def test_a_removed_secret_leaves_the_root_of_nothing(project: Settings) -> None:
    def work(session: Session) -> tuple[bytes, int]:
        chain = session.chain(API)
        assert session.replace_secret(chain, session.secret(chain, "a"), None) is None
        assert session.secret(session.chain(API), "a") is None
        session.sign_heads()
        return session.chain(API)[-1].secrets_root, session.chain(API)[-1].secrets_count

    assert in_session(project, work) == (EMPTY_ROOT, 0)
