# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON whose numbers stay as they were written: 1.10, 1E5, 1e400 and 20 digits are not what Python makes of them."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["Number", "read_json", "write_json"]

_BYTE_ORDER_MARK = "\ufeff"


class Number(str):
    """A number as it was written. NaN, Infinity and -Infinity count, since Python writes them."""


def read_json(text: str | bytes) -> Any:
    """Return the content of JSON text with numbers as `Number`; raise ValueError or RecursionError.

    A byte order mark is ignored (RFC 8259, section 8.1); with one, bytes may also be UTF-16 or UTF-32.
    """
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text))
    text = text.removeprefix(_BYTE_ORDER_MARK)
    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=Number)


def write_json(node: Any, *, comma: str = ",", colon: str = ":") -> str:
    """Return what `read_json` returned as text on one line; raise RecursionError."""
    if isinstance(node, Number):
        return str(node)
    if isinstance(node, dict):
        members = [f"{_quoted(key)}{colon}{write_json(value, comma=comma, colon=colon)}" for key, value in node.items()]
        return f"{{{comma.join(members)}}}"
    if isinstance(node, list):
        return f"[{comma.join([write_json(item, comma=comma, colon=colon) for item in node])}]"
    return _quoted(node)


def _quoted(node: object) -> str:
    return json.dumps(node, ensure_ascii=False)
