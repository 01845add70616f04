# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields as bytes, so that no two lists of fields look the same."""

from __future__ import annotations

from typing import TypeAlias

__all__ = ["Field", "encode_fields"]

Field: TypeAlias = "bytes | str | int | None"


def encode_fields(*fields: Field) -> bytes:
    """Return each field as a type letter, a 4-byte length and its bytes. None differs from empty."""
    return b"".join(map(_encode, fields))


def _encode(field: Field) -> bytes:
    kind, data = _typed(field)
    return kind + len(data).to_bytes(4, "big") + data


def _typed(field: Field) -> tuple[bytes, bytes]:
    if field is None:
        return b"n", b""
    if isinstance(field, bytes):
        return b"b", field
    if isinstance(field, str):
        return b"s", field.encode()
    return b"i", str(int(field)).encode()
