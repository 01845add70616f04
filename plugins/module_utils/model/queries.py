# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries for secrets and their answers. NamedTuples, because every worker loads this and a dataclass takes 0.6 ms."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .errors import ScopedSecretsError

if TYPE_CHECKING:
    from .audit import Subject

__all__ = ["CREDENTIAL_KINDS", "Answer", "Query"]

# Secrets of these kinds combine other secrets; their value is a JSON object.
CREDENTIAL_KINDS = ("ssh", "winrm")


class Query(NamedTuple):
    """A secret to read, as named from the scope (`org`, `project`). `cache_ttl`: in seconds, None for the whole run.

    `is_stored`: a row of the scope names it, not whoever runs this.
    """

    reference: str
    org: str = ""
    project: str = ""
    version: str = ""
    key: str = ""
    cache_ttl: int | None = None
    is_stored: bool = False


class Answer(NamedTuple):
    """The answer to a query: the value, its kind (text, file, ssh, winrm) and expiry (ISO 8601), or the error.

    `subject` describes the secret for the audit. It is set within the engine only.
    """

    kind: str = ""
    value: bytes = b""
    error: ScopedSecretsError | None = None
    expires_at: str = ""
    subject: Subject | None = None

    def __repr__(self) -> str:
        return f"Answer(kind={self.kind!r}, error={self.error!r}, expires_at={self.expires_at!r})"
