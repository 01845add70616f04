# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one tree of errors. A class says what sort of failure it is, its code says which one.

Codes are stable: playbooks may compare them. No message, hint or detail ever holds a secret value.
"""

from __future__ import annotations

import os
from typing import Any, ClassVar

__all__ = [
    "Conflict",
    "Damaged",
    "Forbidden",
    "InvalidInput",
    "KeyRefused",
    "MissingLibrary",
    "NotFound",
    "ScopedSecretsError",
    "StoreRefused",
    "Unavailable",
    "internal_error",
]


class ScopedSecretsError(Exception):
    """What went wrong (`message`, naming the thing and its scope) and what to do next (`hint`)."""

    category: ClassVar[str] = "error"

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str,
        retryable: bool = False,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.retryable = retryable
        self.details = details or {}

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def to_dict(self) -> dict[str, Any]:
        """Return the error as plain JSON data; `from_dict` is its inverse."""
        return {
            "category": self.category,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
            "details": self.details,
        }

    @staticmethod
    def from_dict(data: dict[str, Any]) -> ScopedSecretsError:
        """Return the error that `to_dict` described, of the same class."""
        kind = _BY_CATEGORY.get(data["category"], ScopedSecretsError)
        return kind(
            data["code"],
            data["message"],
            hint=data["hint"],
            retryable=data["retryable"],
            details=data["details"],
        )


class InvalidInput(ScopedSecretsError):
    """What was asked for is malformed, whatever the store holds."""

    category = "invalid_input"


class NotFound(ScopedSecretsError):
    """The scope, connector, secret, version or field does not exist."""

    category = "not_found"


class Forbidden(ScopedSecretsError):
    """It may exist, but the caller may not have it from here."""

    category = "forbidden"


class Conflict(ScopedSecretsError):
    """What is stored stands against the change, for example because it is in use."""

    category = "conflict"


class Unavailable(ScopedSecretsError):
    """The store or a provider does not answer just now."""

    category = "unavailable"


class Damaged(ScopedSecretsError):
    """Stored data is not what was written: altered, moved, cut short or rolled back."""

    category = "damaged"


class KeyRefused(ScopedSecretsError):
    """A key is missing, weak, badly guarded, or not the one this store was sealed with."""

    category = "key_refused"


class StoreRefused(ScopedSecretsError):
    """The store can't be used as it is: foreign, too new, read-only, full, on a network file system."""

    category = "store_refused"


class MissingLibrary(ScopedSecretsError):
    """A Python library, or a program, is not installed where the engine runs, or is too old: `found` is its version."""

    category = "missing_library"

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        requirement: str = "",
        needed_for: str = "",
        found: str = "",
        **rest: Any,
    ) -> None:
        if requirement:
            lacking = f"; version {found} is installed" if found else " and is not installed"
            message = f"The Python library '{requirement}' is needed {needed_for}{lacking}."
            rest["hint"] = f"Install it where ansible-playbook runs: pip install '{requirement}'"
        super().__init__(code, message, **rest)


_BY_CATEGORY: dict[str, type[ScopedSecretsError]] = {
    kind.category: kind
    for kind in (
        InvalidInput,
        NotFound,
        Forbidden,
        Conflict,
        Unavailable,
        Damaged,
        KeyRefused,
        StoreRefused,
        MissingLibrary,
    )
}


def internal_error(error: Exception) -> ScopedSecretsError:
    """Return what people are told of an exception that is none of ours. Its own text may hold anything: left out."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    file = os.path.basename(trace.tb_frame.f_code.co_filename) if trace else "?"
    return ScopedSecretsError(
        "internal_error",
        f"An unexpected {type(error).__name__} at {file}:{trace.tb_lineno if trace else 0}.",
        hint="Please report it with the version of the collection and of ansible-core.",
    )
