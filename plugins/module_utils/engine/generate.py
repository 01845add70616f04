# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that nobody has to think of."""

from __future__ import annotations

import base64
import secrets
import string
import uuid
from typing import Any

from ..model.errors import InvalidInput

__all__ = ["MAX_LENGTH", "check_generate", "generate"]

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
    """Raise InvalidInput for options that can't make a value."""
    length, sets = options["length"], _sets(options)
    if not 1 <= length <= MAX_LENGTH:
        raise InvalidInput(
            "invalid_generate",
            f"'generate.length' is {length}; it must be from 1 to {MAX_LENGTH}.",
            hint="Leave it out for a length that is safe for passwords.",
        )
    if len(set("".join(sets))) < 2 or length < len(sets):
        raise InvalidInput(
            "invalid_generate",
            "'generate.charset' needs at least two different characters, and 'generate.length' at least one for each "
            "of its sets.",
            hint="For example charset: [ascii_letters, digits, '-_'] and length: 32.",
        )


def generate(options: dict[str, Any]) -> str:
    """Return a random value of the wanted kind: a password with a character of each set, or hex, base64, a UUID."""
    kind, length = options["kind"], options["length"]
    if kind == "hex":
        return secrets.token_hex(length)
    if kind == "base64":
        return base64.b64encode(secrets.token_bytes(length)).decode()
    if kind == "uuid":
        return str(uuid.uuid4())
    return _password(length, _sets(options))


def _password(length: int, sets: list[str]) -> str:
    """Draw from all sets; put one of each set at random places first, so that none is missing."""
    everything = "".join(dict.fromkeys("".join(sets)))
    drawn = [secrets.choice(one) for one in sets]
    drawn += [secrets.choice(everything) for _missing in range(length - len(drawn))]
    secrets.SystemRandom().shuffle(drawn)
    return "".join(drawn)


def _sets(options: dict[str, Any]) -> list[str]:
    return [_NAMED.get(name, name) for name in options["charset"] if name]
