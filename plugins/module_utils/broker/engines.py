# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engines of a broker: one for each call that is under way, kept for the next one."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from ..engine.engine import Engine
from ..model.settings import Settings

__all__ = ["Engines"]

MAX_ENGINES = 16


class Engines:
    """Lends engines out, one to a thread at a time. The one given back last goes out first: most runs need only it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._free: list[Engine] = []
        self._lock = threading.Lock()
        self._seats = threading.BoundedSemaphore(MAX_ENGINES)
        self._busy = 0

    @contextlib.contextmanager
    def borrow(self) -> Iterator[Engine]:
        """Yield an engine, waiting for one while all are busy."""
        with self._seats:
            engine = self._take()
            try:
                yield engine
            finally:
                self._give(engine)

    def _take(self) -> Engine:
        with self._lock:
            self._busy += 1
            return self._free.pop() if self._free else Engine(self._settings)

    def _give(self, engine: Engine) -> None:
        with self._lock:
            self._busy -= 1
            self._free.append(engine)

    def wait(self, seconds: float) -> None:
        """Return when no engine is out, or after `seconds`."""
        end = time.monotonic() + seconds
        while self._busy and time.monotonic() < end:
            time.sleep(0.01)
