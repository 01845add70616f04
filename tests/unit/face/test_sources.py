# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each option that can hold a value becomes bytes in one defined way."""

from __future__ import annotations

import base64
import datetime
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.face.sources import missing_src, read_local, take_value
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput


def taken(**params: Any) -> Any:
    return take_value(params, read_local)


def code_of(**params: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        taken(**params)
    assert caught.value.hint
    return caught.value.code


@pytest.mark.parametrize("name", ["value", "content"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", b""),
        ("a\nb\n", b"a\nb\n"),
        ("Büro", "Büro".encode()),
        ("true", b"true"),
        (0, b"0"),
        (4711, b"4711"),
        (date(2026, 11, 23), b"2026-11-23"),
        (datetime.datetime(2031, 1, 31, 10, 20, 30), b"2031-01-31T10:20:30"),
        (datetime.datetime(2031, 1, 31, 10, 20, 30, tzinfo=datetime.timezone.utc), b"2031-01-31T10:20:30+00:00"),
        ({"at": [datetime.datetime(2031, 1, 31, 10)]}, b'{"at": ["2031-01-31T10:00:00"]}'),
        ({date(2031, 1, 31): 1, 7: 2, True: 3, None: 4}, b'{"2031-01-31": 1, "7": 2, "null": 4, "true": 3}'),
        ({"version": 1.5}, b'{"version": 1.5}'),
        (
            {"user": "ä", "port": 5432, "on": True, "none": None},
            '{"none": null, "on": true, "port": 5432, "user": "ä"}',
        ),
        ([1, "a", {}], b'[1, "a", {}]'),
        ({}, b"{}"),
    ],
)
def test_text_is_kept_and_structures_become_json(name: str, value: Any, expected: str | bytes) -> None:
    expected = expected.encode() if isinstance(expected, str) else expected
    assert taken(**{name: value, "identifier": "a"}) == {"identifier": "a", "value": expected}


@pytest.mark.parametrize("name", ["value", "content"])
@pytest.mark.parametrize(
    "value",
    [True, False, 1.1, 1.0, 1e5, float("inf"), {"a": float("inf")}, [{"a": float("nan")}], {"1": "a", 1: "b"}],
)
def test_what_has_no_one_spelling_is_refused(name: str, value: Any) -> None:
    assert code_of(**{name: value}) == "invalid_value"


@pytest.mark.parametrize("name", ["value", "content"])
def test_the_order_of_keys_does_not_matter(name: str) -> None:
    one = {"b": 1, "a": [{"d": 2, "c": 3}, "x"]}
    other = {"a": [{"c": 3, "d": 2}, "x"], "b": 1}
    assert taken(**{name: one}) == taken(**{name: other}) != taken(**{name: {**other, "a": ["x"]}})
    assert list(one) == ["b", "a"]


def test_base64_may_have_line_breaks() -> None:
    content = os.urandom(200)
    text = base64.encodebytes(content).decode()
    assert "\n" in text.strip()
    assert taken(content_b64=text) == {"value": content}
    assert taken(content_b64="") == {"value": b""}


@pytest.mark.parametrize("text", ["hunter", "hunter2===", "hunter2!", "hünter2=", "{hunter}", "YQ==hunter"])
def test_invalid_base64_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        taken(content_b64=text)
    assert caught.value.code == "invalid_base64"
    assert "hunter" not in str(caught.value)


def test_a_file_is_read_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\0\xff\r\n")
    assert taken(src=str(path), name="n") == {"name": "n", "value": b"\0\xff\r\n"}


@pytest.mark.parametrize("name", ["none", "."])
def test_an_unreadable_file_is_reported_with_the_reason(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        taken(src=str(tmp_path / name))
    reason = "No such file" if name == "none" else "Is a directory"
    assert (caught.value.code, reason in caught.value.message) == ("missing_src", True)


def test_the_reader_of_the_face_is_used() -> None:
    assert take_value({"src": "path"}, lambda path: f"<{path}>".encode()) == {"value": b"<path>"}


def test_without_a_source_nothing_is_added() -> None:
    assert taken(identifier="a", value=None, src=None, content=None, content_b64=None) == {"identifier": "a"}
    assert taken() == {}


def test_the_input_is_not_modified() -> None:
    params = {"value": {"a": 1}}
    take_value(params, read_local)
    assert params == {"value": {"a": 1}}


def test_a_missing_file_is_named() -> None:
    error = missing_src("/x/y", "no such file")
    assert (error.code, "'/x/y'" in error.message, "no such file" in error.message) == ("missing_src", True, True)


def test_a_date_within_a_value() -> None:
    given = {"value": {"since": datetime.date(2026, 1, 1)}}
    assert take_value(given, read_local)["value"] == b'{"since": "2026-01-01"}'


@pytest.mark.parametrize("value", ["\udc80", {"a": "\udc80"}])
def test_text_that_can_not_be_encoded_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        take_value({"value": value}, read_local)
    assert caught.value.code == "invalid_value"
