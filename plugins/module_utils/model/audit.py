# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is recorded of who did what with which secret, and how that ended. Never a value."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import NamedTuple

from .scopes import ScopePath

__all__ = ["NOTHING", "OK", "Caller", "Event", "Subject", "moment", "plain"]

# The outcome of what went well; of what did not it is the error's code.
OK = "ok"


class Caller(NamedTuple):
    """Who runs ansible-playbook. `run` is the same for all that one such process and its workers do, and no other."""

    user: str = ""
    host: str = ""
    job: str = ""
    run: str = ""


class Subject(NamedTuple):
    """The thing that something was done with: as much as is known of it. `scope` is where it lives."""

    kind: str = ""
    scope: str = ""
    identifier: str = ""
    id: str = ""
    version: str = ""


NOTHING = Subject()


class Event(NamedTuple):
    """One record: an action on a subject, as asked for from within the scope `path`."""

    path: ScopePath
    action: str
    outcome: str
    subject: Subject
    at: str


def plain(text: str) -> str:
    """Return a text that others chose as every sink takes it."""
    return "".join(character if character.isprintable() else "?" for character in text[:128])


def moment() -> str:
    """Return the current time as ISO 8601 in UTC, to the millisecond."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
