# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who can write to the database and holds no key. Whatever row was ever there is kept in a pocket."""

from __future__ import annotations

from typing import Any

from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Transaction
from ansible_collections.scoped.secrets.tests.unit.engine.stores import rows_of

__all__ = ["Attacker"]

# The columns that name a row, by table; each table after those that it references.
KEYS = {
    "scope": ("id",),
    "scope_key": ("scope_id", "generation"),
    "connector": ("id",),
    "default_manager": ("scope_id",),
    "secret": ("id",),
    "secret_version": ("secret_id", "version"),
    "secret_index": ("scope_id", "prefix"),
    "secret_share": ("secret_id", "scope_id"),
    "scope_child": ("scope_id", "place"),
    "scope_index": ("scope_id", "prefix"),
    "audit_head": ("scope_id",),
    "audit_event": ("scope_id", "sequence"),
}
# Those that name something else by its id, so that it can't be removed before them.
REFERENCES = ("secret_reference", "intent")
Row = dict[str, Any]


class Attacker:
    """Takes all rows of a store away, and puts some back later. Uses SQL only."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pocket: dict[str, dict[str, list[Row]]] = {}

    def look(self, moment: str) -> None:
        """Take a copy of all rows, under a name."""
        with rows_of(self._settings) as tx:
            self._pocket[moment] = {table: _plain(tx, table) for table in KEYS}

    def taken(self, moment: str, table: str, **having: Any) -> list[Row]:
        """Return the rows in the pocket that have these values."""
        return [row for row in self._pocket[moment][table] if having.items() <= row.items()]

    def one(self, moment: str, table: str, **having: Any) -> Row:
        (row,) = self.taken(moment, table, **having)
        return row

    def put_back(self, moment: str, table: str, **having: Any) -> None:
        """Put rows back as they were then, in place of those of the same name."""
        rows = self.taken(moment, table, **having)
        assert rows
        for row in rows:
            self.remove(table, **{name: row[name] for name in KEYS[table]})
            self.insert(table, row)

    def put_over(self, moment: str, table: str, **having: Any) -> None:
        """Put rows back as they were then, also where other rows need them."""
        for row in self.taken(moment, table, **having):
            names = {f"_{name}": row[name] for name in KEYS[table]}
            changes = ", ".join(f"{name} = :{name}" for name in row)
            with rows_of(self._settings) as tx:
                where = " AND ".join(f"{name} = :_{name}" for name in KEYS[table])
                if not tx.run(f"UPDATE {table} SET {changes} WHERE {where}", **row, **names):
                    tx.insert(table, **row)

    def put_all_back(self, moment: str) -> None:
        """Put the whole database back."""
        with rows_of(self._settings) as tx:
            for table in (*REFERENCES, *reversed(KEYS)):
                tx.run(f"DELETE FROM {table} WHERE level = 'project'" if table == "scope" else f"DELETE FROM {table}")
            tx.run("DELETE FROM scope WHERE level = 'org'")
            tx.run("DELETE FROM scope")
            for table, rows in self._pocket[moment].items():
                levels = ("account", "org", "project")
                for row in sorted(rows, key=lambda row: levels.index(row.get("level", "account"))):
                    tx.insert(table, **row)

    def insert(self, table: str, row: Row, **other: Any) -> None:
        with rows_of(self._settings) as tx:
            tx.insert(table, **{**row, **other})

    def remove(self, table: str, **having: Any) -> None:
        conditions = " AND ".join(f"{name} = :{name}" for name in having)
        self.run(f"DELETE FROM {table} WHERE {conditions}", **having)

    def run(self, statement: str, **values: Any) -> None:
        with rows_of(self._settings) as tx:
            tx.run(statement, **values)


def _plain(tx: Transaction, table: str) -> list[Row]:
    rows = [dict(row) for row in tx.all(f"SELECT * FROM {table}")]
    return [{k: bytes(v) if isinstance(v, (memoryview, bytes)) else v for k, v in row.items()} for row in rows]
