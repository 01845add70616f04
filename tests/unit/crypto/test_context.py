"""The context: what a value is bound to."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.context import Context

PLACE = Context("store", "project", "scope", "secret", "text", "value", 3)


def test_the_fields_stand_in_their_order_after_the_format() -> None:
    words = b"".join(b"s" + bytes([0, 0, 0, len(w)]) + w for w in b"store project scope secret text value".split())
    assert PLACE.encode() == b"i\0\0\0\x011" + words + b"i\0\0\0\x013"


@pytest.mark.parametrize("name", Context._fields)
def test_every_field_counts(name: str) -> None:
    other: Any = 4 if name == "version" else "other"
    assert PLACE._replace(**{name: other}).encode() != PLACE.encode()


def test_nothing_moves_over_the_border_of_two_fields() -> None:
    names = [name for name in Context._fields if name != "version"]
    for left, right in itertools.pairwise(names):
        text = getattr(PLACE, right)
        moved: dict[str, Any] = {left: getattr(PLACE, left) + text[0], right: text[1:]}
        assert PLACE._replace(**moved).encode() != PLACE.encode()


def test_it_never_changes() -> None:
    with pytest.raises(AttributeError):
        PLACE.version = 4  # type: ignore[misc]
