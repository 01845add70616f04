# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into the engine and what comes out for a module: plain data, so that it can cross a process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Request", "Result", "Tell", "tell_nobody"]

# Takes a line of what people are to see of a long work while it lasts.
Tell = Callable[[str], None]


def tell_nobody(_line: str) -> None:
    """Let a line of progress go unseen."""


@dataclass(frozen=True, slots=True)
class Request:
    """A module's call. `params` holds the options that the user gave, none else; `org` and `project` always.

    `items` are the calls that a manifest is made of.
    """

    resource: str
    params: dict[str, Any] = field(repr=False)
    check_mode: bool = False
    items: tuple[Request, ...] = ()


@dataclass(slots=True)
class Result:
    """A module's answer: `returned` maps its nouns (secret, secrets, …) to dicts without any value."""

    changed: bool = False
    returned: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
