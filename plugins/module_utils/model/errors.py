# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error tree. The class tells the category of a failure, the code identifies it.

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
    """An error. `message` says what went wrong with which thing in which scope, `hint` what to do next."""

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
        self.warnings: list[str] = []
        """What else people must know of the call that failed, such as that it created a store."""

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def to_dict(self) -> dict[str, Any]:
        """Return the error as JSON data; `from_dict` is the inverse."""
        return {
            "category": self.category,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
            "details": self.details,
            "warnings": self.warnings,
        }

    @staticmethod
    def from_dict(data: dict[str, Any]) -> ScopedSecretsError:
        """Return the error that `to_dict` described, with its class."""
        kind = _BY_CATEGORY.get(data["category"], ScopedSecretsError)
        error = kind(
            data["code"],
            data["message"],
            hint=data["hint"],
            retryable=data["retryable"],
            details=data["details"],
        )
        error.warnings = list(data["warnings"])
        return error


class InvalidInput(ScopedSecretsError):
    """The request is malformed, whatever the store holds."""

    category = "invalid_input"


class NotFound(ScopedSecretsError):
    """The scope, connector, secret, version or field does not exist."""

    category = "not_found"


class Forbidden(ScopedSecretsError):
    """It may exist, but the caller has no access to it from this scope."""

    category = "forbidden"


class Conflict(ScopedSecretsError):
    """The stored state does not allow the change, for example because something is in use."""

    category = "conflict"


class Unavailable(ScopedSecretsError):
    """The store or a provider does not answer at the moment."""

    category = "unavailable"


class Damaged(ScopedSecretsError):
    """Stored data was altered, moved, truncated or rolled back."""

    category = "damaged"


class KeyRefused(ScopedSecretsError):
    """A key is missing, weak, readable by others, or not the key of this store."""

    category = "key_refused"


class StoreRefused(ScopedSecretsError):
    """The store can't be used as it is: foreign, too new, read-only, full or on a network file system."""

    category = "store_refused"


class MissingLibrary(ScopedSecretsError):
    """A Python library or program is missing where the engine runs, or too old; `found` is the installed version."""

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
            lacking = f"version {found} is installed" if found else "it is not installed"
            message = f"The Python library '{requirement}' is needed {needed_for}, but {lacking}."
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
    """Return the error to show for an unexpected exception. Its own text is left out, as it may hold a secret."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    file = os.path.basename(trace.tb_frame.f_code.co_filename) if trace else "?"
    return ScopedSecretsError(
        "internal_error",
        f"Unexpected {type(error).__name__} at {file}:{trace.tb_lineno if trace else 0}.",
        hint="Please report this, with the versions of the collection and of ansible-core.",
    )
