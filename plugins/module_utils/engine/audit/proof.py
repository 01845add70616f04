# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies a chain of audit records: those that are new, those that are shown, or all that are in the store.

The head says up to where records were archived, and up to where somebody with the key has verified the others. It is
signed, so a proof begins there, as long as no record is missing: the index of the table tells how many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from ...crypto.scopekey import ScopeKey
from ...model.entities import Scope
from ...model.errors import Damaged
from ...store.audit import Head, Point, StoredEvent, Stretch, events_after, find_event, stretch_of
from ...store.scopes import keys_of
from ..rows.audit_head import is_signed
from ..rows.session import Session
from .chain import check_newest, signers
from .links import BAD_HEAD, REPLACED, broken, content_of, link_after

__all__ = ["ChainProof", "Proven", "Shown"]


class Shown(NamedTuple):
    """The numbers of the first and the last record that users are shown."""

    first: int
    last: int


class Proven(NamedTuple):
    """What was proved: all from the record `first` on, by reading `read` records, of which `keyless` have no key left.

    `mark` is what a later proof may begin after, None if the head already says so.
    """

    first: int
    read: int
    keyless: int
    mark: Point | None


class ChainProof:
    """Verifies one chain. A removed scope has no keys: the links are checked, and the head by who closed it.

    `chain` is the scopes down to the one that the records belong to or, if that was removed, to one above it.
    """

    def __init__(self, session: Session, chain: list[Scope], head: Head) -> None:
        self.head = head
        self._session = session
        self._chain = chain
        self._is_removed = head.scope_id != chain[-1].id
        self._states = {row.generation: row.state for row in keys_of(session.tx, head.scope_id)}
        self._keys: dict[int, ScopeKey | None] = {}
        self._read = self._keyless = 0

    def run(self, *, whole: bool = False, shown: Shown | None = None) -> Proven:
        """Verify what is new since the last time, and what is shown, or all that is in the store.

        Raises Damaged for the first bad record.
        """
        start = self.start(whole=whole)
        if shown and self.head.archived < shown.first <= start.sequence:
            self._prove_shown(shown, start)
        for _record in self.stored(start):
            pass
        return self.proven(start)

    def _prove_shown(self, shown: Shown, start: Point) -> None:
        """Verify records before `start`. Those without a key are proved by what follows them, up to there."""
        end = self._end_of(self._point(shown.first - 1), min(shown.last, start.sequence))
        if self._keyless and end.sequence < start.sequence:
            end = self._end_of(end, start.sequence)
        if end.sequence == start.sequence and end.link != start.link:
            raise self._bad(end.sequence, "was altered, replaced or added")

    def _end_of(self, before: Point, last: int) -> Point:
        """Verify the records that follow one, up to `last`, and return that."""
        end = before
        for record in self.stored(before, last):
            end = Point(record.sequence, record.link)
        return end

    def start(self, *, whole: bool = False) -> Point:
        """Return the record after which the proof begins."""
        head = self.head
        if whole or not self._is_trusted or not self._is_complete or head.verified <= head.archived:
            return head.begin
        known = find_event(self._session.tx, head.scope_id, head.verified)
        is_known = known is not None and known.link == head.verified_link
        return Point(head.verified, head.verified_link) if is_known else head.begin

    def stored(self, before: Point, last: int = 0) -> Iterator[StoredEvent]:
        """Verify and yield the records in the store that follow one, in order: up to `last`, or to the head."""
        limit = last - before.sequence if last else 0
        records = events_after(self._session.tx, self.head.scope_id, before.sequence, limit=limit)
        point = before
        for record in self.consecutive(before, records):
            point = Point(record.sequence, record.link)
            yield record
        if not last:
            self._check_end(point)

    def consecutive(self, before: Point, records: Iterable[StoredEvent]) -> Iterator[StoredEvent]:
        """Verify and yield records, from wherever they are, that follow one; raise Damaged for the first bad one."""
        sequence, link = before
        for record in records:
            sequence += 1
            if (record.scope_id, record.sequence) != (self.head.scope_id, sequence):
                raise self._bad(sequence, "is missing")
            key = self._key(record.key_generation, sequence)
            content = content_of(record)
            follows = link_after(link, content)
            has_mac = key is None or key.is_audit_mac(record.mac, "event", link, content)
            if not has_mac or record.link != follows:
                raise self._bad(sequence, "was altered, replaced or added")
            self._read += 1
            self._keyless += key is None
            link = follows
            yield record

    def proven(self, start: Point) -> Proven:
        """Return what was proved once all records after `start` have been read."""
        is_new = self._is_trusted and self.head.last.sequence > max(self.head.verified, self.head.archived)
        return Proven(start.sequence + 1, self._read, self._keyless, self.head.last if is_new else None)

    def _point(self, sequence: int) -> Point:
        """Return a record that may be the last archived one; raise Damaged if it is missing."""
        if sequence == self.head.archived:
            return self.head.begin
        record = find_event(self._session.tx, self.head.scope_id, sequence)
        if record is None:
            raise self._bad(sequence, "is missing")
        return Point(sequence, record.link)

    def _check_end(self, point: Point) -> None:
        """Check the last record against the head, and the head."""
        head = self.head
        if not self._is_sound:
            raise broken(head, point.sequence, BAD_HEAD)
        if point.sequence < head.sequence:
            raise self._bad(point.sequence + 1, "and all after it are missing")
        if point.link != head.link:
            raise self._bad(point.sequence, "was altered, replaced or added")
        if not self._is_complete:
            raise self._bad(self._stretch.first, "was archived, and is in the store again")
        if not self._is_removed:
            self._check_known(self._chain[-1])

    def _check_known(self, scope: Scope) -> None:
        """Check the chain against the scope's row, which knows the record that was the newest at its last change."""
        check_newest(self._session, scope, self.head)
        # What is archived, the head vouches for.
        if scope.audit_sequence >= self.head.archived and self._point(scope.audit_sequence).link != scope.audit_link:
            raise broken(self.head, scope.audit_sequence, REPLACED)

    @cached_property
    def _stretch(self) -> Stretch:
        return stretch_of(self._session.tx, self.head.scope_id)

    @property
    def _is_complete(self) -> bool:
        """Tell whether those records are in the store that the head says, no matter what they hold."""
        first, last = self.head.archived + 1, self.head.sequence
        return self._stretch == (Stretch(last - first + 1, first, last) if last >= first else Stretch(0, 0, 0))

    @cached_property
    def _is_trusted(self) -> bool:
        """Tell whether our key proves the head: what it says may be relied on."""
        above = signers(self._chain, self.head)
        if not above or not self._session.opens(above[-1].path):
            return False
        key = self._signing_key(above)
        return key is not None and is_signed(self.head, key)

    def _signing_key(self, above: list[Scope]) -> ScopeKey | None:
        generation = self.head.key_generation
        return self._session.key(above, generation) if self._is_removed else self._key(generation, self.head.sequence)

    @property
    def _is_sound(self) -> bool:
        """Tell whether the head is signed, as far as our key opens the scope whose key signs it."""
        above = signers(self._chain, self.head)
        return self._is_trusted or bool(above and not self._session.opens(above[-1].path))

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
        return broken(self.head, sequence, f"Record {sequence} {how}.")
