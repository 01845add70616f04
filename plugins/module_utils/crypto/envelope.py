# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Envelope, format 1: one value, sealed under its own data key, bound to its place.

    magic "SSE1" | format u8 | suite u16 | flags u8 | key generation u32 | connector id u128 | salt[32]
    | len u16 + wrapped data key | nonce[12] | commitment[32] | len u32 + ciphertext and tag

The commitment makes a ciphertext open under one key only, which AES-GCM alone does not promise.

Commitment and ciphertext bind the whole header but the key generation and the wrapped data key, so that a key can be
rotated without a value being opened. Nothing is lost by that: the wrapped data key is authenticated by itself, for the
same context, and whatever else is put there gives another data key, which the commitment refuses; the generation must
be the one whose key is asked for, and what another generation's key wrapped does not open.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
import uuid
from collections.abc import Iterator
from typing import NamedTuple, NoReturn, Protocol

from ..model.errors import Damaged, InvalidInput
from .context import FORMAT, Context
from .encoding import encode_fields
from .primitives import AuthenticationFailed, decrypt, encrypt, hkdf_sha512

__all__ = [
    "BUILTIN_CONNECTOR",
    "MAX_VALUE",
    "DataKeyWrapper",
    "Header",
    "check_size",
    "open_envelope",
    "read_header",
    "rewrap",
    "seal",
]

MAGIC = b"SSE1"
SUITE = 1  # HKDF-SHA-512, AES-256-GCM, HMAC-SHA-256 commitment
CHUNKED = 1
CHUNK = 64 * 1024
TAG = 16
MAX_VALUE = 10 * 1024 * 1024
BUILTIN_CONNECTOR = uuid.UUID(int=0)

_FIXED = struct.Struct(">4sBHBI16s32sH")
_GENERATION_AT = 8
_NONCE, _COMMITMENT = 12, 32


class DataKeyWrapper(Protocol):
    """Whatever keeps data keys: a generation of a scope's key, or a key management service (generation 0)."""

    @property
    def generation(self) -> int: ...

    def wrap(self, data_key: bytes, context: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes: ...


class Header(NamedTuple):
    """What an envelope says of itself before anything is opened."""

    flags: int
    generation: int
    connector_id: uuid.UUID


class _Parts(NamedTuple):
    """An envelope taken apart. `bound` is what no rotation changes of all that comes before the nonce."""

    header: Header
    salt: bytes
    wrapped: bytes
    bound: bytes
    nonce: bytes
    commitment: bytes
    body: bytes


def check_size(value: bytes, what: str) -> None:
    """Raise InvalidInput for a value over 10 MiB. `what` names it."""
    if len(value) > MAX_VALUE:
        raise InvalidInput(
            "value_too_large",
            f"{what} has {len(value)} bytes; at most {MAX_VALUE} (10 MiB) can be kept.",
            hint="Keep large files elsewhere, encrypted, and their key here.",
        )


def seal(
    value: bytes,
    context: Context,
    *,
    wrapper: DataKeyWrapper,
    connector_id: uuid.UUID = BUILTIN_CONNECTOR,
) -> bytes:
    """Return the envelope of `value` under a new random data key; raise InvalidInput for one over 10 MiB."""
    check_size(value, "The value")
    place = context.encode()
    data_key, salt, nonce = os.urandom(32), os.urandom(32), os.urandom(_NONCE)
    wrapped = wrapper.wrap(data_key, place)
    flags = CHUNKED if len(value) > CHUNK else 0
    fixed = (MAGIC, FORMAT, SUITE, flags, wrapper.generation, connector_id.bytes, salt, len(wrapped))
    head = _FIXED.pack(*fixed)
    bound = _bound(head)
    encryption_key, commitment_key = _keys(data_key, salt, place)
    commitment = _commitment(commitment_key, bound + nonce, place)
    body = b"".join(
        encrypt(encryption_key, chunk_nonce, value[start : start + CHUNK], bound + place)
        for start, chunk_nonce in _chunks(len(value), CHUNK, flags, nonce)
    )
    return head + wrapped + nonce + commitment + len(body).to_bytes(4, "big") + body


def read_header(envelope: bytes) -> Header:
    """Return what the envelope says of itself; raise Damaged if it is none."""
    return _take_apart(envelope).header


def open_envelope(
    envelope: bytes, context: Context, *, wrapper: DataKeyWrapper, connector_id: uuid.UUID = BUILTIN_CONNECTOR
) -> bytes:
    """Return the value; raise one uniform Damaged for whatever is not exactly what `seal` made for this context."""
    parts = _take_apart(envelope)
    place = context.encode()
    encryption_key, _data_key = _unlock(parts, place, wrapper, connector_id)
    return _open_body(parts, encryption_key, parts.bound + place)


def rewrap(
    envelope: bytes,
    context: Context,
    *,
    old: DataKeyWrapper,
    new: DataKeyWrapper,
    connector_id: uuid.UUID = BUILTIN_CONNECTOR,
) -> bytes:
    """Return the envelope with its data key wrapped by `new` in place of `old`; raise Damaged as `open_envelope` does.

    The value stays sealed; that the data key is the one it is sealed under is proven.
    """
    parts = _take_apart(envelope)
    place = context.encode()
    _encryption_key, data_key = _unlock(parts, place, old, connector_id)
    wrapped = new.wrap(data_key, place)
    fixed = (MAGIC, FORMAT, SUITE, parts.header.flags, new.generation, connector_id.bytes, parts.salt, len(wrapped))
    return _FIXED.pack(*fixed) + wrapped + envelope[_FIXED.size + len(parts.wrapped) :]


def _unlock(parts: _Parts, place: bytes, wrapper: DataKeyWrapper, connector_id: uuid.UUID) -> tuple[bytes, bytes]:
    """Return the encryption key and the data key that the commitment is for."""
    if (parts.header.generation, parts.header.connector_id) != (wrapper.generation, connector_id):
        _refuse()
    data_key = wrapper.unwrap(parts.wrapped, place)
    encryption_key, commitment_key = _keys(data_key, parts.salt, place)
    if not hmac.compare_digest(parts.commitment, _commitment(commitment_key, parts.bound + parts.nonce, place)):
        _refuse()
    return encryption_key, data_key


def _open_body(parts: _Parts, key: bytes, associated: bytes) -> bytes:
    flags, body = parts.header.flags, parts.body
    size = len(body) - TAG * _chunk_count(len(body), CHUNK + TAG)
    is_canonical = len(body) == size + TAG * _chunk_count(size, CHUNK)  # no empty or cut chunk at the end
    if not is_canonical or bool(flags) != (size > CHUNK) or size > MAX_VALUE:
        _refuse()
    try:
        return b"".join(
            decrypt(key, nonce, body[start : start + CHUNK + TAG], associated)
            for start, nonce in _chunks(len(body), CHUNK + TAG, flags, parts.nonce)
        )
    except AuthenticationFailed:
        _refuse()


def _chunk_count(length: int, step: int) -> int:
    return max(1, -(-length // step))


def _chunks(length: int, step: int, flags: int, nonce: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield where each chunk starts and its nonce: 7 random bytes, its number, whether it is the last (STREAM)."""
    if not flags:
        yield 0, nonce
        return
    for number, start in enumerate(range(0, length, step)):
        yield start, nonce[:7] + number.to_bytes(4, "big") + bytes([start + step >= length])


def _keys(data_key: bytes, salt: bytes, place: bytes) -> tuple[bytes, bytes]:
    """Return the encryption key and the commitment key."""
    info = encode_fields("scoped.secrets envelope", SUITE, hashlib.sha512(place).digest())
    derived = hkdf_sha512(data_key, info, salt=salt, length=64)
    return derived[:32], derived[32:]


def _bound(head: bytes) -> bytes:
    """Return what no rotation changes of a header: neither the key generation nor the wrapped data key's length."""
    return head[:_GENERATION_AT] + head[_GENERATION_AT + 4 : _FIXED.size - 2]


def _commitment(key: bytes, header: bytes, place: bytes) -> bytes:
    return hmac.digest(key, encode_fields(header, place), "sha256")


def _take_apart(envelope: bytes) -> _Parts:
    """Return the parts of a well-formed envelope of a known format, suite and flags, without a byte to spare."""
    if len(envelope) < _FIXED.size:
        _refuse()
    magic, number, suite, flags, generation, connector, salt, length = _FIXED.unpack_from(envelope)
    if (magic, number, suite) != (MAGIC, FORMAT, SUITE) or flags & ~CHUNKED:
        _refuse()
    nonce_at = _FIXED.size + length
    commitment_at = nonce_at + _NONCE
    body_at = commitment_at + _COMMITMENT + 4
    body = envelope[body_at:]
    if len(body) < TAG or int.from_bytes(envelope[body_at - 4 : body_at], "big") != len(body):
        _refuse()
    return _Parts(
        header=Header(flags, generation, uuid.UUID(bytes=connector)),
        salt=salt,
        wrapped=envelope[_FIXED.size : nonce_at],
        bound=_bound(envelope),
        nonce=envelope[nonce_at:commitment_at],
        commitment=envelope[commitment_at : body_at - 4],
        body=body,
    )


def _refuse() -> NoReturn:
    raise damaged_value() from None


def damaged_value() -> Damaged:
    """Return the one error for everything that is wrong with an envelope, so that it tells an attacker nothing."""
    return Damaged(
        "damaged_value",
        "A stored value is not what was written: it was altered, moved, cut short, or sealed under another key.",
        hint="Restore the newest backup, or declare the secret again.",
    )
