# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The trie finds the longest text at a position, and keeps texts that share their start apart."""

from __future__ import annotations

from itertools import permutations

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.masking.escapes import steps_of
from ansible_collections.scoped.secrets.plugins.module_utils.masking.texts import Texts

WORDS = ("one", "one two", "one two three", "one-two", "onet", "two", "-one", "one two'")


@pytest.mark.parametrize("first", WORDS)
def test_the_longest_text_is_found_whatever_came_first(first: str) -> None:
    texts = Texts()
    for text in (first, *WORDS):
        texts.add(steps_of(text))
    for text in WORDS:
        content = f"{text}. ".encode()
        assert texts.end_of(content, 0) == len(text), text


@pytest.mark.parametrize("order", list(permutations(["a b c", "a b d", "a b"])))
def test_texts_that_share_words(order: tuple[str, ...]) -> None:
    texts = Texts()
    for text in order:
        texts.add(steps_of(text))
    found = {text: texts.end_of(text.encode(), 0) for text in ("a b c", "a b d", "a b e", "a c", "b")}
    assert found == {"a b c": 5, "a b d": 5, "a b e": 3, "a c": -1, "b": -1}


def test_a_text_is_found_from_its_position_only() -> None:
    texts = Texts()
    texts.add(steps_of("one two"))
    assert [texts.end_of(b"x one two", at) for at in range(3)] == [-1, -1, 9]


def test_long_texts_with_one_start_need_no_recursion() -> None:
    start = "a " * 20_000
    texts = Texts()
    for end in ("b", "c", "d"):
        texts.add(steps_of(start + end))
    assert texts.end_of((start + "c").encode(), 0) == len(start) + 1
    assert texts.end_of((start + "e").encode(), 0) == -1


def test_a_word_in_a_long_run_of_letters_is_compared_by_its_length() -> None:
    """Base64 has such runs: looking at all of one at each of its positions would take long."""
    texts = Texts()
    texts.add(steps_of("hunter22"))
    texts.add(steps_of("hunt er"))
    assert texts.reach <= len("hunter22") + 1
    assert texts.end_of(b"hunter22" + b"x" * 100_000, 0) == 8
