# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two engines of a broker: one reads, one does what modules ask, so that no template waits for a write."""

from __future__ import annotations

import os

from ..engine.engine import Engine, Shared
from ..model.audit import Caller
from ..model.settings import Settings

__all__ = ["Engines"]


class Engines:
    """What the faces of a run reach. Both engines share the logins of the run, and what was fetched through them."""

    def __init__(self, settings: Settings, folder: str, caller: Caller) -> None:
        place = f"in the broker of this run, process {os.getpid()}"
        shared = Shared(folder, caller)
        self.usage = shared.usage
        self.reading = Engine(settings, place=place, shared=shared)
        self.declaring = Engine(settings, place=place, shared=shared)
        self._shared = shared

    def close(self, seconds: float) -> None:
        """Let the calls under way finish, for `seconds` each, and give back what was taken at providers.

        Whoever closes an SQLite store last writes all of it into its one file.
        """
        for engine in (self.reading, self.declaring):
            engine.close(seconds)
        self._shared.close()
