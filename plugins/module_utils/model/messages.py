# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into the engine and what comes out: plain data, so that it can cross a process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .errors import ScopedSecretsError

__all__ = ["Answer", "Query", "Request", "Result"]


@dataclass(frozen=True, slots=True)
class Request:
    """A module's call. `params` holds the options that the user gave, none else; `org` and `project` always."""

    resource: str
    params: dict[str, Any]
    check_mode: bool = False


@dataclass(slots=True)
class Result:
    """A module's answer: `returned` maps its nouns (secret, secrets, …) to dicts without any value."""

    changed: bool = False
    returned: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Query:
    """A secret to read, as the caller in scope (`org`, `project`) names it. `cache_ttl`: seconds, None for the run."""

    reference: str
    org: str = ""
    project: str = ""
    version: str = ""
    key: str = ""
    cache_ttl: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query brought: the value and its kind (text, file), or the error."""

    kind: str = ""
    value: bytes = b""
    error: ScopedSecretsError | None = None
