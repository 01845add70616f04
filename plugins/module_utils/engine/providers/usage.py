# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts what the engine did in a run."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

__all__ = ["Usage"]

_RUN_COUNTS = ("calls", "reads", "hits", "opened", "logins", "requests")
_CONNECTOR_COUNTS = ("logins", "renewals", "requests")


class Usage:
    """Counts calls, secrets read, cache hits, and the logins and requests of connectors. Many threads may use it."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._by_connector: dict[str, Counter[str]] = {}
        self._lock = threading.Lock()

    def add(self, what: str, number: int = 1) -> None:
        with self._lock:
            self._counts[what] += number

    def meter(self, connector: str) -> Callable[[str], None]:
        """Return a function that counts a login, renewal or request of one connector."""

        def count(what: str) -> None:
            with self._lock:
                self._counts[what] += 1
                self._by_connector.setdefault(connector, Counter())[what] += 1

        return count

    def counts(self) -> dict[str, Any]:
        """Return the totals by name, and under `connectors` each connector's logins, renewals and requests."""
        with self._lock:
            run = {what: self._counts[what] for what in _RUN_COUNTS}
            connectors = {
                name: {what: counts[what] for what in _CONNECTOR_COUNTS}
                for name, counts in sorted(self._by_connector.items())
            }
        return {**run, "connectors": connectors}
