# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a server of PostgreSQL can't be used, in our words: its own may repeat what it was sent, such as a password."""

from __future__ import annotations

import re

__all__ = ["WRONG_PASSWORD", "denial_of", "reason_of", "shown_state"]

WRONG_PASSWORD = "authentication failed"

# Parts of the messages of libpq and PostgreSQL (15 to 18), and what we say instead. The first that is found counts.
_DENIED = {
    r"authentication failed": WRONG_PASSWORD,
    r"pg_hba\.conf": "its pg_hba.conf allows no such login",
    r"no password supplied": "it wants a password, and none is set",
    r"permission denied|not permitted": "permission denied",
    r"database .*does not exist": "there is no such database",
    r"role .*does not exist": "there is no such user",
    r"certificate verify failed": "certificate verify failed",
    r"certificate": "a certificate is missing, or one of the two sides refuses it",
    r"does not support SSL": "it does not support TLS",
}
_UNAVAILABLE = {
    r"refused": "connection refused",
    r"time(d )?out": "timed out",
    r"translate host name|resolve": "its host name can't be resolved",
    r"No such file": "there is no such socket",
    r"unreachable|No route": "its network can't be reached",
    r"too many (clients|connections)|remaining connection slots": "it has too many connections",
    r"starting up|shutting down|not yet accepting|terminating connection": "it is starting or stopping",
    r"read-only|read-write|hot standby": "none of its hosts takes writes",
    r"closed|reset|Broken pipe|EOF": "the connection broke",
}
_UNKNOWN = "the client library gives no reason that is known here; the server's log may"
_STATE = re.compile(r"[0-9A-Z]{5}")


def denial_of(message: str) -> str:
    """Return why a server refused a login; empty if the message says nothing of the kind."""
    return _first(_DENIED, message)


def reason_of(message: str) -> str:
    """Return why a server can't be reached."""
    return _first(_UNAVAILABLE, message) or _UNKNOWN


def _first(words: dict[str, str], message: str) -> str:
    return next((ours for theirs, ours in words.items() if re.search(theirs, message, re.DOTALL)), "")


def shown_state(state: str) -> str:
    """Return an SQLSTATE as it may be shown: five capital letters and digits (PostgreSQL, Appendix A)."""
    return state if _STATE.fullmatch(state) else "unknown"
