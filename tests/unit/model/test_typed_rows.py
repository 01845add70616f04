# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A row becomes an entity, or an error that says that somebody else wrote it."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model import entities
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Connector, Scope, Secret, Share
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged
from ansible_collections.scoped.secrets.plugins.module_utils.model.typed_rows import (
    _fields,
    stored_bytes,
    stored_number,
    stored_text,
    typed,
)

CONNECTOR = {
    "id": "i",
    "scope_id": "s",
    "kind": "custom",
    "identifier": "a",
    "name": "n",
    "tags": '{"a": "b"}',
    "options": "{}",
    "kept": '["token"]',
    "is_removed": 1,
    "digest": memoryview(b"d"),
}


def test_columns_become_fields_and_others_are_ignored() -> None:
    made = typed(Connector, {**CONNECTOR, "more": object()})
    assert made == Connector("i", "s", "custom", "a", "n", "", {"a": "b"}, {}, ("token",), True, digest=b"d")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", None),
        ("id", b"i"),
        ("id", 7),
        ("tags", "[]"),
        ("tags", '{"a": 1}'),
        ("tags", '{"a": ["b"]}'),
        ("tags", "{"),
        ("tags", "null"),
        ("tags", b"{}"),
        ("tags", "[" * 100_000),
        ("options", "7"),
        ("kept", "{}"),
        ("kept", '"token"'),
        ("kept", "[1]"),
        ("is_removed", "yes"),
        ("is_removed", None),
        ("revision", "1"),
        ("revision", 1.5),
        ("digest", "text"),
        ("digest", 10**12),
        ("digest", None),
    ],
)
def test_what_no_entity_can_have_is_damaged(column: str, value: Any) -> None:
    with pytest.raises(Damaged) as caught:
        typed(Connector, {**CONNECTOR, column: value})
    assert caught.value.code == "damaged_row"


def test_a_missing_column_is_damaged_unless_it_has_a_default() -> None:
    without = {name: value for name, value in CONNECTOR.items() if name != "kind"}
    with pytest.raises(Damaged):
        typed(Connector, without)
    assert typed(Connector, without, kind="custom").kind == "custom"


def test_every_field_has_a_conversion() -> None:
    """A new field of another type joins here, but for the path of a scope, which no column has."""
    kinds = [one for _name, one in inspect.getmembers(entities, inspect.isclass) if hasattr(one, "_fields")]
    assert {Scope, Secret, Share, Connector} <= set(kinds)
    for kind in kinds:
        left_out = {"path"} if kind is Scope else set()
        assert {name for name, _convert, _default in _fields(kind)} == set(kind._fields) - left_out


def test_single_columns() -> None:
    assert (stored_text("a"), stored_bytes(memoryview(b"b")), stored_bytes(b"b")) == ("a", b"b", b"b")
    assert stored_number(7) == 7
    wrong = (
        (stored_text, b"a"),
        (stored_text, None),
        (stored_bytes, "b"),
        (stored_bytes, 10**12),
        (stored_number, "7"),
    )
    for convert, value in wrong:
        with pytest.raises(Damaged):
            convert(value)
