# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files are the store's own, so that nothing else is read from them or written to them."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ...model.settings import Settings
from ...store.location import Location

__all__ = ["belongs_to_store"]


def belongs_to_store(path: Path, settings: Settings) -> bool:
    """Tell whether a path is a file of the store itself, or its root key.

    Such a file must not even be opened: a process that closes any descriptor of a SQLite database loses its locks on it
    (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    """
    store = Location.parse(settings.store)
    files = [f"{store.path}{end}" for end in ("", "-wal", "-shm")] if store.engine == "sqlite" else []
    for own in (*files, settings.root_key_file):
        with contextlib.suppress(OSError):
            if os.path.samefile(path, own):
                return True
    return False
