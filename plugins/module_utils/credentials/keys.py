# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private keys for SSH: read in whatever form they are kept, handed out in OpenSSH's, made anew.

Only the engine uses them. What comes in is never part of an error.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from ..model.errors import InvalidInput
from . import key_failures
from .key_forms import StoredForm, recognise
from .openssh_form import Container, WrongPassphrase

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    Key: TypeAlias = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey

__all__ = ["DEFAULT_RSA_BITS", "PrivateKey", "check_wish", "generate_key", "handed_out", "read_key"]

# ssh-keygen(1), -b: "the default is 3072 bits".
DEFAULT_RSA_BITS = 3072
# OpenSSH's sshkey.h, SSH_RSA_MINIMUM_MODULUS_SIZE; also the least that RequiredRSASize of ssh_config(5) can be.
_LEAST_RSA_BITS = 1024
# OPENSSL_RSA_MAX_MODULUS_BITS, which is as much as ssh-keygen makes.
_MOST_RSA_BITS = 16384
# NIST SP 800-131A, revision 2, section 3: less is no longer acceptable for new signatures.
_LEAST_NEW_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that was read. `openssh` is its OpenSSH form without a passphrase.

    `public_line` is as an authorized_keys file has it, `fingerprint` as ssh-keygen -l prints it; `type` is rsa, ecdsa
    or ed25519. `was_encrypted`: what it was read from is protected by a passphrase.
    """

    # Written anew it has other random numbers in it.
    openssh: bytes = field(repr=False, compare=False)
    public_line: str
    fingerprint: str
    type: str
    bits: int
    was_encrypted: bool


def read_key(content: bytes, passphrase: bytes | None, what: str) -> PrivateKey:
    """Return the one private key in `content`; raise InvalidInput for what is none, MissingLibrary.

    A passphrase for a key that has none is ignored, as ssh does. `what` names the key, as the begin of a sentence.
    """
    form = recognise(content, what)
    key, container = _opened(form, passphrase or b"", what)
    return _described(key, container, form.is_encrypted)


def handed_out(content: bytes, passphrase: bytes | None, what: str) -> bytes:
    """Return the key in OpenSSH form, protected by its passphrase if it was; raise InvalidInput, MissingLibrary.

    One that is in that form already is not opened for it.
    """
    form = recognise(content, what)
    if form.container:
        return form.text
    _key, container = _opened(form, passphrase or b"", what)
    return (container.sealed(passphrase) if form.is_encrypted and passphrase else container).text()


def generate_key(type: str, bits: int, comment: str, passphrase: bytes | None) -> bytes:
    """Return a new key in OpenSSH form; raise InvalidInput, MissingLibrary. `bits` is 0 for the usual size."""
    check_wish(type, bits, comment)
    _need_cryptography()
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    if type == "rsa":
        container = _container_of(rsa.generate_private_key(65537, bits or DEFAULT_RSA_BITS))
    else:
        container = _container_of(ed25519.Ed25519PrivateKey.generate())
    container = container.commented(comment)
    return (container.sealed(passphrase) if passphrase else container).text()


def check_wish(type: str, bits: int, comment: str) -> None:
    """Raise InvalidInput for a key that can't be made, or that would be too weak."""
    if type not in ("ed25519", "rsa"):
        raise _not_made(f"'{type[:40]}' is no type of key that is made here", "Take ed25519, or rsa.")
    if type == "rsa" and not (bits == 0 or _LEAST_NEW_RSA_BITS <= bits <= _MOST_RSA_BITS):
        raise _not_made(
            f"an RSA key of {bits} bits is not made",
            f"Take {_LEAST_NEW_RSA_BITS} to {_MOST_RSA_BITS}, or leave it out.",
        )
    if type == "ed25519" and bits not in (0, 256):
        raise _not_made("the size of an Ed25519 key is fixed", "Leave the bits out.")
    if not comment.isprintable():
        raise _not_made("the comment has signs in it that don't print", "Write it on one line.")


def _not_made(why: str, hint: str) -> InvalidInput:
    return InvalidInput("invalid_generate", f"No key can be made like this: {why}.", hint=hint)


def _need_cryptography() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise key_failures.missing_cryptography() from None


def _opened(form: StoredForm, passphrase: bytes, what: str) -> tuple[Key, Container]:
    """Return the key and its container without a passphrase, which keeps the comment of one that has it."""
    if form.is_encrypted and not passphrase:
        raise key_failures.passphrase_missing(what)
    _need_cryptography()
    if form.container:
        container = _unsealed(form.container, passphrase, what)
        return _loaded(container.text(), b"", what), container
    key = _loaded(form.text, passphrase if form.is_encrypted else b"", what)
    return key, _container_of(key)


def _unsealed(container: Container, passphrase: bytes, what: str) -> Container:
    if not container.is_sealed:
        return container
    try:
        return container.opened(passphrase)
    except WrongPassphrase:
        raise key_failures.wrong_passphrase(what) from None
    except ValueError:
        raise key_failures.damaged_key(what, "how its passphrase protects it makes no sense") from None


def _loaded(text: bytes, passphrase: bytes, what: str) -> Key:
    """Return what a PEM block holds. The library's errors differ by form and release, and may quote what they read."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    openssh = text.startswith(b"-----BEGIN OPENSSH")
    load = serialization.load_ssh_private_key if openssh else serialization.load_pem_private_key
    try:
        key = load(text, passphrase or None)
    except UnsupportedAlgorithm:
        raise _unsupported(what, bool(passphrase)) from None
    except BaseException as error:
        # A panic of the library's own code is no Exception (seen with a start value that was cut short).
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        if passphrase:
            raise key_failures.wrong_passphrase(what) from None
        raise key_failures.damaged_key(what, "its content is damaged, or incomplete") from None
    return _checked(key, what)


def _checked(key: object, what: str) -> Key:
    """Return the key if OpenSSH takes it; raise InvalidInput."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < _LEAST_RSA_BITS:
            raise key_failures.weak_key(what, key.key_size, _LEAST_RSA_BITS)
        if key.key_size > _MOST_RSA_BITS:
            raise key_failures.unsupported_key(what, f"OpenSSH takes no RSA key over {_MOST_RSA_BITS} bits")
        return key
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(
        key.curve, (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
    ):
        return key
    raise _unsupported(what, False)


def _unsupported(what: str, is_encrypted: bool) -> InvalidInput:
    if is_encrypted:
        return key_failures.unknown_cipher(what, "openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out NEW")
    return key_failures.unsupported_key(what, "OpenSSH takes no key of its curve or kind")


def _container_of(key: Key) -> Container:
    from cryptography.hazmat.primitives import serialization as form

    text = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption())
    return Container.read(base64.b64decode(b"".join(text.splitlines()[1:-1])))


def _described(key: Key, container: Container, was_encrypted: bool) -> PrivateKey:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    key_type, encoded = line.split()
    digest = base64.b64encode(hashlib.sha256(base64.b64decode(encoded)).digest()).decode()
    return PrivateKey(
        openssh=container.text(),
        public_line=f"{line} {_comment(container)}".rstrip(),
        fingerprint=f"SHA256:{digest.rstrip('=')}",
        type=key_type.removeprefix("ssh-").partition("-")[0],
        bits=getattr(key, "key_size", 256),
        was_encrypted=was_encrypted,
    )


def _comment(container: Container) -> str:
    try:
        comment = container.comment
    except ValueError:
        return ""
    # Another sort of comment could add lines to the file that it goes to.
    return comment if comment.isprintable() else ""
