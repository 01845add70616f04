# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows are signed and noted for the audit when they are written, and verified when they are read: each kind of row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows import integrity
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.audit_head import BEFORE_FIRST, is_signed
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.index import EMPTY_ROOT
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.scope_ids import new_scope_id
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import NewValue, Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import (
    Connector,
    Intent,
    Scope,
    Secret,
    SecretVersion,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.audit import lock_head
from ansible_collections.scoped.secrets.plugins.module_utils.store.intents import unfinished
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import keys_of
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    add_connector,
    declare,
    error_of,
    in_session,
    rows_of,
)

API = ScopePath("payments", "api")
WEB = ScopePath("payments", "web")
Work = Callable[[Session], object]


@pytest.fixture
def project(settings: Settings, engine: Engine) -> Settings:
    """A project with a secret `a`, which an organization shares, a connector `vault`, and an intent."""
    for scope in ({"org": "payments"}, {"org": "payments", "project": "api"}):
        declare(engine, "scope", **scope)
        declare(engine, "secret_text", **scope, identifier="a", value=b"v")
    declare(engine, "secret_share", org="payments", identifier="a", to_project="api")
    connector = add_connector(settings, "vault", API)

    def begin(session: Session) -> None:
        chain = session.chain(API)
        session.record(chain, Intent("1", chain[-1].id, connector.id, "p", "present", "process", session.now))

    in_session(settings, begin)
    return settings


# What is written


def secret(session: Session) -> Secret:
    found = session.secret(session.chain(API), "a")
    assert found
    return found


def connector(session: Session) -> Connector:
    (found,) = session.connectors(session.chain(API))
    return found


def replaced_secret(session: Session, old: Secret | None, new: Secret | None) -> None:
    session.replace_secret(session.chain(API), old, new)


def replaced_connector(session: Session, old: Connector | None, new: Connector | None) -> None:
    session.replace_connector(session.chain(API), old, new)


def blank_secret(session: Session) -> Secret:
    return Secret("s", session.chain(API)[-1].id, "b", "text", "n")


def blank_connector(session: Session) -> Connector:
    return Connector("c", session.chain(API)[-1].id, "memory_kms", "kms", "n")


def created_scope(session: Session) -> None:
    parents = session.chain(ScopePath("payments"))
    session.create_scope(
        parents,
        Scope(new_scope_id(parents[-1].id), WEB, parents[-1].id, "n", created_at=session.now, updated_at=session.now),
    )


def deleted_scope(session: Session) -> None:
    replaced_secret(session, secret(session), None)
    session.written.clear()
    session.delete_scope(session.chain(API))


@pytest.mark.parametrize(
    ("work", "noted"),
    [
        (lambda s: replaced_secret(s, None, blank_secret(s)), ("create", "secret", "b", "", API)),
        (lambda s: replaced_secret(s, secret(s), secret(s)._replace(path="p")), ("update", "secret", "a", "1", API)),
        (lambda s: replaced_secret(s, secret(s), None), ("delete", "secret", "a", "1", API)),
        (lambda s: replaced_connector(s, None, blank_connector(s)), ("create", "connector", "kms", "", API)),
        (lambda s: replaced_connector(s, connector(s), connector(s)), ("update", "connector", "vault", "", API)),
        (lambda s: replaced_connector(s, connector(s), None), ("delete", "connector", "vault", "", API)),
        (created_scope, ("create", "scope", "web", "", WEB)),
        (deleted_scope, ("delete", "scope", "api", "", API)),
    ],
    ids=lambda value: "-".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_each_write_is_noted_once(project: Settings, work: Work, noted: tuple[Any, ...]) -> None:
    def noting(session: Session) -> list[tuple[Any, ...]]:
        work(session)
        assert {event.outcome for event in session.written} == {"ok"}
        assert {event.subject.scope for event in session.written} == {noted[-1].announced}
        assert all(event.subject.id for event in session.written)
        subjects = [event.subject for event in session.written]
        things = [(subject.kind, subject.identifier, subject.version) for subject in subjects]
        return [(event.action, *thing, event.path) for event, thing in zip(session.written, things, strict=True)]

    assert in_session(project, noting) == [noted]


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        (lambda _old: None, []),
        (lambda old: old._replace(is_removed=True), [({}, True)]),
        (lambda old: old._replace(options={"vault": "other"}), [({"vault": "other"}, False)]),
    ],
    ids=["deleted", "removed by force", "changed"],
)
def test_a_connector_is_replaced_in_the_store_and_in_what_the_scope_commits_to(
    project: Settings, change: Callable[[Connector], Connector | None], kept: list[tuple[object, bool]]
) -> None:
    def replace(session: Session) -> None:
        old = connector(session)
        new = change(old._replace(options={}))
        session.replace_connector(session.chain(API), old, new)

    in_session(project, replace)
    found = in_session(project, lambda session: session.connectors(session.chain(API)))
    assert [(one.options, one.is_removed) for one in found] == kept
    assert len(declare(Engine(project), "scope_info", recursive=True, verify=True).returned["scopes"]) == 3


def test_a_new_scope_has_its_first_key_and_an_empty_audit_chain(project: Settings) -> None:
    def work(session: Session) -> None:
        created_scope(session)
        chain = session.chain(WEB)
        (row,) = keys_of(session.tx, chain[-1].id)
        assert (chain[-1].path, chain[-1].secrets_root, row.generation) == (WEB, EMPTY_ROOT, 1)
        assert chain[-1].keys_digest == integrity.digest_of_keys([row])
        head = lock_head(session.tx, chain[-1].id)
        assert head
        assert (head.sequence, head.link, head.scope) == (0, BEFORE_FIRST, WEB.announced)
        assert is_signed(head, session.keyring.active(session.tx, chain))

    in_session(project, work)


def test_a_version_without_a_manager_is_sealed_here_and_known_nowhere_else(project: Settings) -> None:
    def versions(session: Session) -> list[SecretVersion | None]:
        chain = session.chain(API)
        for number, value in ((2, NewValue(b"two")), (3, NewValue(b"three", b"", "7"))):
            old = secret(session)
            session.replace_secret(chain, old, old._replace(current_version=number), value)
        return [session.version(chain, secret(session), number) for number in (2, 3)]

    sealed, there = in_session(project, versions)
    assert sealed
    assert there
    assert (sealed.at_provider, sealed.envelope[:4], sealed.size) == ("", b"SSE1", 3)
    assert (there.at_provider, there.envelope, there.size) == ("7", b"", 5)


def test_heads_are_signed_once_however_often_that_is_asked_for(project: Settings) -> None:
    """Each round finds the row that the one before has written, and a head is moved by each change once."""

    def work(session: Session) -> None:
        for identifier in ("c", "d"):
            replaced_secret(session, None, blank_secret(session)._replace(id=identifier, identifier=identifier))
            for _time in range(2):
                session.sign_heads()
            assert [scope.path for scope in session.chain(API)] == [ACCOUNT, ScopePath("payments"), API]

    in_session(project, work)
    assert len(declare(Engine(project), "scope_info", recursive=True, verify=True).returned["scopes"]) == 3


def test_the_head_of_a_deleted_scope_is_not_signed(project: Settings) -> None:
    def work(session: Session) -> None:
        replaced_secret(session, secret(session), None)
        session.delete_scope(session.chain(API))
        session.sign_heads()

    in_session(project, work)
    assert error_of(lambda: in_session(project, lambda session: session.chain(API))).code == "unknown_scope"


# What is read


@pytest.mark.parametrize(
    ("statement", "read", "message"),
    [
        ("UPDATE scope SET made_by = 'x' WHERE level = 'account'", "chain", "The row of the account"),
        ("UPDATE scope SET made_by = 'x' WHERE level = 'org'", "chain", "The row of organization 'payments'"),
        ("UPDATE scope SET made_by = 'x' WHERE level = 'project'", "chain", "The row of project 'payments/api'"),
        ("UPDATE secret SET path = 'x'", "secret", "The row of secret 'a' in project 'payments/api'"),
        ("UPDATE secret_version SET size = 9", "version", "Version 1 of secret 'a' in project 'payments/api'"),
        ("UPDATE connector SET made_by = 'x'", "connectors", "The row of connector 'vault' in project 'payments/api'"),
        ("UPDATE secret_share SET made_by = 'x'", "shares", "The share that project 'payments/api' has of secret 'a'"),
        ("UPDATE intent SET goal = 'absent'", "intent", "An intent of project 'payments/api'"),
    ],
)
def test_an_edited_row_is_named(project: Settings, statement: str, read: str, message: str) -> None:
    def look(session: Session) -> object:
        chain = session.chain(API)
        work = {
            "chain": lambda: chain,
            "secret": lambda: session.secret(chain, "a"),
            "version": lambda: session.version(chain, secret(session), 1),
            "connectors": lambda: session.connectors(chain),
            "shares": lambda: session.shares(chain),
            "intent": lambda: session.check_intent(chain, unfinished(session.tx)[0]) or [1],
        }
        return work[read]()

    assert in_session(project, look)
    with rows_of(project) as tx:
        assert tx.run(statement)
    error = error_of(lambda: in_session(project, look))
    assert error.code == "damaged_row"
    assert error.message == f"{message} was changed outside scoped.secrets, or put back to an older state."


def test_a_missing_account_is_no_missing_organization(project: Settings) -> None:
    with rows_of(project) as tx:
        tx.run("DELETE FROM scope")
    error = error_of(lambda: in_session(project, lambda session: session.chain(ACCOUNT)))
    assert (error.code, error.message) == ("damaged_row", "The row of the account is missing from the store.")
