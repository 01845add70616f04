# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schema is upgraded once; newer and foreign stores are refused."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Database
from ansible_collections.scoped.secrets.plugins.module_utils.store.schema import (
    STEPS,
    SchemaStep,
    now,
    open_schema,
    upgrade,
)
from ansible_collections.scoped.secrets.plugins.module_utils.store.sqlite import memory_database
from ansible_collections.scoped.secrets.tests.unit.broker.brokers import fork, wait_for
from ansible_collections.scoped.secrets.tests.unit.store.rows import dump, error_of, initialise, new_store, open_file

LATER = (
    *STEPS,
    SchemaStep(2, ("CREATE TABLE later (id TEXT PRIMARY KEY, content {bytes}, number {integer})",)),
    SchemaStep(3, ("INSERT INTO later (id) VALUES ('made by step 3')", "ALTER TABLE later ADD COLUMN more TEXT")),
)


def upgraded(database: Database, steps: tuple[SchemaStep, ...]) -> None:
    open_schema(database, "The store X", steps, is_upgrade_asked_for=True)


def record(database: Database) -> list[dict[str, Any]]:
    row = database.read(lambda tx: tx.one("SELECT steps FROM store"))
    assert row is not None
    found: list[dict[str, Any]] = json.loads(row["steps"])
    return found


def version(database: Database) -> int:
    return int(database.read(lambda tx: tx.one("SELECT schema_version FROM store"))["schema_version"])


def test_table_names(database: Database) -> None:
    expected = {"store", "scope", "scope_key", "connector", "secret", "secret_version", "secret_reference"}
    assert expected | {"default_manager"} <= database.table_names()


def test_steps_are_recorded_with_their_checksums(database: Database) -> None:
    steps = [(step["number"], step["checksum"]) for step in record(database)]
    assert steps == [(step.number, step.checksum) for step in STEPS]
    assert [set(step) for step in record(database)] == [{"number", "checksum", "applied_at"}]


def test_checksum_depends_on_the_statements() -> None:
    checksums = {
        SchemaStep(1, statements).checksum for statements in [("a", "b"), ("b", "a"), ("ab",), ("a",), ("a", "")]
    }
    assert len(checksums) == 5
    # Stores have recorded it.
    assert SchemaStep(1, ("a", "b")).checksum == hashlib.sha256(b"a\0b").hexdigest()
    assert SchemaStep(1, ("a",)).checksum == SchemaStep(2, ("a",)).checksum


def test_steps_are_numbered_from_one_without_a_gap() -> None:
    assert [step.number for step in STEPS] == list(range(1, len(STEPS) + 1))


def test_current_store_is_left_unchanged(database: Database) -> None:
    before, seen = dump(database), traced(database)
    open_schema(database, "The store X")
    assert not [statement for statement in seen if statement.startswith(("BEGIN IMMEDIATE", "UPDATE", "CREATE"))]
    assert dump(database) == before


@pytest.mark.parametrize("unasked", [True, False])
def test_a_shared_store_is_upgraded_only_if_that_is_asked_for(
    database: Database, monkeypatch: pytest.MonkeyPatch, unasked: bool
) -> None:
    monkeypatch.setattr(type(database.dialect), "upgrades_unasked", unasked)
    if not unasked:
        error = error_of(lambda: open_schema(database, "The store X", LATER))
        assert (error.code, "schema 1; this version has 3" in error.message) == ("store_too_old", True)
        assert version(database) == 1
    open_schema(database, "The store X", LATER, is_upgrade_asked_for=not unasked)
    assert version(database) == 3


def test_a_store_that_nobody_uses_yet_is_upgraded_in_one_transaction(database: Database) -> None:
    seen = traced(database)
    for _time in range(2):
        database.write(lambda tx: upgrade(database, tx, LATER))
    assert [step["number"] for step in record(database)] == [1, 2, 3]
    assert len([statement for statement in seen if "TABLE later" in statement]) == 2


def test_the_row_of_the_store_is_missed(database: Database) -> None:
    database.write(lambda tx: tx.run("DELETE FROM store"))
    assert error_of(lambda: open_schema(database, "The store X")).code == "other_schema"


def test_columns_have_the_types_of_the_engine(path: Path, database: Database) -> None:
    with closing(sqlite3.connect(path)) as plain:
        types = {row[1]: row[2] for row in plain.execute("PRAGMA table_info(scope)")}
    assert [types[name] for name in ("identifier", "secrets_root", "revision")] == ["TEXT", "BLOB", "INTEGER"]


def test_upgrade_runs_missing_steps_once_and_in_order(database: Database) -> None:
    other = Database(database.dialect)
    upgraded(database, LATER)
    assert version(database) == 3
    assert [step["number"] for step in record(database)] == [1, 2, 3]
    assert [step["checksum"] for step in record(database)][1:] == [LATER[1].checksum, LATER[2].checksum]
    before = dump(database)
    upgraded(other, LATER)
    assert dump(other) == before
    content, number = bytes(range(256)), 2**60
    other.write(lambda tx: tx.insert("later", id="a", content=content, number=number, more="text"))
    row = other.read(lambda tx: tx.one("SELECT content, number, more FROM later WHERE id = 'a'"))
    assert row
    assert (bytes(row["content"]), row["number"], row["more"]) == (content, number, "text")
    other.close()


def test_upgrade_by_a_faster_process_is_not_repeated(database: Database) -> None:
    """The other process upgrades after this one has read the version and before it gets the lock."""
    other = Database(database.dialect)

    class Overtaken(Database):
        def write(self, work: Any, **options: Any) -> Any:
            upgraded(other, LATER)
            return super().write(work, **options)

    upgraded(Overtaken(database.dialect), LATER)
    assert [step["number"] for step in record(database)] == [1, 2, 3]


def test_failing_step_is_rolled_back_and_earlier_steps_stay(database: Database) -> None:
    upgraded(database, LATER)
    before = dump(database)
    broken = (*LATER, SchemaStep(4, ("CREATE TABLE fourth (id TEXT)", "this is no SQL")))
    assert error_of(lambda: upgraded(database, broken)).code == "store_failed"
    assert dump(database) == before
    fixed = (*LATER, SchemaStep(4, ("CREATE TABLE fourth (id TEXT)",)))
    upgraded(database, fixed)
    assert [step["number"] for step in record(database)] == [1, 2, 3, 4]


def traced(database: Database) -> list[str]:
    """Return a list to which all statements from now on are appended."""
    seen: list[str] = []
    connection = database._connection

    class Traced:
        def __getattr__(self, name: str) -> Any:
            return getattr(connection, name)

        def execute(self, statement: str, *parameters: Any) -> Any:
            seen.append(statement)
            return connection.execute(statement, *parameters)

    database._connection = Traced()
    return seen


def test_each_step_is_its_own_transaction(database: Database) -> None:
    seen = traced(database)
    upgraded(database, LATER)
    begins = ("BEGIN IMMEDIATE", "BEGIN ISOLATION LEVEL READ COMMITTED")
    writes = [one for one in seen if one.startswith((*begins, "COMMIT")) or "TABLE" in one]
    kinds = [statement.split()[0] for statement in writes]
    first = kinds.index("CREATE")
    assert kinds[first - 1 :] == ["BEGIN", "CREATE", "COMMIT", "BEGIN", "ALTER", "COMMIT", "BEGIN", "COMMIT"]


@pytest.mark.parametrize(
    "change",
    ["replace(steps, '1', '2')", "'[]'", "'no JSON'", "'{}'", "'[1]'", "replace(steps, 'checksum', 'sum')"],
)
def test_store_made_by_other_steps_is_refused_and_unchanged(database: Database, change: str) -> None:
    database.write(lambda tx: tx.run(f"UPDATE store SET steps = {change}"))
    before = dump(database)
    for steps in (STEPS, LATER):
        assert error_of(lambda steps=steps: upgraded(database, steps)).code == "other_schema"
    assert dump(database) == before


def test_concurrent_processes_upgrade_once(path: Path) -> None:
    """All processes have the store open before the first one may write."""
    new_store(path).close()
    gate, opened = os.pipe()

    def work() -> None:
        os.close(opened)
        os.read(gate, 1)
        other = open_file(path)
        upgraded(other, LATER)
        assert other.read(lambda tx: tx.all("SELECT id FROM later"))[0]["id"] == "made by step 3"

    # Fork before this process opens the store: SQLite also keeps its locks in memory, which a fork copies.
    children = [fork(work) for _child in range(4)]
    os.close(gate)
    with closing(sqlite3.connect(path)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        os.close(opened)
        for child in children:
            wait_for(lambda child=child: _has_open(child, path))
        assert holder.execute("SELECT schema_version FROM store").fetchone() == (1,)
        assert {os.waitpid(child, os.WNOHANG)[0] for child in children} == {0}
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
    database = open_file(path)
    assert [step["number"] for step in record(database)] == [1, 2, 3]
    assert len(database.read(lambda tx: tx.all("SELECT id FROM later"))) == 1
    database.close()


def _has_open(child: int, path: Path) -> bool:
    return any(link.is_symlink() and os.readlink(link) == str(path) for link in Path(f"/proc/{child}/fd").iterdir())


def test_newer_store_is_refused_and_unchanged(make_store: Callable[..., Database]) -> None:
    database = make_store(LATER)
    before = dump(database)
    error = error_of(lambda: open_schema(database, "The store X"))
    assert error.code == "store_too_new"
    assert "schema 3; this version has 1" in error.message
    assert "The store X" in error.message
    assert dump(database) == before


def test_database_without_our_tables_is_foreign() -> None:
    database = memory_database()
    error = error_of(lambda: open_schema(database, "The store X"))
    assert (error.code, "store_restore" in error.hint) == ("empty_store_file", True)
    database.write(lambda tx: tx.run("CREATE TABLE scope (id TEXT)"))
    assert error_of(lambda: open_schema(database, "The store X")).code == "foreign_database"
    assert database.table_names() == {"scope"}


def test_store_can_not_be_initialised_twice(database: Database) -> None:
    assert error_of(lambda: initialise(database)).code == "store_failed"


def test_now_is_utc_to_the_second() -> None:
    before = datetime.now(timezone.utc).replace(microsecond=0)
    moment = datetime.strptime(now(), "%Y-%m-%dT%H:%M:%S%z")
    assert before <= moment <= datetime.now(timezone.utc)
