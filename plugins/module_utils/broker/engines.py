# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two engines of a broker: one reads, the other serves modules, so that no lookup waits for a write."""

from __future__ import annotations

import os

from ..engine.engine import Engine, Shared
from ..model.audit import Caller
from ..model.settings import Settings

__all__ = ["Engines"]


class Engines:
    """Both engines of a run. They share its provider logins, host logins, fetched values and counters."""

    def __init__(self, settings: Settings, folder: str, caller: Caller) -> None:
        place = f"in the broker of this run, process {os.getpid()}"
        shared = Shared(folder, caller)
        self.usage = shared.usage
        self.reading = Engine(settings, place=place, shared=shared)
        self.declaring = Engine(settings, place=place, shared=shared)
        self._shared = shared

    def close(self, seconds: float) -> None:
        """Close both engines, then all logins; each engine waits up to `seconds` for its running calls.

        Closing the last connection to an SQLite store writes its write-ahead log back into the one file.
        """
        for engine in (self.reading, self.declaring):
            engine.close(seconds)
        self._shared.close()
