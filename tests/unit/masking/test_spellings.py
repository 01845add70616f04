# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secret parts of a value and their spellings."""

from __future__ import annotations

import base64
import json
import subprocess
import textwrap
from urllib.parse import quote

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.masking.spellings import (
    ENCODED_LIMIT,
    Spelling,
    excerpts_of,
    is_short,
    numbers_of,
    parts_of,
    spellings_of,
    texts_of,
)
from hypothesis import given
from hypothesis import strategies as st

KEY = b"-----BEGIN PRIVATE KEY-----\nline one\n  line two  \n-----END PRIVATE KEY-----\n"


def contents(value: bytes, *, is_long: bool = False) -> set[bytes]:
    return {spelling.content for spelling in spellings_of(parts_of("text", value), is_long=is_long)}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"secret", {b"secret"}),
        (b" secret\n", {b" secret\n", b"secret"}),
        (b"one\ntwo\r\n\n", {b"one\ntwo\r\n\n", b"one\ntwo", b"one", b"two"}),
        (KEY, {KEY, KEY.strip(), b"line one", b"line two"}),
        (b'{"a": {"b": ["deep", 1234, true, null]}}', {b'{"a": {"b": ["deep", 1234, true, null]}}', b"deep", b"1234"}),
        (b'["a\\nb"]', {b'["a\\nb"]', b"a\nb", b"a", b"b"}),
        (b'["a", "[1]"]', {b'["a", "[1]"]', b"a", b"[1]", b"1"}),
        (b'{"a": "\\ud800abcdef"}', {b'{"a": "\\ud800abcdef"}', b"\nabcdef", b"abcdef"}),
        (b'{"a": 1.1000}', {b'{"a": 1.1000}', b"1.1000", b"1.1"}),
        (b'\xef\xbb\xbf{"a": "b"}', {b'\xef\xbb\xbf{"a": "b"}', b"b"}),
        ('{"a": "b"}'.encode("utf-16"), {'{"a": "b"}'.encode("utf-16"), b"b"}),
        (b"{no JSON", {b"{no JSON"}),
        (b"[" * 100_000, {b"[" * 100_000}),
        (b'"no object"', {b'"no object"'}),
        (b"\xff\xfe\n\x00", {b"\xff\xfe\n\x00"}),
        ("é\n".encode(), {"é\n".encode(), "é".encode()}),
        (b"", set()),
    ],
)
def test_parts_of_a_value(value: bytes, expected: set[bytes]) -> None:
    assert parts_of("text", value) == expected
    assert parts_of("file", value) == expected


def test_parts_of_a_credential_are_its_secrets() -> None:
    view = {
        "user": "web",
        "port": 22,
        "auth_scheme": "ssh_key",
        "public_key": "ssh-ed25519 AAAA",
        "private_key": KEY.decode(),
        "passphrase": "pass",
        "password": "word",
        "keytab_b64": base64.b64encode(b"\x05\x02\xff").decode(),
        "principal": "web@EXAMPLE.COM",
    }
    expected = {KEY, KEY.strip(), b"line one", b"line two", b"pass", b"word", b"\x05\x02\xff"}
    assert parts_of("ssh", json.dumps(view).encode()) == expected
    assert parts_of("winrm", json.dumps({"user": "web", "ticket_cache": "FILE:/x"}).encode()) == set()


@pytest.mark.parametrize(
    ("part", "expected"), [(b"abc", True), (b"abcd", False), ("äöü".encode(), True), (b"\xff" * 3, True)]
)
def test_is_short(part: bytes, *, expected: bool) -> None:
    assert is_short(part) is expected
    assert (spellings_of([part]) == set()) is expected


@pytest.mark.parametrize("value", ["all of  these\nare words of it " * 20, "a " * 100, "x" * 130 + " y"])
def test_excerpt_in_an_error_is_looked_for(value: str) -> None:
    excerpt = textwrap.shorten(value, width=120)
    assert excerpt.endswith("[...]")
    assert excerpts_of({value, "short"}) == {excerpt.removesuffix("[...]").strip()} - {""}


def test_texts_have_no_space_around_them_and_no_bytes_among_them() -> None:
    assert texts_of({b" secret\n", b"abc", b" abc ", b"\xff\xfe\xfd\xfc"}) == {"secret"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4711", {4711}),
        ("47.11", {47.11}),
        ("0471", set()),
        ("0471.0", set()),
        ("4711.5", {4711, 4711.5}),
        ("word", set()),
        ("infinity", set()),
        ("1e999", set()),
        ("9" * 5000, set()),
        ("1" * 400, {int("1" * 400)}),
    ],
)
def test_numbers_that_templates_make_of_a_text(text: str, expected: set[float]) -> None:
    assert numbers_of({text}) == expected


@given(
    st.binary(min_size=4, max_size=90).filter(lambda value: not is_short(value)),
    st.binary(max_size=5),
    st.binary(max_size=5),
    st.booleans(),
)
def test_base64_of_surrounding_bytes_contains_a_spelling(
    value: bytes, before: bytes, after: bytes, is_urlsafe: bool
) -> None:
    """The spelling covers all but at most one character on either side, and `reach` covers those."""
    encode = base64.urlsafe_b64encode if is_urlsafe else base64.b64encode
    encoded = encode(before + value + after)
    found = [
        spelling
        for spelling in spellings_of([value])
        if spelling.reach and spelling.content in encoded[len(before) // 3 * 4 :]
    ]
    whole = len(value) * 8 // 6
    assert any(len(spelling.content) >= whole - 1 for spelling in found)


@pytest.mark.parametrize("offset", [0, 1, 2])
@pytest.mark.parametrize("value", [b"hunter2", b"hunter22", b"hunter222"])
def test_base64_within_a_text_is_looked_for_as_far_as_it_depends_on_the_value_alone(value: bytes, offset: int) -> None:
    after = 6 - (offset + len(value)) % 3
    one, other = (base64.b64encode(byte * offset + value + byte * after) for byte in (b"\0", b"\xff"))
    alone = bytes(first for first, second in zip(one, other, strict=True) if first == second)
    assert {spelling.reach for spelling in spellings_of([value]) if spelling.content == alone} in ({1}, {0, 1})


def test_spellings_do_not_show_themselves() -> None:
    assert [repr(Spelling(b"canary")), repr(Spelling(b"canary", 1))] == ["Spelling(reach=0)", "Spelling(reach=1)"]


@pytest.mark.parametrize("value", [b"\xfb\xff" * 9, bytes(range(200))])
def test_base64_within_a_url(value: bytes) -> None:
    assert {quote(base64.b64encode(value), safe=safe).encode() for safe in ("", "/")} <= contents(value)
    assert quote(base64.b64encode(value), safe="") != base64.b64encode(value).decode()


@pytest.mark.parametrize("program", [["base64"], ["openssl", "base64"]])
def test_base64_wrapped_by_programs(program: list[str]) -> None:
    value = bytes(range(200))
    done = subprocess.run(program, input=value, capture_output=True, check=True)
    assert all(line in contents(value) for line in done.stdout.split())


def test_binary_values_have_bytes_and_base64_only() -> None:
    assert all(b"\xff" in content or content.isascii() for content in contents(b"\xff\xfe\xfd\xfc"))
    assert texts_of(parts_of("text", b"\xff\xfe\xfd\xfc")) == set()


def test_long_values_have_few_spellings() -> None:
    value = b"\n".join(b"line %d" % number for number in range(ENCODED_LIMIT // 8))
    found = contents(value, is_long=True)
    assert {value, base64.b64encode(value), b"line 17"} <= found
    assert len(found) < 2.1 * len(value.splitlines())
