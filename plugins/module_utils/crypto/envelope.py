# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The envelope, format 1: one value, encrypted under its own data key and bound to its context.

    magic "SSE1" | format u8 | suite u16 | flags u8 | key generation u32 | connector id u128 | salt[32]
    | len u16 + wrapped data key | nonce[12] | commitment[32] | len u32 + ciphertext and tag

The commitment ensures that a ciphertext opens under one key only, which AES-GCM alone does not guarantee.

Commitment and ciphertext are bound to the whole header except the key generation and the wrapped data key, so keys can
be rotated without decrypting values. That costs no security: the wrapped data key is authenticated separately, for the
same context, and any substitute yields a different data key, which the commitment rejects. The generation must match
the wrapping key, and a data key that another generation wrapped does not unwrap.
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
    "EnvelopeHeader",
    "check_size",
    "lasting_digest",
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
    """Wraps data keys: one generation of a scope's key, or a key management service (generation 0)."""

    @property
    def generation(self) -> int: ...

    def wrap(self, data_key: bytes, context: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes: ...


class EnvelopeHeader(NamedTuple):
    """An envelope's header fields, readable without a key and not yet authenticated."""

    flags: int
    generation: int
    connector_id: uuid.UUID


class _Parts(NamedTuple):
    """A parsed envelope. `bound` holds the header fields that a key rotation leaves unchanged."""

    header: EnvelopeHeader
    salt: bytes
    wrapped: bytes
    bound: bytes
    nonce: bytes
    commitment: bytes
    body: bytes


def check_size(value: bytes, what: str) -> None:
    """Raise InvalidInput for a value over 10 MiB. `what` names it in the error."""
    if len(value) > MAX_VALUE:
        raise InvalidInput(
            "value_too_large",
            f"{what} has {len(value)} bytes; the limit is {MAX_VALUE} bytes (10 MiB).",
            hint="Store large files elsewhere, encrypted, and keep their key here.",
        )


def seal(
    value: bytes,
    context: Context,
    *,
    wrapper: DataKeyWrapper,
    connector_id: uuid.UUID = BUILTIN_CONNECTOR,
) -> bytes:
    """Return `value` in an envelope, under a new random data key; raise InvalidInput if it is over 10 MiB."""
    check_size(value, "The value")
    context_bytes = context.encode()
    data_key, salt, nonce = os.urandom(32), os.urandom(32), os.urandom(_NONCE)
    wrapped = wrapper.wrap(data_key, context_bytes)
    flags = CHUNKED if len(value) > CHUNK else 0
    fixed = (MAGIC, FORMAT, SUITE, flags, wrapper.generation, connector_id.bytes, salt, len(wrapped))
    head = _FIXED.pack(*fixed)
    bound = _bound(head)
    encryption_key, commitment_key = _keys(data_key, salt, context_bytes)
    commitment = _commitment(commitment_key, bound + nonce, context_bytes)
    body = b"".join(
        encrypt(encryption_key, chunk_nonce, value[start : start + CHUNK], bound + context_bytes)
        for start, chunk_nonce in _chunks(len(value), CHUNK, flags, nonce)
    )
    return head + wrapped + nonce + commitment + len(body).to_bytes(4, "big") + body


def read_header(envelope: bytes) -> EnvelopeHeader:
    """Return the header without opening the envelope; raise Damaged if it is malformed."""
    return _parse(envelope).header


def lasting_digest(envelope: bytes) -> bytes:
    """Return the SHA-256 of what a rotation leaves as it is, without a key and whatever the bytes are."""
    if len(envelope) < _FIXED.size:
        return hashlib.sha256(envelope).digest()
    length = int.from_bytes(envelope[_FIXED.size - 2 : _FIXED.size], "big")
    found = hashlib.sha256(_bound(envelope))
    found.update(memoryview(envelope)[_FIXED.size + length :])
    return found.digest()


def open_envelope(
    envelope: bytes, context: Context, *, wrapper: DataKeyWrapper, connector_id: uuid.UUID = BUILTIN_CONNECTOR
) -> bytes:
    """Return the value; raise the same Damaged for any envelope that `seal` did not make for this context."""
    parts = _parse(envelope)
    context_bytes = context.encode()
    encryption_key, _data_key = _unlock(parts, context_bytes, wrapper, connector_id)
    return _open_body(parts, encryption_key, parts.bound + context_bytes)


def rewrap(
    envelope: bytes,
    context: Context,
    *,
    old: DataKeyWrapper,
    new: DataKeyWrapper,
    connector_id: uuid.UUID = BUILTIN_CONNECTOR,
) -> bytes:
    """Return the envelope with its data key wrapped by `new` instead of `old`; raise Damaged as `open_envelope` does.

    The value stays encrypted. The commitment proves that the data key is the right one.
    """
    parts = _parse(envelope)
    context_bytes = context.encode()
    _encryption_key, data_key = _unlock(parts, context_bytes, old, connector_id)
    wrapped = new.wrap(data_key, context_bytes)
    fixed = (MAGIC, FORMAT, SUITE, parts.header.flags, new.generation, connector_id.bytes, parts.salt, len(wrapped))
    return _FIXED.pack(*fixed) + wrapped + envelope[_FIXED.size + len(parts.wrapped) :]


def _unlock(parts: _Parts, context: bytes, wrapper: DataKeyWrapper, connector_id: uuid.UUID) -> tuple[bytes, bytes]:
    """Return the encryption key and the data key, verified against the commitment."""
    if (parts.header.generation, parts.header.connector_id) != (wrapper.generation, connector_id):
        _refuse()
    data_key = wrapper.unwrap(parts.wrapped, context)
    encryption_key, commitment_key = _keys(data_key, parts.salt, context)
    if not hmac.compare_digest(parts.commitment, _commitment(commitment_key, parts.bound + parts.nonce, context)):
        _refuse()
    return encryption_key, data_key


def _open_body(parts: _Parts, key: bytes, associated: bytes) -> bytes:
    flags, body = parts.header.flags, parts.body
    size = len(body) - TAG * _chunk_count(len(body), CHUNK + TAG)
    is_canonical = len(body) == size + TAG * _chunk_count(size, CHUNK)  # the last chunk is neither empty nor truncated
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
    """Yield each chunk's offset and nonce. Nonces follow STREAM: 7 random bytes, chunk number, last-chunk flag."""
    if not flags:
        yield 0, nonce
        return
    for number, start in enumerate(range(0, length, step)):
        yield start, nonce[:7] + number.to_bytes(4, "big") + bytes([start + step >= length])


def _keys(data_key: bytes, salt: bytes, context: bytes) -> tuple[bytes, bytes]:
    """Return the encryption key and the commitment key."""
    info = encode_fields("scoped.secrets envelope", SUITE, hashlib.sha512(context).digest())
    derived = hkdf_sha512(data_key, info, salt=salt, length=64)
    return derived[:32], derived[32:]


def _bound(head: bytes) -> bytes:
    """Return the header without the fields that a rotation changes: key generation and wrapped data key length."""
    return head[:_GENERATION_AT] + head[_GENERATION_AT + 4 : _FIXED.size - 2]


def _commitment(key: bytes, header: bytes, context: bytes) -> bytes:
    return hmac.digest(key, encode_fields(header, context), "sha256")


def _parse(envelope: bytes) -> _Parts:
    """Parse an envelope; raise Damaged for an unknown format, suite or flag, or a wrong length."""
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
        header=EnvelopeHeader(flags, generation, uuid.UUID(bytes=connector)),
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
    """Return the error for any defect in an envelope. It is always the same one, so it tells an attacker nothing."""
    return Damaged(
        "damaged_value",
        "A stored value is damaged: it was altered, moved, truncated or encrypted under another key.",
        hint="Restore the newest backup, or declare the secret again.",
    )
