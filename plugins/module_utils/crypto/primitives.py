# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only door to the `cryptography` library."""

from __future__ import annotations

from ..model.errors import MissingLibrary

__all__ = ["REQUIREMENT", "AuthenticationFailed", "argon2id", "decrypt", "encrypt", "hkdf_sha512"]

REQUIREMENT = "cryptography>=44"

try:
    from cryptography.exceptions import InvalidTag as AuthenticationFailed
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA512
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError:
    raise MissingLibrary("missing_cryptography", requirement=REQUIREMENT, needed_for="to open the store") from None


def encrypt(key: bytes, nonce: bytes, data: bytes, associated: bytes) -> bytes:
    """Return AES-256-GCM ciphertext and tag (NIST SP 800-38D)."""
    return AESGCM(key).encrypt(nonce, data, associated)


def decrypt(key: bytes, nonce: bytes, data: bytes, associated: bytes) -> bytes:
    """Return the plaintext; raise AuthenticationFailed."""
    return AESGCM(key).decrypt(nonce, data, associated)


def hkdf_sha512(key: bytes, info: bytes, *, salt: bytes | None = None, length: int = 32) -> bytes:
    """Return `length` derived bytes (RFC 5869)."""
    return HKDF(algorithm=SHA512(), length=length, salt=salt, info=info).derive(key)


def argon2id(passphrase: bytes, salt: bytes, *, memory_kib: int, iterations: int, lanes: int) -> bytes:
    """Return 32 bytes derived from a passphrase (RFC 9106)."""
    try:
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
    except ImportError:
        raise MissingLibrary(
            "missing_cryptography", requirement=REQUIREMENT, needed_for="to derive a key from a passphrase"
        ) from None
    return Argon2id(salt=salt, length=32, iterations=iterations, lanes=lanes, memory_cost=memory_kib).derive(passphrase)
