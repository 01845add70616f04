# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Audit records: who did what with which secret, and the outcome. They never hold a value."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import NamedTuple

from .scopes import ScopePath

__all__ = ["NOTHING", "OK", "Caller", "Event", "Subject", "moment", "plain"]

# The outcome of a success. For a failure it is the error's code.
OK = "ok"


class Caller(NamedTuple):
    """Who runs ansible-playbook. `run` identifies one ansible-playbook process together with its workers."""

    user: str = ""
    host: str = ""
    job: str = ""
    run: str = ""


class Subject(NamedTuple):
    """The thing an action was done to, as far as it is known. `scope` is the scope it lives in."""

    kind: str = ""
    scope: str = ""
    identifier: str = ""
    id: str = ""
    version: str = ""


NOTHING = Subject()


class Event(NamedTuple):
    """One audit record: an action on a subject, requested from the scope `path`."""

    path: ScopePath
    action: str
    outcome: str
    subject: Subject
    at: str


def plain(text: str) -> str:
    """Return untrusted text as every sink accepts it: at most 128 characters, unprintable ones replaced by '?'."""
    return "".join(character if character.isprintable() else "?" for character in text[:128])


def moment() -> str:
    """Return the current time as ISO 8601 in UTC, to the millisecond."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
