# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts the value of a secret, from an option or a file on the control node, to bytes."""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import os
from collections.abc import Callable
from typing import Any, NamedTuple

from ..model.errors import InvalidInput

__all__ = ["LOCAL", "Files", "read_local", "spelled", "take_value", "with_dates_as_text"]


class Files(NamedTuple):
    """How a face accesses files: `read` returns a file's content, `absolute` a path's absolute form."""

    read: Callable[[str], bytes]
    absolute: Callable[[str], str]


def take_value(params: dict[str, Any], read_file: Callable[[str], bytes]) -> dict[str, Any]:
    """Return parameters with value, content, content_b64 or src replaced by `value` in bytes; raise InvalidInput."""
    rest = {name: params[name] for name in params if name not in _SOURCES}
    for name, convert in _SOURCES.items():
        if params.get(name) is not None:
            return {**rest, "value": read_file(params[name]) if name == "src" else convert(name, params[name])}
    return rest


def _text(name: str, value: Any) -> bytes:
    """Return text encoded as UTF-8; a list or dictionary, which YAML or a template parsed, becomes JSON again."""
    if isinstance(value, (bool, float)):
        kind = "boolean" if isinstance(value, bool) else "floating-point number"
        raise InvalidInput(
            "invalid_value",
            f"'{name}' is a {kind}, which can be spelled in several ways as text.",
            hint="Put the value in quotes, or use the filter 'string' in a template.",
        )
    try:
        return spelled(with_dates_as_text(value)).encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            "invalid_value",
            f"'{name}' contains characters that can't be encoded as UTF-8.",
            hint="To store bytes, use scoped.secrets.secret_file with content_b64.",
        ) from None


def spelled(value: Any) -> str:
    """Return a value as text. Dictionaries that differ only in the order of their keys become the same text.

    Raises InvalidInput for data that JSON can't hold.
    """
    if not isinstance(value, (dict, list)):
        return str(value)
    try:
        return json.dumps(_with_text_keys(value), ensure_ascii=False, sort_keys=True, allow_nan=False, default=str)
    except ValueError as error:
        raise InvalidInput(
            "invalid_value",
            f"The value can't be written as JSON: {error}.",
            hint="Put numbers such as .inf and .nan in quotes, and name each key once.",
        ) from None


def _with_text_keys(value: Any) -> Any:
    """Return data whose keys are text, as they are in JSON; raise ValueError if two are the same text."""
    if isinstance(value, list):
        return [_with_text_keys(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {key if isinstance(key, str) else json.dumps(key): _with_text_keys(item) for key, item in value.items()}
    if len(named) < len(value):
        raise ValueError("two of its keys are the same text")
    return named


def with_dates_as_text(value: Any) -> Any:
    """Return data with the dates and times, which YAML makes of unquoted text, in ISO 8601."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {with_dates_as_text(key): with_dates_as_text(item) for key, item in value.items()}
    return [with_dates_as_text(item) for item in value] if isinstance(value, (list, tuple)) else value


def _base64(name: str, value: Any) -> bytes:
    try:
        return base64.b64decode("".join(str(value).split()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(
            "invalid_base64", f"'{name}' is not valid base64.", hint="Encode the content with the b64encode filter."
        ) from None


_SOURCES: dict[str, Callable[[str, Any], bytes]] = {
    "value": _text,
    "content": _text,
    "content_b64": _base64,
    "src": _text,
}


def read_local(path: str) -> bytes:
    """Return the content of a file; raise InvalidInput if it can't be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise missing_src(path, error.strerror or "unknown reason") from None


LOCAL = Files(read_local, os.path.abspath)


def missing_src(path: str, why: str) -> InvalidInput:
    return InvalidInput(
        "missing_src",
        f"Can't read the file {path!r} given in 'src': {why}.",
        hint="Give a path on the control node. A relative path is searched in files/ of the role or playbook.",
    )
