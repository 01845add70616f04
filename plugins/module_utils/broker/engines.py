# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two engines of a broker: one reads, one does what modules ask, so that no template waits for a write."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

from ..engine.engine import Engine
from ..engine.usage import Usage
from ..model.settings import Settings

__all__ = ["Engines"]


class Engines:
    """Lends each engine to one thread at a time. So whatever many ask at once is read once."""

    def __init__(self, settings: Settings) -> None:
        self.usage = Usage()
        place = f"in the broker of this run, process {os.getpid()}"
        self._engines = {to_read: Engine(settings, place=place, usage=self.usage) for to_read in (True, False)}
        self._locks = {to_read: threading.Lock() for to_read in (True, False)}

    @contextlib.contextmanager
    def borrow(self, *, to_read: bool) -> Iterator[Engine]:
        """Yield an engine, once nobody else has it."""
        with self._locks[to_read]:
            yield self._engines[to_read]

    def wait(self, seconds: float) -> None:
        """Return when no call is under way, or after `seconds`."""
        for lock in self._locks.values():
            lock.acquire(timeout=seconds)
