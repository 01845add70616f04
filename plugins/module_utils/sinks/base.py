# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sinks: destinations of audit records besides the store, one file for each kind."""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import import_module
from typing import cast

from ..model.errors import Unavailable
from ..processes.folders import foreign_link

__all__ = ["Sink", "check_way", "not_written", "sinks_of"]

_KINDS = {"file": "json_lines", "syslog": "syslog"}


class Sink(ABC):
    """One destination. `where` is its path, empty for the default."""

    def __init__(self, where: str) -> None:
        self.where = where

    @abstractmethod
    def write(self, lines: Sequence[str]) -> None:
        """Write records, each a line of JSON; raise Unavailable. Without records, check whether writing would work."""


def sinks_of(text: str) -> list[Sink]:
    """Return the sinks that a valid 'audit_sink' names, besides the store."""
    found = []
    for part in text.split(","):
        kind, _colon, where = part.partition("://")
        if kind in _KINDS:
            # Imported here because most runs use the store alone.
            module = import_module(f"{__package__}.{_KINDS[kind]}")
            found.append(cast(Sink, module.make(where)))
    return found


def check_way(path: str) -> None:
    """Raise OSError if another user's symbolic link leads to a path."""
    link = foreign_link(path)
    if link:
        raise OSError(errno.ELOOP, f"{link} is a symbolic link of another user")


def not_written(what: str, error: OSError) -> Unavailable:
    """Return the error for a sink that can't be written. `what` names it."""
    return Unavailable(
        "audit_not_written",
        f"Audit records can't be written to {what}: {error.strerror or type(error).__name__}.",
        hint="Fix this, or set 'audit_sink' to another destination.",
        retryable=True,
    )
