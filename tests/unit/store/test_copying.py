# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All rows are read once, few at a time, in an order in which another store can insert them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Share
from ansible_collections.scoped.secrets.plugins.module_utils.store import copying
from ansible_collections.scoped.secrets.plugins.module_utils.store.audit import append_events, insert_head
from ansible_collections.scoped.secrets.plugins.module_utils.store.connectors import insert_connector
from ansible_collections.scoped.secrets.plugins.module_utils.store.copying import (
    TABLES,
    all_rows,
    count_rows,
    insert_row,
    is_empty,
    remove_all,
)
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Database, Transaction
from ansible_collections.scoped.secrets.plugins.module_utils.store.indexes import replace_child
from ansible_collections.scoped.secrets.plugins.module_utils.store.schema import STEPS
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import (
    WrappedKey,
    insert_key,
    insert_scope,
    set_default,
)
from ansible_collections.scoped.secrets.plugins.module_utils.store.secrets import (
    insert_secret,
    insert_version,
    replace_references,
)
from ansible_collections.scoped.secrets.plugins.module_utils.store.shares import insert_share
from ansible_collections.scoped.secrets.tests.unit.store.rows import (
    audit_event,
    audit_head,
    connector_row,
    dump,
    org_row,
    plans_of,
    project_row,
    secret_row,
    version_row,
)


def fill(tx: Transaction, secrets: int = 7) -> None:
    # The project's id sorts before the organization's, but parents must come first.
    org, project = org_row(), project_row()
    insert_scope(tx, org)
    insert_scope(tx, project)
    for scope in (org, project):
        for generation in (1, 2):
            insert_key(
                tx, WrappedKey(scope.id, generation, "active", "id", b"public", 1, b"w%d" % generation, 0), "now"
            )
    replace_child(tx, org.id, "place", b"d")
    for name in ("vault", "other"):
        insert_connector(tx, connector_row(name))
    set_default(tx, org, "vault-id")
    for number in range(secrets):
        insert_secret(tx, secret_row(f"s{number}"))
        for version in range(1, number % 4 + 1):
            insert_version(tx, version_row(f"s{number}-id", version))
    insert_share(tx, Share("s1-id", "payments-id", 1, 1, b"w", b"d", "", "now", b"t", "account-id", "s1", "text", ""))
    replace_references(tx, "connector", "vault-id", {"a_b": "s1-id", "ab": "s2-id", "a": "s3-id"})
    replace_references(tx, "secret", "s4-id", {"password_ref": "s1-id"})
    insert_head(tx, audit_head())
    append_events(tx, [audit_event(1), audit_event(2)], audit_head(2))


def rows_of(database: Database) -> list[tuple[str, dict[str, Any]]]:
    return database.read(lambda tx: list(all_rows(tx)))


@pytest.mark.parametrize("page", [1, 2, 3, 500])
@pytest.mark.parametrize("page_bytes", [1, 9, 10_000])
def test_another_store_can_insert_rows_in_this_order(
    database: Database,
    make_store: Callable[[], Database],
    monkeypatch: pytest.MonkeyPatch,
    page: int,
    page_bytes: int,
) -> None:
    database.write(fill)
    whole = rows_of(database)
    monkeypatch.setattr(copying, "_PAGE", page)
    monkeypatch.setattr(copying, "_PAGE_BYTES", page_bytes)
    assert rows_of(database) == whole
    other = make_store()

    def work(tx: Transaction) -> None:
        remove_all(tx)
        for table, row in whole:
            insert_row(tx, table, row)

    other.write(work)
    assert dump(other) == dump(database)


def test_every_table_of_the_schema_is_copied(database: Database) -> None:
    statements = " ".join(statement for step in STEPS for statement in step.statements)
    made = set(re.findall(r"CREATE TABLE (\w+)", statements))
    assert made == {*TABLES, "intent", "secret_index", "scope_index"} == database.table_names()
    database.write(fill)
    tables = database.read(lambda tx: {table: tx.all(f"SELECT * FROM {table}") for table in TABLES})
    counts = {table: len(rows) for table, rows in tables.items()}
    assert min(counts.values()) > 0
    rows = rows_of(database)
    assert {table: sum(name == table for name, _row in rows) for table in TABLES} == counts


def test_secret_is_followed_by_its_versions(database: Database) -> None:
    database.write(fill)
    last = ""
    for table, row in rows_of(database):
        if table == "secret":
            last = row["id"]
        elif table == "secret_version":
            assert row["secret_id"] == last


def test_order_does_not_depend_on_the_engines_collation(database: Database) -> None:
    database.write(fill)
    fields = [row["field"] for table, row in rows_of(database) if table == "secret_reference"]
    assert fields == ["a", "a_b", "ab", "password_ref"]


def test_pages_use_indexes(path: Path, database: Database) -> None:
    database.write(fill)
    plans = plans_of(path, database, lambda tx: list(all_rows(tx)))
    assert not [plan for plan in plans if plan.startswith("SCAN secret_version")], plans
    assert not [plan for plan in plans if "TEMP B-TREE" in plan and "secret" in plan], plans


@pytest.mark.parametrize(("size", "pages"), [(3 * 1024 * 1024, [1] * 5), (3, [5])], ids=["large", "small"])
def test_as_many_versions_are_read_at_once_as_fit_into_memory(
    database: Database, monkeypatch: pytest.MonkeyPatch, size: int, pages: list[int]
) -> None:
    def work(tx: Transaction) -> None:
        insert_secret(tx, secret_row("large"))
        for version in range(1, 6):
            insert_version(tx, version_row("large-id", version)._replace(size=size))

    database.write(work)
    seen: list[int] = []
    every = Transaction.all

    def counted(tx: Transaction, statement: str, **parameters: Any) -> Any:
        rows = every(tx, statement, **parameters)
        if statement.startswith("SELECT * FROM secret_version"):
            seen.append(len(rows))
        return rows

    monkeypatch.setattr(Transaction, "all", counted)
    rows_of(database)
    assert seen == pages


@pytest.mark.parametrize(("page_bytes", "last"), [(1, 1), (3, 1), (5, 1), (6, 2), (8, 2), (9, 3), (99, 3)])
def test_a_page_has_as_many_versions_as_fit_and_at_least_one(
    monkeypatch: pytest.MonkeyPatch, page_bytes: int, last: int
) -> None:
    monkeypatch.setattr(copying, "_PAGE_BYTES", page_bytes)
    sizes = [{"secret_id": "a", "version": number, "size": 3} for number in (1, 2, 3)]
    assert copying._end_of_page(sizes) == ("a", last)


@pytest.mark.parametrize("row", [("nothing", {"id": "x"}), ("secret", {"id) VALUES (1); --": "x"}), ("scope", {"": 1})])
def test_invalid_rows_are_not_inserted(database: Database, row: tuple[str, dict[str, Any]]) -> None:
    before = dump(database)
    with pytest.raises(ValueError, match="not a row"):
        database.write(lambda tx: insert_row(tx, *row))
    assert dump(database) == before


def test_is_empty(database: Database) -> None:
    assert database.read(is_empty)
    database.write(fill)
    assert not database.read(is_empty)
    assert database.read(count_rows) == {"scopes": 3, "connectors": 2, "secrets": 7, "versions": 9}
    database.write(remove_all)
    assert database.read(is_empty)
    assert rows_of(database) == []


@pytest.mark.parametrize(
    "add",
    [
        lambda tx: insert_scope(tx, org_row()),
        lambda tx: insert_connector(tx, connector_row()),
        lambda tx: insert_secret(tx, secret_row()),
    ],
    ids=["scope", "connector", "secret"],
)
def test_a_store_with_one_thing_is_not_empty(database: Database, add: Callable[[Transaction], None]) -> None:
    database.write(add)
    assert not database.read(is_empty)


@pytest.mark.parametrize("change", [remove_all, lambda tx: insert_row(tx, "audit_head", audit_head()._asdict())])
def test_no_row_is_cached_beyond_a_copy(database: Database, change: Callable[[Transaction], None]) -> None:
    def work(tx: Transaction) -> dict[str, Any]:
        tx.known["key"] = "row"
        change(tx)
        return tx.known

    assert database.write(work) == {}


def test_store_with_an_intent_is_not_empty(database: Database) -> None:
    """Otherwise an unfinished change at a provider would be forgotten."""
    columns = dict.fromkeys(("connector_id", "path", "goal", "process", "created_at", "about"), "x")
    database.write(lambda tx: tx.insert("intent", id="i", scope_id="account-id", tag=b"t", **columns))
    assert not database.read(is_empty)
    database.write(remove_all)
    assert database.read(is_empty)
