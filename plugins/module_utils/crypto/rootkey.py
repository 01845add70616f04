# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The root key: where it comes from, and what is refused as one. It wraps the account's key and nothing else."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os

from ..model.errors import Damaged, KeyRefused
from .encoding import encode_fields
from .outside_keys import KEY_BYTES, KeyFile, read_guarded, weakness
from .primitives import AuthenticationFailed, argon2id, hkdf_sha512
from .scopekey import ScopeKey, unwrap_key, wrap_key

__all__ = [
    "DEFAULT_KDF",
    "RootKey",
    "check_root_key",
    "create_key_file",
    "from_base64",
    "from_passphrase",
    "read_key_file",
]

MIN_PASSPHRASE = 12
_FILE = KeyFile(
    "root key",
    "root_key_file",
    "one line of base64",
    "Restore it from its backup, or set 'root_key_file' (SCOPED_SECRETS_ROOT_KEY_FILE) to where it is. "
    "For a new store make one with: (umask 077; openssl rand -base64 32 > FILE)",
)

# RFC 9106, section 4, second recommended option.
DEFAULT_KDF: dict[str, int] = {"memory_kib": 64 * 1024, "iterations": 3, "lanes": 4}


class RootKey:
    """32 bytes from outside the store. `source` says where from, in words."""

    def __init__(self, key: bytes, source: str) -> None:
        self._key = key
        self.source = source

    def __repr__(self) -> str:
        return f"RootKey(source={self.source!r}, key_id={self.key_id!r})"

    @property
    def key_id(self) -> str:
        """A short public name of the key, which tells nothing about it."""
        return hkdf_sha512(self._key, encode_fields("scoped.secrets root key", "id"), length=8).hex()

    def _wrap_key(self) -> bytes:
        return hkdf_sha512(self._key, encode_fields("scoped.secrets root key", "wrap account key"))

    def wrap_account_key(self, child: ScopeKey, context: bytes) -> bytes:
        """Return the account's key, wrapped for one context."""
        return wrap_key(self._wrap_key(), child.export(), context)

    def unwrap_account_key(self, wrapped: bytes, *, scope_id: str, generation: int, context: bytes) -> ScopeKey:
        """Return the account's key; raise KeyRefused."""
        try:
            return ScopeKey(scope_id, generation, unwrap_key(self._wrap_key(), wrapped, context))
        except AuthenticationFailed:
            raise KeyRefused(
                "wrong_key",
                f"The key from {self.source} does not open this store, or the store's account key was altered.",
                hint="Use the root key that this store was created with, or restore the newest backup.",
            ) from None

    def _backup_key(self) -> bytes:
        return hkdf_sha512(self._key, encode_fields("scoped.secrets root key", "wrap backup keys"))

    def wrap_backup_key(self, key: bytes, context: bytes) -> bytes:
        """Return the key of a backup, wrapped for one context."""
        return wrap_key(self._backup_key(), key, context)

    def unwrap_backup_key(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the key of a backup; raise AuthenticationFailed."""
        return unwrap_key(self._backup_key(), wrapped, context)


def check_root_key(material: bytes, source: str) -> bytes:
    """Return 32 bytes that may be random; raise KeyRefused for what can't be."""
    reason = weakness(material)
    if reason:
        raise KeyRefused(
            "weak_root_key",
            f"The root key from {source} is refused: {reason}.",
            hint="Make one with: openssl rand -base64 32",
        )
    return material


def from_base64(text: str, source: str) -> RootKey:
    """Return the root key that `text` writes; raise KeyRefused."""
    try:
        material = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise KeyRefused(
            "malformed_root_key",
            f"The root key from {source} is no base64.",
            hint="It must be 32 random bytes as one line of base64, as made by: openssl rand -base64 32. The key of "
            "one scope belongs in 'scope_key' or 'scope_key_file'.",
        ) from None
    return RootKey(check_root_key(material, source), source)


def read_key_file(path: str) -> RootKey:
    """Return the root key in a file that only its owner, the current user, can read; raise KeyRefused."""
    return from_base64(read_guarded(path, _FILE), f"the file {path}")


def create_key_file(path: str, given: str = "") -> RootKey:
    """Write a new root key, random or as `given`, or return the one that another process wrote first.

    Never a half file. Raises KeyRefused.
    """
    line = f"{given.strip()}\n".encode() if given else base64.b64encode(os.urandom(KEY_BYTES)) + b"\n"
    # Imported here: most stores have their key.
    import tempfile

    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(prefix=os.path.basename(path) + ".", suffix=".new", dir=folder)
        try:
            _write(descriptor, line)
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(draft)
        _sync_folder(folder)
    except OSError as error:
        raise KeyRefused(
            "key_not_written",
            f"A new root key can't be written to {path}: {error.strerror}.",
            hint="Make the folder writable, or set 'root_key_file' to a key that exists.",
        ) from None
    return read_key_file(path)


def _write(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def from_passphrase(passphrase: str, *, salt: bytes, memory_kib: int, iterations: int, lanes: int) -> RootKey:
    """Return the root key that a passphrase gives (Argon2id); raise KeyRefused for a short one.

    The other arguments are those that the store keeps; raise Damaged for ones that were never written.
    """
    if len(passphrase) < MIN_PASSPHRASE:
        raise KeyRefused(
            "weak_passphrase",
            f"The passphrase has {len(passphrase)} characters; it needs {MIN_PASSPHRASE} or more.",
            hint="Five random words make a good one.",
        )
    try:
        key = argon2id(
            passphrase.encode("utf-8", "surrogatepass"), salt, memory_kib=memory_kib, iterations=iterations, lanes=lanes
        )
    except ValueError:
        raise Damaged(
            "damaged_kdf",
            "The store's settings for keys from a passphrase are not what was written.",
            hint="Restore the newest backup.",
        ) from None
    return RootKey(key, "the passphrase")
