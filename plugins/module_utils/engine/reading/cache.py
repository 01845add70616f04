# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers cached in this process until somebody writes to the store. Never on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from ...model.errors import NotFound
from ...model.queries import Answer, Query

if TYPE_CHECKING:
    from .resolver import Composed, Located

    Found: TypeAlias = Answer | Located | Composed

__all__ = ["AnswerCache"]

MAX_BYTES = 16 * 1024 * 1024


class AnswerCache:
    """Answers by query, or where a secret manager has the value.

    NotFound errors are cached too; other errors, and secrets that expire, are not.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._answers: dict[Query, Found] = {}
        self._bytes = 0
        self._state: object = None

    def at(self, state: object) -> AnswerCache:
        """Return this cache, emptied unless the store is still in the same state (None: that can't be told)."""
        if state is None or state != self._state:
            self.clear()
            self._state = state
        return self

    def get(self, query: Query) -> Found | None:
        return self._answers.get(query)

    def put(self, query: Query, answer: Found) -> None:
        error = answer.error if isinstance(answer, Answer) else None
        size = len(answer.value) if isinstance(answer, Answer) else len(getattr(answer, "envelope", b""))
        lasts = not answer.expires_at and (error is None or isinstance(error, NotFound))
        if self._state is None or not lasts or size > self._max_bytes // 4:
            return
        if self._bytes + size > self._max_bytes:
            self.clear()
        self._answers[query] = answer
        self._bytes += size

    def clear(self) -> None:
        self._answers.clear()
        self._bytes = 0
