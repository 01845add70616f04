# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network options that connectors share: types, defaults, ranges, checks and warnings.

A kind declares which of them it has. plugins/doc_fragments/network.py documents them; a unit test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..model.addresses import is_loopback
from ..model.errors import InvalidInput
from . import failures

__all__ = [
    "CLIENT_CERTIFICATE",
    "OPTIONS",
    "PEM",
    "PEM_OR_PATH",
    "Network",
    "NetworkOption",
    "check_range",
    "check_url",
    "is_path",
]


class NetworkOption(NamedTuple):
    """One option. `limits` is its smallest and largest value."""

    spec: Mapping[str, Any]
    default: Any
    limits: tuple[int, int] | None = None


OPTIONS: Mapping[str, NetworkOption] = {
    "timeout": NetworkOption({"type": "int"}, 30, (1, 600)),
    "retries": NetworkOption({"type": "int"}, 3, (0, 10)),
    "ca_cert": NetworkOption({"type": "str"}, ""),
    "validate_certs": NetworkOption({"type": "bool"}, True),
    "allow_plain_http": NetworkOption({"type": "bool"}, False),
}
CLIENT_CERTIFICATE: Mapping[str, Mapping[str, Any]] = {
    "client_cert": {"type": "str", "no_log": True},
    "client_key": {"type": "str", "no_log": True},
}
"""Login options of kinds whose servers ask clients for a TLS certificate."""
PEM = "-----BEGIN "
PEM_OR_PATH = frozenset({"ca_cert", "client_certificate", *CLIENT_CERTIFICATE})
"""Options that are text in PEM form, or the path of a file with it."""


@dataclass(frozen=True)
class Network:
    """The network options of one kind, by name."""

    names: frozenset[str]

    @classmethod
    def of(cls, *names: str) -> Network:
        return cls(frozenset(names))

    @classmethod
    def all(cls) -> Network:
        return cls(frozenset(OPTIONS))

    @classmethod
    def all_but(cls, *names: str) -> Network:
        return cls(frozenset(OPTIONS) - set(names))

    @property
    def spec(self) -> dict[str, Mapping[str, Any]]:
        """Return the options for a kind's `OPTIONS`."""
        return {name: option.spec for name, option in self._options()}

    @property
    def defaults(self) -> dict[str, Any]:
        """Return the values for a kind's `DEFAULTS`."""
        return {name: option.default for name, option in self._options()}

    @property
    def referable(self) -> frozenset[str]:
        """Return the options for a kind's `REFERABLE`."""
        return self.names & {"ca_cert"}

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise InvalidInput for a number out of range."""
        for name, option in self._options():
            if option.limits:
                check_range(options, name, *option.limits)

    def notices(self, options: Mapping[str, Any], what: str) -> list[str]:
        """Return the warnings of every run. There is nothing to verify if `url` is plain http."""
        if options.get("validate_certs") is not False or str(options.get("url", "")).lower().startswith("http:"):
            return []
        return [f"{what} does not verify TLS certificates ('validate_certs: false')."]

    def _options(self) -> Iterable[tuple[str, NetworkOption]]:
        return ((name, option) for name, option in OPTIONS.items() if name in self.names)


def is_path(given: str) -> bool:
    """Tell whether an option of `PEM_OR_PATH` has a path."""
    return bool(given.strip()) and PEM not in given


def check_range(options: Mapping[str, Any], name: str, least: int, most: int) -> None:
    """Raise InvalidInput if the option is set and out of range."""
    number = options.get(name)
    if number is not None and not least <= number <= most:
        raise failures.invalid_option(name, f"is {number}", f"Set it to a number from {least} to {most}.")


def check_url(title: str, option: str, url: str, *, allow_plain_http: bool) -> None:
    """Raise InvalidInput for a URL that can't be a server's, or that is plain http where that isn't allowed."""
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        is_usable = is_usable and url.isprintable() and " " not in url
    except ValueError:
        is_usable = False
    if not is_usable or parts.username is not None or parts.query or parts.fragment:
        raise InvalidInput(
            "invalid_url",
            f"'{option}' of {title} is not the URL of a server.",
            hint=f"Set '{option}' to a URL like https://host:8200, without user name, query or fragment.",
        )
    if parts.scheme == "http" and not allow_plain_http and not is_loopback(parts.hostname or ""):
        raise failures.plain_http(title, option)
