# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of secrets in Azure Key Vault: letters, digits and `-`, compared without case.

Each character of an identifier has its own code, and no code is a prefix of another, so different identifiers never
share a name, in any case. Digits and lower-case letters except `z` stay as they are, `_` becomes `-`, and all others
become two characters of which the first is `z`: db_password is db-password, API-key is zazpziz-key. The names of
folders before an identifier end with `/`, which becomes z1: pay/api/db is payz1apiz1db.
"""

from __future__ import annotations

import re

__all__ = ["MAX_NAME", "NAME", "NAME_RULE", "identifier_of", "name_of"]

MAX_NAME = 127
NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
NAME_RULE = "at most 127 letters, digits and '-'; upper-case letters, '-', '$', 'z' and '/' count twice"

_LITERAL = "abcdefghijklmnopqrstuvwxy0123456789"
_UPPER = {letter.upper(): letter for letter in "abcdefghijklmnopqrstuvwxyz"}
_ESCAPED = {"z": "0", "/": "1", "$": "4", "-": "-", **_UPPER}
_CODES = {
    **{letter: letter for letter in _LITERAL},
    "_": "-",
    **{character: f"z{code}" for character, code in _ESCAPED.items()},
}
_CHARACTERS = {code: character for character, code in _CODES.items()}


def name_of(identifier: str) -> str:
    """Return the name of a secret, possibly too long. Raises KeyError for an invalid identifier."""
    return "".join(_CODES[character] for character in identifier)


def identifier_of(name: str) -> str | None:
    """Return the identifier with this name, None if there is none."""
    codes = re.findall(r"z.?|[^z]", name.lower())
    characters = [_CHARACTERS.get(code) for code in codes]
    return None if None in characters else "".join(map(str, characters))
