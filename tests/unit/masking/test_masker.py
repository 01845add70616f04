# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Masking of text and data."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import json
from collections import OrderedDict, deque
from typing import Any
from urllib.parse import quote

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.masking.masker import Masker
from ansible_collections.scoped.secrets.plugins.module_utils.masking.spellings import ENCODED_LIMIT
from ansible_collections.scoped.secrets.plugins.module_utils.model.censored import CENSORED
from hypothesis import given
from hypothesis import strategies as st

VALUES = (
    b"hunter22",
    b"pass\nword",
    b"password",
    b'{"pin": 123456}',
    "grün&süß".encode(),
    b"\xff\xfe\x00\x01",
    b"abcd",
)


@pytest.fixture
def masker() -> Masker:
    made = Masker()
    for value in VALUES:
        made.add("text", value)
    return made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hunter22", CENSORED),
        ("it is hunter22.", f"it is {CENSORED}."),
        ("hunter22hunter22", CENSORED),
        ("hunter22 hunter22", f"{CENSORED} {CENSORED}"),
        ("hunter2", "hunter2"),
        ("hunter222", f"{CENSORED}2"),
        ("HUNTER22", "HUNTER22"),
        ("a passwordword b", f"a {CENSORED} b"),
        ("pass\nword", CENSORED),
        ("  pass\n  word", f"  {CENSORED}"),
        ("  word\n  pass", f"  {CENSORED}\n  {CENSORED}"),
        ("pin: 123456", f"pin: {CENSORED}"),
        ("ist grün&süß!", f"ist {CENSORED}!"),
        ("?q=gr%C3%BCn%26s%C3%BC%C3%9F&r", f"?q={CENSORED}&r"),
        ("gr\\u00fcn&s\\u00fc\\u00df", CENSORED),
        ("\udcff\udcfe\x00\x01", CENSORED),
        ("\ud800 hunter22 \udfff", f"\ud800 {CENSORED} \udfff"),
        ("Basic " + base64.b64encode(b"user:hunter22").decode(), f"Basic dXNlcj{CENSORED}=="),
        ("Basic " + base64.b64encode(b"users:hunter22:x").decode(), f"Basic dXNlcnM6{CENSORED}6eA=="),
        # Base64 in which the value starts within a character, and the text with that character or the next.
        ("podW50ZXIyMg", CENSORED),
        ("podW50ZXIyMjp4", f"{CENSORED}p4"),
        ("odW50ZXIyMjp4", f"{CENSORED}p4"),
        (" odW50ZXIyMg=", f" {CENSORED}="),
        (" podW50ZXIyMg", f" {CENSORED}"),
        ("p odW50ZXIyMg", f"p {CENSORED}"),
        ("x" * 10_000 + "hunter22" + "y" * 10_000, "x" * 10_000 + CENSORED + "y" * 10_000),
        ("abcd", CENSORED),
        ("", ""),
        ("abc", "abc"),
    ],
)
def test_text(masker: Masker, text: str, expected: str) -> None:
    assert masker.text(text) == expected


@pytest.mark.parametrize("text", ["nothing here", "", "a\udcffb", "ü" * 50, "hunter2 2"])
def test_returns_the_same_object_without_secrets(masker: Masker, text: str) -> None:
    data = {"a": [text, {"b": (text, None, 1, True, 1.5)}], "c": {text}}
    assert masker.text(text) is text
    assert masker.data(data) is data


def test_other_objects_stay_as_they_are(masker: Masker) -> None:
    thing = object()
    assert masker.data(thing) is thing
    assert masker.data([thing, "hunter22"]) == [thing, CENSORED]


@pytest.mark.parametrize(("more", "is_quoted"), [(0, True), (1, False)])
def test_a_value_that_is_too_long_is_not_looked_for_in_every_spelling(more: int, is_quoted: bool) -> None:
    masker, value = Masker(), " " * (ENCODED_LIMIT + more - 2)
    masker.add("text", f"a{value}b".encode())
    assert masker.text(f"a{value}b") == CENSORED
    assert (masker.text(f"a{quote(value)}b") == CENSORED) is is_quoted


def test_returns_the_same_object_without_known_values() -> None:
    data = {"a": object()}
    assert Masker().data(data) is data
    assert Masker().text("hunter22") == "hunter22"


@dataclasses.dataclass(frozen=True)
class Event:
    message: str
    more: Any = None
    number: int = dataclasses.field(default=1, init=False)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"hunter22": 1, "b": "hunter22"}, {CENSORED: 1, "b": CENSORED}),
        (
            {1: "hunter22", None: b"hunter22", 1.5: bytearray(b"x")},
            {1: CENSORED, None: CENSORED.encode(), 1.5: bytearray(b"x")},
        ),
        (["hunter22", ("hunter22",), {"hunter22"}], [CENSORED, (CENSORED,), {CENSORED}]),
        (frozenset({"hunter22"}), frozenset({CENSORED})),
        (OrderedDict(a=deque(["hunter22", 1])), {"a": [CENSORED, 1]}),
        (Event("hunter22", Event("x", ["hunter22"])), Event(CENSORED, Event("x", [CENSORED]))),
        (Event("x", Event), Event("x", Event)),
        ({"a": {"b": [{"c": "a hunter22"}, 5]}}, {"a": {"b": [{"c": f"a {CENSORED}"}, 5]}}),
    ],
)
def test_data(masker: Masker, data: Any, expected: Any) -> None:
    before = repr(data)
    assert masker.data(data) == expected
    assert repr(data) == before


def test_result_keys_are_not_masked() -> None:
    masker = Masker()
    for word in (b"stdout", b"changed", b"_ansible_no_log", b"other"):
        masker.add("text", word)
    data = {"stdout": "stdout", "changed": True, "_ansible_no_log": False, "other": "changed"}
    expected = {"stdout": CENSORED, "changed": True, "_ansible_no_log": False, CENSORED: CENSORED}
    assert masker.data(data) == expected


def test_a_common_value_is_hidden_wherever_it_is_shown() -> None:
    masker = Masker()
    for value in (b"root", b"a: b\nkind: Config\n", b"4711"):
        masker.add("text", value)
    assert masker.text("root: /root, kind: Config, 147110") == f"{CENSORED}: /{CENSORED}, {CENSORED}, 1{CENSORED}0"


@pytest.mark.parametrize("value", [b"-----BEGIN X-----\nhunter22\n-----END X-----", b"user: hunter22\nmore: hunter23"])
def test_boundaries_and_parts_of_lines_are_shown(value: bytes) -> None:
    masker = Masker()
    masker.add("file", value)
    text = "-----BEGIN X----- and -----END X----- and more"
    assert masker.text(text) == text
    assert (masker.text("hunter22") == "hunter22") is (b"user" in value)


def test_nothing_is_looked_at_that_can_hold_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most runs have no secret, and most strings are short: masking must not cost them anything."""
    looked_at: list[bytes] = []
    monkeypatch.setattr(Masker, "content", lambda _masker, content: looked_at.append(content) or content)
    masker = Masker()
    masker.data({"a": ["hunter22", b"hunter22"]})
    masker.text("hunter22")
    masker.add("text", b"hunter22")
    masker.text("abc")
    assert looked_at == []
    masker.data(["abcd", 1])
    assert looked_at == [b"abcd"]


def test_a_value_that_is_added_again_changes_nothing() -> None:
    """As if the process had been forked while it was added."""
    masker = Masker()
    for _time in range(2):
        for value in VALUES:
            masker.add("text", value)
    assert masker.text("a hunter22 pass\nword hunter2") == f"a {CENSORED} {CENSORED} hunter2"


NUMBERS = {
    b"4711": 4711,
    b" 4712 ": 4712,
    b"004713": 4713,
    b"+4714": 4714,
    b"47.15": 47.15,
    b"4716.0": 4716,
    b"4717.9": 4717,
    b"-4718": -4718,
    b'{"pin": 4719, "rates": [0.125, 1e10]}': [4719, 0.125, 1e10],
    b"4720\n4721": [4720, 4721],
    b"1" * 5000: "no number",
    b"1e999": "no number",
    b"nan_": "no number",
}


def test_numbers_are_masked_like_their_text() -> None:
    masker = Masker()
    for value in NUMBERS:
        masker.add("text", value)
    found = [number for numbers in NUMBERS.values() if numbers != "no number" for number in _list(numbers)]
    for number in found:
        masked = masker.data({"a": number, number: [number, (float(number),)], "b": f"= {number}."})
        assert masked == {"a": CENSORED, CENSORED: [CENSORED, (CENSORED,)], "b": f"= {CENSORED}."}, number


def _list(numbers: Any) -> list[Any]:
    return numbers if isinstance(numbers, list) else [numbers]


def test_other_numbers_stay_as_they_are() -> None:
    masker = Masker()
    for value in (*NUMBERS, b"0042", b"true", b"1", b"1.00"):
        masker.add("text", value)
    data = {"a": [42, 471, 47110, 1, 1.0, True, float("nan"), float("inf")], 47: 0, "c": 4711 + 0.5}
    assert masker.data(data) is data


def test_dates_are_masked_like_their_text() -> None:
    """YAML makes them of text."""
    masker = Masker()
    masker.add("text", b"2001-02-03")
    masker.add("text", b"2001-02-04T05:06:07")
    moment = datetime.datetime(2001, 2, 4, 5, 6, 7, tzinfo=None)
    other = datetime.date(2001, 2, 5)
    assert masker.data([datetime.date(2001, 2, 3), moment, other]) == [CENSORED, CENSORED, other]


@pytest.mark.parametrize(
    ("value", "has_short"),
    [
        (b"abc", True),
        (b"abcd", False),
        (b"abcd\nab", True),
        (b'{\n"a": "abcd"\n}\n', False),
        (b'["ab", "abcd"]', True),
        (b"", False),
    ],
)
def test_short_values_and_lines_are_reported_but_not_masked(value: bytes, *, has_short: bool) -> None:
    masker = Masker()
    masker.add("text", value)
    assert masker.has_short is has_short
    assert masker.text("abc ab a") == "abc ab a"


def test_many_spellings_with_a_common_prefix_stay_fast() -> None:
    """Each line of the file is a spelling; a position is checked once per distinct length, not per spelling."""
    masker = Masker()
    masker.add("file", b"\n".join(b"2026-%06d" % number for number in range(20_000)))
    assert masker.text("on 2026-012345 or 2026-999999") == f"on {CENSORED} or 2026-999999"
    (family,) = (found for found in masker._families.values() if b"2026-012345" in found.reaches)
    assert len(family.reaches) >= 20_000
    assert len(family.lengths) <= 3


def test_half_a_surrogate_pair_hides_no_secret() -> None:
    masker = Masker()
    masker.add("text", b'{"a": "\\ud800hunter22\\udcff"}')
    for text in ("\ud800hunter22\udcff", "\\ud800hunter22\\udcff", "hunter22"):
        assert masker.text(text) == text.replace("hunter22", CENSORED)


def test_user_of_a_credential_is_not_masked() -> None:
    masker = Masker()
    masker.add("ssh", json.dumps({"user": "webuser", "password": "hunter22"}).encode())
    assert masker.data(["webuser", "hunter22"]) == ["webuser", CENSORED]


def masked_simply(text: str, values: list[str]) -> str:
    """Mask in the simplest way: find all positions covered by values and replace each run of them by one mark."""
    starts = [(at, value) for value in values for at in range(len(text)) if text.startswith(value, at)]
    places = {place for at, value in starts for place in range(at, at + len(value))}
    shown = {at: "" if at - 1 in places else CENSORED for at in places}
    return "".join(shown.get(at, char) for at, char in enumerate(text))


@given(st.lists(st.text("abü", min_size=4, max_size=6), max_size=4), st.text("abü ", max_size=40))
def test_finds_what_a_simple_search_finds(values: list[str], text: str) -> None:
    masker = Masker()
    for value in values:
        masker.add("text", value.encode())
    assert masker.text(text) == masked_simply(text, values)
