"""A second implementation of the formats, written from the design and the RFCs; it imports nothing of the collection.

It takes every random part as an argument, so tests can create envelopes that `seal` never would.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CHUNK = 65536


def fields(*values: bytes | str | int | None) -> bytes:
    out = b""
    for value in values:
        if value is None:
            letter, data = b"n", b""
        elif isinstance(value, bytes):
            letter, data = b"b", value
        elif isinstance(value, str):
            letter, data = b"s", value.encode("utf-8")
        else:
            letter, data = b"i", b"%d" % value
        out += struct.pack(">cI", letter, len(data)) + data
    return out


def derive(key: bytes, info: bytes, salt: bytes | None = None, length: int = 32) -> bytes:
    return HKDF(algorithm=SHA512(), length=length, salt=salt, info=info).derive(key)


FOR_READING = ("wrap data keys", "fingerprints", "wrap fingerprint keys", "audit", "id")
"""What is derived from the subkey that reads."""


def scope_subkey(key: bytes, label: str, scope_id: str, generation: int) -> bytes:
    above = scope_subkey(key, "read", scope_id, generation) if label in FOR_READING else key
    return derive(above, fields("scoped.secrets scope key", label, scope_id, generation))


def wrap(key: bytes, nonce: bytes, data_key: bytes, context: bytes) -> bytes:
    return nonce + AESGCM(key).encrypt(nonce, data_key, context)


def unwrap(key: bytes, wrapped: bytes, context: bytes) -> bytes:
    return AESGCM(key).decrypt(wrapped[:12], wrapped[12:], context)


def value_keys(data_key: bytes, salt: bytes, context: bytes, suite: int = 1) -> tuple[bytes, bytes]:
    info = fields("scoped.secrets envelope", suite, hashlib.sha512(context).digest())
    both = derive(data_key, info, salt, 64)
    return both[:32], both[32:]


def chunk_nonces(prefix: bytes, count: int) -> list[bytes]:
    return [prefix + struct.pack(">IB", number, number == count - 1) for number in range(count)]


@dataclass
class Envelope:
    """An envelope's fields; `pack` gives them a valid commitment, whatever they hold.

    `bound` is the header without the generation and the wrapped key with its length.
    """

    data_key: bytes
    wrapped: bytes
    context: bytes
    salt: bytes
    nonce: bytes
    generation: int = 1
    connector: bytes = bytes(16)
    magic: bytes = b"SSE1"
    number: int = 1
    suite: int = 1
    flags: int = 0

    @property
    def header(self) -> bytes:
        head = struct.pack(">4sBHBI", self.magic, self.number, self.suite, self.flags, self.generation)
        return head + self.connector + self.salt + struct.pack(">H", len(self.wrapped)) + self.wrapped

    @property
    def bound(self) -> bytes:
        return struct.pack(">4sBHB", self.magic, self.number, self.suite, self.flags) + self.connector + self.salt

    @property
    def commitment(self) -> bytes:
        key = value_keys(self.data_key, self.salt, self.context, self.suite)[1]
        return hmac.new(key, fields(self.bound + self.nonce, self.context), hashlib.sha256).digest()

    def encrypt(self, chunks: list[bytes]) -> bytes:
        gcm = AESGCM(value_keys(self.data_key, self.salt, self.context, self.suite)[0])
        nonces = chunk_nonces(self.nonce[:7], len(chunks)) if self.flags & 1 else [self.nonce]
        pairs = zip(nonces, chunks, strict=True)
        return b"".join(gcm.encrypt(nonce, chunk, self.bound + self.context) for nonce, chunk in pairs)

    def pack(self, body: bytes) -> bytes:
        return self.header + self.nonce + self.commitment + struct.pack(">I", len(body)) + body

    def seal(self, value: bytes) -> bytes:
        self.flags = int(len(value) > CHUNK)
        return self.pack(self.encrypt([value[at : at + CHUNK] for at in range(0, len(value), CHUNK)] or [b""]))


def open_envelope(envelope: bytes, context: bytes, wrap_key: bytes) -> bytes:
    """Return the value; raise InvalidTag or AssertionError."""
    magic, number, suite, flags, _generation = struct.unpack(">4sBHBI", envelope[:12])
    assert (magic, number, suite) == (b"SSE1", 1, 1)
    salt, (length,) = envelope[28:60], struct.unpack(">H", envelope[60:62])
    bound, wrapped, rest = envelope[:8] + envelope[12:60], envelope[62 : 62 + length], envelope[62 + length :]
    nonce, commitment, (size,), body = rest[:12], rest[12:44], struct.unpack(">I", rest[44:48]), rest[48:]
    assert size == len(body)
    encryption_key, commitment_key = value_keys(unwrap(wrap_key, wrapped, context), salt, context)
    assert commitment == hmac.new(commitment_key, fields(bound + nonce, context), hashlib.sha256).digest()
    pieces = [body[at : at + CHUNK + 16] for at in range(0, len(body), CHUNK + 16)]
    nonces = chunk_nonces(nonce[:7], len(pieces)) if flags else [nonce]
    gcm = AESGCM(encryption_key)
    return b"".join(gcm.decrypt(n, piece, bound + context) for n, piece in zip(nonces, pieces, strict=True))


def backup_key(root_key: bytes) -> bytes:
    return derive(root_key, fields("scoped.secrets root key", "wrap backup keys"))


def root_key_id(root_key: bytes) -> str:
    return derive(root_key, fields("scoped.secrets root key", "id"), length=8).hex()


def passphrase_key(passphrase: str, kdf: dict[str, int | str]) -> bytes:
    salt = bytes.fromhex(str(kdf["salt"]))
    numbers = {"iterations": int(kdf["iterations"]), "lanes": int(kdf["lanes"]), "memory_cost": int(kdf["memory_kib"])}
    return Argon2id(salt=salt, length=32, **numbers).derive(passphrase.encode())


@dataclass
class Backup:
    """A backup's parts, random ones included; `head` gives the fields a valid commitment, whatever they hold."""

    file_key: bytes
    salt: bytes
    nonce: bytes
    header: dict[str, object]
    magic: bytes = b"SSB1"
    number: int = 1
    suite: int = 1

    @property
    def bound(self) -> bytes:
        text = json.dumps(self.header, sort_keys=True).encode()
        return struct.pack(">4sBHI", self.magic, self.number, self.suite, len(text)) + text

    def _keys(self) -> tuple[bytes, bytes]:
        info = fields("scoped.secrets backup", self.suite, hashlib.sha512(self.bound).digest())
        both = derive(self.file_key, info, self.salt, 64)
        return both[:32], both[32:]

    @property
    def head(self) -> bytes:
        return self.bound + hmac.new(self._keys()[1], fields(self.bound), hashlib.sha256).digest()

    def body(self, chunks: list[bytes]) -> list[bytes]:
        gcm = AESGCM(self._keys()[0])
        nonces = chunk_nonces(self.nonce, len(chunks))
        return [gcm.encrypt(nonce, chunk, self.bound) for nonce, chunk in zip(nonces, chunks, strict=True)]

    def seal(self, content: bytes) -> bytes:
        chunks = [content[at : at + CHUNK] for at in range(0, len(content), CHUNK)] or [b""]
        return self.head + b"".join(self.body(chunks))
