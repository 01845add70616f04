# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements on audit records and on the heads of their chains. Each scope has its own chain."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..model.typed_rows import stored_bytes, stored_number, stored_text, typed
from .database import Transaction

__all__ = [
    "Filters",
    "Head",
    "Point",
    "StoredEvent",
    "Stretch",
    "all_heads",
    "append_events",
    "count_by_scope",
    "events_after",
    "find_event",
    "first_since",
    "heads_closed_by",
    "heads_of",
    "insert_head",
    "lock_head",
    "move_head",
    "newest_record",
    "remove_archived",
    "stretch_of",
]

_PAGE = 500


class Point(NamedTuple):
    """A place in a chain: the number and the link of a record."""

    sequence: int
    link: bytes


class Head(NamedTuple):
    """Both ends of a chain: the number and link of its last record, signed with the scope's key.

    `closed_by` is the id of the scope whose key signs it since the chain's own scope was removed; empty before. Up to
    `archived` the records are in archives, and no longer in the store. Up to `verified` somebody with the key has
    verified them.
    """

    scope_id: str
    scope: str
    sequence: int
    key_generation: int
    link: bytes
    tag: bytes
    closed_by: str = ""
    archived: int = 0
    archived_link: bytes = b""
    verified: int = 0
    verified_link: bytes = b""

    @property
    def last(self) -> Point:
        return Point(self.sequence, self.link)

    @property
    def begin(self) -> Point:
        """The record that the first one in the store follows."""
        return Point(self.archived, self.archived_link)


class StoredEvent(NamedTuple):
    """An audit record as stored. Its fields are signed in this order.

    `link` is a hash over this record and all before it; `mac` authenticates the same with the scope's key.
    """

    scope_id: str
    sequence: int
    scope: str
    recorded_at: str
    action: str
    outcome: str
    kind: str
    of_scope: str
    identifier: str
    thing_id: str
    version: str
    user_name: str
    host: str
    job: str
    run: str
    key_generation: int
    link: bytes = b""
    mac: bytes = b""


class Stretch(NamedTuple):
    """The records of a chain that are in the store: how many, and the numbers of the first and the last one."""

    records: int
    first: int
    last: int


class Filters(NamedTuple):
    """Selects records by SQL conditions on their columns, all of which must hold. `parameters` are those of the SQL."""

    conditions: Sequence[str]
    parameters: Mapping[str, Any]


_ALL = Filters((), {})
_HEAD_BYTES = ("link", "tag", "archived_link", "verified_link")


def lock_head(tx: Transaction, scope_id: str) -> Head | None:
    """Return the head of a scope's chain, locked until this transaction ends; None if there is none."""
    # An update that changes nothing still locks the row, on every engine.
    tx.run("UPDATE audit_head SET sequence = sequence WHERE scope_id = :id", id=scope_id)
    row = tx.one("SELECT * FROM audit_head WHERE scope_id = :id", id=scope_id)
    return _head(row) if row else None


def heads_of(tx: Transaction, scope: str) -> list[Head]:
    """Return the chain heads of all scopes that have, or had, this path."""
    rows = tx.all("SELECT * FROM audit_head WHERE scope = :scope ORDER BY scope_id", scope=scope)
    return [_head(row) for row in rows]


def heads_closed_by(tx: Transaction, scope_id: str) -> list[Head]:
    """Return the heads of removed scopes' chains that a scope's key signs."""
    rows = tx.all("SELECT * FROM audit_head WHERE closed_by = :id AND closed_by <> '' ORDER BY scope_id", id=scope_id)
    return [_head(row) for row in rows]


def all_heads(tx: Transaction) -> list[Head]:
    """Return the chain heads of all scopes that there are, or were."""
    return [_head(row) for row in tx.all("SELECT * FROM audit_head ORDER BY scope, scope_id")]


def count_by_scope(tx: Transaction) -> dict[str, tuple[int, int]]:
    """Return by path how many audit records of a scope are in the store, and in archives."""
    rows = tx.all(
        "SELECT scope, sum(sequence - archived) AS records, sum(archived) AS archived FROM audit_head GROUP BY scope"
    )
    return {row["scope"]: (int(row["records"]), int(row["archived"])) for row in rows}


def _head(row: Mapping[str, Any]) -> Head:
    return typed(Head, {**dict(row), **{name: _bytes(row[name]) for name in _HEAD_BYTES}})


def insert_head(tx: Transaction, head: Head) -> None:
    tx.insert("audit_head", **head._asdict())


def append_events(tx: Transaction, events: Sequence[StoredEvent], head: Head) -> None:
    """Insert consecutive records, and move their chain's head, which must be locked, to the last one."""
    if events:
        tx.insert_all("audit_event", [event._asdict() for event in events])
    move_head(tx, head)


def move_head(tx: Transaction, head: Head) -> None:
    """Write the head of a chain in place of the one that it has, which must be locked.

    What is archived stays as it is: the role that runs may not change that.
    """
    tx.run(
        "UPDATE audit_head SET sequence = :sequence, key_generation = :key_generation, link = :link, tag = :tag, "
        "closed_by = :closed_by, verified = :verified, verified_link = :verified_link WHERE scope_id = :scope_id",
        **head._asdict(),
    )


def remove_archived(tx: Transaction, head: Head) -> int:
    """Remove the records that a head calls archived, and write that head; return how many there were."""
    move_head(tx, head)
    tx.run(
        "UPDATE audit_head SET archived = :archived, archived_link = :link WHERE scope_id = :id",
        archived=head.archived,
        link=head.archived_link,
        id=head.scope_id,
    )
    return tx.run(
        "DELETE FROM audit_event WHERE scope_id = :id AND sequence <= :last", id=head.scope_id, last=head.archived
    )


def stretch_of(tx: Transaction, scope_id: str) -> Stretch:
    """Return which records of a chain are in the store. Their index says so; no record is read."""
    row = tx.one(
        "SELECT count(*) AS records, min(sequence) AS first, max(sequence) AS last FROM audit_event "
        "WHERE scope_id = :id",
        id=scope_id,
    )
    return typed(Stretch, row) if row and row["records"] else Stretch(0, 0, 0)


def first_since(tx: Transaction, scope_id: str, sequence: int, at: str) -> int | None:
    """Return the number of the first record after a number that is not from before a time, None if all are."""
    row = tx.one(
        "SELECT sequence FROM audit_event WHERE scope_id = :id AND sequence > :after AND recorded_at >= :at "
        "ORDER BY sequence LIMIT 1",
        id=scope_id,
        after=sequence,
        at=at,
    )
    return stored_number(row["sequence"]) if row else None


def find_event(tx: Transaction, scope_id: str, sequence: int) -> StoredEvent | None:
    """Return one record, or None."""
    row = tx.one(
        "SELECT * FROM audit_event WHERE scope_id = :id AND sequence = :sequence", id=scope_id, sequence=sequence
    )
    return _event(row) if row else None


def newest_record(tx: Transaction) -> str:
    """Return when the store was last changed or read, by its audit and its scopes; empty if nothing says so. A hint."""
    statement = """SELECT max(recorded_at) AS found FROM audit_head JOIN audit_event
        ON audit_event.scope_id = audit_head.scope_id AND audit_event.sequence = audit_head.sequence"""
    rows = (tx.one(statement), tx.one("SELECT max(updated_at) AS found FROM scope"))
    return max((stored_text(row["found"]) for row in rows if row and row["found"] is not None), default="")


def events_after(
    tx: Transaction, scope_id: str, sequence: int, filters: Filters = _ALL, limit: int = 0
) -> Iterator[StoredEvent]:
    """Yield a chain's records after a sequence number, in order: at most `limit` of them, 0 for all."""
    conditions = "".join(f" AND {condition}" for condition in filters.conditions)
    left = limit or sys.maxsize
    while left:
        page = min(left, _PAGE)
        rows = tx.all(
            f"SELECT * FROM audit_event WHERE scope_id = :chain AND sequence > :after{conditions} "
            f"ORDER BY sequence LIMIT {page}",
            chain=scope_id,
            after=sequence,
            **filters.parameters,
        )
        for row in rows:
            yield _event(row)
        if len(rows) < page:
            return
        sequence = rows[-1]["sequence"]
        left -= page


def _event(row: Mapping[str, Any]) -> StoredEvent:
    return typed(StoredEvent, {**dict(row), "link": _bytes(row["link"]), "mac": _bytes(row["mac"])})


def _bytes(value: Any) -> bytes:
    # SQLite doesn't enforce column types: a file edited by hand may hold text here.
    return value.encode() if isinstance(value, str) else stored_bytes(value)
