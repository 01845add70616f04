# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads all rows of a store, in an order in which another store can insert them.

At most one page of rows is in memory at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from ..model.scopes import Level
from .database import Row, Transaction

__all__ = ["TABLES", "all_rows", "count_rows", "insert_row", "is_empty", "remove_all"]

# Each table after those that it references. Add new tables here and in `all_rows`. `intent` is left out: a restored
# store must not finish changes at a provider that the original store has finished since. So are the pages of indexes,
# which follow from the rows.
TABLES = (
    "store",
    "scope",
    "scope_key",
    "scope_child",
    "connector",
    "default_manager",
    "secret",
    "secret_version",
    "secret_share",
    "secret_reference",
    "audit_head",
    "audit_event",
)

_PAGE = 500
_PAGE_BYTES = 4 * 1024 * 1024
_COLUMN = re.compile(r"[a-z][a-z_]{0,62}")

Values = dict[str, Any]


def all_rows(tx: Transaction) -> Iterator[tuple[str, Values]]:
    """Yield each row with its table's name. The same rows come in the same order on every engine."""
    yield from _rows(tx, "store", "id")
    for level in Level:
        yield from _rows(tx, "scope", "id", level=level.value)
    yield from _rows(tx, "scope_key", "scope_id", "generation")
    yield from _rows(tx, "scope_child", "scope_id", "place")
    yield from _rows(tx, "connector", "id")
    yield from _rows(tx, "default_manager", "scope_id")
    for secrets in _pages(tx, "secret", ("id",)):
        yield from _with_versions(tx, secrets)
    yield from _rows(tx, "secret_share", "secret_id", "scope_id")
    for _user, used in groupby(_rows(tx, "secret_reference", "user_kind", "user_id", "field"), key=_user_of):
        # Engines differ in how they sort underscores.
        yield from sorted(used, key=lambda row: str(row[1]["field"]))
    yield from _rows(tx, "audit_head", "scope_id")
    yield from _rows(tx, "audit_event", "scope_id", "sequence")


def _user_of(row: tuple[str, Values]) -> tuple[str, str]:
    return row[1]["user_kind"], row[1]["user_id"]


def _with_versions(tx: Transaction, secrets: list[Values]) -> Iterator[tuple[str, Values]]:
    """Yield each secret, followed by its versions."""
    versions = _versions(tx, secrets[0]["id"], secrets[-1]["id"])
    version = next(versions, None)
    for secret in secrets:
        yield "secret", secret
        while version and version["secret_id"] == secret["id"]:
            yield "secret_version", version
            version = next(versions, None)


def _versions(tx: Transaction, first: str, last: str) -> Iterator[Values]:
    """Yield the versions of the secrets with ids from `first` to `last`, read in pages of limited size in bytes."""
    after = (first, 0)
    while sizes := tx.all(
        "SELECT secret_id, version, size FROM secret_version WHERE (secret_id, version) > (:id, :version) "
        f"AND secret_id <= :last ORDER BY secret_id, version LIMIT {_PAGE}",
        id=after[0],
        version=after[1],
        last=last,
    ):
        upto = _end_of_page(sizes)
        for row in tx.all(
            "SELECT * FROM secret_version WHERE (secret_id, version) > (:id, :version) "
            "AND (secret_id, version) <= (:last_id, :last_version) ORDER BY secret_id, version",
            id=after[0],
            version=after[1],
            last_id=upto[0],
            last_version=upto[1],
        ):
            yield _plain(row)
        after = upto


def _end_of_page(sizes: Sequence[Row]) -> tuple[str, int]:
    """Return the last version that fits into a page. The first one always does."""
    total, last = 0, sizes[0]
    for row in sizes:
        total += row["size"]
        if total > _PAGE_BYTES and row is not sizes[0]:
            break
        last = row
    return last["secret_id"], last["version"]


def _rows(tx: Transaction, table: str, *key: str, **only: str) -> Iterator[tuple[str, Values]]:
    for page in _pages(tx, table, key, **only):
        for row in page:
            yield table, row


def _pages(tx: Transaction, table: str, key: Sequence[str], **only: str) -> Iterator[list[Values]]:
    """Yield rows in the order of their key, page by page. `only`: values that columns must have."""
    columns, names = ", ".join(key), ", ".join(f":after_{name}" for name in key)
    conditions = "".join(f" AND {name} = :{name}" for name in only)
    after: Values = {}
    while True:
        since = f"({columns}) > ({names})" if after else "1 = 1"
        rows = tx.all(
            f"SELECT * FROM {table} WHERE {since}{conditions} ORDER BY {columns} LIMIT {_PAGE}", **after, **only
        )
        if rows:
            yield [_plain(row) for row in rows]
        if len(rows) < _PAGE:
            return
        after = {f"after_{name}": rows[-1][name] for name in key}


def _plain(row: Row) -> Values:
    values = dict(row).items()
    return {name: bytes(value) if isinstance(value, memoryview) else value for name, value in values}


def insert_row(tx: Transaction, table: str, row: Values) -> None:
    """Insert a row that `all_rows` yielded; raise ValueError for an unknown table or an invalid column name."""
    # The names become part of the SQL text.
    if table not in TABLES or not all(map(_COLUMN.fullmatch, row)):
        raise ValueError("not a row of a store")
    tx.known.clear()
    tx.insert(table, **row)


def remove_all(tx: Transaction) -> None:
    """Delete every row, including those of the account and the store itself."""
    tx.known.clear()
    for table in ("intent", "secret_index", "scope_index", *reversed(TABLES)):
        tx.run(f"DELETE FROM {table}")


def is_empty(tx: Transaction) -> bool:
    """Return whether the store holds nothing but the account, and no change at a provider is pending."""
    counts = count_rows(tx)
    is_pending = tx.one("SELECT id FROM intent LIMIT 1") is not None
    return counts["scopes"] <= 1 and not counts["connectors"] and not counts["secrets"] and not is_pending


def count_rows(tx: Transaction) -> dict[str, int]:
    """Return the numbers of scopes (including the account), connectors, secrets and versions."""
    tables = {"scopes": "scope", "connectors": "connector", "secrets": "secret", "versions": "secret_version"}
    return {name: tx.count(f"SELECT count(*) AS found FROM {table}") for name, table in tables.items()}
