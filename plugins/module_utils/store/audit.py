# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements on audit records and on the heads of their chains. Each scope has its own chain."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..model.typed_rows import stored_bytes, stored_text, typed
from .database import Transaction

__all__ = [
    "Filters",
    "Head",
    "StoredEvent",
    "append_events",
    "events_after",
    "find_event",
    "heads_closed_by",
    "heads_of",
    "insert_head",
    "lock_head",
    "move_head",
    "newest_record",
]

_PAGE = 500


class Head(NamedTuple):
    """The end of a chain: the number and link of its last record, signed with the scope's key.

    `closed_by` is the id of the scope whose key signs it since the chain's own scope was removed; empty before.
    """

    scope_id: str
    scope: str
    sequence: int
    key_generation: int
    link: bytes
    tag: bytes
    closed_by: str = ""


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


class Filters(NamedTuple):
    """Selects records by SQL conditions on their columns, all of which must hold. `parameters` are those of the SQL."""

    conditions: Sequence[str]
    parameters: Mapping[str, Any]


_ALL = Filters((), {})


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


def _head(row: Mapping[str, Any]) -> Head:
    return typed(Head, {**dict(row), "link": _bytes(row["link"]), "tag": _bytes(row["tag"])})


def insert_head(tx: Transaction, head: Head) -> None:
    tx.insert("audit_head", **head._asdict())


def append_events(tx: Transaction, events: Sequence[StoredEvent], head: Head) -> None:
    """Insert consecutive records, and move their chain's head, which must be locked, to the last one."""
    if events:
        tx.insert_all("audit_event", [event._asdict() for event in events])
    move_head(tx, head)


def move_head(tx: Transaction, head: Head) -> None:
    """Write the head of a chain in place of the one that it has, which must be locked."""
    tx.run(
        "UPDATE audit_head SET sequence = :sequence, key_generation = :key_generation, link = :link, tag = :tag, "
        "closed_by = :closed_by WHERE scope_id = :scope_id",
        **head._asdict(),
    )


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
