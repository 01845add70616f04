# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What joins the audit records of a chain: their content, their links, and the error for one that does not fit."""

from __future__ import annotations

import hashlib

from ...crypto.encoding import encode_fields
from ...model.entities import Scope
from ...model.errors import Damaged
from ...model.scopes import ScopePath
from ...store.audit import Head, StoredEvent

__all__ = ["BAD_HEAD", "REPLACED", "broken", "broken_head", "content_of", "link_after", "path_of_head"]

BAD_HEAD = "The head of its chain was altered: records may be missing at the end."
REPLACED = "Its newest records are not those that the scope's row knows of."
_SIGNED = StoredEvent._fields.index("link")


def content_of(record: StoredEvent) -> bytes:
    """Return what the link and the MAC of a record cover, besides the link before it."""
    return encode_fields(*record[:_SIGNED])


def link_after(before: bytes, content: bytes) -> bytes:
    """Return the link of the record with this content that follows the link `before`."""
    return hashlib.sha256(encode_fields(before, content)).digest()


def path_of_head(head: Head) -> ScopePath:
    """Return the path of the scope that a chain belongs to, or did before that was removed."""
    return ScopePath(*head.scope.split("/")[1:])


def broken_head(scope: Scope) -> Damaged:
    """Return the error for a scope whose chain has no head."""
    missing = Head(scope.id, scope.path.announced, 0, 0, b"", b"")
    return broken(missing, 0, "The head of its chain is missing.")


def broken(head: Head, sequence: int, what: str) -> Damaged:
    """Return the error for a chain with a bad record; `sequence` is its number."""
    return Damaged(
        "audit_broken",
        f"The audit of {path_of_head(head)} was changed outside of scoped.secrets. {what}",
        hint="Find out who can write to the database, and compare the records with a backup or another sink.",
        details={"chain": head.scope_id, "sequence": sequence},
    )
