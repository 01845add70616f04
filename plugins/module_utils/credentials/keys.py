# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private keys for SSH: reads all common formats, converts them to OpenSSH's, and generates new keys.

Only the engine uses this module. Errors never quote the input.
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
# OpenSSH's sshkey.h, SSH_RSA_MINIMUM_MODULUS_SIZE; RequiredRSASize of ssh_config(5) can't be set lower either.
_LEAST_RSA_BITS = 1024
# OPENSSL_RSA_MAX_MODULUS_BITS, which is also the limit of ssh-keygen.
_MOST_RSA_BITS = 16384
# NIST SP 800-131A, revision 2, section 3: shorter keys are no longer acceptable for new signatures.
_LEAST_NEW_RSA_BITS = 2048
# Whether the primes of an RSA key are prime takes minutes to find out for a long key: its size is looked at before.
_UNVALIDATED = {"unsafe_skip_rsa_key_validation": True}


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key that was read. `openssh` is the key in OpenSSH format without a passphrase.

    `public_line` is its line for an authorized_keys file, `fingerprint` is what ssh-keygen -l prints, `type` is rsa,
    ecdsa or ed25519, and `was_encrypted` tells whether the source is protected by a passphrase.
    """

    # Not compared: the format contains random numbers.
    openssh: bytes = field(repr=False, compare=False)
    public_line: str
    fingerprint: str
    type: str
    bits: int
    was_encrypted: bool


def read_key(content: bytes, passphrase: bytes | None, what: str) -> PrivateKey:
    """Return the only private key in `content`; raise InvalidInput, MissingLibrary.

    Like ssh, ignores a passphrase for a key that has none. `what` names the key and starts error messages.
    """
    form = recognise(content, what)
    key, container = _opened(form, passphrase or b"", what)
    return _described(key, container, form.is_encrypted)


def handed_out(content: bytes, passphrase: bytes | None, what: str) -> bytes:
    """Return the key in OpenSSH format, protected by its passphrase if it had one; raise InvalidInput, MissingLibrary.

    A key that is already in this format is not decrypted.
    """
    form = recognise(content, what)
    if form.container:
        return form.text
    _key, container = _opened(form, passphrase or b"", what)
    return (container.sealed(passphrase) if form.is_encrypted and passphrase else container).text()


def generate_key(type: str, bits: int, comment: str, passphrase: bytes | None) -> bytes:
    """Return a new key in OpenSSH format; `bits` 0 means the default size. Raises InvalidInput, MissingLibrary."""
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
    """Raise InvalidInput for a key that can't be generated or would be too weak."""
    if type not in ("ed25519", "rsa"):
        raise _not_made(f"the key type '{type[:40]}' is not supported", "Set 'type' to ed25519 or rsa.")
    if type == "rsa" and not (bits == 0 or _LEAST_NEW_RSA_BITS <= bits <= _MOST_RSA_BITS):
        raise _not_made(
            f"an RSA key of {bits} bits is not supported",
            f"Set 'bits' to a number from {_LEAST_NEW_RSA_BITS} to {_MOST_RSA_BITS}, or leave it out.",
        )
    if type == "ed25519" and bits not in (0, 256):
        raise _not_made("the size of an Ed25519 key is fixed", "Leave out 'bits'.")
    if not comment.isprintable():
        raise _not_made("the comment contains unprintable characters", "Write the comment on one line.")


def _not_made(why: str, hint: str) -> InvalidInput:
    return InvalidInput("invalid_generate", f"Can't generate the key: {why}.", hint=hint)


def _need_cryptography() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise key_failures.missing_cryptography() from None


def _opened(form: StoredForm, passphrase: bytes, what: str) -> tuple[Key, Container]:
    """Return the key and its decrypted container, which keeps the comment of a key in OpenSSH format."""
    if form.is_encrypted and not passphrase:
        raise key_failures.passphrase_missing(what)
    _need_cryptography()
    if form.container:
        container = _unsealed(form.container, passphrase, what)
        _check_size(container.rsa_bits, what)
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
        raise key_failures.damaged_key(what, "its encryption parameters are invalid") from None


def _loaded(text: bytes, passphrase: bytes, what: str) -> Key:
    """Return the key in a PEM block; raise InvalidInput.

    Replaces the library's errors, which vary by format and release and may quote the input.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        if text.startswith(b"-----BEGIN OPENSSH"):
            key: object = serialization.load_ssh_private_key(text, passphrase or None)
        else:
            key = _validated(serialization.load_pem_private_key(text, passphrase or None, **_UNVALIDATED), what)
    except InvalidInput:
        raise
    except UnsupportedAlgorithm:
        raise _unsupported(what) from None
    except BaseException as error:
        # A panic in the library's Rust code is not an Exception (seen with a truncated initialization vector).
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        if passphrase and "unknown" in str(error).lower():
            raise key_failures.unknown_cipher(what, "openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out NEW") from None
        if passphrase:
            raise key_failures.wrong_passphrase(what) from None
        raise key_failures.damaged_key(what, "its content is damaged or incomplete") from None
    return _checked(key, what)


def _validated(key: object, what: str) -> object:
    """Return a key whose numbers fit together; raise InvalidInput for an RSA key that is too long, else ValueError."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    if not isinstance(key, rsa.RSAPrivateKey):
        return key
    _check_size(key.key_size, what)
    return key.private_numbers().private_key()


def _check_size(rsa_bits: int, what: str) -> None:
    """Raise InvalidInput for an RSA key that OpenSSH does not support because of its size."""
    if rsa_bits > _MOST_RSA_BITS:
        raise key_failures.unsupported_key(what, f"OpenSSH supports RSA keys of at most {_MOST_RSA_BITS} bits")


def _checked(key: object, what: str) -> Key:
    """Return the key if OpenSSH supports it; raise InvalidInput."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < _LEAST_RSA_BITS:
            raise key_failures.weak_key(what, key.key_size, _LEAST_RSA_BITS)
        return key
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(
        key.curve, (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
    ):
        return key
    raise _unsupported(what)


def _unsupported(what: str) -> InvalidInput:
    return key_failures.unsupported_key(what, "OpenSSH does not support its curve or key type")


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
    # An unprintable comment could add lines to the file that it is written to.
    return comment if comment.isprintable() else ""
