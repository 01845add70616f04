# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a server of PostgreSQL can't be used, in our words: its own may repeat what it was sent, such as a password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple, TypeVar

__all__ = ["WRONG_PASSWORD", "Denial", "denial_of", "reason_of", "shown_state"]

WRONG_PASSWORD = "authentication failed"


class Denial(NamedTuple):
    """Why a login is refused, and what to do if that is not the general advice."""

    reason: str
    hint: str = ""


T = TypeVar("T")
_SERVICE = "Correct 'service' in 'store' or PGSERVICE, and the file that PGSERVICEFILE names (~/.pg_service.conf)."
# Parts of the messages of libpq, PostgreSQL (15 to 18) and pgbouncer, and what we say instead. The first that is found
# counts.
_DENIED = {
    r'"sslmode" value "require" invalid|does not support SSL': Denial("it does not support TLS"),
    r"definition of service .* not found": Denial("its service is not defined", _SERVICE),
    r"service file .* not found": Denial("the file of services is missing", _SERVICE),
    r"syntax error in service file|nested service": Denial("the file of services is malformed", _SERVICE),
    r"private key file .* (has group or world access|must be owned)": Denial(
        "others may read the file of its client key", "Give it to the user who runs Ansible, with mode 0600."
    ),
    r"channel binding (is )?required": Denial(
        "it offers no channel binding", "Set 'channel_binding=prefer', or let the server use scram-sha-256 and TLS."
    ),
    r"authentication method requirement": Denial(
        "it wants another way to log in than 'require_auth' allows", "Correct 'require_auth', or its pg_hba.conf."
    ),
    r"unsupported startup parameter": Denial(
        "its pooler takes no such option",
        "Leave 'options' out of 'store', or name the option in ignore_startup_parameters of pgbouncer.",
    ),
    r"unrecognized configuration parameter|invalid (value for parameter|command-line argument)": Denial(
        "it does not take a setting in 'options'", "Correct 'options' in 'store', or PGOPTIONS."
    ),
    r"authentication failed": Denial(WRONG_PASSWORD),
    r"pg_hba\.conf": Denial("its pg_hba.conf allows no such login"),
    r"no password supplied": Denial(
        "it wants a password, and none is set",
        "Put one into 'store', or into ~/.pgpass or the file that PGPASSFILE names. libpq ignores such a file if "
        "others may read it: its mode must be 0600.",
    ),
    r"permission denied|not permitted": Denial("permission denied"),
    r"database .*does not exist": Denial("there is no such database"),
    r"role .*does not exist": Denial("there is no such user"),
    r"certificate verify failed": Denial("certificate verify failed"),
    r"certificate": Denial("a certificate is missing, or one of the two sides refuses it"),
}
_UNAVAILABLE = {
    r"refused": "connection refused",
    r"time(d )?out": "timed out",
    r"translate host name|resolve": "its host name can't be resolved",
    r"No such file": "there is no such socket",
    r"unreachable|No route": "its network can't be reached",
    r"too many (clients|connections)|remaining connection slots|no more connections": "it has too many connections",
    r"starting up|shutting down|recovery mode|accepting connections|terminating con": "it is starting or stopping",
    r"read-only|read-write|hot standby": "none of its hosts takes writes",
    r"cannot connect to server|server (login|conn)": "its pooler can't reach it",
    r"closed|reset|Broken pipe|EOF": "the connection broke",
}
_UNKNOWN = "the client library gives no reason that is known here; the server's log may"
# libpq puts the word for FATAL of the server's language and two blanks before what the server said.
_BY_SERVER = re.compile(r"failed: [^\s:]+:  ")
_BY_SERVER_UNKNOWN = Denial(
    "it refuses the login in words that are not known here",
    "Look into the server's log for the reason. With 'lc_messages = C' in its configuration, its words are known.",
)
_STATE = re.compile(r"[0-9A-Z]{5}")


def denial_of(message: str) -> Denial | None:
    """Return why a server refused a login; None if the message says nothing of the kind."""
    known = _first(_DENIED, message)
    if known or _first(_UNAVAILABLE, message):
        return known
    return _BY_SERVER_UNKNOWN if _BY_SERVER.search(message) else None


def reason_of(message: str) -> str:
    """Return why a server can't be reached."""
    return _first(_UNAVAILABLE, message) or _UNKNOWN


def _first(words: Mapping[str, T], message: str) -> T | None:
    return next((ours for theirs, ours in words.items() if re.search(theirs, message, re.DOTALL)), None)


def shown_state(state: str) -> str:
    """Return an SQLSTATE as it may be shown: five capital letters and digits (PostgreSQL, Appendix A)."""
    return state if _STATE.fullmatch(state) else "unknown"
