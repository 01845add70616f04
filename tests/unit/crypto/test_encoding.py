"""Encoding of fields: different lists never give the same bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.encoding import Field, encode_fields, encode_text
from hypothesis import given
from hypothesis import strategies as st

READERS: dict[bytes, Callable[[bytes], Field]] = {
    b"n": lambda _piece: None,
    b"b": bytes,
    b"s": bytes.decode,
    b"i": int,
}
VALUES = st.none() | st.binary() | st.text() | st.integers()


def decode(data: bytes) -> list[Field]:
    """Decode the fields. That this works proves the encoding unambiguous."""
    out: list[Field] = []
    while data:
        kind, length = struct.unpack(">cI", data[:5])
        piece, data = data[5 : 5 + length], data[5 + length :]
        assert len(piece) == length
        out.append(READERS[kind](piece))
    return out


@given(st.lists(VALUES))
def test_every_list_of_fields_decodes(fields: list[Field]) -> None:
    found = decode(encode_fields(*fields))
    assert [(type(one), one) for one in found] == [(type(one), one) for one in fields]


@given(st.lists(VALUES), st.lists(VALUES))
def test_only_equal_lists_encode_alike(one: list[Field], other: list[Field]) -> None:
    same = [(type(x), x) for x in one] == [(type(x), x) for x in other]
    assert (encode_fields(*one) == encode_fields(*other)) is same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((None,), ("",)),
        (("",), (b"",)),
        ((), (None,)),
        ((0,), ("0",)),
        (("a", "bc"), ("ab", "c")),
        (("a", ""), ("", "a")),
        (("a",), (b"a",)),
        (("a\0b",), ("a", "b")),
    ],
)
def test_lookalikes_differ(one: tuple[Field, ...], other: tuple[Field, ...]) -> None:
    assert encode_fields(*one) != encode_fields(*other)


def test_encoding_is_stable() -> None:
    found = encode_fields(None, b"\xff", "é", -7)
    assert found == b"n\0\0\0\0b\0\0\0\1\xffs\0\0\0\2\xc3\xa9i\0\0\0\2-7"


@pytest.mark.parametrize("text", ["", "a", "é\0", "x" * 70_000])
def test_one_text_is_encoded_alike_on_its_own(text: str) -> None:
    assert encode_text(text) == encode_fields(text)
