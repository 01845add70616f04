# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scope's key, and the subkeys derived from it."""

from __future__ import annotations

import hmac
import os
from functools import cached_property

from ..model.errors import Damaged
from .encoding import Field, encode_fields
from .envelope import damaged_value
from .primitives import AuthenticationFailed, decrypt, ed25519_public, ed25519_sign, encrypt, hkdf_sha512

__all__ = ["MAX_WRAPS", "FingerprintKey", "ScopeKey", "damaged_key", "unwrap_key", "wrap_key"]

# Retires a generation well before 2^32 encryptions under one key with random 96-bit nonces (NIST SP 800-38D, 8.3).
MAX_WRAPS = 2**28

_NONCE = 12


def wrap_key(key: bytes, secret: bytes, associated: bytes) -> bytes:
    """Return a random nonce followed by `secret`, encrypted under `key`."""
    nonce = os.urandom(_NONCE)
    return nonce + encrypt(key, nonce, secret, associated)


def unwrap_key(key: bytes, wrapped: bytes, associated: bytes) -> bytes:
    """Return the 32 bytes that `wrap_key` wrapped; raise AuthenticationFailed."""
    if len(wrapped) != _NONCE + 32 + 16:
        raise AuthenticationFailed
    return decrypt(key, wrapped[:_NONCE], wrapped[_NONCE:], associated)


class FingerprintKey:
    """Fingerprints values. It outlives the scope key it is derived from, so that old fingerprints stay comparable."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def fingerprint(self, secret_id: str, kind: str, value: bytes) -> bytes:
        """Return 32 bytes that show whether a value changed, and reveal nothing without the key."""
        return hmac.digest(self._key, encode_fields(secret_id, kind, value), "sha256")

    def export(self) -> bytes:
        """Return the raw key, for a scope key to wrap."""
        return self._key


class ScopeKey:
    """One generation of a scope's key: 256 random bits. Each use has its own subkey (HKDF with separate labels).

    What reading needs is derived from one subkey, which neither signs nor opens the keys of scopes below.
    """

    def __init__(self, scope_id: str, generation: int, key: bytes) -> None:
        self.scope_id = scope_id
        self.generation = generation
        self._key = key

    @classmethod
    def generate(cls, scope_id: str, generation: int) -> ScopeKey:
        return cls(scope_id, generation, os.urandom(32))

    def __repr__(self) -> str:
        return f"ScopeKey(scope_id={self.scope_id!r}, generation={self.generation})"

    def _derive(self, label: str) -> bytes:
        return self._derived(self._key, label)

    def _derive_for_reading(self, label: str) -> bytes:
        return self._derived(self._reading_key, label)

    def _derived(self, key: bytes, label: str) -> bytes:
        return hkdf_sha512(key, encode_fields("scoped.secrets scope key", label, self.scope_id, self.generation))

    @cached_property
    def _reading_key(self) -> bytes:
        return self._derive("read")

    @cached_property
    def _data_wrap_key(self) -> bytes:
        return self._derive_for_reading("wrap data keys")

    @cached_property
    def _child_wrap_key(self) -> bytes:
        return self._derive("wrap scope keys")

    @cached_property
    def key_id(self) -> str:
        """A short public identifier, which reveals nothing about the key."""
        return self._derive_for_reading("id")[:8].hex()

    @cached_property
    def fingerprint_key(self) -> FingerprintKey:
        return FingerprintKey(self._derive_for_reading("fingerprints"))

    @cached_property
    def _fingerprint_wrap_key(self) -> bytes:
        return self._derive_for_reading("wrap fingerprint keys")

    @cached_property
    def _row_tag_key(self) -> bytes:
        return self._derive("row tags")

    @cached_property
    def _audit_key(self) -> bytes:
        return self._derive_for_reading("audit")

    @cached_property
    def _signing_seed(self) -> bytes:
        return self._derive("sign")

    @cached_property
    def public_key(self) -> bytes:
        """The 32-byte public half of the key's Ed25519 signing key, which proves what `sign` signed."""
        return ed25519_public(self._signing_seed)

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        """Return a data key, wrapped and bound to `context`."""
        return wrap_key(self._data_wrap_key, data_key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return a data key; raise the Damaged of any damaged value."""
        try:
            return unwrap_key(self._data_wrap_key, wrapped, context)
        except AuthenticationFailed:
            raise damaged_value() from None

    def wrap_child(self, child: ScopeKey, context: bytes) -> bytes:
        """Return a child scope's key, wrapped and bound to `context`."""
        return wrap_key(self._child_wrap_key, child._key, context)

    def unwrap_child(self, wrapped: bytes, *, scope_id: str, generation: int, context: bytes) -> ScopeKey:
        """Return a child scope's key; raise Damaged."""
        try:
            return ScopeKey(scope_id, generation, unwrap_key(self._child_wrap_key, wrapped, context))
        except AuthenticationFailed:
            raise damaged_key() from None

    def wrap_fingerprint_key(self, key: FingerprintKey, context: bytes) -> bytes:
        """Return a destroyed generation's fingerprint key, wrapped and bound to `context`."""
        return wrap_key(self._fingerprint_wrap_key, key.export(), context)

    def unwrap_fingerprint_key(self, wrapped: bytes, context: bytes) -> FingerprintKey:
        """Return a destroyed generation's fingerprint key; raise Damaged."""
        try:
            return FingerprintKey(unwrap_key(self._fingerprint_wrap_key, wrapped, context))
        except AuthenticationFailed:
            raise damaged_key() from None

    def export(self) -> bytes:
        """Return the raw key, for the root key to wrap or for its text form."""
        return self._key

    def fingerprint(self, secret_id: str, kind: str, value: bytes) -> bytes:
        """Return a value's fingerprint, made with this generation's fingerprint key."""
        return self.fingerprint_key.fingerprint(secret_id, kind, value)

    def sign(self, data: bytes) -> bytes:
        """Return a 64-byte signature (Ed25519)."""
        return ed25519_sign(self._signing_seed, data)

    def row_tag(self, *fields: Field) -> bytes:
        """Return a row's 32-byte authentication tag (HMAC-SHA-256)."""
        return hmac.digest(self._row_tag_key, encode_fields(*fields), "sha256")

    def audit_mac(self, *fields: Field) -> bytes:
        """Return the 32-byte MAC (HMAC-SHA-256) of an audit record or a chain's head."""
        return hmac.digest(self._audit_key, encode_fields(*fields), "sha256")

    def is_audit_mac(self, mac: bytes, *fields: Field) -> bool:
        """Return whether `mac` is the `audit_mac` of these fields."""
        return hmac.compare_digest(mac, self.audit_mac(*fields))

    def is_row_tag(self, tag: bytes, *fields: Field) -> bool:
        """Return whether `tag` is the `row_tag` of these fields."""
        return hmac.compare_digest(tag, self.row_tag(*fields))


def damaged_key() -> Damaged:
    """Return the error for a key row that does not open."""
    return Damaged(
        "damaged_scope_key",
        "A scope's key is damaged: its row was altered or moved.",
        hint="Restore the newest backup.",
    )
