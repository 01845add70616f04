# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only door to the `cryptography` library. Without it this can be imported all the same, and says so when used."""

from __future__ import annotations

from ..model.errors import MissingLibrary

__all__ = ["REQUIREMENT", "AuthenticationFailed", "argon2id", "decrypt", "encrypt", "hkdf_sha512"]

REQUIREMENT = "cryptography>=44"

try:
    from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA512
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError:
    _IS_INSTALLED = False
else:
    _IS_INSTALLED = True


class AuthenticationFailed(Exception):
    """The key, the nonce, the data or what it is bound to is not what was encrypted."""


def _need_library() -> None:
    if not _IS_INSTALLED:
        raise MissingLibrary(
            "missing_cryptography", requirement=REQUIREMENT, needed_for="by the built-in secret manager"
        )


def encrypt(key: bytes, nonce: bytes, data: bytes, associated: bytes) -> bytes:
    """Return AES-256-GCM ciphertext and tag (NIST SP 800-38D)."""
    _need_library()
    return AESGCM(key).encrypt(nonce, data, associated)


def decrypt(key: bytes, nonce: bytes, data: bytes, associated: bytes) -> bytes:
    """Return the plaintext; raise AuthenticationFailed."""
    _need_library()
    try:
        return AESGCM(key).decrypt(nonce, data, associated)
    except InvalidTag:
        raise AuthenticationFailed from None


def hkdf_sha512(key: bytes, info: bytes, *, salt: bytes | None = None, length: int = 32) -> bytes:
    """Return `length` derived bytes (RFC 5869)."""
    _need_library()
    return HKDF(algorithm=SHA512(), length=length, salt=salt, info=info).derive(key)


def argon2id(passphrase: bytes, salt: bytes, *, memory_kib: int, iterations: int, lanes: int) -> bytes:
    """Return 32 bytes derived from a passphrase (RFC 9106); raise ValueError for parameters out of its range."""
    _need_library()
    try:
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

        kdf = Argon2id(salt=salt, length=32, iterations=iterations, lanes=lanes, memory_cost=memory_kib)
    except OverflowError as error:
        raise ValueError(str(error)) from None
    except (ImportError, UnsupportedAlgorithm):
        # An older release, or one that a distribution built on an OpenSSL before 3.2.
        raise MissingLibrary(
            "missing_argon2", requirement=REQUIREMENT, needed_for="(with OpenSSL 3.2 or newer) to use a passphrase"
        ) from None
    return kdf.derive(passphrase)
