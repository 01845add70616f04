# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where records of the audit go besides the store: one file for each kind of place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import import_module
from typing import cast

from ..model.errors import Unavailable

__all__ = ["Sink", "not_written", "sinks_of"]

_KINDS = {"file": "json_lines", "syslog": "syslog"}


class Sink(ABC):
    """One place. `where` is its path, empty for the usual one."""

    def __init__(self, where: str) -> None:
        self.where = where

    @abstractmethod
    def write(self, lines: Sequence[str]) -> None:
        """Keep records, each a line of JSON; raise Unavailable. Without any: see whether some could be kept."""


def sinks_of(text: str) -> list[Sink]:
    """Return the places that a checked option names, besides the store."""
    found = []
    for part in text.split(","):
        kind, _colon, where = part.partition("://")
        if kind in _KINDS:
            # Imported here: most have the store alone.
            module = import_module(f"{__package__}.{_KINDS[kind]}")
            found.append(cast(Sink, module.make(where)))
    return found


def not_written(what: str, error: OSError) -> Unavailable:
    return Unavailable(
        "audit_not_written",
        f"Records of the audit can't be written to {what}: {error.strerror or type(error).__name__}.",
        hint="Mend that, or name another 'audit_sink'.",
        retryable=True,
    )
