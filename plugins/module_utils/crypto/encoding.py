# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unambiguous encoding: different lists of fields never give the same bytes."""

from __future__ import annotations

import struct
from typing import TypeAlias

__all__ = ["Field", "encode_fields", "encode_text"]

_HEAD = struct.Struct(">cI").pack

Field: TypeAlias = "bytes | str | int | None"


def encode_text(field: str) -> bytes:
    """Return what `encode_fields` returns for one text, faster."""
    data = field.encode()
    return _HEAD(b"s", len(data)) + data


def encode_fields(*fields: Field) -> bytes:
    """Return each field as a type letter, a 4-byte length and its bytes. None differs from empty."""
    encoded: list[bytes] = []
    # A single loop: every row and audit record that is read or written passes through here.
    for field in fields:
        if isinstance(field, str):
            kind, data = b"s", field.encode()
        elif isinstance(field, bytes):
            kind, data = b"b", field
        elif field is None:
            kind, data = b"n", b""
        else:
            kind, data = b"i", str(int(field)).encode()
        encoded += (_HEAD(kind, len(data)), data)
    return b"".join(encoded)
