# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings about the audit that came too late for anybody to see: the next run on this machine tells them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ...model.audit import moment
from ...model.settings import Settings
from ...store.location import Location

__all__ = ["Untold"]

# The file is shown to people, so what is read of it is bounded.
_MOST = 10
_LONGEST = 2000


class Untold:
    """A file of this machine for one store, in the folder of the setting `state_folder`. Without one it keeps nothing.

    Neither method raises an error: what is lost is a warning, and what goes on is the run.
    """

    def __init__(self, settings: Settings) -> None:
        self._file: Path | None = None
        if settings.state_folder:
            place = hashlib.sha256(Location.parse(settings.store).identity.encode()).hexdigest()[:16]
            self._file = Path(settings.state_folder, "untold", place)

    def keep(self, notices: Sequence[str]) -> None:
        """Keep warnings for the next run."""
        if self._file is None or not notices:
            return
        with suppress(OSError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(
                self._file, os.O_APPEND | os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600
            )
            with open(descriptor, "a", encoding="utf-8") as file:
                file.writelines(f"{json.dumps([moment(), notice])}\n" for notice in notices)

    def take(self) -> list[str]:
        """Return the warnings of earlier runs, and forget them."""
        if self._file is None:
            return []
        # Renamed first, so that of two runs one tells them.
        taken = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        try:
            os.replace(self._file, taken)
            lines = taken.read_text(encoding="utf-8").splitlines()
            taken.unlink()
        except (OSError, UnicodeDecodeError):
            return []
        return [told for line in lines[-_MOST:] if (told := _told(line))]


def _told(line: str) -> str:
    with suppress(ValueError, TypeError, RecursionError):
        at, notice = json.loads(line)
        return f"An earlier run on this machine, at {str(at)[:30]}: {str(notice)[:_LONGEST]}"
    return ""
