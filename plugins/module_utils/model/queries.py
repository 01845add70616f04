# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What templates ask for and get. Every worker loads this: tuples, because a dataclass takes 0.6 ms."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .errors import ScopedSecretsError

if TYPE_CHECKING:
    from .audit import Subject

__all__ = ["CREDENTIAL_KINDS", "Answer", "Query"]

# Secrets of these kinds are made of others; what they bring is a JSON object.
CREDENTIAL_KINDS = ("ssh", "winrm")


class Query(NamedTuple):
    """A secret to read, as the caller in scope (`org`, `project`) names it. `cache_ttl`: seconds, None for the run."""

    reference: str
    org: str = ""
    project: str = ""
    version: str = ""
    key: str = ""
    cache_ttl: int | None = None


class Answer(NamedTuple):
    """What a query brought: the value, its kind (text, file, ssh, winrm), when it expires (ISO 8601), or the error.

    `subject` is what is known of the secret, within the engine only.
    """

    kind: str = ""
    value: bytes = b""
    error: ScopedSecretsError | None = None
    expires_at: str = ""
    subject: Subject | None = None

    def __repr__(self) -> str:
        return f"Answer(kind={self.kind!r}, error={self.error!r}, expires_at={self.expires_at!r})"
