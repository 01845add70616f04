# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cryptographic primitives. Imports without `cryptography`; every use then raises MissingLibrary."""

from __future__ import annotations

from ..model.errors import MissingLibrary

__all__ = [
    "REQUIREMENT",
    "AuthenticationFailed",
    "argon2id",
    "decrypt",
    "ed25519_public",
    "ed25519_sign",
    "encrypt",
    "hkdf_sha512",
    "is_ed25519",
]

REQUIREMENT = "cryptography>=44"

try:
    from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA512
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError:
    _IS_INSTALLED = False
else:
    _IS_INSTALLED = True


class AuthenticationFailed(Exception):
    """Decryption failed: the key, nonce, ciphertext or associated data is wrong."""


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


def ed25519_public(seed: bytes) -> bytes:
    """Return the 32-byte public key of the private key that is this seed (RFC 8032)."""
    _need_library()
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def ed25519_sign(seed: bytes, data: bytes) -> bytes:
    """Return a signature of 64 bytes (RFC 8032)."""
    _need_library()
    return Ed25519PrivateKey.from_private_bytes(seed).sign(data)


def is_ed25519(public_key: bytes, signature: bytes, data: bytes) -> bool:
    """Return whether a signature was made over `data` with the private half of a public key."""
    _need_library()
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def argon2id(passphrase: bytes, salt: bytes, *, memory_kib: int, iterations: int, lanes: int) -> bytes:
    """Return 32 bytes derived from a passphrase (RFC 9106); raise ValueError for parameters out of range."""
    _need_library()
    try:
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

        kdf = Argon2id(salt=salt, length=32, iterations=iterations, lanes=lanes, memory_cost=memory_kib)
    except OverflowError as error:
        raise ValueError(str(error)) from None
    except (ImportError, UnsupportedAlgorithm):
        # Either `cryptography` is too old, or a distribution built it with OpenSSL before 3.2.
        raise MissingLibrary(
            "missing_argon2",
            "The installed 'cryptography' library lacks Argon2id, which keys from a passphrase need.",
            hint=f"Install one with OpenSSL 3.2 or newer where ansible-playbook runs: pip install '{REQUIREMENT}'",
        ) from None
    return kdf.derive(passphrase)
