# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What shows that somebody without a key wrote to the database: tags, digests, and the errors they lead to.

The tag of a row is the key generation (4 bytes) and what that key made of its canonical form: for a scope or a share a
signature (Ed25519), so that a reader without that key can prove them too, for others an HMAC. The row of a scope
commits to everything that belongs to the scope: to its connectors, to the shares it was given and to its keys by a
digest over all of them, to its secrets and to the scopes below by an index each, and to its audit up to the row's last
change.
What is committed to has a digest and needs no tag of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

from ...crypto.encoding import encode_fields
from ...crypto.primitives import is_ed25519
from ...crypto.scopekey import ScopeKey
from ...model.entities import Intent, Scope, Share
from ...model.errors import Damaged
from ...model.scopes import ScopePath
from ...store.scopes import WrappedKey
from .canonical import canonical

__all__ = [
    "changed_outside",
    "check_signature",
    "check_tag",
    "digest_of_keys",
    "digest_of_set",
    "history_of",
    "identity_of",
    "next_history",
    "not_as_written",
    "sign",
    "signed_generation",
    "tag_scope",
    "tag_share",
]


def sign(key: ScopeKey, row: Intent) -> bytes:
    """Return the tag of a row: the key's generation and an HMAC over the canonical form."""
    return key.generation.to_bytes(4, "big") + key.row_tag(canonical(row))


def signed_generation(tag: bytes) -> int:
    """Return the key generation that made a tag."""
    return int.from_bytes(tag[:4], "big")


def check_tag(key: ScopeKey, row: Intent, what: str) -> None:
    """Raise Damaged unless this generation of a key signed the row. `what` names it in the error."""
    if not key.is_row_tag(row.tag[4:], canonical(row)) or signed_generation(row.tag) != key.generation:
        raise changed_outside(what)


def tag_scope(scope: Scope, key: ScopeKey) -> Scope:
    return scope._replace(tag=_signature(key, scope))


def tag_share(share: Share, key: ScopeKey) -> Share:
    return share._replace(tag=_signature(key, share))


def _signature(key: ScopeKey, row: Scope | Share) -> bytes:
    return key.generation.to_bytes(4, "big") + key.sign(canonical(row))


def check_signature(public_key: bytes, row: Scope | Share, what: str) -> None:
    """Raise Damaged unless a key with this public half signed the row. `what` names it in the error."""
    if not is_ed25519(public_key, row.tag[4:], canonical(row)):
        raise changed_outside(what)


def digest_of_set(rows: Mapping[str, bytes]) -> bytes:
    """Return the digest over rows: their ids, each with the row's digest or tag. Empty for none."""
    fields = [part for row in sorted(rows.items()) for part in row]
    return hashlib.sha256(encode_fields(*fields)).digest() if fields else b""


def digest_of_keys(keys: Iterable[WrappedKey]) -> bytes:
    """Return the digest over the generations of a scope's key, the newest and active one first."""
    fields: list[Any] = []
    for key in keys:
        mark = ["handed out"] if key.is_handed_out else []
        fields += [key.generation, key.state, key.key_id, key.public_key, *mark]
    return hashlib.sha256(encode_fields(*fields)).digest()


def identity_of(scope: Scope, keys: Iterable[WrappedKey]) -> bytes:
    """Return the digest of what a scope's parent commits to: who signs for the scope, and if the key was handed out."""
    known = list(keys)
    active = [key.public_key for key in known if key.state == "active"]
    is_handed_out = any(key.is_handed_out for key in known)
    return hashlib.sha256(encode_fields("scope", scope.id, *active, int(is_handed_out))).digest()


def next_history(history: bytes, version: bytes) -> bytes:
    """Return the history of a secret whose version with this digest has become an older one."""
    return hashlib.sha256(encode_fields(history, version)).digest()


def history_of(versions: Iterable[bytes]) -> bytes:
    """Return the history of older versions with these digests, the oldest first."""
    return reduce(next_history, versions, b"")


def changed_outside(what: str) -> Damaged:
    """Return the error for a row that does not match what proves it."""
    return Damaged(
        "damaged_row",
        f"{what} was changed outside scoped.secrets, or put back to an older state.",
        hint="Restore the newest backup, and find out who can write to the database.",
    )


def not_as_written(path: ScopePath, what: str, row: str = "") -> Damaged:
    """Return the error for rows of a scope that differ from what its signed row commits to. `what`: in the plural.

    `row` is the identifier of the one that it was found at, if there is one.
    """
    found = f" Found at '{row}'." if row else ""
    return Damaged(
        "rolled_back",
        f"The {what} of {path} are not those that scoped.secrets wrote last: some were changed, removed, added or put "
        f"back to an older state outside of it.{found}",
        hint="Restore the newest backup, and find out who can write to the database.",
    )
