# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text form of a scope's key, which opens that scope and no other. It names the scope and its store:

sssk1:STORE ID:SCOPE ID:GENERATION:32 bytes as base64:first 8 hex digits of SHA-256 over all before the last colon
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import NamedTuple

from ..model.errors import KeyRefused
from .outside_keys import KeyFile, read_guarded, weakness
from .scopekey import ScopeKey

__all__ = ["ExportedKey", "key_text", "read_key_text", "read_scope_key_file"]

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
# Compiled on use: few runs have a scope key.
_FORM = (
    rf"(?P<body>sssk1:(?P<store>{_UUID}):(?P<scope>{_UUID}):(?P<generation>[1-9][0-9]{{0,8}}):"
    r"(?P<key>[A-Za-z0-9+/]{43}=)):(?P<sum>[0-9a-f]{8})"
)
_FILE = KeyFile(
    "scope key",
    "scope_key_file",
    "one line that starts with sssk1:",
    "Set 'scope_key_file' (SCOPED_SECRETS_SCOPE_KEY_FILE) to its path, or ask someone with the key of a higher scope "
    "to write it with scoped.secrets.scope_key.",
)


class ExportedKey(NamedTuple):
    """A parsed scope key. `source` says where it was found, for messages."""

    store_id: str
    key: ScopeKey
    source: str


def key_text(store_id: str, key: ScopeKey) -> str:
    """Return the text form of a scope's key."""
    body = f"sssk1:{store_id}:{key.scope_id}:{key.generation}:{base64.b64encode(key.export()).decode()}"
    return f"{body}:{_checksum(body)}"


def _checksum(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:8]


def read_key_text(text: str, source: str) -> ExportedKey:
    """Parse a scope key; raise KeyRefused if it is malformed, incomplete or weak."""
    found = re.fullmatch(_FORM, text.strip())
    if found is None or found["sum"] != _checksum(found["body"]):
        raise _malformed(text.strip(), source)
    material = base64.b64decode(found["key"])
    if reason := weakness(material):
        raise KeyRefused(
            "weak_scope_key",
            f"The scope key from {source} is refused: {reason}.",
            hint="Use a key that scoped.secrets.scope_key wrote.",
        )
    return ExportedKey(found["store"], ScopeKey(found["scope"], int(found["generation"]), material), source)


def _malformed(text: str, source: str) -> KeyRefused:
    if text.startswith("sssk1:"):
        reason, hint = "is truncated or altered", "Copy the whole line again; it has about 140 characters."
    elif text.startswith("sssk"):
        reason, hint = "has a format that this version does not know", "Install the collection version that wrote it."
    else:
        reason = "is not valid: it does not start with sssk1:"
        hint = "Use a key that scoped.secrets.scope_key wrote. A root key goes into 'root_key' or 'root_key_file'."
    return KeyRefused("malformed_scope_key", f"The scope key from {source} {reason}.", hint=hint)


def read_scope_key_file(path: str) -> ExportedKey:
    """Return the scope key from a file that only its owner, the current user, can read; raise KeyRefused."""
    return read_key_text(read_guarded(path, _FILE), f"the file {path}")
