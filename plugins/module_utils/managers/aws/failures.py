# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the exceptions of the AWS libraries mean, in our errors.

The text that came from the provider is read here, and never handed on: it may repeat what was sent. Of its error codes
only those are shown that the service's model or this file knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...model.errors import ScopedSecretsError
from .. import failures

__all__ = ["AwsAttempt", "OwnErrors", "code_of", "error_for_code", "translate"]

OwnErrors = Mapping[str, Callable[[str], ScopedSecretsError]]
"""Codes that mean something of their own at one service, with what makes the error for a resource."""


@dataclass(frozen=True)
class AwsAttempt:
    """What was tried: `action` as IAM names it, on which resource, by whom, within how many seconds."""

    what: str
    action: str
    resource: str
    seconds: float
    own: OwnErrors = field(default_factory=dict)
    known: frozenset[str] = frozenset()

    @property
    def doing(self) -> str:
        return f"use {self.action} on '{self.resource}'"


_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired")
_REFUSED = (
    "AuthFailure",
    "IDPCommunicationError",
    "IDPRejectedClaim",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidIdentityToken",
    "InvalidIdentityTokenException",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "OptInRequired",
    "RegionDisabledException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)
_SKEWED = ("ClockSkew", "RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture")
_DENIED = ("AccessDenied", "AccessDeniedException", "NotAuthorized", "UnauthorizedOperation")
# Those that botocore's standard mode has tried again already, without LimitExceededException, which is a quota here.
_THROTTLED = (
    "BandwidthLimitExceeded",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
)
_OTHERS = ("MalformedPolicyDocument", "PackedPolicyTooLarge", "ValidationError", "ValidationException")
_SIGNATURES = ("InvalidSignatureException", "SignatureDoesNotMatch")
_ROLE_ACTIONS = ("AssumeRole", "AssumeRoleWithWebIdentity")


def _denied(attempt: AwsAttempt) -> ScopedSecretsError:
    return failures.denied(attempt.what, attempt.doing, f"{attempt.action} on {attempt.resource}")


def _denied_key(attempt: AwsAttempt) -> ScopedSecretsError:
    return failures.denied(attempt.what, attempt.doing, "kms:Decrypt and kms:GenerateDataKey on the secret's KMS key")


def _skewed(attempt: AwsAttempt) -> ScopedSecretsError:
    why = "the clock of this machine and the provider's differ by more than five minutes"
    return failures.login_refused(attempt.what, why)


_MEANINGS: dict[str, Callable[[AwsAttempt], ScopedSecretsError]] = {
    **dict.fromkeys(_EXPIRED, lambda attempt: failures.login_expired(attempt.what)),
    **dict.fromkeys(_DENIED, _denied),
    **dict.fromkeys(_THROTTLED, lambda attempt: failures.throttled(attempt.what)),
    **dict.fromkeys(_SKEWED, _skewed),
    "KeyAccessDenied": _denied_key,
    "LimitExceededException": lambda attempt: failures.quota_exceeded(attempt.what, attempt.doing),
    "ResourceNotFoundException": lambda attempt: failures.unknown_path(attempt.what, attempt.resource),
}


def code_of(code: str, text: str) -> str:
    """Return an error code, or one of ours where AWS has one code for several things and only its text tells which."""
    if code in _SIGNATURES and re.search(r"[Ss]ignature (has )?expired|not yet current", text):
        return "ClockSkew"
    if code == "InvalidRequestException" and re.search(r"(marked|scheduled) for deletion|marked (as )?deleted", text):
        return "MarkedForDeletion"
    if code in _DENIED and re.search(r"\bKMS\b", text):
        return "KeyAccessDenied"
    return code


def error_for_code(code: str, attempt: AwsAttempt, status: int = 400) -> ScopedSecretsError:
    """Return our error for an error code of AWS, as `code_of` gives it."""
    if code in attempt.own:
        return attempt.own[code](attempt.resource)
    if code in _REFUSED:
        return failures.login_refused(attempt.what, f"AWS says {code}")
    if code in _MEANINGS:
        return _MEANINGS[code](attempt)
    return _by_status(code, attempt, status)


def _by_status(code: str, attempt: AwsAttempt, status: int) -> ScopedSecretsError:
    if status >= 500:
        return failures.unavailable(attempt.what, f"it answers with the HTTP status {status}")
    if status == 429:
        return failures.throttled(attempt.what)
    if status == 401:
        return failures.login_refused(attempt.what, "the HTTP status is 401")
    if status == 403:
        return _denied(attempt)
    is_known = code in attempt.known or code in _OTHERS
    return failures.request_refused(attempt.what, attempt.doing, code if is_known else f"HTTP status {status}")


def translate(error: Exception, attempt: AwsAttempt) -> ScopedSecretsError | None:
    """Return our error for an exception of the AWS libraries, None for one that is not theirs."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    if isinstance(error, ClientError):
        return _refused(error, attempt)
    if isinstance(error, ResponseParserError):
        return failures.malformed_reply(attempt.what, "it is not in the form that this service answers in")
    return _of_library(error, attempt) if isinstance(error, BotoCoreError) else None


def _refused(error: Any, attempt: AwsAttempt) -> ScopedSecretsError:
    details = error.response.get("Error", {})
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 400)
    code = code_of(str(details.get("Code", "")), str(details.get("Message", "")))
    # Also in the middle of other work, when temporary credentials are refreshed.
    if error.operation_name in _ROLE_ACTIONS:
        return _refused_role(code, attempt, status)
    return error_for_code(code, attempt, status)


def _refused_role(code: str, attempt: AwsAttempt, status: int) -> ScopedSecretsError:
    if code in _DENIED or code in _OTHERS:
        why = (
            f"the role can't be assumed (AWS says {code}); look at its trust policy, at 'role_arn', 'external_id' and "
            "'duration', and whether the login has sts:AssumeRole on it"
        )
        return failures.login_refused(attempt.what, why)
    return error_for_code(code, attempt, status)


_NO_CREDENTIALS = "the AWS libraries find no credentials (environment, profile, container, instance)"
_LIBRARY_REFUSALS = {
    "NoCredentialsError": _NO_CREDENTIALS,
    "PartialCredentialsError": "the AWS libraries find one half of an access key only",
    "CredentialRetrievalError": "the source of credentials that the AWS profile names gives none",
    "ProfileNotFound": "the AWS profile that is named does not exist on this machine",
    "ConfigParseError": "the AWS configuration file of this machine can't be parsed",
    "ConfigNotFound": "an AWS configuration file that is named does not exist",
    "InvalidConfigError": "the AWS configuration of this machine is not complete",
    "InfiniteLoopConfigError": "the AWS profiles of this machine refer to each other in a circle",
    "MetadataRetrievalError": "the metadata service of the container or instance gives no credentials",
    "RefreshWithMFAUnsupportedError": "the AWS profile asks for a one-time password, which can't be given here",
    "SSOTokenLoadError": "the single sign-on session of the AWS profile is missing: run aws sso login",
    "UnauthorizedSSOTokenError": "the single sign-on session of the AWS profile has ended: run aws sso login",
    "TokenRetrievalError": "the single sign-on session of the AWS profile has ended: run aws sso login",
}


def _of_library(error: Exception, attempt: AwsAttempt) -> ScopedSecretsError:
    name = type(error).__name__
    if name in _LIBRARY_REFUSALS:
        return failures.login_refused(attempt.what, _LIBRARY_REFUSALS[name])
    if name == "NoRegionError":
        return failures.missing_region(attempt.what)
    if name == "ReadTimeoutError":
        return failures.timed_out(attempt.what, attempt.seconds)
    if name == "SSLError":
        return failures.tls_refused(attempt.what, "its TLS certificate, or its TLS, is not accepted")
    if name == "ParamValidationError":
        return failures.request_refused(attempt.what, attempt.doing, "a value of a length or form that AWS never takes")
    return failures.unavailable(attempt.what, _UNREACHABLE.get(name, f"the AWS library gave up ({name})"))


_UNREACHABLE = {
    "ConnectTimeoutError": "nothing accepts the connection",
    "ConnectionClosedError": "the connection was closed before the answer was complete",
    "EndpointConnectionError": "no connection could be made",
    "ProxyConnectionError": "the proxy that the environment names can't be reached",
    "ResponseStreamingError": "the connection was closed before the answer was complete",
}
