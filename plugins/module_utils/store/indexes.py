# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements on the indexes of a scope, one of its secrets and one of its children: leaves and pages.

The leaves of secrets are columns of their rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..model.entities import Secret
from ..model.typed_rows import stored_bytes, stored_text
from .database import Row, Transaction
from .secrets import secret_of

__all__ = [
    "CHILDREN",
    "SECRETS",
    "Entry",
    "IndexTables",
    "all_pages",
    "delete_pages",
    "depths",
    "entries_of",
    "find_path",
    "leaf_of",
    "put_pages",
    "replace_child",
    "secrets_below",
]

Entry = tuple[str, bytes]


class IndexTables(NamedTuple):
    """The tables that have the leaves and the pages of an index, and the column of a scope that has its depth."""

    leaves: str
    pages: str
    depth: str


SECRETS = IndexTables("secret", "secret_index", "secrets_depth")
CHILDREN = IndexTables("scope_child", "scope_index", "children_depth")

PAGE = 2000
# Sorts after every place that starts with the same prefix: places are hexadecimal.
_END = "g"


def leaf_of(tx: Transaction, tables: IndexTables, scope_id: str, prefix: str) -> list[Entry]:
    """Return the places below a prefix with the digests of their rows, in order."""
    rows = tx.all(
        f"SELECT place, digest FROM {tables.leaves} WHERE scope_id = :scope AND place >= :first AND place < :last "
        "ORDER BY place",
        scope=scope_id,
        first=prefix,
        last=prefix + _END,
    )
    return [_entry(row) for row in rows]


def _entry(row: Row) -> Entry:
    return stored_text(row["place"]), stored_bytes(row["digest"])


def entries_of(tx: Transaction, tables: IndexTables, scope_id: str) -> Iterator[Entry]:
    """Yield all places of a scope with the digests of their rows, in order, reading page by page."""
    after = ""
    while True:
        rows = tx.all(
            f"SELECT place, digest FROM {tables.leaves} WHERE scope_id = :scope AND place > :after "
            "ORDER BY place LIMIT :page",
            scope=scope_id,
            after=after,
            page=PAGE,
        )
        for row in rows:
            yield _entry(row)
        if len(rows) < PAGE:
            return
        after = rows[-1]["place"]


def secrets_below(tx: Transaction, scope_id: str, prefix: str) -> list[Secret]:
    """Return the secrets whose places are below a prefix, in the order of their places."""
    rows = tx.all(
        "SELECT * FROM secret WHERE scope_id = :scope AND place >= :first AND place < :last ORDER BY place",
        scope=scope_id,
        first=prefix,
        last=prefix + _END,
    )
    return [secret_of(row) for row in rows]


def find_path(
    tx: Transaction, tables: IndexTables, scope_id: str, prefixes: Sequence[str], leaf: str
) -> tuple[dict[str, bytes], list[Entry]]:
    """Return the pages at these prefixes, as far as they exist, and what `leaf_of` returns for the leaf below."""
    wanted = {f"prefix_{number}": prefix for number, prefix in enumerate(prefixes)}
    names = ", ".join(f":{name}" for name in wanted)
    rows = tx.all(
        f"""SELECT 1 AS is_page, prefix AS place, digests AS digest FROM {tables.pages}
            WHERE scope_id = :scope AND prefix IN ({names})
        UNION ALL SELECT 0, place, digest FROM {tables.leaves}
            WHERE scope_id = :scope AND place >= :first AND place < :last
        ORDER BY 2""",
        scope=scope_id,
        first=leaf,
        last=leaf + _END,
        **wanted,
    )
    found = [(row["is_page"], *_entry(row)) for row in rows]
    pages = {place: digest for is_page, place, digest in found if is_page}
    return pages, [(place, digest) for is_page, place, digest in found if not is_page]


def all_pages(tx: Transaction, tables: IndexTables, scope_id: str) -> Iterator[tuple[str, bytes]]:
    """Yield the pages of a scope by prefix, reading some at a time."""
    after, is_first = "", True
    while True:
        rows = tx.all(
            f"SELECT prefix, digests FROM {tables.pages} WHERE scope_id = :scope AND "
            f"prefix {'>=' if is_first else '>'} :after ORDER BY prefix LIMIT :page",
            scope=scope_id,
            after=after,
            page=PAGE,
        )
        for row in rows:
            yield stored_text(row["prefix"]), stored_bytes(row["digests"])
        if len(rows) < PAGE:
            return
        after, is_first = rows[-1]["prefix"], False


def put_pages(tx: Transaction, tables: IndexTables, scope_id: str, pages: Mapping[str, bytes]) -> None:
    """Write pages in place of those that are there."""
    for prefix, digests in pages.items():
        tx.run(
            f"INSERT INTO {tables.pages} (scope_id, prefix, digests) VALUES (:scope, :prefix, :digests) "
            "ON CONFLICT (scope_id, prefix) DO UPDATE SET digests = excluded.digests",
            scope=scope_id,
            prefix=prefix,
            digests=digests,
        )


def depths(tx: Transaction, tables: IndexTables) -> dict[str, int]:
    """Return how many levels of pages the index of each scope has, by the id of the scope."""
    return {row["id"]: row["depth"] for row in tx.all(f"SELECT id, {tables.depth} AS depth FROM scope")}


def delete_pages(tx: Transaction, tables: IndexTables, scope_id: str) -> None:
    """Delete all pages of a scope."""
    tx.run(f"DELETE FROM {tables.pages} WHERE scope_id = :scope", scope=scope_id)


def replace_child(tx: Transaction, scope_id: str, place: str, digest: bytes | None) -> None:
    """Write the entry of a child in the index of its parent; None deletes it."""
    tx.run("DELETE FROM scope_child WHERE scope_id = :scope AND place = :place", scope=scope_id, place=place)
    if digest is not None:
        tx.insert("scope_child", scope_id=scope_id, place=place, digest=digest)
