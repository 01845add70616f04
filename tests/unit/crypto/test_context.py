"""The context that a value is bound to."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.context import Context

CONTEXT = Context("store", "project", "scope", "secret", "text", "value", 3)


def test_encodes_format_then_fields_in_order() -> None:
    words = b"".join(b"s" + bytes([0, 0, 0, len(w)]) + w for w in b"store project scope secret text value".split())
    assert CONTEXT.encode() == b"i\0\0\0\x011" + words + b"i\0\0\0\x013"


@pytest.mark.parametrize("name", Context._fields)
def test_every_field_changes_the_encoding(name: str) -> None:
    other: Any = 4 if name == "version" else "other"
    assert CONTEXT._replace(**{name: other}).encode() != CONTEXT.encode()


def test_text_can_not_move_between_neighbouring_fields() -> None:
    names = [name for name in Context._fields if name != "version"]
    for left, right in itertools.pairwise(names):
        text = getattr(CONTEXT, right)
        moved: dict[str, Any] = {left: getattr(CONTEXT, left) + text[0], right: text[1:]}
        assert CONTEXT._replace(**moved).encode() != CONTEXT.encode()


def test_is_immutable() -> None:
    with pytest.raises(AttributeError):
        CONTEXT.version = 4  # type: ignore[misc]
