# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backup file, format 1: a stream, encrypted in chunks under a key of its own.

    magic "SSB1" | format u8 | suite u16 | len u32 + header (JSON) | commitment[32] | chunks

The header describes the backup and carries the file's key, wrapped under the root key and, if there is a recovery
passphrase, also under a key derived from it. Everything before the commitment is authenticated with each chunk. Chunks
hold 64 KiB, the last one up to that. Each nonce contains the chunk's number and a last-chunk flag (STREAM: Hoang,
Reyhanitabar, Rogaway, Vizár, CRYPTO 2015), so a truncated, reordered or spliced file does not open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from ..model.errors import Damaged, InvalidInput, KeyRefused, StoreRefused
from .encoding import encode_fields
from .primitives import AuthenticationFailed, decrypt, encrypt, hkdf_sha512
from .rootkey import DEFAULT_KDF, KDF_LIMITS, RootKey, from_passphrase

__all__ = ["BackupHeader", "BackupReader", "BackupWriter", "damaged_backup", "new_header"]

MAGIC = b"SSB1"
FORMAT = 1
SUITE = 1  # HKDF-SHA-512, AES-256-GCM, HMAC-SHA-256 commitment
CHUNK = 64 * 1024

_ROOT, _RECOVERY = "root key", "recovery passphrase"
_FIXED = struct.Struct(">4sBHI")
_TAG, _COMMITMENT, _SALT, _NONCE = 16, 32, 32, 7
_MAX_HEADER = 64 * 1024


@dataclass(frozen=True, slots=True)
class Slot:
    """The file's key, wrapped. `kdf`: Argon2id parameters if the wrapping key comes from a passphrase, else empty."""

    wrapped: bytes
    kdf: Mapping[str, Any]
    key_id: str = ""

    @property
    def shown_id(self) -> str:
        """The id of the wrapping key, empty if it comes from a passphrase: readers of a log could check guesses."""
        return "" if self.kdf else self.key_id


@dataclass(frozen=True, slots=True)
class BackupHeader:
    """A backup's header. Anyone can read it; it is authentic only if the file opens."""

    store_id: str
    created_at: str
    schema_version: int
    collection: str
    salt: bytes
    nonce: bytes
    root: Slot
    recovery: Slot | None

    def encode(self) -> bytes:
        """Return everything in the file before the commitment."""
        content = {
            "collection": self.collection,
            "created_at": self.created_at,
            "nonce": _to_base64(self.nonce),
            "recovery_passphrase": _slot_data(self.recovery) if self.recovery else None,
            "root_key": {**_slot_data(self.root), "id": self.root.key_id},
            "salt": _to_base64(self.salt),
            "schema_version": self.schema_version,
            "store_id": self.store_id,
        }
        data = json.dumps(content, sort_keys=True).encode()
        return _FIXED.pack(MAGIC, FORMAT, SUITE, len(data)) + data

    @classmethod
    def of(cls, data: bytes) -> BackupHeader:
        """Parse the JSON that `encode` wrote. Other data raises one of the errors that BackupReader catches."""
        content = json.loads(data)
        recovery = content["recovery_passphrase"]
        return cls(
            str(content["store_id"]),
            str(content["created_at"]),
            int(content["schema_version"]),
            str(content["collection"]),
            _from_base64(content["salt"], _SALT),
            _from_base64(content["nonce"], _NONCE),
            _slot(content["root_key"]),
            _slot({**recovery, "id": ""}) if recovery else None,
        )

    def open_with_root(self, root: RootKey) -> bytes:
        """Return the file's key; raise Damaged. Check the root key's id first."""
        try:
            return root.unwrap_backup_key(self.root.wrapped, self._context(_ROOT))
        except AuthenticationFailed:
            raise damaged_backup() from None

    def open_with_passphrase(self, passphrase: str) -> bytes:
        """Return the file's key; raise KeyRefused if the passphrase is wrong or the backup has none."""
        if self.recovery is None:
            raise KeyRefused(
                "no_recovery_passphrase",
                "The backup has no recovery passphrase: only the root key opens it.",
                hint=f"Set 'root_key_file' to the file with root key {self.root.key_id}.",
            )
        try:
            key = from_passphrase(passphrase, **_kdf_arguments(self.recovery.kdf))
            return key.unwrap_backup_key(self.recovery.wrapped, self._context(_RECOVERY))
        except AuthenticationFailed:
            raise KeyRefused(
                "wrong_recovery_passphrase",
                "The recovery passphrase is not the one this backup was made with.",
                hint="Check spaces, line ends and capitals, or use the root key that was active when it was made.",
            ) from None

    def _context(self, opener: str) -> bytes:
        return encode_fields("scoped.secrets backup key", FORMAT, opener, self.store_id, self.salt)


def new_header(
    *,
    store_id: str,
    created_at: str,
    schema_version: int,
    collection: str,
    root: RootKey,
    kdf: Mapping[str, Any],
    recovery_passphrase: str | None = None,
) -> tuple[BackupHeader, bytes]:
    """Return a new backup's header and its file's key; raise KeyRefused for a short passphrase.

    `kdf` holds the Argon2id parameters of the root key, empty if it doesn't come from a passphrase.
    """
    key = os.urandom(32)
    empty = Slot(b"", {})
    header = BackupHeader(
        store_id, created_at, schema_version, collection, os.urandom(_SALT), os.urandom(_NONCE), empty, None
    )
    wrapped = root.wrap_backup_key(key, header._context(_ROOT))
    header = replace(header, root=Slot(wrapped, kdf, root.key_id))
    if recovery_passphrase is None:
        return header, key
    own = {**DEFAULT_KDF, "salt": os.urandom(16).hex()}
    recovery = from_passphrase(recovery_passphrase, **_kdf_arguments(own))
    return replace(header, recovery=Slot(recovery.wrap_backup_key(key, header._context(_RECOVERY)), own)), key


def _slot_data(slot: Slot) -> dict[str, Any]:
    return {"kdf": dict(slot.kdf), "wrapped": _to_base64(slot.wrapped)}


def _slot(data: dict[str, Any]) -> Slot:
    kdf = dict(data["kdf"])
    if kdf:
        _kdf_arguments(kdf)
    return Slot(base64.b64decode(data["wrapped"], validate=True), kdf, str(data["id"]))


def _kdf_arguments(kdf: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `from_passphrase`; raise ValueError, TypeError or KeyError for invalid parameters."""
    costs = {name: int(kdf[name]) for name in KDF_LIMITS}
    if any(not least <= costs[name] <= most for name, (least, most) in KDF_LIMITS.items()):
        raise ValueError("out of range")
    return {**costs, "salt": bytes.fromhex(kdf["salt"])}


def _to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _from_base64(text: str, length: int) -> bytes:
    data = base64.b64decode(text, validate=True)
    if len(data) != length:
        raise ValueError("wrong length")
    return data


def _keys(key: bytes, salt: bytes, bound: bytes) -> tuple[bytes, bytes]:
    """Return the encryption key and the commitment."""
    info = encode_fields("scoped.secrets backup", SUITE, hashlib.sha512(bound).digest())
    derived = hkdf_sha512(key, info, salt=salt, length=64)
    return derived[:32], hmac.digest(derived[32:], encode_fields(bound), "sha256")


def _nonce(header: BackupHeader, number: int, is_last: bool) -> bytes:
    return header.nonce + number.to_bytes(4, "big") + bytes([is_last])


class BackupWriter:
    """Encrypts a stream of data into an open file."""

    def __init__(self, file: BinaryIO, header: BackupHeader, key: bytes) -> None:
        self._file = file
        self._header = header
        self._bound = header.encode()
        self._key, commitment = _keys(key, header.salt, self._bound)
        self._pending = bytearray()
        self._number = 0
        file.write(self._bound + commitment)

    def write(self, data: bytes) -> None:
        self._pending += data
        # The last chunk is never empty, unless it is the only one.
        while len(self._pending) > CHUNK:
            self._seal(bytes(self._pending[:CHUNK]), is_last=False)
            del self._pending[:CHUNK]

    def finish(self) -> None:
        """Write the last chunk. A file without it reads as damaged."""
        self._seal(bytes(self._pending), is_last=True)

    def _seal(self, chunk: bytes, *, is_last: bool) -> None:
        self._file.write(encrypt(self._key, _nonce(self._header, self._number, is_last), chunk, self._bound))
        self._number += 1


class BackupReader:
    """Reads a backup from an open file.

    Raises InvalidInput if the file isn't a backup, StoreRefused for a newer format, Damaged for a malformed header.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._bound = self._read_bound()
        try:
            self.header = BackupHeader.of(self._bound[_FIXED.size :])
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            raise damaged_backup() from None
        self._key = b""

    def _read_bound(self) -> bytes:
        fixed = self._file.read(_FIXED.size)
        if len(fixed) < _FIXED.size or not fixed.startswith(MAGIC):
            raise InvalidInput(
                "not_a_backup",
                "The file is not a scoped.secrets backup.",
                hint="Set 'src' to a file that scoped.secrets.store_backup wrote.",
            )
        _magic, number, suite, length = _FIXED.unpack(fixed)
        if number > FORMAT:
            raise StoreRefused(
                "backup_too_new",
                f"The backup was made by a newer scoped.secrets (format {number}; this version reads up to {FORMAT}).",
                hint="Upgrade the collection here: ansible-galaxy collection install scoped.secrets --upgrade",
            )
        if (number, suite) != (FORMAT, SUITE) or length > _MAX_HEADER:
            raise damaged_backup()
        return fixed + self._file.read(length)

    def unlock(self, key: bytes) -> None:
        """Set the file's key; raise Damaged if it is wrong or the header was altered."""
        self._key, commitment = _keys(key, self.header.salt, self._bound)
        self._file.seek(len(self._bound))
        if not hmac.compare_digest(self._file.read(_COMMITMENT), commitment):
            raise damaged_backup()

    def chunks(self) -> Iterator[bytes]:
        """Yield the plaintext from the start, chunk by chunk; raise Damaged. Each chunk is authentic when yielded.

        The file is known to be complete only when the iteration ends.
        """
        self._file.seek(len(self._bound) + _COMMITMENT)
        number, chunk = 0, self._file.read(CHUNK + _TAG)
        while True:
            following = self._file.read(CHUNK + _TAG)
            yield self._open(chunk, number, is_last=not following)
            if not following:
                return
            number, chunk = number + 1, following

    def _open(self, chunk: bytes, number: int, *, is_last: bool) -> bytes:
        try:
            return decrypt(self._key, _nonce(self.header, number, is_last), chunk, self._bound)
        except (AuthenticationFailed, OverflowError):
            raise damaged_backup() from None


def damaged_backup() -> Damaged:
    """Return the error for any defect in a backup."""
    return Damaged(
        "damaged_backup",
        "The backup is damaged: it was altered, truncated or spliced from several files.",
        hint="Use another copy of it, or an older backup. Nothing was restored.",
    )
