# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values out of secret managers: asked for once, whoever asks at the same time or again. Never on a disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future
from typing import NamedTuple

from ...model.errors import NotFound, ScopedSecretsError

__all__ = ["Fetches", "in_parallel"]

MAX_BYTES = 16 * 1024 * 1024
WORKERS = 8


class _Entry(NamedTuple):
    """A value that is there or on its way, and when it was asked for (monotonic seconds)."""

    future: Future[bytes]
    asked_at: float


class Fetches:
    """Values by key. What is not found is kept too; other errors are not."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: dict[Hashable, _Entry] = {}
        self._lock = threading.Lock()

    def find(self, key: Hashable, ttl: float | None = None) -> Future[bytes] | None:
        """Return the value that is there or on its way, None where it is to be claimed."""
        with self._lock:
            entry = self._entries.get(key)
            return entry.future if entry and not _is_over(entry, ttl) else None

    def claim(self, key: Hashable, ttl: float | None = None) -> tuple[Future[bytes], bool]:
        """Return the value to come, and whether the caller is the one to bring it.

        One that was asked for more than `ttl` seconds ago counts no longer (None: it does); one on its way always does.
        """
        with self._lock:
            entry = self._entries.get(key)
            if entry and not _is_over(entry, ttl):
                return entry.future, False
            entry = _Entry(Future(), time.monotonic())
            self._forget(key)
            self._entries[key] = entry
            return entry.future, True

    def bring(self, key: Hashable, future: Future[bytes], outcome: bytes | ScopedSecretsError) -> None:
        """Give everybody who waits the value, or the error that stands in its way."""
        if isinstance(outcome, bytes):
            self._keep(key, future, outcome)
            return
        if not isinstance(outcome, NotFound):
            self.forget(lambda other: other == key)
        future.set_exception(outcome)

    def _keep(self, key: Hashable, future: Future[bytes], value: bytes) -> None:
        with self._lock:
            entry = self._entries.get(key)
            is_current = entry is not None and entry.future is future
            if is_current and len(value) > self._max_bytes // 4:
                del self._entries[key]
            elif is_current:
                self._make_room(len(value))
                self._bytes += len(value)
            future.set_result(value)

    def _make_room(self, size: int) -> None:
        if self._bytes + size > self._max_bytes:
            for key in [key for key, entry in self._entries.items() if entry.future.done()]:
                self._forget(key)

    def forget(self, matches: Callable[[Hashable], bool]) -> None:
        """Let the values go whose key matches."""
        with self._lock:
            for key in [key for key in self._entries if matches(key)]:
                self._forget(key)

    def _forget(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry and entry.future.done() and not entry.future.exception():
            self._bytes -= len(entry.future.result())


def _is_over(entry: _Entry, ttl: float | None) -> bool:
    return ttl is not None and entry.future.done() and time.monotonic() - entry.asked_at >= ttl


def in_parallel(jobs: Iterable[Callable[[], None]]) -> None:
    """Run all jobs, eight at a time, and return when they are done."""
    jobs = list(jobs)
    if len(jobs) < 2:
        for job in jobs:
            job()
        return
    # Imported here: most calls find everything there.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()
