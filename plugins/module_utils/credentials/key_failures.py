# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors for private keys that can't be used. `what` names the key and starts the message.

Messages never include a key's content or a library's error text.
"""

from __future__ import annotations

from ..model.errors import InvalidInput, MissingLibrary

__all__ = [
    "BCRYPT",
    "certificate_given",
    "damaged_key",
    "empty_key",
    "hardware_key",
    "missing_bcrypt",
    "missing_cryptography",
    "no_private_key",
    "passphrase_missing",
    "public_key_given",
    "putty_key",
    "several_keys",
    "unknown_cipher",
    "unsupported_key",
    "weak_key",
    "wrong_passphrase",
]

BCRYPT = "bcrypt>=4"


def empty_key(what: str) -> InvalidInput:
    return InvalidInput("empty_private_key", f"{what} is empty.", hint="Give the content of a private key file.")


def no_private_key(what: str, why: str, hint: str = "") -> InvalidInput:
    return InvalidInput(
        "no_private_key",
        f"{what} is not a private key in PEM or OpenSSH format: {why}.",
        hint=hint or "Give the complete file that ssh-keygen wrote, the one without '.pub'.",
    )


def public_key_given(what: str) -> InvalidInput:
    return InvalidInput(
        "public_key_given",
        f"{what} is a public key.",
        hint="Give the private key of the pair: the file with the same name without '.pub'.",
    )


def certificate_given(what: str) -> InvalidInput:
    return InvalidInput(
        "certificate_given",
        f"{what} is a certificate, not a private key.",
        hint="Give the private key that the certificate was made for.",
    )


def putty_key(what: str) -> InvalidInput:
    return InvalidInput(
        "putty_key",
        f"{what} is in PuTTY's own format.",
        hint="Convert it and give the new file: puttygen KEY.ppk -O private-openssh -o KEY",
    )


def several_keys(what: str) -> InvalidInput:
    return InvalidInput(
        "several_private_keys",
        f"{what} contains more than one private key.",
        hint="Give a single key, and declare a separate secret for each of the others.",
    )


def hardware_key(what: str) -> InvalidInput:
    return InvalidInput(
        "hardware_key",
        f"{what} only works with the FIDO security key on which it was created.",
        hint="For unattended runs, create a key that needs no hardware: ssh-keygen -t ed25519",
    )


def unsupported_key(what: str, why: str) -> InvalidInput:
    return InvalidInput(
        "unsupported_key",
        f"{what} can't be used: {why}.",
        hint="Use an Ed25519, ECDSA (P-256, P-384, P-521) or RSA key. To create one: ssh-keygen -t ed25519",
    )


def unknown_cipher(what: str, command: str) -> InvalidInput:
    return InvalidInput(
        "unknown_key_cipher",
        f"{what} is encrypted in a way that is not supported.",
        hint=f"Encrypt a copy of it with a common cipher, and give the copy: {command}",
    )


def weak_key(what: str, bits: int, least: int) -> InvalidInput:
    return InvalidInput(
        "weak_private_key",
        f"{what} is an RSA key of {bits} bits; OpenSSH requires at least {least}.",
        hint="Create a new key pair: ssh-keygen -t ed25519",
    )


def passphrase_missing(what: str) -> InvalidInput:
    return InvalidInput(
        "key_passphrase_missing",
        f"{what} is protected by a passphrase, but none is given.",
        hint="Give the passphrase as well, or remove it from a copy of the key: ssh-keygen -p",
    )


def wrong_passphrase(what: str) -> InvalidInput:
    return InvalidInput(
        "wrong_key_passphrase",
        f"{what} can't be decrypted with the given passphrase.",
        hint="Try the passphrase by hand: ssh-keygen -y -f KEY. Spaces and line breaks are part of it.",
    )


def damaged_key(what: str, why: str) -> InvalidInput:
    return InvalidInput(
        "damaged_private_key",
        f"{what} can't be read: {why}.",
        hint="Give the unchanged file, from its BEGIN to its END line, with all line breaks; in YAML use '|', not '>'. "
        "If ssh-keygen -y -f KEY can't read it either, restore it from a backup.",
    )


def missing_cryptography() -> MissingLibrary:
    return MissingLibrary("missing_cryptography", requirement="cryptography>=44", needed_for="to read private keys")


def missing_bcrypt() -> MissingLibrary:
    return MissingLibrary(
        "missing_bcrypt", requirement=BCRYPT, needed_for="for private keys in OpenSSH format with a passphrase"
    )
