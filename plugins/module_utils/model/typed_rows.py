# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns rows into entities. What no entity can have was written by others: SQLite takes any type in any column."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from .errors import Damaged

__all__ = ["damaged_column", "stored_bytes", "stored_number", "stored_text", "typed"]

T = TypeVar("T")

_NO_DEFAULT = object()


class _Unfit(Exception):
    """A value that the field can't have."""


def stored_text(value: Any) -> str:
    """Return the content of a column of text; raise Damaged for anything else."""
    try:
        return _text(value)
    except _Unfit:
        raise damaged_column() from None


def stored_number(value: Any) -> int:
    """Return the content of a column of whole numbers; raise Damaged for anything else."""
    try:
        return _number(value)
    except _Unfit:
        raise damaged_column() from None


def stored_bytes(value: Any) -> bytes:
    """Return the content of a column of bytes; raise Damaged for anything else."""
    try:
        return _bytes(value)
    except _Unfit:
        raise damaged_column() from None


def typed(kind: type[T], row: Mapping[str, Any], /, **given: Any) -> T:
    """Return the entity of a row, whose columns are named as its fields; raise Damaged for a row that is none.

    `given` are fields that the row does not have. Other columns are ignored, and missing ones have their defaults.
    """
    columns = row.keys()
    try:
        for name, convert, default in _fields(kind):  # type: ignore[arg-type]
            if name in columns:
                given[name] = convert(row[name])
            elif default is _NO_DEFAULT and name not in given:
                raise _Unfit
        return kind(**given)
    except _Unfit:
        raise damaged_column() from None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _Unfit


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _number(value: Any) -> int:
    if isinstance(value, int):
        return value
    raise _Unfit


def _flag(value: Any) -> bool:
    return bool(_number(value))


def _bytes(value: Any) -> bytes:
    # An integer would make as many zeros.
    if isinstance(value, (bytes, memoryview)):
        return bytes(value)
    raise _Unfit


def _mapping(value: Any) -> Mapping[str, Any]:
    found = _json(value)
    if isinstance(found, dict):
        return found
    raise _Unfit


def _mapping_of_texts(value: Any) -> Mapping[str, str]:
    found = _mapping(value)
    if all(isinstance(one, str) for one in found.values()):
        return found
    raise _Unfit


def _texts(value: Any) -> tuple[str, ...]:
    found = _json(value)
    if isinstance(found, list) and all(isinstance(one, str) for one in found):
        return tuple(found)
    raise _Unfit


def _json(value: Any) -> Any:
    try:
        return json.loads(_text(value))
    except (ValueError, RecursionError):
        raise _Unfit from None


_CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "str": _text,
    "str | None": _text_or_none,
    "int": _number,
    "bool": _flag,
    "bytes": _bytes,
    "Mapping[str, str]": _mapping_of_texts,
    "Mapping[str, Any]": _mapping,
    "tuple[str, ...]": _texts,
}


@lru_cache
def _fields(kind: Any) -> list[tuple[str, Callable[[Any], Any], object]]:
    """Return the name, conversion and default of each field that a column can have."""
    known = kind.__annotations__.items()
    defaults = kind._field_defaults
    # Of postponed evaluation, annotations are texts.
    names = ((name, str(getattr(what, "__forward_arg__", what))) for name, what in known)
    return [(name, _CONVERSIONS[what], defaults.get(name, _NO_DEFAULT)) for name, what in names if what in _CONVERSIONS]


def damaged_column() -> Damaged:
    """Return the error for a row with something in it that the collection never writes there."""
    return Damaged(
        "damaged_row",
        "A row was changed outside scoped.secrets: a column holds what the collection never writes there.",
        hint="Restore the newest backup, and find out who can write to the database.",
    )
