# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS to a PostgreSQL server: none to another machine without, and a warning where nothing proves whose server it is.

libpq's own default, `sslmode=prefer`, connects without TLS if the server, or somebody on the way, refuses it
(PostgreSQL, "SSL Support").
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ...model.addresses import is_loopback
from ...model.errors import StoreRefused
from ..location import Location

__all__ = ["check_encrypted", "host_of", "notice_of", "tls_options"]

_WITHOUT = ("disable", "allow", "prefer")
_WITH_SYSTEM = 160000


def host_of(given: Mapping[str, Any]) -> str:
    """Return the hosts that libpq options lead to, separated by commas; empty for a local socket, or if unknown."""
    named = given.get("hostaddr") or given.get("host")
    if named or _names_service(given):
        return str(named or "")
    return os.environ.get("PGHOSTADDR") or os.environ.get("PGHOST") or ""


def _names_service(given: Mapping[str, Any]) -> bool:
    # What its file says can't be known before libpq has read it, and our options would override it.
    return bool(given.get("service") or os.environ.get("PGSERVICE"))


def _is_remote(hosts: str) -> bool:
    # libpq: what begins with / or @ is a socket of this machine.
    return any(not (host.startswith(("/", "@")) or is_loopback(host)) for host in hosts.split(",") if host)


def _mode(given: Mapping[str, Any]) -> str:
    return str(given.get("sslmode") or os.environ.get("PGSSLMODE") or "")


def _proves_itself(given: Mapping[str, Any]) -> bool:
    # Kerberos authenticates and encrypts both ways.
    return _mode(given) == "verify-full" or _trusts_system(given) or given.get("gssencmode") == "require"


def _trusts_system(given: Mapping[str, Any]) -> bool:
    # Implies verify-full since libpq 16; before, it is the name of a file.
    from psycopg import pq

    named = given.get("sslrootcert") or os.environ.get("PGSSLROOTCERT")
    return named == "system" and pq.version() >= _WITH_SYSTEM


def tls_options(location: Location, given: Mapping[str, Any]) -> dict[str, str]:
    """Return the option that makes libpq insist on TLS to another machine, {} where it does, or need not.

    Raises StoreRefused for a URL that forbids TLS, unless the settings allow that.
    """
    hosts, mode = host_of(given), _mode(given)
    if (
        location.allows_plain
        or _names_service(given)
        or not _is_remote(hosts)
        or _proves_itself(given)
        or mode not in ("", *_WITHOUT)
    ):
        return {}
    if mode == "disable":
        raise plain_postgresql(location, hosts)
    return {"sslmode": "require"}


def check_encrypted(location: Location, given: Mapping[str, Any], host: str, *, has_tls: bool) -> None:
    """Raise StoreRefused for a connection without TLS to another machine, which a service can lead to."""
    if _is_remote(host) and not (has_tls or location.allows_plain or _proves_itself(given)):
        raise plain_postgresql(location, host)


def notice_of(given: Mapping[str, Any], host: str, *, has_tls: bool) -> str:
    """Return the warning of every run about a connection to another machine; empty where the server proved itself."""
    if not _is_remote(host) or _proves_itself(given):
        return ""
    if not has_tls:
        return (
            f"The store at {host} is reached without TLS, as 'allow_plain_postgresql' allows: whoever is on the way "
            "can read names and paths, and change what is written."
        )
    return (
        f"Nothing proves that the server of the store at {host} is the right one: set 'sslmode=verify-full' and "
        "'sslrootcert' in 'store'."
    )


def plain_postgresql(location: Location, host: str) -> StoreRefused:
    """Return the error for a connection without TLS to another machine."""
    return StoreRefused(
        "plain_postgresql",
        f"The store {location} at {host} would be reached without TLS: whoever is on the way could read names and "
        "paths, and change what is written.",
        hint="Set 'sslmode=verify-full' and 'sslrootcert' in 'store'. If the network is protected otherwise, set "
        "'allow_plain_postgresql' in ansible.cfg, or SCOPED_SECRETS_ALLOW_PLAIN_POSTGRESQL, to true.",
    )
