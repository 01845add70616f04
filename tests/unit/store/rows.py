# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real stores and rows for the tests in this folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import (
    Connector,
    Scope,
    Secret,
    SecretVersion,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.store.audit import Head, StoredEvent
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Database, Transaction
from ansible_collections.scoped.secrets.plugins.module_utils.store.location import Location
from ansible_collections.scoped.secrets.plugins.module_utils.store.postgresql.dialect import PostgresqlDialect
from ansible_collections.scoped.secrets.plugins.module_utils.store.schema import STEPS, SchemaStep, now, run_steps
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import insert_scope
from ansible_collections.scoped.secrets.plugins.module_utils.store.sqlite import SqliteDialect, create_file

__all__ = [
    "account_row",
    "audit_event",
    "audit_head",
    "connector_row",
    "dump",
    "error_of",
    "initialise",
    "new_shared_store",
    "new_store",
    "open_file",
    "org_row",
    "plans_of",
    "project_row",
    "secret_row",
    "version_row",
]


def initialise(database: Database, steps: tuple[SchemaStep, ...] = STEPS) -> None:
    """Create the tables, the store's row and the account's row."""

    def work(tx: Transaction) -> None:
        record = run_steps(database, tx, steps)
        tx.insert(
            "store",
            id="the-store",
            created_at=now(),
            schema_version=steps[-1].number,
            steps=record,
            root_key_id="none",
            kdf="{}",
        )
        insert_scope(tx, account_row())

    database.write(work)


def open_file(path: Path) -> Database:
    return Database(SqliteDialect(str(path)))


def new_store(path: Path, steps: tuple[SchemaStep, ...] = STEPS) -> Database:
    create_file(path, lambda database: initialise(database, steps))
    return open_file(path)


def new_shared_store(url: str, steps: tuple[SchemaStep, ...] = STEPS) -> Database:
    location = Location.parse(url)
    making = Database(PostgresqlDialect(location, is_new=True))
    initialise(making, steps)
    making.close()
    return Database(PostgresqlDialect(location))


def dump(database: Database) -> list[object]:
    """Return every table with its columns and rows, without the columns that change with every write."""
    connection = database._connection
    found: list[object] = []
    for table in sorted(database.table_names()):
        cursor = connection.execute(f"SELECT * FROM {table}")
        found.append((table, [column[0] for column in cursor.description]))
        rows = [dict(row) for row in cursor.fetchall()]
        turns = ("revision", "writers") if table == "store" else ()
        found += sorted(repr([value for name, value in row.items() if name not in turns]) for row in rows)
    return found


def account_row() -> Scope:
    return Scope("account-id", ACCOUNT, None, "account")


def org_row(identifier: str = "payments") -> Scope:
    return Scope(f"{identifier}-id", ScopePath(identifier), "account-id", identifier)


def project_row(identifier: str = "api", org: str = "payments") -> Scope:
    return Scope(f"{org}-{identifier}-id", ScopePath(org, identifier), f"{org}-id", identifier)


def connector_row(identifier: str = "vault", scope_id: str = "account-id") -> Connector:
    return Connector(f"{identifier}-id", scope_id, "hashicorp_vault", identifier, identifier)


def secret_row(identifier: str = "a", scope_id: str = "account-id") -> Secret:
    return Secret(f"{identifier}-id", scope_id, identifier, "text", identifier)


def version_row(secret_id: str = "a-id", version: int = 1) -> SecretVersion:
    sealed, created_at = b"envelope %d" % version, "2026-11-23T00:00:00Z"
    return SecretVersion(secret_id, version, 1, b"\1\2", 1, 3, sealed, created_at, digest=b"t")


def error_of(call: Callable[[], object]) -> ScopedSecretsError:
    """Return the error of ours that a call raises; it must have a code and a hint."""
    with pytest.raises(ScopedSecretsError) as caught:
        call()
    assert caught.value.code
    assert caught.value.hint
    return caught.value


def plans_of(path: Path, database: Database, work: Callable[[Transaction], object]) -> list[str]:
    """Return the query plan steps of every SELECT that `work` runs."""
    seen: list[str] = []
    database._connection.set_trace_callback(seen.append)
    try:
        database.read(work)
    finally:
        database._connection.set_trace_callback(None)
    selects = [statement for statement in seen if statement.lstrip().upper().startswith("SELECT")]
    assert selects
    with sqlite3.connect(path) as plain:
        return [row[3] for one in selects for row in plain.execute(f"EXPLAIN QUERY PLAN {one}")]


def audit_head(sequence: int = 0, scope_id: str = "account-id", scope: str = "account") -> Head:
    return Head(scope_id, scope, sequence, 1, b"link %d" % sequence, b"tag", "", 0, b"begin", 0, b"begin")


def audit_event(sequence: int, **columns: str) -> StoredEvent:
    """Return a record of the account's chain."""
    plain = dict.fromkeys(("kind", "of_scope", "identifier", "thing_id", "version", "user_name", "host", "job"), "x")
    named = {"scope_id": "account-id", "scope": "account", "recorded_at": "now", "action": "read", "outcome": "ok"}
    return StoredEvent(
        **{**plain, **named, "run": "x", **columns},
        sequence=sequence,
        key_generation=1,
        link=b"link %d" % sequence,
        mac=b"mac",
    )
