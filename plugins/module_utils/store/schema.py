# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables, as numbered steps. A released step never changes; every change is a new step."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timezone
from typing import NamedTuple

from ..model.errors import StoreRefused
from .database import Database, Transaction

__all__ = ["STEPS", "SchemaStep", "now", "open_schema", "run_steps", "upgrade"]


class SchemaStep(NamedTuple):
    """A change of the schema: statements that run in one transaction."""

    number: int
    statements: tuple[str, ...]

    @property
    def checksum(self) -> str:
        return hashlib.sha256("\0".join(self.statements).encode()).hexdigest()


STEPS = (
    SchemaStep(
        1,
        (
            """CREATE TABLE store (
                id TEXT PRIMARY KEY, created_at TEXT NOT NULL, schema_version INTEGER NOT NULL,
                steps TEXT NOT NULL, root_key_id TEXT NOT NULL, kdf TEXT NOT NULL,
                revision {integer} NOT NULL DEFAULT 0, writers TEXT NOT NULL DEFAULT '')""",
            """CREATE TABLE scope (
                id TEXT PRIMARY KEY, parent_id TEXT REFERENCES scope (id), level TEXT NOT NULL,
                identifier {identifier} NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, tags TEXT NOT NULL,
                builtin_enabled INTEGER NOT NULL, inherits_managers INTEGER NOT NULL,
                secrets_root {bytes} NOT NULL, secrets_depth INTEGER NOT NULL, secrets_count {integer} NOT NULL,
                children_root {bytes} NOT NULL, children_depth INTEGER NOT NULL, children_count {integer} NOT NULL,
                connectors_digest {bytes} NOT NULL, shares_digest {bytes} NOT NULL, keys_digest {bytes} NOT NULL,
                audit_sequence {integer} NOT NULL, audit_link {bytes} NOT NULL, epoch {integer} NOT NULL,
                made_by TEXT NOT NULL, revision {integer} NOT NULL,
                created_at TEXT NOT NULL, updated_at TEXT NOT NULL, tag {bytes} NOT NULL,
                UNIQUE (parent_id, identifier))""",
            """CREATE TABLE scope_key (
                scope_id TEXT NOT NULL REFERENCES scope (id), generation INTEGER NOT NULL, state TEXT NOT NULL,
                key_id TEXT NOT NULL, public_key {bytes} NOT NULL,
                parent_generation INTEGER NOT NULL, wrapped {bytes} NOT NULL,
                wraps {integer} NOT NULL, under_active {bytes} NOT NULL, is_handed_out INTEGER NOT NULL,
                created_at TEXT NOT NULL, PRIMARY KEY (scope_id, generation))""",
            """CREATE TABLE connector (
                id TEXT PRIMARY KEY, scope_id TEXT NOT NULL REFERENCES scope (id), kind TEXT NOT NULL,
                identifier {identifier} NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, tags TEXT NOT NULL,
                options TEXT NOT NULL, kept TEXT NOT NULL, is_removed INTEGER NOT NULL, made_by TEXT NOT NULL,
                revision {integer} NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
                digest {bytes} NOT NULL,
                UNIQUE (scope_id, identifier))""",
            """CREATE TABLE default_manager (
                scope_id TEXT PRIMARY KEY REFERENCES scope (id),
                connector_id TEXT NOT NULL REFERENCES connector (id), made_by TEXT NOT NULL)""",
            """CREATE TABLE secret (
                id TEXT PRIMARY KEY, scope_id TEXT NOT NULL REFERENCES scope (id), identifier {identifier} NOT NULL,
                kind TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, tags TEXT NOT NULL,
                connector_id TEXT REFERENCES connector (id), path TEXT NOT NULL, reference_key TEXT NOT NULL,
                is_reference INTEGER NOT NULL, options TEXT NOT NULL, kept TEXT NOT NULL, shared_with TEXT NOT NULL,
                current_version INTEGER NOT NULL, version_digest {bytes} NOT NULL, history {bytes} NOT NULL,
                expires_at TEXT NOT NULL, made_by TEXT NOT NULL,
                revision {integer} NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
                place {identifier} NOT NULL, digest {bytes} NOT NULL,
                UNIQUE (scope_id, identifier))""",
            # The leaves of the index of a scope's secrets are read from here, without their rows.
            "CREATE INDEX secret_place ON secret (scope_id, place, digest)",
            "CREATE INDEX secret_connector ON secret (connector_id, id)",
            """CREATE TABLE secret_version (
                secret_id TEXT NOT NULL REFERENCES secret (id), version INTEGER NOT NULL, state TEXT NOT NULL,
                key_generation INTEGER NOT NULL, fingerprint {bytes} NOT NULL,
                fingerprint_generation INTEGER NOT NULL, size {integer} NOT NULL,
                envelope {bytes} NOT NULL, at_provider TEXT NOT NULL,
                created_at TEXT NOT NULL, digest {bytes} NOT NULL,
                PRIMARY KEY (secret_id, version))""",
            """CREATE TABLE secret_index (
                scope_id TEXT NOT NULL REFERENCES scope (id), prefix {identifier} NOT NULL, digests {bytes} NOT NULL,
                PRIMARY KEY (scope_id, prefix))""",
            # The leaves of the index of a scope's children. Not columns of `scope`: with row-level security, who works
            # in a child doesn't see the others.
            """CREATE TABLE scope_child (
                scope_id TEXT NOT NULL REFERENCES scope (id), place {identifier} NOT NULL, digest {bytes} NOT NULL,
                PRIMARY KEY (scope_id, place))""",
            """CREATE TABLE scope_index (
                scope_id TEXT NOT NULL REFERENCES scope (id), prefix {identifier} NOT NULL, digests {bytes} NOT NULL,
                PRIMARY KEY (scope_id, prefix))""",
            """CREATE TABLE secret_share (
                secret_id TEXT NOT NULL REFERENCES secret (id), scope_id TEXT NOT NULL REFERENCES scope (id),
                version INTEGER NOT NULL, key_generation INTEGER NOT NULL, wrapped {bytes} NOT NULL,
                version_digest {bytes} NOT NULL, made_by TEXT NOT NULL, created_at TEXT NOT NULL, tag {bytes} NOT NULL,
                PRIMARY KEY (secret_id, scope_id))""",
            "CREATE INDEX secret_share_scope ON secret_share (scope_id)",
            """CREATE TABLE intent (
                id TEXT PRIMARY KEY, scope_id TEXT NOT NULL REFERENCES scope (id), connector_id TEXT NOT NULL,
                path TEXT NOT NULL, goal TEXT NOT NULL, process TEXT NOT NULL, created_at TEXT NOT NULL,
                tag {bytes} NOT NULL, about TEXT NOT NULL)""",
            """CREATE TABLE secret_reference (
                user_kind TEXT NOT NULL, user_id TEXT NOT NULL, field TEXT NOT NULL,
                secret_id TEXT NOT NULL REFERENCES secret (id), PRIMARY KEY (user_kind, user_id, field))""",
            "CREATE INDEX secret_reference_secret ON secret_reference (secret_id)",
            # For pruning. Partial indexes, because no manifest created most rows.
            *(
                f"CREATE INDEX {table}_made_by ON {table} (made_by) WHERE made_by <> ''"
                for table in ("scope", "connector", "default_manager", "secret", "secret_share")
            ),
            # No foreign keys: audit records outlive their scope.
            """CREATE TABLE audit_head (
                scope_id TEXT PRIMARY KEY, scope {identifier} NOT NULL, sequence {integer} NOT NULL,
                key_generation INTEGER NOT NULL, link {bytes} NOT NULL, closed_by TEXT NOT NULL,
                archived {integer} NOT NULL, archived_link {bytes} NOT NULL,
                verified {integer} NOT NULL, verified_link {bytes} NOT NULL, tag {bytes} NOT NULL)""",
            "CREATE INDEX audit_head_closed_by ON audit_head (closed_by) WHERE closed_by <> ''",
            """CREATE TABLE audit_event (
                scope_id TEXT NOT NULL, sequence {integer} NOT NULL, scope {identifier} NOT NULL,
                recorded_at TEXT NOT NULL, action TEXT NOT NULL, outcome TEXT NOT NULL, kind TEXT NOT NULL,
                of_scope TEXT NOT NULL, identifier TEXT NOT NULL, thing_id TEXT NOT NULL, version TEXT NOT NULL,
                user_name TEXT NOT NULL, host TEXT NOT NULL, job TEXT NOT NULL, run TEXT NOT NULL,
                key_generation INTEGER NOT NULL, link {bytes} NOT NULL, mac {bytes} NOT NULL,
                PRIMARY KEY (scope_id, sequence))""",
        ),
    ),
)


def now() -> str:
    """Return the current time as ISO 8601 in UTC, to the second."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def run_steps(database: Database, tx: Transaction, steps: tuple[SchemaStep, ...]) -> str:
    """Run the steps; return their numbers, checksums and times as JSON."""
    for step in steps:
        for statement in step.statements:
            tx.run(statement.format(**database.dialect.types))
    return json.dumps([{"number": s.number, "checksum": s.checksum, "applied_at": now()} for s in steps])


def open_schema(
    database: Database, where: str, steps: tuple[SchemaStep, ...] = STEPS, *, is_upgrade_asked_for: bool = False
) -> None:
    """Upgrade an existing store to this version's schema; raise StoreRefused for a newer or foreign one.

    A shared store is refused until its upgrade is asked for, because others still work with it. `where` names the store
    in errors.
    """
    tables = database.table_names()
    if not tables and database.dialect.is_file:
        raise StoreRefused(
            "empty_store_file",
            f"{where} is an empty file.",
            hint="Remove it and restore the newest backup: scoped.secrets.store_restore. If there never was a store, "
            "remove it too: the first task that declares something creates one.",
        )
    if not tables >= {"store", "scope", "secret_version"}:
        raise StoreRefused(
            "foreign_database",
            f"{where} was not created by scoped.secrets.",
            hint="Set 'store' to another location; a new store is created if none exists there.",
        )
    version, record = database.read(_recorded)
    if version > steps[-1].number:
        raise StoreRefused(
            "store_too_new",
            f"{where} was written by a newer scoped.secrets (schema {version}; this version has {steps[-1].number}).",
            hint="Upgrade the collection here: ansible-galaxy collection install scoped.secrets --upgrade",
        )
    _check_record(where, version, record, steps)
    if version < steps[-1].number:
        if not (database.dialect.upgrades_unasked or is_upgrade_asked_for):
            raise _too_old(where, version, steps)
        # Each step is its own transaction, so concurrent processes wait for each other and skip finished steps.
        while database.write(lambda tx: _run_next(database, tx, steps)):
            pass


def _too_old(where: str, version: int, steps: tuple[SchemaStep, ...]) -> StoreRefused:
    return StoreRefused(
        "store_too_old",
        f"{where} was written by an older scoped.secrets (schema {version}; this version has {steps[-1].number}).",
        hint="Back it up, install this version on every control node, and run any task of the collection once with "
        "SCOPED_SECRETS_UPGRADE_STORE=on, as the role that owns the tables.",
    )


def _recorded(tx: Transaction) -> tuple[int, str]:
    row = tx.one("SELECT schema_version, steps FROM store")
    version = row["schema_version"] if row else 1
    # SQLite takes any type in any column.
    return version if isinstance(version, int) else 0, row["steps"] if row else "[]"


def _check_record(where: str, version: int, record: str, steps: tuple[SchemaStep, ...]) -> None:
    """Raise StoreRefused unless the recorded steps are those of this version."""
    try:
        done = [(step["number"], step["checksum"]) for step in json.loads(record)]
    except (ValueError, TypeError, KeyError):
        done = []
    if done != [(step.number, step.checksum) for step in steps[:version]]:
        raise StoreRefused(
            "other_schema",
            f"{where} was created by schema steps that this version doesn't know, or their record was edited.",
            hint="Use the version of the collection that created it, or restore the newest backup.",
        )


def upgrade(database: Database, tx: Transaction, steps: tuple[SchemaStep, ...] = STEPS) -> None:
    """Run all missing steps in one transaction, for a store that nobody else uses yet."""
    while _run_next(database, tx, steps):
        pass


def _run_next(database: Database, tx: Transaction, steps: tuple[SchemaStep, ...]) -> bool:
    """Run the first missing step; return whether there was one. Another process may have run it meanwhile."""
    version, record = _recorded(tx)
    if version >= steps[-1].number:
        return False
    step = steps[version]
    done = json.loads(record) + json.loads(run_steps(database, tx, (step,)))
    tx.run("UPDATE store SET schema_version = :version, steps = :steps", version=step.number, steps=json.dumps(done))
    return True
