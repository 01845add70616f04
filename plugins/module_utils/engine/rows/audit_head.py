# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The signed head of a scope's audit chain: the number and the link of its last record."""

from __future__ import annotations

from ...crypto.scopekey import ScopeKey
from ...model.entities import Scope
from ...store.audit import Head

__all__ = ["BEFORE_FIRST", "first_head", "is_signed", "signed_head"]

BEFORE_FIRST = bytes(32)
"""The link that the first record of a chain follows."""


def first_head(scope: Scope, key: ScopeKey) -> Head:
    """Return the head of a new scope's chain, which has no records yet."""
    return signed_head(scope, key, 0, BEFORE_FIRST)


def signed_head(scope: Scope, key: ScopeKey, sequence: int, link: bytes) -> Head:
    """Return the head of a chain whose last record has this number and link."""
    tag = key.audit_mac("head", scope.id, sequence, link)
    return Head(scope.id, scope.path.announced, sequence, key.generation, link, tag)


def is_signed(head: Head, key: ScopeKey) -> bool:
    """Tell whether `key` signed the head."""
    return key.is_audit_mac(head.tag, "head", head.scope_id, head.sequence, head.link)
