# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds any of many texts in content, however their characters are escaped: a trie of words and gaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .escapes import WORD, Gap, pattern_of

__all__ = ["Texts"]

_Steps = Sequence[Any]


class Texts:
    """A node of the trie: the words that may come next. Gaps are compiled when they are first compared."""

    __slots__ = ("ends", "lengths", "only", "reach", "words")

    def __init__(self) -> None:
        # By word: the gaps that may follow it.
        self.words: dict[bytes, dict[Gap, Texts]] = {}
        # The last words of texts, and their lengths, longest first.
        self.ends: set[bytes] = set()
        self.lengths: tuple[int, ...] = ()
        # Bytes that tell words apart.
        self.reach = 0
        # The only text that continues here: few share more than their first words. A second one makes branches.
        self.only: tuple[_Steps, int] | None = None

    def add(self, steps: _Steps) -> None:
        """Add a text. Another thread may search meanwhile."""
        node, at = self, 0
        while not node._is_empty():
            if node.only:
                only, start = node.only
                if following := node._branch(only, start):
                    following.only = only, start + 2
                node.only = None
            following = node._branch(steps, at)
            if following is None:
                return
            node, at = following, at + 2
        node.only = steps, at

    def _is_empty(self) -> bool:
        return not (self.only or self.words or self.ends)

    def _branch(self, steps: _Steps, at: int) -> Texts | None:
        """Add the word at `at`; return the node after the gap that follows it, None for the last word."""
        word = steps[at]
        self.reach = max(self.reach, len(word) + 1)
        if at + 1 < len(steps):
            return self.words.setdefault(word, {}).setdefault(steps[at + 1], Texts())
        self.ends.add(word)
        self.lengths = tuple(sorted({*self.lengths, len(word)}, reverse=True))
        return None

    def end_of(self, content: bytes, start: int) -> int:
        """Return the end of the longest text at `start`; -1 if there is none."""
        best, todo = -1, [(self, start)]
        while todo:
            node, at = todo.pop()
            if node.only:
                best = max(best, _end_of(*node.only, content, at))
            word = WORD.match(content, at, at + node.reach)[0]  # type: ignore[index]
            best = max(best, node._last_word(word, at))
            for gap, following in list(node.words.get(word, {}).items()):
                if found := pattern_of(gap).match(content, at + len(word)):
                    todo.append((following, found.end()))
        return best

    def _last_word(self, word: bytes, at: int) -> int:
        """Return the end of the longest text that ends with this word or a start of it; -1 if there is none."""
        lengths = (length for length in self.lengths if length <= len(word) and word[:length] in self.ends)
        return next((at + length for length in lengths), -1)


def _end_of(steps: _Steps, step: int, content: bytes, at: int) -> int:
    """Return the end of a text in content, from one of its words on; -1 if it is not there."""
    while content.startswith(steps[step], at):
        at += len(steps[step])
        if step + 1 == len(steps):
            return at
        found = pattern_of(steps[step + 1]).match(content, at)
        if found is None:
            return -1
        step, at = step + 2, found.end()
    return -1
