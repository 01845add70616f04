# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenSSH's container for private keys (PROTOCOL.key of OpenSSH).

The library `cryptography` reads and writes the keys themselves, but drops their comment and can't tell a wrong
passphrase from damage. So this module handles the container and the encryption of its private section.
"""

from __future__ import annotations

import base64
import os
import struct
import textwrap
from dataclasses import dataclass, field, replace
from typing import Any

from . import key_failures

__all__ = ["LABEL", "Container", "WrongPassphrase"]

LABEL = "OPENSSH PRIVATE KEY"
_MAGIC = b"openssh-key-v1\0"
_WIDTH = 70
# The defaults of ssh-keygen (sshkey.c: DEFAULT_CIPHERNAME, DEFAULT_ROUNDS).
_CIPHER, _ROUNDS, _SALT = "aes256-ctr", 24, 16
# The key derivation is slow by design: more rounds would block a run for a minute.
_MAX_ROUNDS = 2048
_KEY_BYTES = {"aes128": 16, "aes192": 24, "aes256": 32}
_TAG = 16
# Number of strings between a key's type and its comment.
_FIELDS = {"ssh-rsa": 6, "ssh-ed25519": 2} | {f"ecdsa-sha2-nistp{bits}": 3 for bits in (256, 384, 521)}


class WrongPassphrase(Exception):
    """The private section was encrypted with another passphrase."""


@dataclass(frozen=True, slots=True)
class Container:
    """The fields of a container. `section` is the private part, encrypted unless `cipher` is none."""

    cipher: str
    kdf: str
    kdf_options: bytes = field(repr=False)
    count: int
    public: bytes = field(repr=False)
    section: bytes = field(repr=False)
    tag: bytes = b""

    @classmethod
    def read(cls, data: bytes) -> Container:
        """Return the container encoded in `data`; raise ValueError."""
        if not data.startswith(_MAGIC):
            raise ValueError("not a container")
        cipher, rest = _string(data[len(_MAGIC) :])
        kdf, rest = _string(rest)
        options, rest = _string(rest)
        count, rest = _number(rest)
        public, rest = _string(rest)
        section, tag = _string(rest)
        return cls(cipher.decode("ascii"), kdf.decode("ascii"), options, count, public, section, tag)

    @property
    def key_type(self) -> str:
        """OpenSSH's name of the key type; raise ValueError."""
        return _string(self.public)[0].decode("ascii")

    @property
    def is_sealed(self) -> bool:
        """Whether it is encrypted with a passphrase."""
        return self.cipher != "none"

    @property
    def can_be_opened(self) -> bool:
        """Whether its cipher and key derivation are supported."""
        name, _dash, mode = self.cipher.partition("-")
        return self.kdf == "bcrypt" and name in _KEY_BYTES and mode in ("ctr", "cbc", "gcm@openssh.com")

    @property
    def comment(self) -> str:
        """The comment of the key, from a decrypted section; raise ValueError, UnicodeError."""
        return self._split_at_comment()[1].decode()

    @property
    def rsa_bits(self) -> int:
        """The size of the RSA key in a decrypted section, 0 for keys of other types and damaged ones."""
        try:
            key_type, rest = _string(self.section[8:])
            return int.from_bytes(_string(rest)[0], "big").bit_length() if key_type == b"ssh-rsa" else 0
        except ValueError:
            return 0

    def text(self) -> bytes:
        """Return the content of a key file with this container."""
        fields = (self.cipher.encode(), self.kdf.encode(), self.kdf_options)
        head = _MAGIC + b"".join(map(_packed, fields)) + struct.pack(">I", self.count)
        data = head + _packed(self.public) + _packed(self.section) + self.tag
        lines = textwrap.wrap(base64.b64encode(data).decode(), _WIDTH)
        return "\n".join([f"-----BEGIN {LABEL}-----", *lines, f"-----END {LABEL}-----", ""]).encode()

    def opened(self, passphrase: bytes) -> Container:
        """Return a decrypted copy; raise WrongPassphrase, MissingLibrary, or ValueError for damaged data."""
        salt, rest = _string(self.kdf_options)
        rounds, _nothing = _number(rest)
        if not (salt and 1 <= rounds <= _MAX_ROUNDS):
            raise ValueError("invalid parameters of the key derivation")
        section = _decrypted(self.cipher, passphrase, salt, rounds, self.section + self.tag)
        if section[:4] != section[4:8]:
            raise WrongPassphrase
        return replace(self, cipher="none", kdf="none", kdf_options=b"", section=section, tag=b"")

    def sealed(self, passphrase: bytes) -> Container:
        """Return a decrypted container encrypted as ssh-keygen does; raise MissingLibrary."""
        salt = os.urandom(_SALT)
        sealed = _encrypted(passphrase, salt, _padded(self._split_at_comment(), 16))
        options = _packed(salt) + struct.pack(">I", _ROUNDS)
        return replace(self, cipher=_CIPHER, kdf="bcrypt", kdf_options=options, section=sealed)

    def commented(self, comment: str) -> Container:
        """Return a decrypted container with another comment."""
        private, _old = self._split_at_comment()
        return replace(self, section=_padded((private, comment.encode()), 8))

    def _split_at_comment(self) -> tuple[bytes, bytes]:
        rest = self.section[8:]
        key_type, rest = _string(rest)
        for _field in range(_FIELDS[key_type.decode("ascii")]):
            _value, rest = _string(rest)
        return self.section[: len(self.section) - len(rest)], _string(rest)[0]


def _padded(private_and_comment: tuple[bytes, bytes], block: int) -> bytes:
    private, comment = private_and_comment
    section = private + _packed(comment)
    return section + bytes(range(1, -len(section) % block + 1))


def _number(data: bytes) -> tuple[int, bytes]:
    if len(data) < 4:
        raise ValueError("truncated")
    return int.from_bytes(data[:4], "big"), data[4:]


def _string(data: bytes) -> tuple[bytes, bytes]:
    """Return the first string (RFC 4251, section 5) and the rest; raise ValueError."""
    length, rest = _number(data)
    if length > len(rest):
        raise ValueError("truncated")
    return rest[:length], rest[length:]


def _packed(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _derived(passphrase: bytes, salt: bytes, rounds: int, length: int) -> bytes:
    try:
        import bcrypt
    except ImportError:
        raise key_failures.missing_bcrypt() from None
    return bcrypt.kdf(passphrase, salt, length, rounds, ignore_few_rounds=True)


def _decrypted(cipher: str, passphrase: bytes, salt: bytes, rounds: int, data: bytes) -> bytes:
    """Return the decrypted section; raise WrongPassphrase if the cipher detects it, ValueError for incomplete data."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    name, _dash, mode = cipher.partition("-")
    size = _KEY_BYTES[name]
    derived = _derived(passphrase, salt, rounds, size + (12 if mode.startswith("gcm") else 16))
    key, start = derived[:size], derived[size:]
    sealing: Any = modes.CTR(start) if mode == "ctr" else modes.CBC(start)
    if mode.startswith("gcm"):
        sealing, data = modes.GCM(start, data[-_TAG:]), data[:-_TAG]
    decryptor = Cipher(algorithms.AES(key), sealing).decryptor()
    try:
        return decryptor.update(data) + decryptor.finalize()
    except InvalidTag:
        raise WrongPassphrase from None


def _encrypted(passphrase: bytes, salt: bytes, section: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    derived = _derived(passphrase, salt, _ROUNDS, 48)
    return Cipher(algorithms.AES(derived[:32]), modes.CTR(derived[32:])).encryptor().update(section)
