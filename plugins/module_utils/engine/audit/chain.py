# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit records of a scope form a chain, which shows if one was edited, dropped, swapped, added or cut off.

Each record has a link, a hash of itself and all before it, and a MAC of itself and the link before it. The head of the
chain has the number and link of the last record and is signed; it is created with the scope. Records keep the
generation of the scope's key that they were made with. If that is destroyed, the links still protect them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ...crypto.encoding import encode_fields
from ...crypto.scopekey import ScopeKey
from ...model.audit import Caller, Event
from ...model.entities import Scope
from ...model.errors import Damaged, NotFound
from ...model.scopes import ACCOUNT, ScopePath
from ...store.audit import (
    Head,
    StoredEvent,
    append_events,
    events_after,
    find_event,
    heads_closed_by,
    lock_head,
    move_head,
)
from ...store.scopes import keys_of
from ..rows.audit_head import BEFORE_FIRST, closed, is_signed, signed_head
from ..rows.session import Session

__all__ = ["append", "broken_head", "nearest", "resign_head", "verify"]

_BAD_HEAD = "The head of its chain was altered: records may be missing at the end."
_REPLACED = "Its newest records are not those that the scope's row knows of."
_SIGNED = StoredEvent._fields.index("link")


def append(session: Session, path: ScopePath, events: Sequence[Event], caller: Caller) -> list[StoredEvent]:
    """Append events to the chain of a scope, or of the nearest existing scope above it; return the records.

    Events of a locked scope go to the scope whose key is held. Raises Damaged if the head is missing or was altered.
    """
    held = session.keyring.held
    chain = nearest(session, held.path if held and not held.opens(path) else path)
    scope, key = chain[-1], session.keyring.active(session.tx, chain)
    head = _locked_head(session, chain)
    sequence, link = head.sequence, head.link
    records = []
    for event in events:
        sequence += 1
        record = _record(scope, sequence, event, caller, key.generation)
        content = _content(record)
        mac, link = key.audit_mac("event", link, content), _link(link, content)
        records.append(record._replace(link=link, mac=mac))
    append_events(session.tx, records, signed_head(scope, key, sequence, link))
    session.sight.see_audit(scope, sequence)
    session.audited[scope.path] = sequence, link
    return records


def resign_head(session: Session, chain: list[Scope]) -> None:
    """Sign the head of a scope's chain, and of those that it closed, with the active generation of its key."""
    head = _locked_head(session, chain)
    key = session.keyring.active(session.tx, chain)
    move_head(session.tx, signed_head(chain[-1], key, head.sequence, head.link))
    for other in heads_closed_by(session.tx, chain[-1].id):
        if is_signed(other, session.key(chain, other.key_generation)):
            move_head(session.tx, closed(other, chain[-1], key))


def _locked_head(session: Session, chain: list[Scope]) -> Head:
    """Lock, verify and return the head of a chain, so that it can be moved; raise Damaged."""
    head = lock_head(session.tx, chain[-1].id)
    if head is None:
        raise broken_head(chain[-1])
    if not is_signed(head, session.key(chain, head.key_generation)):
        raise _broken(head, head.sequence, _BAD_HEAD)
    _check_newest(session, chain[-1], head)
    return head


def _check_newest(session: Session, scope: Scope, head: Head) -> None:
    """Raise Damaged if records are gone that the scope's row, or this machine, knows of."""
    session.sight.see_audit(scope, head.sequence)
    if head.sequence == scope.audit_sequence and head.link != scope.audit_link:
        raise _broken(head, head.sequence, _REPLACED)


def _content(record: StoredEvent) -> bytes:
    return encode_fields(*record[:_SIGNED])


def _link(before: bytes, content: bytes) -> bytes:
    return hashlib.sha256(encode_fields(before, content)).digest()


def nearest(session: Session, path: ScopePath) -> list[Scope]:
    """Return the scopes down to `path`, or to the nearest one above it that exists."""
    try:
        return session.chain(path)
    except NotFound:
        return nearest(session, path.parent or ACCOUNT)


def _record(scope: Scope, sequence: int, event: Event, caller: Caller, generation: int) -> StoredEvent:
    subject = event.subject
    return StoredEvent(
        scope_id=scope.id,
        sequence=sequence,
        scope=scope.path.announced,
        recorded_at=event.at,
        action=event.action,
        outcome=event.outcome,
        kind=subject.kind,
        of_scope=subject.scope,
        identifier=subject.identifier,
        thing_id=subject.id,
        version=subject.version,
        user_name=caller.user,
        host=caller.host,
        job=caller.job,
        run=caller.run,
        key_generation=generation,
    )


def verify(session: Session, chain: list[Scope], head: Head, *, after: int = 0) -> int:
    """Verify a chain and return how many of its records have no key any more; raise Damaged for the first bad one.

    `chain` is the scopes down to the one that the records belong to or, if that was removed, to one above it. `after`
    is the number of a record to trust: those after it are verified.
    """
    return _ChainProof(session, chain, head).run(after)


class _ChainProof:
    """Verifies one chain. A removed scope has no keys: the links are checked, and the head by who closed it."""

    def __init__(self, session: Session, chain: list[Scope], head: Head) -> None:
        self._session = session
        self._chain = chain
        self._head = head
        self._is_removed = head.scope_id != chain[-1].id
        self._states = {row.generation: row.state for row in keys_of(session.tx, head.scope_id)}
        self._keys: dict[int, ScopeKey | None] = {}

    def run(self, after: int) -> int:
        sequence, destroyed, before = after, 0, self._link_of(after)
        for record in events_after(self._session.tx, self._head.scope_id, after):
            sequence += 1
            if record.sequence != sequence:
                raise self._bad(sequence, "is missing")
            key = self._key(record.key_generation, sequence)
            content = _content(record)
            link = _link(before, content)
            has_mac = key is None or key.is_audit_mac(record.mac, "event", before, content)
            if not has_mac or record.link != link:
                raise self._bad(sequence, "was altered, replaced or added")
            destroyed += key is None
            before = link
        self._check_head(sequence, before)
        return destroyed

    def _link_of(self, sequence: int) -> bytes:
        if not sequence:
            return BEFORE_FIRST
        record = find_event(self._session.tx, self._head.scope_id, sequence)
        if record is None:
            raise self._bad(sequence, "is missing")
        return record.link

    def _check_head(self, sequence: int, link: bytes) -> None:
        head = self._head
        if not (self._is_closed() if self._is_removed else self._is_signed()):
            raise _broken(head, sequence, _BAD_HEAD)
        if sequence < head.sequence:
            raise self._bad(sequence + 1, "and all after it are missing")
        if link != head.link:
            raise self._bad(sequence, "was altered, replaced or added")
        if not self._is_removed:
            self._check_known(self._chain[-1])

    def _is_signed(self) -> bool:
        key = self._key(self._head.key_generation, self._head.sequence)
        return not self._head.closed_by and key is not None and is_signed(self._head, key)

    def _is_closed(self) -> bool:
        """Tell whether one of the scopes above closed the chain, as far as our key opens it."""
        for depth, scope in enumerate(self._chain):
            if scope.id == self._head.closed_by:
                above = self._chain[: depth + 1]
                return not self._session.opens(scope.path) or is_signed(
                    self._head, self._session.key(above, self._head.key_generation)
                )
        return False

    def _check_known(self, scope: Scope) -> None:
        """Check the chain against the scope's row, which knows the record that was the newest at its last change."""
        _check_newest(self._session, scope, self._head)
        if self._link_of(scope.audit_sequence) != scope.audit_link:
            raise _broken(self._head, scope.audit_sequence, _REPLACED)

    def _key(self, generation: int, sequence: int) -> ScopeKey | None:
        """Return the key of a generation, None if it was destroyed; raise Damaged if it never existed."""
        if generation not in self._keys:
            state = "destroyed" if self._is_removed else self._states.get(generation)
            if state is None:
                raise self._bad(sequence, "names a key that never existed")
            is_there = state != "destroyed"
            self._keys[generation] = self._session.key(self._chain, generation) if is_there else None
        return self._keys[generation]

    def _bad(self, sequence: int, how: str) -> Damaged:
        return _broken(self._head, sequence, f"Record {sequence} {how}.")


def broken_head(scope: Scope) -> Damaged:
    """Return the error for a scope whose chain has no head."""
    missing = Head(scope.id, scope.path.announced, 0, 0, b"", b"")
    return _broken(missing, 0, "The head of its chain is missing.")


def _broken(head: Head, sequence: int, what: str) -> Damaged:
    path = ScopePath(*head.scope.split("/")[1:])
    return Damaged(
        "audit_broken",
        f"The audit of {path} was changed outside of scoped.secrets. {what}",
        hint="Find out who can write to the database, and compare the records with a backup or another sink.",
        details={"chain": head.scope_id, "sequence": sequence},
    )
