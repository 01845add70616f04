# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draft files: a new file is written under a temporary name beside its final path, so nobody sees an incomplete one.

The caller links or renames the finished draft to the final path.
"""

from __future__ import annotations

import glob
import os
from pathlib import Path

__all__ = ["new_draft", "remove_draft", "sync_folder"]


def new_draft(path: Path) -> Path:
    """Return a unique draft path beside `path`, and remove drafts that killed processes of this machine left there."""
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
    """Remove a draft and the files that SQLite created beside it."""
    for leftover in draft.parent.glob(glob.escape(draft.name) + "*"):
        leftover.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Sync a folder's entries to the disk; raise OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
