# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identifiers, names and tags: the rules of the Harness platform."""

from __future__ import annotations

import string
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput
from ansible_collections.scoped.secrets.plugins.module_utils.model.identifiers import (
    MAX_LENGTH,
    check_identifier,
    check_name,
    check_tags,
)
from hypothesis import given
from hypothesis import strategies as st

START = string.ascii_letters + "_"
PLAIN = START + string.digits + "$"
KINDS = ("scope", "connector", "secret")
# The words that the Harness platform reserves (its entity identifier reference).
PLATFORM_WORDS = [
    "or",
    "and",
    "eq",
    "ne",
    "lt",
    "gt",
    "le",
    "ge",
    "div",
    "mod",
    "not",
    "null",
    "true",
    "false",
    "new",
    "var",
    "return",
    "step",
    "parallel",
    "stepGroup",
    "org",
    "account",
    "status",
    "liteEngineTask",
]


def code_of(text: str, kind: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        check_identifier(text, kind)
    assert kind in caught.value.message
    assert caught.value.hint
    return caught.value.code


@given(st.sampled_from(KINDS), st.text("xyzXYZ_", min_size=1, max_size=1), st.text(PLAIN, max_size=MAX_LENGTH - 1))
def test_valid_identifiers_are_returned_unchanged(kind: str, first: str, rest: str) -> None:
    assert check_identifier(first + rest, kind) == first + rest


@given(st.sampled_from(KINDS), st.text(max_size=10))
def test_any_text_is_accepted_or_refused(kind: str, text: str) -> None:
    allowed = PLAIN + ("-" if kind == "secret" else "")
    is_well_formed = bool(text) and text[0] in START and all(character in allowed for character in text)
    reserved = [*PLATFORM_WORDS, "project", *(["builtin"] if kind == "connector" else [])]
    if is_well_formed and text not in reserved:
        assert check_identifier(text, kind) == text
    else:
        assert code_of(text, kind) in ("invalid_identifier", "reserved_identifier")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["", "1a", "$a", "-a", "a b", "a.b", "a/b", "ä", "a\n", "a\0", "<+a>", "a" * 129])
def test_invalid_identifiers_are_refused(text: str, kind: str) -> None:
    assert code_of(text, kind) == "invalid_identifier"


def test_128_characters_are_allowed() -> None:
    assert check_identifier("a" * 128, "scope") == "a" * 128


def test_hyphen_is_for_secrets_only() -> None:
    assert check_identifier("db-password", "secret") == "db-password"
    assert [code_of("a-b", kind) for kind in ("scope", "connector")] == ["invalid_identifier"] * 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("word", [*PLATFORM_WORDS, "project"])
def test_reserved_words_are_refused(word: str, kind: str) -> None:
    assert code_of(word, kind) == "reserved_identifier"
    assert check_identifier(word + "_", kind) == word + "_"
    assert check_identifier(word.title() + "X", kind) == word.title() + "X"


def test_builtin_is_reserved_for_connectors_only() -> None:
    assert code_of("builtin", "connector") == "reserved_identifier"
    assert [check_identifier("builtin", kind) for kind in ("scope", "secret")] == ["builtin", "builtin"]


def test_error_truncates_a_very_long_identifier() -> None:
    with pytest.raises(InvalidInput) as caught:
        check_identifier("x" * 5000, "secret")
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("name", ["a", "Payments (EU) - 1.2_3", "Büro 東京", "a" * 128])
def test_valid_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "  ", "a" * 129, "a\nb", "a\tb", "a\x7f", *(f"a{c}" for c in "~!@#$%^&*'\"?/<>,;")]
)
def test_invalid_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_name(name)
    assert caught.value.code == "invalid_name"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, {}),
        ({"team": "payments", "a b": ""}, {"team": "payments", "a b": ""}),
        ({"cost": 4711, 5: 1.5, "none": None}, {"cost": "4711", "5": "1.5", "none": ""}),
    ],
)
def test_tags_are_converted_to_text(tags: dict[Any, Any], expected: dict[str, str]) -> None:
    assert check_tags(tags) == expected


@pytest.mark.parametrize("tags", [{"": "a"}, {" ": "a"}, {"a": {}}, {"a": ["b"]}])
def test_invalid_tags_are_refused(tags: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_tags(tags)
    assert caught.value.code == "invalid_tags"
