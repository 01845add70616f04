# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Translates exceptions of the Google libraries into our errors.

The provider's text is read here and never passed on, because it may repeat what was sent. Only gRPC status codes, and
codes that this file knows, are shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...model.errors import ScopedSecretsError
from .. import failures

__all__ = ["RETRYABLE", "UNSENT", "GcpAttempt", "login_error", "meaning", "translate"]

UNSENT = frozenset({"NOT_CONNECTED", "RESOURCE_EXHAUSTED"})
"""Meanings of failures after which the request certainly had no effect."""
RETRYABLE = UNSENT | {"ABORTED", "CORRUPTED", "DATA_LOSS", "DEADLINE_EXCEEDED", "INTERNAL", "UNAVAILABLE"}
"""Meanings of failures that may not recur on a retry."""


@dataclass(frozen=True)
class GcpAttempt:
    """What was tried: which connector (`what`) used which IAM permission on which resource, for how many seconds.

    `was_accepted` tells that the service accepted a token of the login before.
    """

    what: str
    permission: str
    resource: str
    seconds: float
    was_accepted: bool = False

    @property
    def doing(self) -> str:
        return f"use {self.permission} on '{self.resource}'"


# Meanings that only the text of gRPC or of a service reveals: word of ours, status, pattern.
_BY_TEXT = (
    ("TLS", "UNAVAILABLE", r"CERTIFICATE_VERIFY_FAILED|handshake failed|[Pp]eer name .* is not in peer certificate"),
    ("NO_GRPC", "UNAVAILABLE", r"http1\.x server|[Ee]rror parsing (settings|frame)|Unexpected (http|frame)"),
    ("NO_NAME", "UNAVAILABLE", r"(DNS|name) resolution failed|Could not contact DNS servers|Domain name not found"),
    ("NOT_CONNECTED", "UNAVAILABLE", r"failed to connect to all addresses"),
    ("TOO_LARGE", "RESOURCE_EXHAUSTED", r"larger than max|message size"),
    ("UNREADABLE", "INTERNAL", r"deserializ|[Dd]ecompress|parsing"),
    ("CORRUPTED", "INVALID_ARGUMENT", r"[Cc]hecksum|crc32c"),
    ("DISABLED", "FAILED_PRECONDITION", r"\bDISABLED\b|is not enabled"),
    ("DESTROYED", "FAILED_PRECONDITION", r"\bDESTROY(ED|_SCHEDULED)\b"),
)


def meaning(error: Any) -> str:
    """Return the gRPC status of a google-api-core error, or a word of ours if its text is more specific."""
    status = getattr(getattr(error, "grpc_status_code", None), "name", "") or "UNKNOWN"
    text = str(getattr(error, "message", ""))
    if status == "FAILED_PRECONDITION" and re.search(_BY_TEXT[-1][2], text):
        return "DESTROYED"
    return next((word for word, of, pattern in _BY_TEXT if of == status and re.search(pattern, text)), status)


def translate(word: str, reason: str, attempt: GcpAttempt) -> ScopedSecretsError:
    """Return our error for a meaning. `reason` comes from Google's ErrorInfo, if the error has one."""
    if word in _UNREACHABLE:
        return failures.unavailable(attempt.what, _UNREACHABLE[word])
    if word in _MALFORMED:
        return failures.malformed_reply(attempt.what, _MALFORMED[word])
    if word == "PERMISSION_DENIED":
        return _denied(reason, attempt)
    if word in _MEANINGS:
        return _MEANINGS[word](attempt)
    return failures.request_refused(attempt.what, attempt.doing, word)


_UNREACHABLE = {
    "ABORTED": "it aborted the request because of a concurrent one",
    "CANCELLED": "the connection was closed",
    "DATA_LOSS": "it lost data",
    "INTERNAL": "it has an internal error",
    "NOT_CONNECTED": "the connection failed",
    "NO_NAME": "its host name can't be resolved",
    "UNAVAILABLE": "it does not answer, or closed the connection before the answer was complete",
    "UNKNOWN": "it has an internal error",
}
_MALFORMED = {
    "CORRUPTED": "its checksum does not match",
    "NO_GRPC": "it does not speak gRPC",
    "TOO_LARGE": "it is larger than 4 MiB",
    "UNIMPLEMENTED": "it does not provide this service",
    "UNREADABLE": "it does not have this service's format",
}
_TLS = "its certificate or TLS version is not accepted"


def _unauthenticated(attempt: GcpAttempt) -> ScopedSecretsError:
    if attempt.was_accepted:
        return failures.login_expired(attempt.what)
    return failures.login_refused(attempt.what, "Google answers UNAUTHENTICATED to its token")


_MEANINGS: dict[str, Callable[[GcpAttempt], ScopedSecretsError]] = {
    "DEADLINE_EXCEEDED": lambda attempt: failures.timed_out(attempt.what, attempt.seconds),
    "NOT_FOUND": lambda attempt: failures.unknown_path(attempt.what, attempt.resource),
    "RESOURCE_EXHAUSTED": lambda attempt: failures.throttled(attempt.what),
    "TLS": lambda attempt: failures.tls_refused(attempt.what, _TLS),
    "UNAUTHENTICATED": _unauthenticated,
}
_OF_THE_PROJECT = {
    "BILLING_DISABLED": "an active billing account of the project",
    "SERVICE_DISABLED": "the service's API, enabled in the project (gcloud services enable)",
    "USER_PROJECT_DENIED": "serviceusage.services.use on the billed project",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "a token with the scope https://www.googleapis.com/auth/cloud-platform",
}


def _denied(reason: str, attempt: GcpAttempt) -> ScopedSecretsError:
    needs = _OF_THE_PROJECT.get(reason, f"{attempt.permission} on {attempt.resource}")
    return failures.denied(attempt.what, attempt.doing, needs)


# The error codes of RFC 6749 and RFC 8693, with their meaning at Google where it isn't obvious.
_OF_TOKENS = {
    "access_denied": "",
    "deleted_client": "",
    "disabled_client": "",
    "invalid_client": "",
    "invalid_grant": "the key or token is unknown, disabled or expired, or this machine's clock is wrong",
    "invalid_request": "",
    "invalid_scope": "",
    "invalid_target": "the pool or provider does not exist, or is disabled",
    "unauthorized_client": "",
    "unsupported_grant_type": "",
}
_ACCOUNT = (
    "the service account does not exist, or the identity of the token may not use it (roles/iam.workloadIdentityUser)"
)


def login_error(error: Exception, what: str) -> ScopedSecretsError:
    """Return our error for an exception of google-auth, or for a reply that it couldn't use."""
    name, text = type(error).__name__, str(error)
    code = next((code for code in _OF_TOKENS if re.search(rf"\b{code}\b", text)), "")
    if code:
        because = f"; {_OF_TOKENS[code]}" if _OF_TOKENS[code] else ""
        return failures.login_refused(what, f"Google answers {code}{because}")
    if name == "DefaultCredentialsError":
        return failures.login_refused(what, "the Google libraries find no usable application default credentials here")
    if "impersonat" in text:
        return failures.login_refused(what, _ACCOUNT)
    if name == "TransportError":
        return failures.unavailable(what, "the token service does not answer")
    if name.endswith(("Error", "Exception")) and type(error).__module__.startswith("google.auth"):
        return failures.login_refused(what, f"getting a token failed with {name}")
    return failures.malformed_reply(what, "the answer of the token service has an unexpected format")
