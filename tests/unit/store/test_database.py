# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transactions are atomic and are retried after conflicts, a limited number of times."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Conflict, Unavailable
from ansible_collections.scoped.secrets.plugins.module_utils.store import database as database_module
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import (
    Database,
    Dialect,
    StaleRow,
    Transaction,
)
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import insert_scope
from ansible_collections.scoped.secrets.tests.unit.store.losing import LosingDialect
from ansible_collections.scoped.secrets.tests.unit.store.rows import error_of, org_row


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


def test_many_rows_are_inserted_at_once(database: Database) -> None:
    rows = [{"scope_id": f"s{number:03}", "connector_id": f":c {number}"} for number in range(250)]
    database.write(lambda tx: tx.run("CREATE TABLE many (connector_id TEXT, scope_id TEXT)"))
    database.write(lambda tx: tx.insert_all("many", rows))
    found = database.read(lambda tx: tx.all("SELECT scope_id, connector_id FROM many ORDER BY scope_id"))
    assert [dict(row) for row in found] == rows


def test_one_row_is_inserted_like_many(database: Database) -> None:
    database.write(lambda tx: tx.run("CREATE TABLE one (number TEXT)"))
    database.write(lambda tx: tx.insert_all("one", [{"number": "1"}]))
    statement = "SELECT count(*) AS found FROM one WHERE number = :number"
    assert [database.read(lambda tx, one=one: tx.count(statement, number=one)) for one in "12"] == [1, 0]


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
    assert "each of 3 attempts" in error.message


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


@pytest.mark.parametrize("run", [Database.write, Database.append])
def test_write_locks_before_it_reads(
    path: Path, database: Database, run: Callable[[Database, Callable[[Transaction], None]], None]
) -> None:
    def work(_tx: Transaction) -> None:
        other = sqlite3.connect(path, timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()

    run(database, work)


def test_closed_database_can_not_be_used(path: Path, database: Database) -> None:
    database.close()
    assert error_of(lambda: name_and_revision(database)).code == "store_failed"


@pytest.mark.parametrize("run", [Database.read, Database.write, Database.append])
def test_a_transaction_is_restricted_to_the_scope_that_is_named(
    database: Database, monkeypatch: pytest.MonkeyPatch, run: Callable[..., None]
) -> None:
    begin, scopes = database.dialect.begin, []

    def noted(connection: object, *, write: bool, scope: str) -> object:
        scopes.append(scope)
        return begin(connection, write=write, scope=scope)

    monkeypatch.setattr(database.dialect, "begin", noted)
    monkeypatch.setattr(database.dialect, "begin_appending", partial(noted, write=True))
    run(database, lambda _tx: None)
    run(database, lambda _tx: None, scope="account/payments")
    assert scopes == ["", "account/payments"]


def test_a_dialect_without_a_server_has_no_doubts_and_no_losses(path: Path, database: Database) -> None:
    dialect = database.dialect
    assert not dialect.was_kept(None, ("token", 1))
    assert not dialect.is_lost(OSError())
    assert dialect.upgrades_unasked
    assert not Dialect.is_replaced(dialect)
    assert Dialect.size(dialect, None) is None


# Losing the connection, or a race


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, which take no time; the clock shows their sum."""
    pauses: list[float] = []
    clock = SimpleNamespace(sleep=pauses.append, monotonic=lambda: sum(pauses))
    monkeypatch.setattr(database_module, "time", clock)
    return pauses


@pytest.fixture
def dialect(path: Path, database: Database, pauses: list[float]) -> LosingDialect:
    return LosingDialect(str(path))


@pytest.fixture
def losing(dialect: LosingDialect) -> Iterator[Database]:
    """A database on the same store as `database`, which shows what is really in it."""
    opened = Database(dialect)
    yield opened
    opened.close()


class Renaming:
    """Renames the account's row from its first revision, and returns how often that was tried."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, tx: Transaction) -> int:
        self.calls += 1
        rename(tx, f"try {self.calls}")
        return self.calls


PLACES = [
    ("BEGIN", "before", 1),
    ("BEGIN", "after", 1),
    ("UPDATE", "before", 1),
    ("UPDATE", "after", 1),
    ("COMMIT", "before", 2),
    ("COMMIT", "after", 1),
    ("COMMIT", "overtaken", 2),
]


@pytest.mark.parametrize(("statement", "fault", "kept"), PLACES)
def test_a_write_happens_once_wherever_the_connection_is_lost(
    database: Database, losing: Database, dialect: LosingDialect, statement: str, fault: str, kept: int
) -> None:
    """`kept` is the call whose changes are in the store in the end; its result is what the write returns."""
    dialect.faults[statement] = [fault]
    renaming = Renaming()
    assert losing.write(renaming) == kept == renaming.calls
    assert name_and_revision(database) == (f"try {kept}", 1)
    was_lost = fault != "overtaken"
    assert (dialect.opened, dialect.closed) == (1 + was_lost, was_lost)


def test_a_write_that_is_in_doubt_twice_happens_once(
    database: Database, losing: Database, dialect: LosingDialect
) -> None:
    dialect.faults["COMMIT"] = ["before", "after"]
    renaming = Renaming()
    assert losing.write(renaming) == 2 == renaming.calls
    assert name_and_revision(database) == ("try 2", 1)
    assert losing.write(lambda tx: rename(tx, "next", revision=1)) is None
    assert name_and_revision(database) == ("next", 2)


@pytest.mark.parametrize(
    ("statement", "fault"), [(place, fault) for place, fault, _kept in PLACES if place != "UPDATE"]
)
def test_a_read_is_repeated_wherever_the_connection_is_lost(
    losing: Database, dialect: LosingDialect, statement: str, fault: str
) -> None:
    dialect.faults[statement] = [fault]
    assert name_and_revision(losing) == ("account", 0)
    assert dialect.opened == 1 + (fault != "overtaken")


@pytest.mark.parametrize(
    ("statement", "fault", "calls"),
    [("BEGIN", "before", 1), ("INSERT", "after", 2), ("COMMIT", "before", 2), ("COMMIT", "overtaken", 2)],
)
def test_rows_are_appended_once_wherever_the_connection_is_lost(
    database: Database, losing: Database, dialect: LosingDialect, statement: str, fault: str, calls: int
) -> None:
    seen: list[int] = []

    def work(tx: Transaction) -> str:
        seen.append(len(tx.all("SELECT * FROM scope")))
        insert_scope(tx, org_row())
        return "done"

    dialect.faults[statement] = [fault]
    assert losing.append(work) == "done"
    assert seen == [1] * calls
    assert database.read(lambda tx: len(tx.all("SELECT * FROM scope"))) == 2


def test_appended_rows_that_an_earlier_call_committed_are_seen(losing: Database, dialect: LosingDialect) -> None:
    """Whoever appends rows must look for them first: the database does not tell it that they are there."""
    seen: list[int] = []

    def work(tx: Transaction) -> None:
        seen.append(len(tx.all("SELECT * FROM scope")))
        if len(seen) == 1:
            insert_scope(tx, org_row())

    dialect.faults["COMMIT"] = ["after"]
    losing.append(work)
    assert seen == [1, 2]


@pytest.mark.parametrize(
    "ask",
    [
        lambda database: "scope" in database.table_names(),
        lambda database: isinstance(database.state(), int),
        lambda database: database.size() > 0,
        lambda database: "SQLite" in database.engine,
    ],
    ids=["table_names", "state", "size", "engine"],
)
def test_questions_are_asked_again_on_a_new_connection(
    losing: Database, dialect: LosingDialect, ask: Callable[[Database], bool]
) -> None:
    for statement in ("SELECT", "PRAGMA", "engine"):
        dialect.faults[statement] = ["before"]
    dialect.faults["connect"] = ["refused"]
    assert ask(losing)
    dialect.faults.clear()
    assert (dialect.opened, ask(losing)) == (2, True)


def test_a_store_may_be_away_for_long(
    database: Database, losing: Database, dialect: LosingDialect, pauses: list[float]
) -> None:
    """Losing the connection is not counted: the time for which the store is away is what is limited."""
    dialect.faults["connect"] = ["refused"] * 3 * database_module.ATTEMPTS
    dialect.faults["UPDATE"] = ["before"] * 2
    assert losing.write(lambda tx: rename(tx, "late")) is None
    assert name_and_revision(database) == ("late", 1)
    assert len(pauses) == 3 * database_module.ATTEMPTS + 2


def test_a_store_that_stays_away_is_given_up_and_found_again(
    losing: Database, dialect: LosingDialect, pauses: list[float]
) -> None:
    dialect.faults["BEGIN"] = ["before"]
    dialect.faults["connect"] = ["refused"] * 1000
    for call in (lambda: name_and_revision(losing), losing.state, losing.size):
        error = error_of(call)
        assert (type(error), error.code, error.retryable) == (Unavailable, "store_unavailable", True)
        assert (error.__cause__, error.__suppress_context__) == (None, True)
        assert sum(pauses) > database_module.PATIENCE
        pauses.clear()
    losing.close()
    dialect.faults.clear()
    assert name_and_revision(losing) == ("account", 0)


def test_a_store_that_is_away_from_the_start_is_not_waited_for(dialect: LosingDialect, pauses: list[float]) -> None:
    dialect.faults["connect"] = ["refused"]
    assert error_of(lambda: Database(dialect)).code == "store_unavailable"
    assert pauses == []


def test_a_race_that_is_lost_too_often_is_given_up(
    database: Database, losing: Database, dialect: LosingDialect, pauses: list[float]
) -> None:
    renaming = Renaming()
    dialect.faults["COMMIT"] = ["overtaken"] * database_module.ATTEMPTS
    error = error_of(lambda: losing.write(renaming))
    assert (type(error), error.code) == (Unavailable, "store_busy")
    assert (renaming.calls, len(pauses), dialect.opened) == (database_module.ATTEMPTS, database_module.ATTEMPTS - 1, 1)
    assert name_and_revision(database) == ("account", 0)
    dialect.faults["COMMIT"] = ["overtaken"] * (database_module.ATTEMPTS - 1)
    assert losing.write(renaming) == 2 * database_module.ATTEMPTS
    assert name_and_revision(database)[1] == 1


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), ValueError("x"), Conflict("c", "m", hint="h")])
def test_a_failure_counts_even_if_the_connection_is_lost_while_rolling_back(
    database: Database, losing: Database, dialect: LosingDialect, failure: BaseException
) -> None:
    calls: list[int] = []

    def work(tx: Transaction) -> None:
        calls.append(1)
        rename(tx, "lost")
        raise failure

    for run in (losing.write, losing.append):
        dialect.faults["ROLLBACK"] = ["before"]
        with pytest.raises(type(failure)) as caught:
            run(work)
        assert caught.value is failure
    assert len(calls) == 2
    assert name_and_revision(database) == ("account", 0)
    assert name_and_revision(losing) == ("account", 0)


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ({"COMMIT": ["overtaken"] * 7}, [0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56]),
        ({"connect": ["refused"] * 7, "BEGIN": ["before"]}, [0.04, 0.08, 0.16, 0.32, 0.64, 1.0, 1.0, 1.0]),
    ],
    ids=["races", "losses"],
)
def test_pauses_become_longer(
    losing: Database,
    dialect: LosingDialect,
    pauses: list[float],
    monkeypatch: pytest.MonkeyPatch,
    faults: dict[str, list[str]],
    expected: list[float],
) -> None:
    monkeypatch.setattr(database_module, "_jitter", SimpleNamespace(uniform=lambda least, most: (least, most)))
    pauses_of: list[tuple[float, float]] = []
    monkeypatch.setattr(database_module.time, "sleep", pauses_of.append)
    dialect.faults.update(faults)
    losing.write(lambda tx: rename(tx, "late"))
    assert pauses_of == [(0, longest) for longest in expected]


class _Broken(sqlite3.OperationalError):
    """Stands for a lost connection, which SQLite has none of."""


@pytest.mark.parametrize(("losses", "is_kept"), [(1, True), (3, False)])
def test_patience_counts_from_the_first_loss(
    database: Database, monkeypatch: pytest.MonkeyPatch, losses: int, is_kept: bool
) -> None:
    """A step that waited for other writers for longer than that is still repeated."""
    now = [0.0]
    clock = SimpleNamespace(monotonic=lambda: now[0], sleep=lambda _seconds: None)
    monkeypatch.setattr(database_module, "time", clock)
    monkeypatch.setattr(database.dialect, "is_lost", lambda error: isinstance(error, _Broken))
    monkeypatch.setattr(database.dialect, "translate", lambda _error: error_of_a_loss())
    calls = []

    def work(tx: Transaction) -> int:
        calls.append(now)
        now[0] += 2 * database_module.PATIENCE
        if len(calls) <= losses:
            raise _Broken
        return tx.run("UPDATE scope SET name = 'kept'")

    if is_kept:
        assert database.write(work) == 1
    else:
        with pytest.raises(Unavailable):
            database.write(work)
        assert len(calls) == 2


def error_of_a_loss() -> Unavailable:
    return Unavailable("store_unavailable", "It does not answer.", hint="Run it again.", retryable=True)
