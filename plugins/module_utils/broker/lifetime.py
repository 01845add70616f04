# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the broker ends: together with its run, however the run ended, or after a long time without calls."""

from __future__ import annotations

import os
import select
import time
from typing import Any

from ..processes.identity import is_running
from .meeting import Run

__all__ = ["IDLE_LIMIT", "LifeTime"]

# Seconds without a call. A safety net in case watching the run fails; the next face starts a new broker.
IDLE_LIMIT = 1800.0
# Polling interval in seconds, where the system can't notify us that the process ended.
_INTERVAL = 0.5


class LifeTime:
    """Watches the process of a run. `descriptor` becomes readable when the process ends; None means: poll."""

    def __init__(self, run: Run, idle_limit: float = IDLE_LIMIT) -> None:
        self._run = run
        self._idle_limit = idle_limit
        self._last_call = time.monotonic()
        self._queue: Any = None
        self.descriptor = self._watch()

    def _watch(self) -> int | None:
        try:
            if hasattr(os, "pidfd_open"):
                return os.pidfd_open(self._run.pid)
            return self._watch_by_kqueue()
        except (OSError, AttributeError):
            return None

    def _watch_by_kqueue(self) -> int:
        # macOS and the BSDs. On Linux, the type stubs lack these names.
        api: Any = select
        queue = api.kqueue()
        event = api.kevent(self._run.pid, api.KQ_FILTER_PROC, api.KQ_EV_ADD, api.KQ_NOTE_EXIT)
        queue.control([event], 0)
        self._queue = queue  # keeps the descriptor open
        return int(queue.fileno())

    def called(self) -> None:
        """Restart the idle timer."""
        self._last_call = time.monotonic()

    @property
    def next_look(self) -> float:
        """Seconds until the next check of `is_over` is due."""
        idle = max(0.0, self._last_call + self._idle_limit - time.monotonic())
        return idle if self.descriptor is not None else min(idle, _INTERVAL)

    def is_over(self) -> bool:
        """Return whether the run has ended or the idle limit is reached."""
        return time.monotonic() >= self._last_call + self._idle_limit or not is_running(*self._run)
