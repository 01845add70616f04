# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draft files: a new file is written under a temporary name beside its final path, so nobody sees an incomplete one.

The caller links or renames the finished draft to the final path.
"""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

__all__ = ["new_draft", "remove_draft", "sync_folder"]


def new_draft(path: Path) -> Path:
    """Return a unique draft path beside `path`, and remove drafts that killed processes of this machine left there.

    Those of any name: a backup has the date in its name, so that no later one would find what is left of it.
    """
    here = f".{os.uname().nodename}-"
    ours = re.compile(rf"\..+{re.escape(here)}([0-9]+)-[0-9a-f]{{8}}\.new")
    for left in path.parent.glob(f".*{glob.escape(here)}*.new"):
        found = ours.fullmatch(left.name)
        if found and not _is_running(int(found[1])):
            remove_draft(left)
    return path.with_name(f".{path.name}{here}{os.getpid()}-{os.urandom(4).hex()}.new")


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
