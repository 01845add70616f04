# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a store is: its URL."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from ..model.errors import InvalidInput

__all__ = ["Location"]


class Location(NamedTuple):
    """The engine, and the path of the file that it keeps."""

    engine: str
    path: Path

    @classmethod
    def parse(cls, url: str) -> Location:
        """Return the location that `url` writes; raise InvalidInput."""
        engine, separator, rest = url.partition(":///")
        if not separator or engine != "sqlite":
            # Never the whole URL: it may hold a password.
            raise InvalidInput(
                "unsupported_store",
                f"A store at {_shown(url)} can't be opened by this version.",
                hint="Write sqlite:///PATH with an absolute PATH, as in sqlite:////srv/secrets/store.db.",
            )
        path = Path(os.path.expanduser(rest))
        if not path.is_absolute():
            raise InvalidInput(
                "relative_store_path",
                f"The path in the store URL '{url}' is not absolute.",
                hint=f"Write four slashes for an absolute path: sqlite:////{rest}",
            )
        # Where a symbolic link leads: a new file is made there, not in its place.
        return cls(engine, Path(os.path.realpath(path)))

    def __str__(self) -> str:
        return f"{self.engine}:///{self.path}"


def _shown(url: str) -> str:
    """Return what may be shown of a URL, which can hold a password anywhere."""
    scheme = re.match(r"[a-z][a-z0-9+]{0,19}(?=://)", url)
    return f"'{scheme[0]}://…'" if scheme else "a URL without a scheme"
