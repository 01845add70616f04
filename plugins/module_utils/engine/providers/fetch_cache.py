# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cache of values of secret managers: one request serves all who ask at the same time or later. Never on disk."""

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
    """A value that is cached or being fetched, and when it was requested (monotonic seconds)."""

    future: Future[bytes]
    asked_at: float


class Fetches:
    """Values by key. NotFound is cached too; other errors are not."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: dict[Hashable, _Entry] = {}
        self._lock = threading.Lock()

    def find(self, key: Hashable, ttl: float | None = None) -> Future[bytes] | None:
        """Return the value that is cached or being fetched, None if it must be claimed."""
        with self._lock:
            entry = self._entries.get(key)
            return entry.future if entry and not _is_stale(entry, ttl) else None

    def claim(self, key: Hashable, ttl: float | None = None) -> tuple[Future[bytes], bool]:
        """Return the future value, and whether the caller must fetch and deliver it.

        A value requested `ttl` seconds ago or earlier is stale (None: never), unless it is still being fetched.
        """
        with self._lock:
            entry = self._entries.get(key)
            if entry and not _is_stale(entry, ttl):
                return entry.future, False
            entry = _Entry(Future(), time.monotonic())
            self._forget(key)
            self._entries[key] = entry
            return entry.future, True

    def deliver(self, key: Hashable, future: Future[bytes], outcome: bytes | ScopedSecretsError) -> None:
        """Give everybody who waits the value, or the error of fetching it."""
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
        """Drop the values whose key matches."""
        with self._lock:
            for key in [key for key in self._entries if matches(key)]:
                self._forget(key)

    def _forget(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry and entry.future.done() and not entry.future.exception():
            self._bytes -= len(entry.future.result())


def _is_stale(entry: _Entry, ttl: float | None) -> bool:
    return ttl is not None and entry.future.done() and time.monotonic() - entry.asked_at >= ttl


def in_parallel(jobs: Iterable[Callable[[], None]]) -> None:
    """Run all jobs, eight at a time, and return when they are done; raise the error of the first that failed."""
    jobs = list(jobs)
    if len(jobs) < 2:
        for job in jobs:
            job()
        return
    # Imported here: most calls find everything cached.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()
