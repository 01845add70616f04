# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The root key: where it comes from and which keys are refused. It wraps the account's key and the keys of backups."""

from __future__ import annotations

import base64
import contextlib
import os

from ..model.errors import Damaged, KeyRefused
from .encoding import encode_fields
from .outside_keys import KEY_BYTES, KeyFile, check_way, read_guarded, weakness
from .primitives import AuthenticationFailed, argon2id, hkdf_sha512
from .scopekey import ScopeKey, unwrap_key, wrap_key

__all__ = [
    "DEFAULT_KDF",
    "KDF_LIMITS",
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
    "Restore the file from its backup, or set 'root_key_file' (SCOPED_SECRETS_ROOT_KEY_FILE) to its path. "
    "For a new store, create one: (umask 077; openssl rand -base64 32 > FILE)",
)

# RFC 9106, section 4, second recommended option.
DEFAULT_KDF: dict[str, int] = {"memory_kib": 64 * 1024, "iterations": 3, "lanes": 4}
# Costs that are accepted from a store or backup. An attacker with write access could set lower ones, which make
# guessing cheap, or higher ones, which no machine can afford.
KDF_LIMITS = {"memory_kib": (64 * 1024, 1024 * 1024), "iterations": (3, 16), "lanes": (1, 16)}


class RootKey:
    """32 bytes from outside the store.

    `source` says where they were found, for messages; `is_derived`: whether they come from a passphrase.
    """

    def __init__(self, key: bytes, source: str, *, is_derived: bool = False) -> None:
        self._key = key
        self.source = source
        self.is_derived = is_derived

    def __repr__(self) -> str:
        return f"RootKey(source={self.source!r}, key_id={self.shown_id!r})"

    @property
    def key_id(self) -> str:
        """A short public identifier, which reveals nothing about the key."""
        return hkdf_sha512(self._key, encode_fields("scoped.secrets root key", "id"), length=8).hex()

    @property
    def shown_id(self) -> str:
        """The key's id, empty if it is derived from a passphrase: readers of a log could check guesses with it."""
        return "" if self.is_derived else self.key_id

    def __str__(self) -> str:
        return self.source if self.is_derived else f"{self.source}, key {self.key_id}"

    def _wrap_key(self) -> bytes:
        return hkdf_sha512(self._key, encode_fields("scoped.secrets root key", "wrap account key"))

    def wrap_account_key(self, child: ScopeKey, context: bytes) -> bytes:
        """Return the account's key, wrapped and bound to `context`."""
        return wrap_key(self._wrap_key(), child.export(), context)

    def unwrap_account_key(self, wrapped: bytes, *, scope_id: str, generation: int, context: bytes) -> ScopeKey:
        """Return the account's key; raise KeyRefused if this root key does not open it."""
        try:
            return ScopeKey(scope_id, generation, unwrap_key(self._wrap_key(), wrapped, context))
        except AuthenticationFailed:
            raise KeyRefused(
                "wrong_key",
                f"The key from {self.source} does not open this store, or the store's account key was altered.",
                hint="Use the current root key of this store, or restore the newest backup.",
            ) from None

    def _backup_key(self) -> bytes:
        return hkdf_sha512(self._key, encode_fields("scoped.secrets root key", "wrap backup keys"))

    def wrap_backup_key(self, key: bytes, context: bytes) -> bytes:
        """Return a backup's key, wrapped and bound to `context`."""
        return wrap_key(self._backup_key(), key, context)

    def unwrap_backup_key(self, wrapped: bytes, context: bytes) -> bytes:
        """Return a backup's key; raise AuthenticationFailed."""
        return unwrap_key(self._backup_key(), wrapped, context)


def check_root_key(material: bytes, source: str) -> bytes:
    """Return the bytes unchanged; raise KeyRefused if they can't be a random 32-byte key."""
    reason = weakness(material)
    if reason:
        raise KeyRefused(
            "weak_root_key",
            f"The root key from {source} is refused: {reason}.",
            hint="Create one: openssl rand -base64 32",
        )
    return material


def from_base64(text: str, source: str) -> RootKey:
    """Decode a root key from base64; raise KeyRefused. `source` says where it was found."""
    try:
        material = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        raise KeyRefused(
            "malformed_root_key",
            f"The root key from {source} is not valid base64.",
            hint="Use 32 random bytes as one line of base64 (openssl rand -base64 32). The key of a single scope goes "
            "into 'scope_key' or 'scope_key_file'.",
        ) from None
    return RootKey(check_root_key(material, source), source)


def read_key_file(path: str) -> RootKey:
    """Return the root key from a file that only its owner, the current user, can read; raise KeyRefused."""
    return from_base64(read_guarded(path, _FILE), f"the file {path}")


def create_key_file(path: str, given: str = "") -> RootKey:
    """Write a root key, `given` as base64 or a random one, unless the file exists; return the key that is in the file.

    The file appears complete or not at all, so concurrent processes end up with the same key. Raises KeyRefused.
    """
    line = f"{given.strip()}\n".encode() if given else base64.b64encode(os.urandom(KEY_BYTES)) + b"\n"
    # Imported here because most runs find an existing key.
    import tempfile

    folder = os.path.dirname(os.path.abspath(path))
    check_way(folder, _FILE)
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
            f"Can't write a new root key to {path}: {error.strerror}.",
            hint="Make the folder writable, or set 'root_key_file' to an existing key.",
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
    """Derive a root key from a passphrase (Argon2id); raise KeyRefused if it has fewer than 12 characters.

    The other arguments are the parameters kept in the store or backup; invalid ones raise Damaged.
    """
    if len(passphrase) < MIN_PASSPHRASE:
        raise KeyRefused(
            "weak_passphrase",
            f"The passphrase has {len(passphrase)} characters; it needs at least {MIN_PASSPHRASE}.",
            hint="Choose a longer one, for example five random words.",
        )
    costs = {"memory_kib": memory_kib, "iterations": iterations, "lanes": lanes}
    try:
        if not all(least <= costs[name] <= most for name, (least, most) in KDF_LIMITS.items()):
            raise ValueError("out of range")
        key = argon2id(passphrase.encode("utf-8", "surrogatepass"), salt, **costs)
    except (ValueError, TypeError):
        raise Damaged(
            "damaged_kdf",
            "The parameters for deriving a key from the passphrase are damaged.",
            hint="Restore the newest backup.",
        ) from None
    return RootKey(key, "the passphrase", is_derived=True)
