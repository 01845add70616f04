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

_SHARED = "postgresql://"
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\[\]:@,/?#]*)(:\d*)?")


class Location(NamedTuple):
    """The engine, and where it keeps the store: the `path` of a file, or the `url` of a database, which is secret."""

    engine: str
    path: Path = Path()
    url: str = ""

    def __repr__(self) -> str:
        return f"Location({str(self)!r})"

    @classmethod
    def parse(cls, url: str) -> Location:
        """Return the location that `url` writes; raise InvalidInput."""
        if url.startswith(_SHARED):
            _check_shared(url.removeprefix(_SHARED))
            return cls("postgresql", url=url)
        engine, separator, rest = url.partition(":///")
        if not separator or engine != "sqlite":
            # Never the whole URL: it may hold a password.
            raise InvalidInput(
                "unsupported_store",
                f"A store at {_shown(url)} can't be opened by this version.",
                hint="Write sqlite:///PATH with an absolute PATH, as in sqlite:////srv/secrets/store.db, or "
                "postgresql://USER@HOST/DATABASE.",
            )
        return cls(engine, _file(url, rest))

    def __str__(self) -> str:
        if self.engine == "sqlite":
            return f"{self.engine}:///{self.path}"
        # User and options stay out: either may hold a password.
        return f"{_SHARED}{self.url.removeprefix(_SHARED).partition('?')[0].rpartition('@')[2]}"


def _file(url: str, path: str) -> Path:
    """Return where a path leads, symbolic links followed: a new file is made there, not in their place."""
    try:
        expanded = os.path.expanduser(path)
        target = Path(os.path.realpath(expanded))
    except ValueError:
        raise InvalidInput(
            "malformed_store_url",
            f"The path in the store URL {url!r} holds characters that no path can have.",
            hint="Write sqlite:///PATH with an absolute PATH, as in sqlite:////srv/secrets/store.db.",
        ) from None
    if not os.path.isabs(expanded):
        raise InvalidInput(
            "relative_store_path",
            f"The path in the store URL '{url}' is not absolute.",
            hint=f"Write four slashes for an absolute path: sqlite:////{path}",
        )
    return target


def _check_shared(rest: str) -> None:
    """Raise InvalidInput for what libpq would take for a host and name in an error, and may be part of a password."""
    authority, _slash, database = rest.partition("?")[0].partition("/")
    hosts = authority.rpartition("@")[2].split(",")
    is_plain = authority.count("@") <= 1 and "@" not in database and all(map(_HOST.fullmatch, hosts))
    if not is_plain or "#" in rest or re.search(r"[\s\x00]", rest):
        raise InvalidInput(
            "malformed_store_url",
            f"The store URL '{_SHARED}…' can't be read.",
            hint="Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE, and what is special in a URL as "
            "%XX: @ as %40, : as %3A, / as %2F, # as %23, ? as %3F, % as %25.",
        )


def _shown(url: str) -> str:
    """Return what may be shown of a URL, which can hold a password anywhere."""
    scheme = re.match(r"[a-z][a-z0-9+]{0,19}(?=://)", url)
    return f"'{scheme[0]}://…'" if scheme else "a URL without a scheme"
