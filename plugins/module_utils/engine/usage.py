# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine did in a run, as numbers."""

from __future__ import annotations

import threading
from collections import Counter

__all__ = ["Usage"]


class Usage:
    """Counts calls, secrets read, and how many of them came out of the cache or had to be opened."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, what: str, number: int = 1) -> None:
        with self._lock:
            self._counts[what] += number

    def counts(self) -> dict[str, int]:
        """Return the numbers, in a steady order: calls, reads, hits, opened."""
        return {what: self._counts[what] for what in ("calls", "reads", "hits", "opened")}
