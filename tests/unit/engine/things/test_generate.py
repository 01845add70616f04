# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated values: their length, their characters, and the options that are refused."""

from __future__ import annotations

import base64
import string
import uuid
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things.generate import (
    MAX_LENGTH,
    check_generate,
    generate,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput
from hypothesis import given
from hypothesis import strategies as st

NAMES = (
    "ascii_letters",
    "ascii_lowercase",
    "ascii_uppercase",
    "digits",
    "hexdigits",
    "octdigits",
    "punctuation",
)
SETS = st.lists(st.sampled_from(NAMES) | st.text("aäß01-_ €", min_size=1, max_size=4), min_size=1, max_size=5)
DEFAULT = ["ascii_letters", "digits"]


def password(length: int, charset: list[str]) -> str:
    options = {"kind": "password", "length": length, "charset": charset}
    check_generate(options)
    return generate(options)


def characters(name: str) -> str:
    return getattr(string, name) if name in NAMES else name


def refusal(length: int, charset: list[str]) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        password(length, charset)
    assert caught.value.hint
    return caught.value


@given(st.data(), SETS)
def test_a_password_has_its_length_and_a_character_of_each_set(data: Any, charset: list[str]) -> None:
    sets = [characters(name) for name in charset]
    length = data.draw(st.integers(len(sets), 40))
    if len(set("".join(sets))) < 2:
        assert refusal(length, charset).code == "invalid_generate"
        return
    made = password(length, charset)
    assert len(made) == length
    assert set(made) <= set("".join(sets))
    assert all(set(one) & set(made) for one in sets)


@given(st.integers(1, 64))
def test_hex_and_base64_carry_that_many_bytes(length: int) -> None:
    options: dict[str, Any] = {"length": length, "charset": DEFAULT}
    assert len(bytes.fromhex(generate({**options, "kind": "hex"}))) == length
    assert len(base64.b64decode(generate({**options, "kind": "base64"}), validate=True)) == length


def test_a_uuid_is_random() -> None:
    made = uuid.UUID(generate({"kind": "uuid", "length": 32, "charset": DEFAULT}))
    assert made.version == 4


@pytest.mark.parametrize("kind", ["password", "hex", "base64", "uuid"])
def test_no_two_values_are_the_same(kind: str) -> None:
    assert len({generate({"kind": kind, "length": 20, "charset": DEFAULT}) for _round in range(200)}) == 200


def test_the_first_set_is_not_always_in_front() -> None:
    """Four places for one digit: 100 passwords leave one of them empty once in 10^12 runs."""
    places = {password(4, ["digits", "ascii_letters", "x", "y"]).index("x") for _round in range(100)}
    assert places == {0, 1, 2, 3}


def test_a_character_in_two_sets_is_not_more_likely() -> None:
    made = password(MAX_LENGTH, ["ab", "a", "a", "a", "a"])
    assert 1500 < made.count("b") < 2600


@pytest.mark.parametrize("length", [-1, 0, MAX_LENGTH + 1])
def test_a_length_out_of_bounds_is_refused(length: int) -> None:
    error = refusal(length, DEFAULT)
    assert (error.code, str(length) in error.message) == ("invalid_generate", True)


@pytest.mark.parametrize("length", [2, MAX_LENGTH])
def test_lengths_at_the_bounds_are_accepted(length: int) -> None:
    assert len(password(length, DEFAULT)) == length


@pytest.mark.parametrize(
    ("length", "charset"), [(8, []), (8, [""]), (8, ["a"]), (8, ["aaa", "a"]), (1, DEFAULT), (2, ["a", "b", "c"])]
)
def test_unusable_sets_are_refused(length: int, charset: list[str]) -> None:
    assert refusal(length, charset).code == "invalid_generate"


def test_an_unknown_set_name_counts_as_characters() -> None:
    assert set(password(50, ["digit"])) <= set("digit")
