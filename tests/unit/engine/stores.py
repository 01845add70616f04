# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Helpers of the tests of this folder: real stores, and calls to their engines."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.exported_key import key_text
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.canonical import digest_of
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.integrity import history_of
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.opening import open_store
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import manager_kind
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import (
    Connector,
    Scope,
    Secret,
    SecretVersion,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request, Result
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.copying import TABLES
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Dialect, Transaction
from ansible_collections.scoped.secrets.plugins.module_utils.store.location import Location
from ansible_collections.scoped.secrets.plugins.module_utils.store.places import place_at
from ansible_collections.scoped.secrets.plugins.module_utils.store.postgresql.dialect import PostgresqlDialect
from ansible_collections.scoped.secrets.plugins.module_utils.store.rotation import update_version
from ansible_collections.scoped.secrets.plugins.module_utils.store.secrets import versions_of
from ansible_collections.scoped.secrets.plugins.module_utils.store.sqlite import SqliteDialect
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import MemoryVault

__all__ = [
    "add_connector",
    "add_reference",
    "add_user",
    "check",
    "content_of",
    "declare",
    "error_of",
    "exported",
    "forget_kind",
    "holding",
    "in_session",
    "in_time",
    "is_made",
    "leftovers",
    "read",
    "replace_version",
    "rows_of",
    "shown",
    "signing",
    "store_path",
]

T = TypeVar("T")


def declare(engine: Engine, resource: str, **params: Any) -> Result:
    return engine.handle(Request(resource, params))


def check(engine: Engine, resource: str, **params: Any) -> Result:
    """Call in check mode."""
    return engine.handle(Request(resource, params, check_mode=True))


def shown(engine: Engine, resource: str, **params: Any) -> Any:
    """Return the one thing that a call returns."""
    thing, *_proof = declare(engine, resource, **params).returned.values()
    return thing


def read(engine: Engine, reference: str, org: str = "", project: str = "", **query: str) -> bytes:
    """Return a value, or raise the error of its answer."""
    answer = engine.resolve([Query(reference, org, project, **query)])[0]
    if answer.error:
        raise answer.error
    return answer.value


def error_of(call: Callable[[], object]) -> ScopedSecretsError:
    """Return the ScopedSecretsError that a call raises; it must have a code and a hint."""
    with pytest.raises(ScopedSecretsError) as caught:
        call()
    assert caught.value.code
    assert caught.value.hint
    return caught.value


def store_path(settings: Settings) -> Path:
    """Return the file of a SQLite store; skip the test with any other."""
    if not settings.store.startswith("sqlite:"):
        pytest.skip("looks at the file of SQLite")
    return Path(settings.store.removeprefix("sqlite:///"))


def is_made(settings: Settings) -> bool:
    """Tell whether there is a store."""
    with closing(place_at(settings.store)) as place:
        return place.has_store()


def leftovers(settings: Settings) -> list[str]:
    """Return the names of files beside a store that are no part of it."""
    if not settings.store.startswith("sqlite:"):
        return []
    path = store_path(settings)
    parts = {path.name, f"{path.name}-wal", f"{path.name}-shm"}
    return [file.name for file in path.parent.iterdir() if file.name not in parts] if path.parent.exists() else []


@contextmanager
def rows_of(settings: Settings) -> Iterator[Transaction]:
    """Give the rows of a store to change them as an attacker would: foreign keys are not enforced."""
    location = Location.parse(settings.store)
    is_file = location.engine == "sqlite"
    dialect: Dialect = SqliteDialect(str(location.path)) if is_file else PostgresqlDialect(location)
    with closing(dialect.connect()) as connection:
        connection.execute("PRAGMA foreign_keys = OFF" if is_file else "SET session_replication_role = replica")
        yield Transaction(connection)


def content_of(settings: Settings) -> list[str]:
    """Return all rows of a store as sorted text, each after the name of its table.

    Without unfinished changes, the audit, and the columns that tell writers apart.
    """
    declared = [table for table in TABLES if not table.startswith("audit_")]
    with rows_of(settings) as tx:
        rows = [(table, dict(row)) for table in declared for row in tx.all(f"SELECT * FROM {table}")]
    turns = {"revision", "writers"}
    return sorted(
        f"{table}: " + ", ".join(f"{name}={_text(row[name])}" for name in row if table != "store" or name not in turns)
        for table, row in rows
    )


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def in_time(call: Callable[[], T], seconds: float = 8) -> T:
    """Return what a call returns; fail if it does not within a time that is ample on any machine."""
    found: Future[T] = Future()

    def work() -> None:
        try:
            found.set_result(call())
        except BaseException as error:
            found.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return found.result(seconds)


def signing(session: Session, work: Callable[[Session], T]) -> T:
    """Return what `work` makes of a session whose heads are signed then, as the engine does."""
    made = work(session)
    session.sign_heads()
    return made


def in_session(settings: Settings, work: Callable[[Session], T]) -> T:
    """Return what `work` returns in a write transaction of an existing store."""
    store = open_store(settings, create=False)
    assert not store.is_pretended
    try:
        return store.database.write(lambda tx: signing(Session(tx, store.store_id, store.keyring), work))
    finally:
        store.database.close()


def replace_version(session: Session, chain: list[Scope], secret: Secret, new: SecretVersion) -> None:
    """Replace the row of a version and commit to it, as somebody with the scope's key could."""
    versions = {one.version: one for one in versions_of(session.tx, secret.id)}
    signed = new._replace(digest=digest_of(new))
    update_version(session.tx, versions[new.version], signed)
    digests = [one.digest for one in {**versions, new.version: signed}.values()]
    proved = {"history": history_of(digests[:-1]), "version_digest": digests[-1]}
    session.replace_secret(chain, secret, secret._replace(**proved))


def exported(settings: Settings, org: str = "", project: str = "") -> str:
    """Return the text of the active key of a scope."""

    def work(session: Session) -> str:
        key = session.keyring.active(session.tx, session.chain(ScopePath(org, project)))
        return key_text(session.store_id, key)

    return in_session(settings, work)


def holding(settings: Settings, org: str = "", project: str = "") -> Engine:
    """Return an engine on an existing store, with the key of one scope and no other."""
    return Engine(settings._replace(root_key_file="/none", root_key="", scope_key=exported(settings, org, project)))


def add_connector(
    settings: Settings,
    identifier: str,
    path: ScopePath = ACCOUNT,
    *,
    kind: str = MemoryVault.KIND,
    is_removed: bool = False,
    **options: Any,
) -> Connector:
    """Add a signed connector to a scope without calling its provider."""
    kept = {**manager_kind(kind).DEFAULTS, "auth_method": "anonymous", **options}

    def work(session: Session) -> Connector:
        chain = session.chain(path)
        connector_id = str(uuid.uuid4())
        blank = Connector(connector_id, chain[-1].id, kind, identifier, f"The {identifier}", is_removed=is_removed)
        session.replace_connector(chain, None, blank._replace(options=kept, created_at=session.now))
        return next(one for one in session.connectors(session.chain(path)) if one.id == connector_id)

    return in_session(settings, work)


def add_reference(settings: Settings, identifier: str, connector: str, path: str, key: str = "") -> None:
    """Add a secret to the account that refers to a path of a connector of the account, without reading it."""

    def work(session: Session) -> None:
        chain = session.chain(ACCOUNT)
        row = next(one for one in session.connectors(chain) if one.identifier == connector)
        blank = Secret(str(uuid.uuid4()), chain[-1].id, identifier, "text", identifier, connector_id=row.id)
        session.replace_secret(chain, None, blank._replace(path=path, reference_key=key, is_reference=True))

    in_session(settings, work)


def forget_kind(settings: Settings, identifier: str) -> None:
    """Change a connector of the account to a kind that only a newer collection knows."""

    def work(session: Session) -> None:
        chain = session.chain(ACCOUNT)
        old = next(one for one in session.connectors(chain) if one.identifier == identifier)
        session.tx.run("UPDATE connector SET kind = 'newer' WHERE id = :id", id=old.id)
        session.replace_connector(chain, old, old._replace(kind="newer"))

    in_session(settings, work)


def add_user(settings: Settings, secret: str, user_kind: str, user: str, field: str) -> None:
    """Record that a connector or secret of the account uses a secret of the account."""

    def work(session: Session) -> None:
        ids = {
            row["identifier"]: row["id"]
            for row in session.tx.all(f"SELECT identifier, id FROM {user_kind} UNION SELECT identifier, id FROM secret")
        }
        session.tx.insert(
            "secret_reference", user_kind=user_kind, user_id=ids[user], field=field, secret_id=ids[secret]
        )

    in_session(settings, work)
