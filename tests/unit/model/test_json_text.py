# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON keeps its numbers as they were written, in whatever encoding it comes."""

from __future__ import annotations

import codecs
import json
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.json_text import Number, read_json, write_json
from hypothesis import given
from hypothesis import strategies as st

SPELLINGS = ["0", "-0", "1.10", "1E5", "1e400", "-1.5e-07", "0.12345678901234567890", "9" * 5000, "NaN", "-Infinity"]
JSON = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers() | st.floats(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_number_stays_as_it_was_written(spelling: str) -> None:
    assert read_json(spelling) == Number(spelling)
    assert write_json(read_json(f'{{"a": [ {spelling} ]}}')) == f'{{"a":[{spelling}]}}'


@given(JSON)
def test_what_python_writes_is_written_the_same(node: Any) -> None:
    for comma, colon in ((",", ":"), (", ", ": ")):
        text = json.dumps(node, ensure_ascii=False, separators=(comma, colon))
        assert write_json(read_json(text), comma=comma, colon=colon) == text


@pytest.mark.parametrize(
    "data",
    [
        b'{"\xc3\xbc": 1}',
        codecs.BOM_UTF8 + b'{"\xc3\xbc": 1}',
        '{"ü": 1}'.encode("utf-16"),
        codecs.BOM_UTF16_BE + '{"ü": 1}'.encode("utf-16-be"),
        '{"ü": 1}'.encode("utf-32"),
    ],
)
def test_a_byte_order_mark_is_ignored(data: bytes) -> None:
    assert read_json(data) == {"ü": "1"}
    assert read_json(data.decode(json.detect_encoding(data))) == {"ü": "1"}


def test_text_may_have_a_byte_order_mark() -> None:
    assert read_json('\ufeff{"a": 1}') == {"a": "1"}
    assert read_json('["\ufeffa"]') == ["\ufeffa"]


@pytest.mark.parametrize("text", ["", "{", "01", "1.", "+1", ".5", "\ufeff\ufeff{}", b"\xff", b'{"a": "\xff"}'])
def test_other_text_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|Extra data|can't decode|BOM"):
        read_json(text)
