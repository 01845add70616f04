# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for identifiers, names and tags."""

from __future__ import annotations

import re
from typing import Any

from .errors import InvalidInput

__all__ = ["BUILTIN", "MAX_LENGTH", "check_identifier", "check_name", "check_tags"]

MAX_LENGTH = 128
BUILTIN = "builtin"

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*\Z")
_SECRET = re.compile(r"[A-Za-z_][A-Za-z0-9_$-]*\Z")

# Words that the Harness platform reserves (its entity identifier reference), and our own `project`.
_RESERVED = frozenset(
    [
        "or",
        "and",
        "eq",
        "ne",
        "lt",
        "gt",
        "le",
        "ge",
        "div",
        "mod",
        "not",
        "null",
        "true",
        "false",
        "new",
        "var",
        "return",
        "step",
        "parallel",
        "stepGroup",
        "org",
        "account",
        "status",
        "liteEngineTask",
        "project",
    ]
)

# Characters that the Harness platform forbids in names (its entity identifier reference).
_NOT_IN_NAMES = frozenset("~!@#$%^&*'\"?/<>,;")


def check_identifier(text: str, kind: str) -> str:
    """Return `text` if it is a valid identifier for a `kind` (scope, connector, secret); raise InvalidInput."""
    pattern, also = (_SECRET, ", $ or -") if kind == "secret" else (_PLAIN, " or $")
    if not text or len(text) > MAX_LENGTH or not pattern.match(text):
        raise InvalidInput(
            "invalid_identifier",
            f"{text[: MAX_LENGTH + 1]!r} is not a valid identifier for a {kind}.",
            hint=f"Start with a letter or _, then use letters, digits, _{also}, up to {MAX_LENGTH} characters. "
            "Put a readable name into 'name'.",
        )
    if text in _RESERVED or (kind == "connector" and text == BUILTIN):
        raise InvalidInput(
            "reserved_identifier",
            f"{text!r} is a reserved word and can't be the identifier of a {kind}.",
            hint="Choose another identifier, for example with a prefix.",
        )
    return text


def check_name(text: str) -> str:
    """Return `text` if it is a valid name; raise InvalidInput."""
    found = sorted({c for c in text if c in _NOT_IN_NAMES or not c.isprintable()})
    if found or not text.strip() or len(text) > MAX_LENGTH:
        reason = f"contains {' '.join(map(repr, found))}" if found else f"must have 1 to {MAX_LENGTH} characters"
        raise InvalidInput(
            "invalid_name",
            f"The name {text[:MAX_LENGTH]!r} {reason}.",
            hint=f"Names can't contain control characters or any of: {' '.join(sorted(_NOT_IN_NAMES))}",
        )
    return text


def check_tags(tags: dict[str, Any]) -> dict[str, str]:
    """Return the tags with keys and values as text; raise InvalidInput for an empty key, a dict or a list."""
    clean: dict[str, str] = {}
    for key, value in tags.items():
        if not str(key).strip() or isinstance(value, (dict, list)):
            raise InvalidInput(
                "invalid_tags",
                f"The tag {str(key)[:40]!r} must have a key and a single plain value.",
                hint="Write tags as 'team: payments'. For a tag without a value use an empty string.",
            )
        clean[str(key)] = "" if value is None else str(value)
    return clean
