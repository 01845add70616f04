# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQL files in docs/postgresql, which the code runs and compares with."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["functions", "text_of"]

FILES = Path(__file__).parents[4] / "docs" / "postgresql"
_FUNCTION = re.compile(r"FUNCTION (\w+)\([^$]*?AS \$\$(.*?)\$\$", re.DOTALL)


def text_of(name: str) -> str:
    """Return the content of a file, empty on a machine that doesn't have it."""
    try:
        return (FILES / name).read_text(encoding="utf-8")
    except OSError:
        return ""


def functions() -> dict[str, str]:
    """Return the bodies of the functions that policies use, by name; none on a machine without the file."""
    return dict(_FUNCTION.findall(text_of("2_roles.sql")))
