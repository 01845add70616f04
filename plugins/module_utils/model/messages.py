# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's request to the engine and its result: plain data that can be sent to another process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = ["Request", "Result", "Shown", "Tell", "View", "tell_nobody"]

# What users see, as JSON data. In the engine, secret values are bytes, so the type checker keeps them out of results.
Shown: TypeAlias = str | int | float | bool | Sequence["Shown"] | Mapping[str, "Shown"] | None
View = dict[str, Shown]

# Progress callback: takes one line to show to the user.
Tell = Callable[[str], None]


def tell_nobody(_line: str) -> None:
    """Discard a line of progress."""


@dataclass(frozen=True, slots=True)
class Request:
    """A module's call. `params` holds only the options that the user set, and always `org` and `project`.

    `items` holds the calls that a manifest consists of.
    """

    resource: str
    params: dict[str, Any] = field(repr=False)
    check_mode: bool = False
    items: tuple[Request, ...] = ()


@dataclass(slots=True)
class Result:
    """A module's answer. `returned` maps nouns (secret, secrets, …) to data without secret values."""

    changed: bool = False
    returned: View = field(default_factory=dict)
    before: View = field(default_factory=dict)
    after: View = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
