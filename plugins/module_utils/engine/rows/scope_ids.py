# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ids of scopes. Half of an id is random, and half follows from that and the id of the scope above.

Envelopes, shares, fingerprints and marks at managers name a scope by its id. Whoever holds the key of an organization
signs the ids of its projects, and must not be able to choose that of another organization's project.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import uuid

__all__ = ["fits_below", "new_scope_id"]

_HALF = 8


def new_scope_id(parent_id: str) -> str:
    """Return a new id for a scope below this one; `parent_id` is empty for the account."""
    chosen = os.urandom(_HALF)
    return str(uuid.UUID(bytes=chosen + _rest(chosen, parent_id)))


def fits_below(scope_id: str, parent_id: str) -> bool:
    """Return whether a scope below this one can have that id. One of another scope's fits by a chance of 1 in 2^64."""
    try:
        content = uuid.UUID(scope_id).bytes
    except ValueError:
        return False
    return hmac.compare_digest(content[_HALF:], _rest(content[:_HALF], parent_id))


def _rest(chosen: bytes, parent_id: str) -> bytes:
    return hashlib.sha256(b"scope below " + parent_id.encode() + b"\0" + chosen).digest()[:_HALF]
