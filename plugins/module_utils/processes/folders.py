# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether another user can replace a file, or lead a path elsewhere."""

from __future__ import annotations

import os
import stat

__all__ = ["exposure_of", "foreign_link"]


# As many as Linux follows in a path (path_resolution(7)).
_MOST_LINKS = 40


def exposure_of(folder: str) -> str:
    """Return why another user can replace the files in a folder, empty if none but root can. Raises OSError."""
    info = os.stat(folder)
    if _is_foreign(info):
        return f"belongs to user id {info.st_uid}"
    # In a folder with the sticky bit, only the owner of a file can replace it.
    if info.st_mode & 0o022 and not info.st_mode & stat.S_ISVTX:
        return f"has mode {stat.S_IMODE(info.st_mode):04o}, so other users can write to it"
    return ""


def foreign_link(path: str) -> str:
    """Return the first symbolic link of another user than root on the way to a path, empty if there is none."""
    return _foreign_link(os.path.abspath(path), _MOST_LINKS)


def _foreign_link(path: str, most: int) -> str:
    above, name = os.path.split(path)
    if not name or not most:
        return ""
    found = _foreign_link(above, most)
    if found or not os.path.islink(path):
        return found
    if _is_foreign(os.lstat(path)):
        return path
    # What our own link names may lie behind one of theirs.
    return _foreign_link(os.path.normpath(os.path.join(above, os.readlink(path))), most - 1)


def _is_foreign(info: os.stat_result) -> bool:
    return info.st_uid not in (0, os.geteuid())
