# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognizes the format of a private key from its text alone, without a passphrase or a library."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field

from ..model.errors import InvalidInput
from . import key_failures
from .openssh_form import LABEL, Container

__all__ = ["StoredForm", "recognise"]

# The longest key that OpenSSH accepts, RSA with 16384 bits, takes 13 KiB.
_MAX_SIZE = 64 * 1024
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\n(.*?)-----END \1-----", re.DOTALL)
_ENCRYPTED = re.compile(rb"^Proc-Type:\s*4,\s*ENCRYPTED", re.MULTILINE)
_READABLE = ("RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", LABEL)
_PUBLIC_LINE = re.compile(rb"(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ +[A-Za-z0-9+/=]{16}")
_TYPES = re.compile(r"ssh-rsa|ssh-ed25519|ecdsa-sha2-nistp(256|384|521)")
_BINARY_HINT = (
    "If it is DER, convert it and give the new file: openssl pkey -inform DER -in KEY -out KEY.pem. If it is PKCS#12: "
    "openssl pkcs12 -nocerts -in KEY -out KEY.pem"
)


@dataclass(frozen=True, slots=True)
class StoredForm:
    """A key as it is stored: its PEM block and, in OpenSSH format, the container in that block."""

    text: bytes = field(repr=False)
    is_encrypted: bool
    container: Container | None = field(repr=False, default=None)


def recognise(content: bytes, what: str) -> StoredForm:
    """Return the only private key in `content`, by its format; raise InvalidInput for anything else.

    Ignores certificates, public keys and text next to the key, spaces around lines, and the kind of line breaks.
    """
    if len(content) > _MAX_SIZE:
        raise key_failures.no_private_key(what, "it is larger than any private key")
    lines = content.removeprefix(b"\xef\xbb\xbf").splitlines()
    text = b"\n".join(line.strip() for line in lines).strip()
    blocks = [(match[1].decode(), match[2]) for match in _BLOCK.finditer(text)]
    private = [block for block in blocks if block[0].endswith("PRIVATE KEY")]
    if not private:
        raise _other_than_private(text, [label for label, _body in blocks], what)
    if len(private) > 1 or text.count(b"PRIVATE KEY-----") > 2:
        raise key_failures.several_keys(what)
    return _form(*private[0], what)


def _other_than_private(text: bytes, labels: list[str], what: str) -> InvalidInput:
    """Return the error for content without a private key, depending on what it is instead."""
    if not text:
        return key_failures.empty_key(what)
    if text.startswith(b"PuTTY-User-Key-File-"):
        return key_failures.putty_key(what)
    if b"PRIVATE KEY-----" in text:
        return key_failures.damaged_key(what, "its BEGIN and END lines don't enclose a key")
    if text.startswith(b"SSH PRIVATE KEY FILE FORMAT 1") or b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----" in text:
        return key_failures.unsupported_key(what, "it is in a format that OpenSSH no longer writes")
    return _public(text, labels, what) or _unknown(text, what)


def _public(text: bytes, labels: list[str], what: str) -> InvalidInput | None:
    line = _PUBLIC_LINE.match(text)
    if (line and b"-cert-v01@" in line[0]) or any("CERTIFICATE" in label for label in labels):
        return key_failures.certificate_given(what)
    if line or b"---- BEGIN SSH2 PUBLIC KEY ----" in text or any(label.endswith("PUBLIC KEY") for label in labels):
        return key_failures.public_key_given(what)
    return None


def _unknown(text: bytes, what: str) -> InvalidInput:
    try:
        text.decode()
    except UnicodeDecodeError:
        return key_failures.no_private_key(what, "it contains binary data", _BINARY_HINT)
    return key_failures.no_private_key(what, "it has no line '-----BEGIN … PRIVATE KEY-----'")


def _form(label: str, body: bytes, what: str) -> StoredForm:
    if label == "DSA PRIVATE KEY":
        raise key_failures.unsupported_key(what, "OpenSSH no longer supports DSA keys")
    if label not in _READABLE:
        raise key_failures.unsupported_key(what, "its format is not PKCS#1, PKCS#8, SEC1 or OpenSSH")
    if label == LABEL:
        return _openssh_form(body, what)
    text = f"-----BEGIN {label}-----\n".encode() + body + f"-----END {label}-----\n".encode()
    return StoredForm(text, label.startswith("ENCRYPTED") or bool(_ENCRYPTED.search(body)))


def _openssh_form(body: bytes, what: str) -> StoredForm:
    try:
        container = Container.read(base64.b64decode(b"".join(body.split()), validate=True))
        key_type = container.key_type
    except (binascii.Error, ValueError):
        raise key_failures.damaged_key(what, "the data between its BEGIN and END lines is incomplete") from None
    if container.count != 1:
        raise key_failures.several_keys(what)
    _check_type(key_type, what)
    if container.is_sealed and not container.can_be_opened:
        raise key_failures.unknown_cipher(what, "ssh-keygen -p -Z aes256-ctr -f KEY")
    return StoredForm(container.text(), container.is_sealed, container)


def _check_type(key_type: str, what: str) -> None:
    if key_type.startswith("sk-"):
        raise key_failures.hardware_key(what)
    if key_type == "ssh-dss":
        raise key_failures.unsupported_key(what, "OpenSSH no longer supports DSA keys")
    if not _TYPES.fullmatch(key_type):
        raise key_failures.unsupported_key(what, "its key type is unknown")
