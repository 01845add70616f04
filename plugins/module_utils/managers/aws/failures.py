# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Translates exceptions of the AWS libraries into our errors.

The provider's text is read here and never passed on, because it may repeat what was sent. An error code is shown only
if the service's model or this file knows it.
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
"""Error codes with a special meaning in one service, each with a function from a resource to our error."""


@dataclass(frozen=True)
class AwsAttempt:
    """What was tried: which connector (`what`) used which IAM action on which resource, for how many seconds."""

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
# botocore's standard mode already retried these. LimitExceededException is missing: here it means a quota.
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
    why = "this machine's clock and the provider's differ by more than five minutes"
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
    """Return the error code, or one of ours where AWS uses one code for several causes and only its text differs."""
    if code in _SIGNATURES and re.search(r"[Ss]ignature (has )?expired|not yet current", text):
        return "ClockSkew"
    if code == "InvalidRequestException" and re.search(r"(marked|scheduled) for deletion|marked (as )?deleted", text):
        return "MarkedForDeletion"
    if code in _DENIED and re.search(r"\bKMS\b", text):
        return "KeyAccessDenied"
    return code


def error_for_code(code: str, attempt: AwsAttempt, status: int = 400) -> ScopedSecretsError:
    """Return our error for an AWS error code (see `code_of`)."""
    if code in attempt.own:
        return attempt.own[code](attempt.resource)
    if code in _REFUSED:
        return failures.login_refused(attempt.what, f"AWS answers {code}")
    if code in _MEANINGS:
        return _MEANINGS[code](attempt)
    return _by_status(code, attempt, status)


def _by_status(code: str, attempt: AwsAttempt, status: int) -> ScopedSecretsError:
    if status >= 500:
        return failures.unavailable(attempt.what, f"it answers with HTTP status {status}")
    if status == 429:
        return failures.throttled(attempt.what)
    if status == 401:
        return failures.login_refused(attempt.what, "it answers with HTTP status 401")
    if status == 403:
        return _denied(attempt)
    is_known = code in attempt.known or code in _OTHERS
    return failures.request_refused(attempt.what, attempt.doing, code if is_known else f"HTTP status {status}")


def translate(error: Exception, attempt: AwsAttempt) -> ScopedSecretsError | None:
    """Return our error for an exception of the AWS libraries, None for any other exception."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    if isinstance(error, ClientError):
        return _refused(error, attempt)
    if isinstance(error, ResponseParserError):
        return failures.malformed_reply(attempt.what, "it does not have this service's format")
    return _of_library(error, attempt) if isinstance(error, BotoCoreError) else None


def _refused(error: Any, attempt: AwsAttempt) -> ScopedSecretsError:
    details = error.response.get("Error", {})
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 400)
    code = code_of(str(details.get("Code", "")), str(details.get("Message", "")))
    # Refreshing temporary credentials can fail in the middle of any operation.
    if error.operation_name in _ROLE_ACTIONS:
        return _refused_role(code, attempt, status)
    return error_for_code(code, attempt, status)


def _refused_role(code: str, attempt: AwsAttempt, status: int) -> ScopedSecretsError:
    if code in _DENIED or code in _OTHERS:
        why = (
            f"the role can't be assumed (AWS answers {code}); check its trust policy, 'role_arn', 'external_id' and "
            "'duration', and that the login has sts:AssumeRole on it"
        )
        return failures.login_refused(attempt.what, why)
    return error_for_code(code, attempt, status)


_NO_CREDENTIALS = "the AWS libraries find no credentials (environment, profile, container, instance)"
_LIBRARY_REFUSALS = {
    "NoCredentialsError": _NO_CREDENTIALS,
    "PartialCredentialsError": "the AWS libraries find only half of an access key",
    "CredentialRetrievalError": "the credential source of the AWS profile returns none",
    "ProfileNotFound": "the AWS profile does not exist on this machine",
    "ConfigParseError": "this machine's AWS configuration file can't be parsed",
    "ConfigNotFound": "a configured AWS configuration file does not exist",
    "InvalidConfigError": "this machine's AWS configuration is incomplete",
    "InfiniteLoopConfigError": "this machine's AWS profiles refer to each other in a circle",
    "MetadataRetrievalError": "the metadata service of the container or instance returns no credentials",
    "RefreshWithMFAUnsupportedError": "the AWS profile requires a one-time password, which can't be entered here",
    "SSOTokenLoadError": "the AWS profile has no single sign-on session: run aws sso login",
    "UnauthorizedSSOTokenError": "the single sign-on session of the AWS profile has expired: run aws sso login",
    "TokenRetrievalError": "the single sign-on session of the AWS profile has expired: run aws sso login",
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
        return failures.tls_refused(attempt.what, "its certificate or TLS version is not accepted")
    if name == "ParamValidationError":
        return failures.request_refused(attempt.what, attempt.doing, "a parameter has an invalid length or format")
    return failures.unavailable(attempt.what, _UNREACHABLE.get(name, f"the AWS library failed with {name}"))


_UNREACHABLE = {
    "ConnectTimeoutError": "connecting timed out",
    "ConnectionClosedError": "the connection was closed before the answer was complete",
    "EndpointConnectionError": "the connection failed",
    "ProxyConnectionError": "the proxy that the environment names can't be reached",
    "ResponseStreamingError": "the connection was closed before the answer was complete",
}
