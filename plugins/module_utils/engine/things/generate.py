# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generates random values: passwords, tokens and private SSH keys."""

from __future__ import annotations

import base64
import secrets
import string
import uuid
from typing import Any

from ...credentials.keys import PrivateKey, check_wish, generate_key, read_key
from ...model.errors import InvalidInput

__all__ = ["MAX_LENGTH", "check_generate", "generate", "make_key", "public_fields", "public_half"]

MAX_LENGTH = 4096

_NAMED = {
    name: getattr(string, name)
    for name in (
        "ascii_letters",
        "ascii_lowercase",
        "ascii_uppercase",
        "digits",
        "hexdigits",
        "octdigits",
        "punctuation",
    )
}


def check_generate(options: dict[str, Any]) -> None:
    """Raise InvalidInput for options that can't make a value. With a `type` they describe a key pair."""
    if "type" in options:
        check_wish(**_key_wish(options))
        return
    length, sets = options["length"], _sets(options)
    if not 1 <= length <= MAX_LENGTH:
        raise InvalidInput(
            "invalid_generate",
            f"'generate.length' is {length}; it must be from 1 to {MAX_LENGTH}.",
            hint="Remove it to get a length that is safe for passwords.",
        )
    if len(set("".join(sets))) < 2 or length < len(sets):
        raise InvalidInput(
            "invalid_generate",
            "'generate.charset' needs at least two different characters, and 'generate.length' must not be smaller "
            "than the number of its sets.",
            hint="Set for example charset: [ascii_letters, digits, '-_'] and length: 32.",
        )


def generate(options: dict[str, Any]) -> str:
    """Return a random value: a password with at least one character of each set, hex, base64 or a UUID.

    For a key pair, returns the private key in OpenSSH form.
    """
    if "type" in options:
        return make_key(options)
    kind, length = options["kind"], options["length"]
    if kind == "hex":
        return secrets.token_hex(length)
    if kind == "base64":
        return base64.b64encode(secrets.token_bytes(length)).decode()
    if kind == "uuid":
        return str(uuid.uuid4())
    return _password(length, _sets(options))


def make_key(options: dict[str, Any], passphrase: str = "") -> str:
    """Return a new private key in OpenSSH form, encrypted with the passphrase if there is one."""
    return generate_key(**_key_wish(options), passphrase=passphrase.encode() or None).decode()


def public_half(value: bytes, options: dict[str, Any]) -> dict[str, str]:
    """Return the public half of a generated key pair, empty for other values."""
    return public_fields(read_key(value, None, "The key")) if "type" in options else {}


def public_fields(key: PrivateKey) -> dict[str, str]:
    """Return the public half of a key as it is shown and stored."""
    return {"public_key": key.public_line, "key_fingerprint": key.fingerprint}


def _key_wish(options: dict[str, Any]) -> dict[str, Any]:
    return {"type": options["type"], "bits": options.get("bits") or 0, "comment": options.get("comment") or ""}


def _password(length: int, sets: list[str]) -> str:
    """Draw one character of each set and the rest from all sets, then shuffle them."""
    everything = "".join(dict.fromkeys("".join(sets)))
    drawn = [secrets.choice(one) for one in sets]
    drawn += [secrets.choice(everything) for _missing in range(length - len(drawn))]
    secrets.SystemRandom().shuffle(drawn)
    return "".join(drawn)


def _sets(options: dict[str, Any]) -> list[str]:
    return [_NAMED.get(name, name) for name in options["charset"] if name]
