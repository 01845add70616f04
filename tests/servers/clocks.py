# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs whose clock is wrong, by libfaketime.

Not by its program `faketime`: whatever is killed leaves a file named by its process in /dev/shm, and that program fails
where such a file has its own id.
"""

from __future__ import annotations

from pathlib import Path

from servers.process import program

__all__ = ["with_clock"]


def with_clock(offset: str) -> dict[str, str]:
    """Return the variables that set a program's clock ahead (`+3d`) or back (`-2h`)."""
    program("faketime")
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    return {"LD_PRELOAD": str(library), "FAKETIME": offset}
