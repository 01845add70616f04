# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private keys for SSH, as people store them."""

from __future__ import annotations

from functools import cache

from ansible_collections.scoped.secrets.plugins.module_utils.credentials.keys import (
    generate_key,
    handed_out,
    read_key,
)
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from fuzz.target import Target

_PASSPHRASE = b"a passphrase"
_FORMS = (PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8)


@cache
def _keys() -> list[bytes]:
    ed25519 = generate_key("ed25519", 0, "a comment", None)
    ecdsa = generate_private_key(SECP256R1())
    public = ecdsa.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return [ed25519, public, *(ecdsa.private_bytes(Encoding.PEM, form, NoEncryption()) for form in _FORMS)]


def _key(data: bytes) -> None:
    """A key that is read is read again from the form that it is handed out in, and is the same one."""
    key = read_key(data, _PASSPHRASE, "The key")
    again = read_key(handed_out(data, _PASSPHRASE, "The key"), _PASSPHRASE, "The key")
    if again.public_line.split()[:2] != key.public_line.split()[:2]:
        raise AssertionError("a key is handed out as another one")


TARGETS = (Target("private_key", _keys, _key),)
