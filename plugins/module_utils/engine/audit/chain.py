# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit records of a scope form a chain, which shows if one was edited, dropped, swapped, added or cut off.

Each record has a link, a hash of itself and all before it, and a MAC of itself and the link before it. The head of the
chain has the number and link of the last record and is signed; it is created with the scope. Records keep the
generation of the scope's key that they were made with. If that is destroyed, the links still protect them.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...model.audit import Caller, Event
from ...model.entities import Scope
from ...model.errors import Conflict, NotFound
from ...model.scopes import ACCOUNT, ScopePath
from ...store.audit import (
    Head,
    Point,
    StoredEvent,
    append_events,
    find_event,
    heads_closed_by,
    lock_head,
    move_head,
    remove_archived,
)
from ..rows.audit_head import closed, is_signed, signed
from ..rows.session import Session
from .links import BAD_HEAD, REPLACED, broken, broken_head, content_of, link_after, path_of_head

__all__ = ["append", "check_newest", "mark_verified", "move_begin", "nearest", "resign_head", "signers"]


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
        content = content_of(record)
        mac, link = key.audit_mac("event", link, content), link_after(link, content)
        records.append(record._replace(link=link, mac=mac))
    append_events(session.tx, records, signed(head._replace(sequence=sequence, link=link), key))
    session.sight.see_audit(scope, sequence)
    session.audited[scope.path] = sequence, link
    return records


def resign_head(session: Session, chain: list[Scope]) -> None:
    """Sign the head of a scope's chain, and of those that it closed, with the active generation of its key."""
    head = _locked_head(session, chain)
    key = session.keyring.active(session.tx, chain)
    move_head(session.tx, signed(head, key))
    for other in heads_closed_by(session.tx, chain[-1].id):
        if is_signed(other, session.key(chain, other.key_generation)):
            move_head(session.tx, closed(other, chain[-1], key))


def mark_verified(session: Session, chain: list[Scope], scope_id: str, at: Point) -> None:
    """Remember in a chain's head that somebody with the key has verified its records up to one.

    `chain` is as for `signers`. Others may have verified or archived more meanwhile.
    """
    head = _lockable(session, chain, scope_id)
    if max(head.verified, head.archived) < at.sequence <= head.sequence:
        new = head._replace(verified=at.sequence, verified_link=at.link)
        move_head(session.tx, _signed_again(session, chain, new))


def move_begin(session: Session, chain: list[Scope], before: Head, at: Point) -> None:
    """Remove a chain's records up to one, which were archived, and sign a head that says so.

    `before` is the head as it was when they were verified. Raises Damaged, or Conflict if others archived meanwhile.
    """
    head = _lockable(session, chain, before.scope_id)
    if head.begin != before.begin:
        raise Conflict(
            "archived_meanwhile",
            f"Another run archived records of {path_of_head(head)} meanwhile.",
            hint="Run it again. The file that this run wrote has records that the other one archived too: remove it.",
        )
    newest = find_event(session.tx, head.scope_id, at.sequence)
    verified = max(Point(head.verified, head.verified_link), at)
    marked = head._replace(
        archived=at.sequence,
        archived_link=at.link,
        verified=verified.sequence,
        verified_link=verified.link,
    )
    removed = remove_archived(session.tx, _signed_again(session, chain, marked))
    if newest is None or newest.link != at.link or removed != at.sequence - before.archived:
        raise broken(head, at.sequence, "Its records are not those that were archived.")
    if head.scope_id == chain[-1].id:
        # So that the row of the scope knows of a record that is not archived, whatever records are made of this.
        session.audited[chain[-1].path] = head.last


def signers(chain: list[Scope], head: Head) -> list[Scope]:
    """Return the scopes down to the one whose key signs a head, none if that is nobody's.

    `chain` is the scopes down to the one that the head belongs to or, if that was removed, to one above it.
    """
    if head.scope_id == chain[-1].id:
        return [] if head.closed_by else chain
    return next((chain[: depth + 1] for depth, scope in enumerate(chain) if scope.id == head.closed_by), [])


def _lockable(session: Session, chain: list[Scope], scope_id: str) -> Head:
    """Lock, verify and return a head that may be that of a removed scope; raise Damaged."""
    if scope_id == chain[-1].id:
        return _locked_head(session, chain)
    head = lock_head(session.tx, scope_id)
    if head is None:
        raise broken_head(chain[-1])
    above = signers(chain, head)
    if not above or not is_signed(head, session.key(above, head.key_generation)):
        raise broken(head, head.sequence, BAD_HEAD)
    return head


def _signed_again(session: Session, chain: list[Scope], head: Head) -> Head:
    return signed(head, session.keyring.active(session.tx, signers(chain, head)))


def _locked_head(session: Session, chain: list[Scope]) -> Head:
    """Lock, verify and return the head of a chain, so that it can be moved; raise Damaged."""
    head = lock_head(session.tx, chain[-1].id)
    if head is None:
        raise broken_head(chain[-1])
    if not is_signed(head, session.key(chain, head.key_generation)):
        raise broken(head, head.sequence, BAD_HEAD)
    check_newest(session, chain[-1], head)
    return head


def check_newest(session: Session, scope: Scope, head: Head) -> None:
    """Raise Damaged if records are gone that the scope's row, or this machine, knows of."""
    session.sight.see_audit(scope, head.sequence)
    if head.sequence == scope.audit_sequence and head.link != scope.audit_link:
        raise broken(head, head.sequence, REPLACED)


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
