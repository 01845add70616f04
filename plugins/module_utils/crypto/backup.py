# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a backup, format 1: a stream, sealed in chunks under a key of its own.

    magic "SSB1" | format u8 | suite u16 | len u32 + header (JSON) | commitment[32] | chunks

The header says what the file is, and has the file's key, wrapped under the root key and, where one is given, under what
a recovery passphrase makes. All before the commitment is bound to each chunk. A chunk is 64 KiB, the last one less, and
its nonce has its number and whether it is the last (STREAM: Hoang, Reyhanitabar, Rogaway, Vizár, CRYPTO 2015), so that
a file which was cut short, reordered or put together out of two does not open.
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
from .rootkey import DEFAULT_KDF, RootKey, from_passphrase

__all__ = ["BackupReader", "BackupWriter", "Header", "damaged_backup", "new_header"]

MAGIC = b"SSB1"
FORMAT = 1
SUITE = 1  # HKDF-SHA-512, AES-256-GCM, HMAC-SHA-256 commitment
CHUNK = 64 * 1024

_ROOT, _RECOVERY = "root key", "recovery passphrase"
_FIXED = struct.Struct(">4sBHI")
_TAG, _COMMITMENT, _SALT, _NONCE = 16, 32, 32, 7
_MAX_HEADER = 64 * 1024
# What a passphrase may cost. A file that somebody else made must not take all memory there is.
_MOST = {"memory_kib": 1024 * 1024, "iterations": 16, "lanes": 16}


@dataclass(frozen=True, slots=True)
class Slot:
    """The file's key, wrapped. `kdf`: how a passphrase makes what it is wrapped under; empty where none does."""

    wrapped: bytes
    kdf: Mapping[str, Any]
    key_id: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """What a backup says of itself. Anybody can read it; who opens the file knows that it is true."""

    store_id: str
    created_at: str
    schema_version: int
    collection: str
    salt: bytes
    nonce: bytes
    root: Slot
    recovery: Slot | None

    def encode(self) -> bytes:
        """Return all that stands in the file before the commitment."""
        content = {
            "collection": self.collection,
            "created_at": self.created_at,
            "nonce": _text(self.nonce),
            "recovery_passphrase": _slot_data(self.recovery) if self.recovery else None,
            "root_key": {**_slot_data(self.root), "id": self.root.key_id},
            "salt": _text(self.salt),
            "schema_version": self.schema_version,
            "store_id": self.store_id,
        }
        data = json.dumps(content, sort_keys=True).encode()
        return _FIXED.pack(MAGIC, FORMAT, SUITE, len(data)) + data

    @classmethod
    def of(cls, data: bytes) -> Header:
        """Return what `encode` wrote as JSON; raise any of a dozen errors for what it did not."""
        content = json.loads(data)
        recovery = content["recovery_passphrase"]
        return cls(
            str(content["store_id"]),
            str(content["created_at"]),
            int(content["schema_version"]),
            str(content["collection"]),
            _bytes(content["salt"], _SALT),
            _bytes(content["nonce"], _NONCE),
            _slot(content["root_key"]),
            _slot({**recovery, "id": ""}) if recovery else None,
        )

    def open_with_root(self, root: RootKey) -> bytes:
        """Return the file's key; raise Damaged. The caller has compared the root key's id."""
        try:
            return root.unwrap_backup_key(self.root.wrapped, self._context(_ROOT))
        except AuthenticationFailed:
            raise damaged_backup() from None

    def open_with_passphrase(self, passphrase: str) -> bytes:
        """Return the file's key; raise KeyRefused."""
        if self.recovery is None:
            raise KeyRefused(
                "no_recovery_passphrase",
                "The backup was made without a recovery passphrase: only the root key opens it.",
                hint=f"Set 'root_key_file' to the root key {self.root.key_id}.",
            )
        try:
            key = from_passphrase(passphrase, **_for_argon(self.recovery.kdf))
            return key.unwrap_backup_key(self.recovery.wrapped, self._context(_RECOVERY))
        except AuthenticationFailed:
            raise KeyRefused(
                "wrong_recovery_passphrase",
                "The recovery passphrase is not the one that the backup was sealed with.",
                hint="Blanks, line ends and capitals count. The root key that was in force then opens it too.",
            ) from None

    def _context(self, who: str) -> bytes:
        return encode_fields("scoped.secrets backup key", FORMAT, who, self.store_id, self.salt)


def new_header(
    *,
    store_id: str,
    created_at: str,
    schema_version: int,
    collection: str,
    root: RootKey,
    kdf: Mapping[str, Any],
    recovery_passphrase: str = "",
) -> tuple[Header, bytes]:
    """Return the header of a new backup, and the key of its file; raise KeyRefused for a short passphrase.

    `kdf` is how the root key comes of a passphrase, empty where it does not.
    """
    key = os.urandom(32)
    empty = Slot(b"", {})
    header = Header(
        store_id, created_at, schema_version, collection, os.urandom(_SALT), os.urandom(_NONCE), empty, None
    )
    wrapped = root.wrap_backup_key(key, header._context(_ROOT))
    header = replace(header, root=Slot(wrapped, kdf, root.key_id))
    if not recovery_passphrase:
        return header, key
    own = {**DEFAULT_KDF, "salt": os.urandom(16).hex()}
    recovery = from_passphrase(recovery_passphrase, **_for_argon(own))
    return replace(header, recovery=Slot(recovery.wrap_backup_key(key, header._context(_RECOVERY)), own)), key


def _slot_data(slot: Slot) -> dict[str, Any]:
    return {"kdf": dict(slot.kdf), "wrapped": _text(slot.wrapped)}


def _slot(data: dict[str, Any]) -> Slot:
    kdf = dict(data["kdf"])
    if kdf:
        _for_argon(kdf)
    return Slot(base64.b64decode(data["wrapped"], validate=True), kdf, str(data["id"]))


def _for_argon(kdf: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `from_passphrase` takes; raise ValueError, TypeError, KeyError for what no backup was made with."""
    costs = {name: int(kdf[name]) for name in _MOST}
    if any(not 1 <= cost <= _MOST[name] for name, cost in costs.items()):
        raise ValueError("out of range")
    return {**costs, "salt": bytes.fromhex(kdf["salt"])}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str, length: int) -> bytes:
    data = base64.b64decode(text, validate=True)
    if len(data) != length:
        raise ValueError("wrong length")
    return data


def _keys(key: bytes, salt: bytes, bound: bytes) -> tuple[bytes, bytes]:
    """Return the encryption key and the commitment."""
    info = encode_fields("scoped.secrets backup", SUITE, hashlib.sha512(bound).digest())
    derived = hkdf_sha512(key, info, salt=salt, length=64)
    return derived[:32], hmac.digest(derived[32:], encode_fields(bound), "sha256")


def _nonce(header: Header, number: int, is_last: bool) -> bytes:
    return header.nonce + number.to_bytes(4, "big") + bytes([is_last])


class BackupWriter:
    """Seals what is written to a file that is open for writing."""

    def __init__(self, file: BinaryIO, header: Header, key: bytes) -> None:
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
        """Write the last chunk. Without it the file is none."""
        self._seal(bytes(self._pending), is_last=True)

    def _seal(self, chunk: bytes, *, is_last: bool) -> None:
        self._file.write(encrypt(self._key, _nonce(self._header, self._number, is_last), chunk, self._bound))
        self._number += 1


class BackupReader:
    """A file that may be a backup, open for reading. Raises InvalidInput for one that is none, StoreRefused for a newer
    format, Damaged."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._bound = self._read_bound()
        try:
            self.header = Header.of(self._bound[_FIXED.size :])
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError):
            raise damaged_backup() from None
        self._key = b""

    def _read_bound(self) -> bytes:
        fixed = self._file.read(_FIXED.size)
        if len(fixed) < _FIXED.size or not fixed.startswith(MAGIC):
            raise InvalidInput(
                "not_a_backup",
                "The file is no backup that scoped.secrets made.",
                hint="Name the file that scoped.secrets.store_backup wrote as its 'dest'.",
            )
        _magic, number, suite, length = _FIXED.unpack(fixed)
        if number > FORMAT:
            raise StoreRefused(
                "backup_too_new",
                f"The backup was made by a newer scoped.secrets (format {number}; this one knows {FORMAT}).",
                hint="Install it here too: ansible-galaxy collection install scoped.secrets --upgrade",
            )
        if (number, suite) != (FORMAT, SUITE) or length > _MAX_HEADER:
            raise damaged_backup()
        return fixed + self._file.read(length)

    def unlock(self, key: bytes) -> None:
        """Take the file's key; raise Damaged for another one, or a header that was altered."""
        self._key, commitment = _keys(key, self.header.salt, self._bound)
        self._file.seek(len(self._bound))
        if not hmac.compare_digest(self._file.read(_COMMITMENT), commitment):
            raise damaged_backup()

    def chunks(self) -> Iterator[bytes]:
        """Yield what was written, from the beginning, a chunk at a time; raise Damaged. Each chunk yielded is genuine.

        The file is whole only once this has ended.
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
    """Return the one error for everything that is wrong with a backup."""
    return Damaged(
        "damaged_backup",
        "The backup is not what was written: it was altered, cut short, or put together out of several.",
        hint="Take an older backup, or another copy of this one. Nothing was restored.",
    )
