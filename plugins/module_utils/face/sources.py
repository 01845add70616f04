# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the value of a secret comes from: options and files on the control node, turned into bytes."""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Callable
from typing import Any, NamedTuple

from ..model.errors import InvalidInput

__all__ = ["LOCAL", "Files", "read_local", "take_value"]


class Files(NamedTuple):
    """How a face finds files: `read` returns the content of one, `absolute` where a path leads."""

    read: Callable[[str], bytes]
    absolute: Callable[[str], str]


def take_value(params: dict[str, Any], read_file: Callable[[str], bytes]) -> dict[str, Any]:
    """Return the parameters with `value` as bytes in place of value, content, content_b64 or src."""
    rest = {name: params[name] for name in params if name not in _SOURCES}
    for name, convert in _SOURCES.items():
        if params.get(name) is not None:
            return {**rest, "value": read_file(params[name]) if name == "src" else convert(name, params[name])}
    return rest


def _text(name: str, value: Any) -> bytes:
    """Return text as it is, and what YAML or a template made of JSON as JSON again."""
    if isinstance(value, bool):
        raise InvalidInput(
            "invalid_value",
            f"'{name}' is a boolean, which has no one spelling as text.",
            hint="Put it in quotes.",
        )
    text = json.dumps(value, ensure_ascii=False, default=_date) if isinstance(value, (dict, list)) else str(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            "invalid_value",
            f"'{name}' holds characters that are no text.",
            hint="Give bytes as content_b64 to scoped.secrets.secret_file.",
        ) from None


def _date(value: Any) -> str:
    """Return what YAML made of a date or time as it was written, or nearly so."""
    return str(value)


def _base64(name: str, value: Any) -> bytes:
    try:
        return base64.b64decode("".join(str(value).split()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(
            "invalid_base64", f"'{name}' is no base64.", hint="Make it with the b64encode filter."
        ) from None


_SOURCES: dict[str, Callable[[str, Any], bytes]] = {
    "value": _text,
    "content": _text,
    "content_b64": _base64,
    "src": _text,
}


def read_local(path: str) -> bytes:
    """Return the content of a file; raise InvalidInput, which says why it can't be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise missing_src(path, error.strerror or "it can't be read") from None


LOCAL = Files(read_local, os.path.abspath)


def missing_src(path: str, why: str) -> InvalidInput:
    return InvalidInput(
        "missing_src",
        f"The file {path!r} of 'src' can't be read: {why}.",
        hint="'src' is a path on the control node; a relative one is looked for in files/ of the role or playbook.",
    )
