# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The canonical form of a row, which digests and tags cover: all its fields by name, whoever may read them.

A field at its default is left out, so that a column added later leaves the digests of older rows as they are. What an
entity gains joins by itself. Left out by rule: the optimistic lock, which only of a scope counts its writes, what
proves the row, and in a version what a rotation of keys rewrites, so that the same value stays proved.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from ...crypto.encoding import Field, encode_fields, encode_text
from ...crypto.envelope import lasting_digest
from ...model.entities import Connector, Intent, Scope, Secret, SecretVersion, Share
from ...model.scopes import ScopePath

__all__ = ["Signed", "canonical", "digest_of"]

Signed: TypeAlias = "Scope | Connector | Secret | SecretVersion | Share | Intent"

_TABLES = {
    Scope.__name__: "scope",
    Connector.__name__: "connector",
    Secret.__name__: "secret",
    SecretVersion.__name__: "secret_version",
    Share.__name__: "secret_share",
    Intent.__name__: "intent",
}
_NEVER = frozenset({"digest", "tag"})
_NOT_IN = {
    Connector.__name__: frozenset({"revision"}),
    Secret.__name__: frozenset({"revision"}),
    SecretVersion.__name__: frozenset({"key_generation"}),
    # The scope that has the share wraps its data key again, without the key that signed it.
    Share.__name__: frozenset({"key_generation", "wrapped"}),
    # Whoever takes an intent over becomes its process, without the key that signed it.
    Intent.__name__: frozenset({"process", "created_at"}),
}
_NO_DEFAULT = object()


def digest_of(row: Signed) -> bytes:
    """Return the SHA-256 of a row's canonical form."""
    return hashlib.sha256(canonical(row)).digest()


def canonical(row: Signed) -> bytes:
    """Return the table of a row and its fields by name, without those at their default."""
    kind: Any = type(row)
    values: Any = _without_wrapping(row) if kind.__name__ == "SecretVersion" else row
    encoded = [encode_fields(_TABLES[kind.__name__])]
    # Every row that is read passes through here: names are encoded once, and most values are text.
    for place, name, default in _fields(kind):
        value = values[place]
        if value != default:
            encoded += (name, encode_text(value) if isinstance(value, str) else encode_fields(_plain(value)))
    return b"".join(encoded)


def _without_wrapping(version: Any) -> Any:
    """Return a version without what a rotation rewrites: how the data key is wrapped."""
    if not version.envelope:
        return version
    return version._replace(envelope=lasting_digest(version.envelope), at_provider="")


@lru_cache
def _fields(kind: Any) -> tuple[tuple[int, bytes, object], ...]:
    """Return the place, encoded name and default of each field that counts, in the order of their names."""
    left_out = _NEVER | _NOT_IN.get(kind.__name__, frozenset())
    defaults = kind._field_defaults
    names = sorted((name, place) for place, name in enumerate(kind._fields) if name not in left_out)
    return tuple((place, encode_fields(name), defaults.get(name, _NO_DEFAULT)) for name, place in names)


def _plain(value: Any) -> Field:
    if isinstance(value, ScopePath):
        return encode_fields(value.level.value, value.identifier)
    if isinstance(value, (Mapping, tuple)):
        return json.dumps(value, sort_keys=True)
    plain: Field = value
    return plain
