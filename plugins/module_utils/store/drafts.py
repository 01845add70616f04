# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that come to be beside their place, so that nobody ever sees half of one."""

from __future__ import annotations

import glob
import os
from pathlib import Path

__all__ = ["new_draft", "remove_draft", "sync_folder"]


def new_draft(path: Path) -> Path:
    """Return a name that nobody else uses, and remove what processes of this machine left that were killed."""
    here = f".{path.name}.{os.uname().nodename}-"
    for left in path.parent.glob(f"{glob.escape(here)}*.new"):
        pid = left.name.removeprefix(here).partition("-")[0]
        if pid.isdecimal() and not _is_running(int(pid)):
            remove_draft(left)
    return path.with_name(f"{here}{os.getpid()}-{os.urandom(4).hex()}.new")


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def remove_draft(draft: Path) -> None:
    """Remove a draft, and what SQLite put beside it."""
    for leftover in draft.parent.glob(glob.escape(draft.name) + "*"):
        leftover.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Return when the names in a folder are on the disk; raise OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
