# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The signed head of a scope's audit chain: its last record, and up to where records were archived and verified.

The chain of a removed scope is closed: the key of the scope above signs its head, for the scope's own is gone.
"""

from __future__ import annotations

from collections.abc import Callable

from ...crypto.encoding import Field
from ...crypto.scopekey import ScopeKey
from ...model.entities import Scope
from ...store.audit import Head, heads_closed_by, lock_head, move_head
from ...store.database import Transaction

__all__ = ["BEFORE_FIRST", "close_chains", "closed", "first_head", "is_signed", "signed"]

BEFORE_FIRST = bytes(32)
"""The link that the first record of a chain follows."""


def first_head(scope: Scope, key: ScopeKey) -> Head:
    """Return the head of a new scope's chain, which has no records yet."""
    blank = Head(scope.id, scope.path.announced, 0, key.generation, BEFORE_FIRST, b"")
    return signed(blank._replace(archived_link=BEFORE_FIRST, verified_link=BEFORE_FIRST), key)


def signed(head: Head, key: ScopeKey) -> Head:
    """Return a head as `key` signs it."""
    new = head._replace(key_generation=key.generation)
    return new._replace(tag=key.audit_mac(*_signed_fields(new)))


def is_signed(head: Head, key: ScopeKey) -> bool:
    """Tell whether `key` signed the head."""
    return key.is_audit_mac(head.tag, *_signed_fields(head))


def closed(head: Head, by: Scope, key: ScopeKey) -> Head:
    """Return the head of a removed scope's chain, signed with the key of the scope above."""
    return signed(head._replace(closed_by=by.id), key)


def close_chains(tx: Transaction, removed: Scope, own: Callable[[int], ScopeKey], by: Scope, key: ScopeKey) -> None:
    """Close the chain of a scope that is about to be removed, and the chains that it had closed, by the scope above.

    `own` returns a generation of the removed scope's key, `key` is that of the scope above. A head that was altered
    stays as it is: nobody makes it good.
    """
    for head in filter(None, [lock_head(tx, removed.id), *heads_closed_by(tx, removed.id)]):
        if is_signed(head, own(head.key_generation)):
            move_head(tx, closed(head, by, key))


def _signed_fields(head: Head) -> list[Field]:
    label = "closed head" if head.closed_by else "head"
    return [label, head.scope_id, *head.last, *head.begin, head.verified, head.verified_link]
