# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Store URLs."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from ..model.errors import InvalidInput
from ..processes.folders import foreign_link

__all__ = ["Location"]

_SHARED = "postgresql://"
# Options of a URL that say which database it is, and in which schema.
_NAMING = frozenset({"dbname", "host", "hostaddr", "options", "port", "service"})
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\[\]:@,/?#]*)(:\d*)?")


class Location(NamedTuple):
    """A parsed store URL: the engine, and the `path` of a file or the `url` of a database, which is secret.

    `allows_plain`: the database may be on another machine that is reached without TLS.
    """

    engine: str
    path: Path = Path()
    url: str = ""
    allows_plain: bool = False

    def __repr__(self) -> str:
        return f"Location({str(self)!r})"

    @classmethod
    def parse(cls, url: str, *, allows_plain: bool = False) -> Location:
        """Parse a store URL; raise InvalidInput."""
        if url.startswith(_SHARED):
            _check_shared(url.removeprefix(_SHARED))
            return cls("postgresql", url=url, allows_plain=allows_plain)
        engine, separator, rest = url.partition(":///")
        if not separator or engine != "sqlite":
            # Never the whole URL: it may hold a password.
            raise InvalidInput(
                "unsupported_store",
                f"This version can't open a store at {_shown(url)}.",
                hint="Write sqlite:///PATH with an absolute PATH, as in sqlite:////srv/secrets/store.db, or "
                "postgresql://USER@HOST/DATABASE.",
            )
        return cls(engine, _file(url, rest))

    def __str__(self) -> str:
        if self.engine == "sqlite":
            return f"{self.engine}:///{self.path}"
        # Leaves out user and options, because either may hold a password.
        return f"{_SHARED}{self.url.removeprefix(_SHARED).partition('?')[0].rpartition('@')[2]}"

    @property
    def identity(self) -> str:
        """What tells the place from others, for this machine only: the text with the options that name it."""
        options = parse_qsl(self.url.partition("?")[2], keep_blank_values=True) if self.engine != "sqlite" else []
        return f"{self}?{sorted(pair for pair in options if pair[0] in _NAMING)}"


def _file(url: str, path: str) -> Path:
    """Return a path with symbolic links resolved, so that a new file is created at the target of a link."""
    try:
        expanded = os.path.expanduser(path)
        target = Path(os.path.realpath(expanded))
        link = foreign_link(expanded)
    except ValueError:
        raise InvalidInput(
            "malformed_store_url",
            f"The path in the store URL {url!r} contains characters that a path can't have.",
            hint="Write sqlite:///PATH with an absolute PATH, as in sqlite:////srv/secrets/store.db.",
        ) from None
    if not os.path.isabs(expanded):
        raise InvalidInput(
            "relative_store_path",
            f"The path in the store URL '{url}' is not absolute.",
            hint=f"Write four slashes for an absolute path: sqlite:////{path}",
        )
    if link:
        raise InvalidInput(
            "exposed_store_folder",
            f"The store {expanded} is reached through {link}, a symbolic link of another user.",
            hint=f"Set 'store' to the file itself: sqlite:///{target}",
        )
    return target


def _check_shared(rest: str) -> None:
    """Raise InvalidInput for a URL in which libpq may take part of the password for a host, and show it in an error."""
    authority, _slash, database = rest.partition("?")[0].partition("/")
    hosts = authority.rpartition("@")[2].split(",")
    is_plain = authority.count("@") <= 1 and "@" not in database and all(map(_HOST.fullmatch, hosts))
    if not is_plain or "#" in rest or re.search(r"[\s\x00]", rest):
        raise InvalidInput(
            "malformed_store_url",
            f"The store URL '{_SHARED}…' is malformed.",
            hint="Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE, with special characters encoded: "
            "@ as %40, : as %3A, / as %2F, # as %23, ? as %3F, % as %25.",
        )
    _check_one_host(hosts, rest.partition("?")[2])


def _check_one_host(hosts: list[str], options: str) -> None:
    """Raise InvalidInput if options lead elsewhere than the rest of the URL says, and the password with them.

    libpq finds the password for 'host', and sends it to 'hostaddr'.
    """
    named = {unquote(option.partition("=")[0]) for option in options.split("&")} & {"host", "hostaddr"}
    if len(named) + any(hosts) > 1:
        raise InvalidInput(
            "malformed_store_url",
            f"The store URL '{_SHARED}…' names its host twice.",
            hint="Name it in postgresql://USER@HOST/DATABASE, or in one of the options 'host' and 'hostaddr'.",
        )


def _shown(url: str) -> str:
    """Return the part of a URL that is safe to show: it may hold a password anywhere after the scheme."""
    scheme = re.match(r"[a-z][a-z0-9+]{0,19}(?=://)", url)
    return f"'{scheme[0]}://…'" if scheme else "a URL without a scheme"
