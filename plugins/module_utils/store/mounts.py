# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the file system that a path is on (Linux only)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

__all__ = ["MOUNTS", "Mount", "mount_of"]

MOUNTS = "/proc/self/mountinfo"


class Mount(NamedTuple):
    """A mount point and the type of its file system; both empty if unknown."""

    point: str = ""
    kind: str = ""


def mount_of(folder: Path, mounts: str = MOUNTS) -> Mount:
    """Return the mount that `folder` is on, with symbolic links resolved (proc(5), mountinfo)."""
    try:
        lines = Path(mounts).read_bytes().splitlines()
    except OSError:
        return Mount()
    real, best, kind = os.fsencode(os.path.realpath(folder)), b"", b""
    for line in lines:
        fields = line.split()
        # Space, tab, newline and backslash are escaped as three octal digits.
        point = re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8)]), fields[4])
        inside = real == point or real.startswith(point.rstrip(b"/") + b"/")
        if inside and len(point) >= len(best):
            best, kind = point, fields[fields.index(b"-") + 1]
    return Mount(os.fsdecode(best), kind.decode("ascii", "replace"))
