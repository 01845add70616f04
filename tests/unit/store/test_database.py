# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transactions are atomic and are retried after conflicts, a limited number of times."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Conflict, Unavailable
from ansible_collections.scoped.secrets.plugins.module_utils.store import database as database_module
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Database, StaleRow, Transaction
from ansible_collections.scoped.secrets.tests.unit.store.rows import error_of


def name_and_revision(database: Database) -> tuple[str, int]:
    row = database.read(lambda tx: tx.one("SELECT name, revision FROM scope"))
    assert row is not None
    return row["name"], row["revision"]


def rename(tx: Transaction, name: str, revision: int = 0) -> None:
    tx.update("scope", "account-id", revision, name=name)


def test_insert_run_all_and_one(database: Database) -> None:
    def work(tx: Transaction) -> int:
        for number in (2, 1):
            tx.insert("default_manager_copy", scope_id=f"s{number}", connector_id="it's; a :name")
        return tx.run("UPDATE default_manager_copy SET connector_id = connector_id")

    database.write(lambda tx: tx.run("CREATE TABLE default_manager_copy (scope_id TEXT, connector_id TEXT)"))
    assert database.write(work) == 2
    rows = database.read(lambda tx: tx.all("SELECT * FROM default_manager_copy ORDER BY scope_id"))
    assert [dict(row) for row in rows] == [
        {"scope_id": "s1", "connector_id": "it's; a :name"},
        {"scope_id": "s2", "connector_id": "it's; a :name"},
    ]
    assert database.read(lambda tx: tx.one("SELECT * FROM default_manager_copy WHERE scope_id = 's3'")) is None


def test_update_increments_the_revision(database: Database) -> None:
    database.write(lambda tx: rename(tx, "one"))
    database.write(lambda tx: rename(tx, "two", revision=1))
    assert name_and_revision(database) == ("two", 2)


@pytest.mark.parametrize(("key", "revision"), [("account-id", 7), ("no-such-id", 0)])
def test_update_of_another_revision_is_stale(database: Database, key: str, revision: int) -> None:
    def work(tx: Transaction) -> None:
        with pytest.raises(StaleRow):
            tx.update("scope", key, revision, name="lost")

    database.write(work)
    assert name_and_revision(database) == ("account", 0)


def test_stale_transaction_runs_again_as_a_whole(database: Database) -> None:
    seen: list[int] = []

    def work(tx: Transaction) -> str:
        row = tx.one("SELECT revision FROM scope")
        assert row is not None
        seen.append(row["revision"])
        tx.run("UPDATE scope SET description = description || 'x'")
        rename(tx, "new", revision=0 if len(seen) == 3 else 9)
        return "done"

    assert database.write(work) == "done"
    assert seen == [0, 0, 0]
    assert name_and_revision(database) == ("new", 1)
    assert database.read(lambda tx: tx.one("SELECT description FROM scope"))["description"] == "x"


def test_transaction_that_stays_stale_gives_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "ATTEMPTS", 3)
    attempts: list[int] = []

    def work(tx: Transaction) -> None:
        attempts.append(1)
        rename(tx, "lost", revision=9)

    error = error_of(lambda: database.write(work))
    assert (type(error), error.code, error.retryable, len(attempts)) == (Unavailable, "store_busy", True, 3)


@pytest.mark.parametrize("failure", [ValueError("x"), KeyboardInterrupt(), Conflict("c", "m", hint="h")])
def test_exception_rolls_back_and_propagates_unchanged(database: Database, failure: BaseException) -> None:
    def work(tx: Transaction) -> None:
        rename(tx, "lost")
        raise failure

    with pytest.raises(type(failure)) as caught:
        database.write(work)
    assert caught.value is failure
    assert name_and_revision(database) == ("account", 0)
    database.write(lambda tx: rename(tx, "kept"))
    assert name_and_revision(database) == ("kept", 1)


def test_driver_errors_are_translated(database: Database) -> None:
    error = error_of(lambda: database.read(lambda tx: tx.one("SELECT nothing FROM scope")))
    assert error.code == "store_failed"
    assert "nothing" not in error.message
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_read_sees_one_state_despite_concurrent_writes(database: Database) -> None:
    other = Database(database.dialect)

    def work(tx: Transaction) -> list[str]:
        names = [tx.one("SELECT name FROM scope")["name"]]
        other.write(lambda theirs: rename(theirs, "theirs"))
        return [*names, tx.one("SELECT name FROM scope")["name"]]

    assert database.read(work) == ["account", "account"]
    assert name_and_revision(database) == ("theirs", 1)
    other.close()


def test_write_locks_before_it_reads(path: Path, database: Database) -> None:
    def work(_tx: Transaction) -> None:
        other = sqlite3.connect(path, timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()

    database.write(work)


def test_closed_database_can_not_be_used(path: Path, database: Database) -> None:
    database.close()
    assert error_of(lambda: name_and_revision(database)).code == "store_failed"
