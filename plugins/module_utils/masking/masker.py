# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks secrets in text and data."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import date, time
from operator import is_
from typing import Any

from ..model.censored import CENSORED, MIN_LENGTH
from .escapes import HEAD, can_be_escaped, heads_of, steps_of
from .spellings import (
    ENCODED_LIMIT,
    Spelling,
    excerpts_of,
    is_short,
    numbers_of,
    parts_of,
    spellings_of,
    texts_of,
)
from .texts import Texts

__all__ = ["Masker"]

_MARK = CENSORED.encode()
# What is hidden is found by its first 4 bytes, read as an integer, because that search runs in C.
_GRAM = HEAD
_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
# Keys of task results. Callbacks look them up, so they stay even if one of them is somebody's password.
_WORDS = """
changed failed skipped unreachable rc msg reason start end delta cmd stdout stderr stdout_lines stderr_lines
module_stdout module_stderr exception censored invocation module_args ansible_facts ansible_stats warnings deprecations
failed_when_result results item label ansible_loop ansible_loop_var ansible_index_var attempts retries diff before after
before_header after_header prepared skip_reason ansible_job_id started finished"""
_STRUCTURE = frozenset(_WORDS.split())


class _Family:
    """Spellings with the same first bytes: the reach of each, and their lengths, longest first."""

    __slots__ = ("lengths", "reaches")

    def __init__(self) -> None:
        self.reaches: dict[bytes, int] = {}
        # Replaced, never modified, because another thread may be reading it.
        self.lengths: tuple[int, ...] = ()

    def find(self, content: bytes, start: int) -> Iterator[tuple[int, int]]:
        """Yield start and end of the longest spelling at `start`, extended by its reach."""
        for length in self.lengths:
            found = content[start : start + length]
            reach = self.reaches.get(found)
            if reach is not None:
                end = start + len(found)
                yield (
                    start - (reach and start > 0 and content[start - 1] in _BASE64),
                    end + (reach and end < len(content) and content[end] in _BASE64),
                )
                return


class Masker:
    """Knows the secret values of a run and masks them. Only one thread at a time may add values; any may mask."""

    def __init__(self) -> None:
        self.has_short = False
        self._families: dict[int, _Family] = {}
        self._texts = Texts()
        self._known_texts: set[str] = set()
        self._numbers: set[int | float] = set()

    def add(self, kind: str, value: bytes) -> None:
        """Add a value. If this is interrupted, add it again."""
        parts, is_long = parts_of(kind, value), len(value) > ENCODED_LIMIT
        # Lines without a letter or digit, such as brackets of JSON, are not secret.
        self.has_short |= any(is_short(part) and any(map(str.isalnum, part.decode("latin-1"))) for part in parts)
        for spelling in spellings_of(parts, is_long=is_long):
            self._keep(spelling)
        texts = texts_of(parts)
        numbers = numbers_of(texts)
        self._numbers |= numbers
        if not is_long:
            for text in (texts | excerpts_of(texts) | set(map(str, numbers))) - self._known_texts:
                self._keep_text(text)

    def _keep(self, spelling: Spelling) -> None:
        content, reach = spelling
        family = self._family(content[:_GRAM])
        family.reaches[content] = max(reach, family.reaches.get(content, 0))
        if len(content) not in family.lengths:
            family.lengths = tuple(sorted((*family.lengths, len(content)), reverse=True))

    def _keep_text(self, text: str) -> None:
        self._known_texts.add(text)
        if can_be_escaped(text):
            self._texts.add(steps_of(text))
            for head in heads_of(text):
                self._family(head)

    def _family(self, head: bytes) -> _Family:
        return self._families.setdefault(int.from_bytes(head, sys.byteorder), _Family())

    def data(self, data: Any) -> Any:
        """Return data with every secret in its strings and keys masked; the same object if there is none."""
        if isinstance(data, str):
            return self.text(data)
        if not self._families or data is None or isinstance(data, bool):
            return data
        if isinstance(data, (int, float)):
            return CENSORED if data in self._numbers else data
        if isinstance(data, Mapping):
            return self._mapping(data)
        if isinstance(data, (bytes, bytearray)):
            return self.content(bytes(data))
        if isinstance(data, (Sequence, Set)):
            return self._items(data)
        if dataclasses.is_dataclass(data) and not isinstance(data, type):
            return self._fields(data)
        if isinstance(data, (date, time)):
            # YAML makes them of text.
            return data if all(self.text(text) is text for text in (str(data), data.isoformat())) else CENSORED
        return data

    def _mapping(self, data: Mapping[Any, Any]) -> Any:
        masked = {self._key(key): self.data(value) for key, value in data.items()}
        is_same = all(map(is_, masked, data)) and all(map(is_, masked.values(), data.values()))
        return data if is_same else masked

    def _key(self, key: Any) -> Any:
        return key if key in _STRUCTURE or str(key).startswith("_ansible_") else self.data(key)

    def _items(self, data: Sequence[Any] | Set[Any]) -> Any:
        items = list(data)
        masked = [self.data(item) for item in items]
        if all(map(is_, masked, items)):
            return data
        kind: Any = type(data)
        return kind(masked) if kind in (tuple, set, frozenset) else masked

    def _fields(self, data: Any) -> Any:
        names = [field.name for field in dataclasses.fields(data) if field.init]
        masked = {name: self.data(getattr(data, name)) for name in names}
        changed = {name: value for name, value in masked.items() if value is not getattr(data, name)}
        return dataclasses.replace(data, **changed) if changed else data

    def text(self, text: str) -> str:
        """Return text with every secret masked; the same object if there is none."""
        if not self._families or len(text) < MIN_LENGTH:
            return text
        # Python represents undecodable bytes by surrogateescape; other lone surrogates need surrogatepass.
        errors = "surrogateescape"
        try:
            content = text.encode(errors=errors)
        except UnicodeEncodeError:
            errors = "surrogatepass"
            content = text.encode(errors=errors)
        masked = self.content(content)
        return text if masked is content else masked.decode(errors=errors)

    def content(self, content: bytes) -> bytes:
        """Return bytes with every secret masked; the same object if there is none."""
        hidden = sorted((start, end) for start, end in self._hidden(content) if end > start)
        if not hidden:
            return content
        shown, at = bytearray(), -1
        for start, end in hidden:
            # Overlapping and adjacent secrets share one mark.
            if start > at:
                shown += content[max(at, 0) : start] + _MARK
            at = max(at, end)
        return bytes(shown + content[at:])

    def _hidden(self, content: bytes) -> Iterator[tuple[int, int]]:
        """Yield start and end of each secret."""
        view, length, known = memoryview(content), len(content), self._families
        for offset in range(_GRAM):
            grams = view[offset : length - (length - offset) % _GRAM].cast("I")
            if known.keys().isdisjoint(grams):
                continue
            for number, gram in enumerate(grams):
                if gram in known:
                    start = offset + number * _GRAM
                    yield from known[gram].find(content, start)
                    yield start, self._texts.end_of(content, start)
