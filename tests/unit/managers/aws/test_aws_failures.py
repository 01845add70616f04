# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How real exceptions of the AWS libraries are translated."""

from __future__ import annotations

from typing import Any

import botocore.exceptions as raised
import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.aws.failures import (
    AwsAttempt,
    code_of,
    translate,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError, Unavailable
from botocore.parsers import ResponseParserError

CANARY = "C4n4ryV4lue"
ATTEMPT = AwsAttempt(
    "connector 'aws'", "secretsmanager:GetSecretValue", "devops/x", 90, known=frozenset({"InvalidNextTokenException"})
)


def client_error(code: str, status: int = 400, operation: str = "GetSecretValue") -> raised.ClientError:
    error: Any = {"Error": {"Code": code, "Message": CANARY}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return raised.ClientError(error, operation)


def ours(error: Exception) -> ScopedSecretsError:
    translated = translate(error, ATTEMPT)
    assert translated is not None
    assert CANARY not in str(translated) + str(translated.to_dict())
    assert ATTEMPT.what in translated.message
    return translated


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("ExpiredToken", "login_expired"),
        ("ExpiredTokenException", "login_expired"),
        ("UnrecognizedClientException", "login_refused"),
        ("InvalidClientTokenId", "login_refused"),
        ("SignatureDoesNotMatch", "login_refused"),
        ("InvalidSignatureException", "login_refused"),
        ("RequestExpired", "login_refused"),
        ("AccessDenied", "provider_denied"),
        ("AccessDeniedException", "provider_denied"),
        ("Throttling", "provider_throttled"),
        ("ThrottlingException", "provider_throttled"),
        ("TooManyRequestsException", "provider_throttled"),
        ("RequestLimitExceeded", "provider_throttled"),
        ("LimitExceededException", "provider_quota_exceeded"),
        ("ResourceNotFoundException", "unknown_path"),
        ("InvalidNextTokenException", "provider_refused"),
        (CANARY, "provider_refused"),
        ("", "provider_refused"),
    ],
)
def test_codes_of_aws(code: str, meaning: str) -> None:
    assert ours(client_error(code)).code == meaning


def test_a_code_is_shown_only_if_it_is_one_of_the_services() -> None:
    assert "InvalidNextTokenException" in ours(client_error("InvalidNextTokenException")).message
    assert "HTTP status 418" in ours(client_error(CANARY, 418)).message


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (401, "login_refused"),
        (403, "provider_denied"),
        (429, "provider_throttled"),
        (500, "provider_unavailable"),
        (503, "provider_unavailable"),
        (409, "provider_refused"),
    ],
)
def test_a_status_without_a_code_that_is_known(status: int, meaning: str) -> None:
    assert ours(client_error(CANARY, status)).code == meaning


@pytest.mark.parametrize("operation", ["AssumeRole", "AssumeRoleWithWebIdentity"])
@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("AccessDenied", "login_refused"),
        ("ValidationError", "login_refused"),
        ("InvalidIdentityToken", "login_refused"),
        ("ExpiredTokenException", "login_expired"),
        ("Throttling", "provider_throttled"),
    ],
)
def test_a_role_that_can_not_be_assumed_is_a_login(operation: str, code: str, meaning: str) -> None:
    assert ours(client_error(code, operation=operation)).code == meaning


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (raised.NoCredentialsError(), "login_refused"),
        (raised.PartialCredentialsError(provider="env", cred_var="x"), "login_refused"),
        (raised.CredentialRetrievalError(provider=CANARY, error_msg=CANARY), "login_refused"),
        (raised.ProfileNotFound(profile=CANARY), "login_refused"),
        (raised.ConfigParseError(path=CANARY), "login_refused"),
        (raised.UnauthorizedSSOTokenError(), "login_refused"),
        (raised.NoRegionError(), "missing_region"),
        (raised.ReadTimeoutError(endpoint_url=CANARY), "provider_timeout"),
        (raised.ConnectTimeoutError(endpoint_url=CANARY), "provider_unavailable"),
        (raised.EndpointConnectionError(endpoint_url=CANARY), "provider_unavailable"),
        (raised.ConnectionClosedError(endpoint_url=CANARY), "provider_unavailable"),
        (raised.ProxyConnectionError(proxy_url=CANARY), "provider_unavailable"),
        (raised.SSLError(endpoint_url=CANARY, error=CANARY), "tls_refused"),
        (raised.ResponseStreamingError(error=CANARY), "provider_unavailable"),
        (raised.ParamValidationError(report=CANARY), "provider_refused"),
        (raised.UnknownServiceError(service_name=CANARY, known_service_names=[]), "provider_unavailable"),
        (ResponseParserError(CANARY), "malformed_reply"),
    ],
)
def test_exceptions_of_the_libraries(error: Exception, meaning: str) -> None:
    assert ours(error).code == meaning


def test_what_passes_may_be_tried_again() -> None:
    for error in (client_error("Throttling"), client_error("x", 503), raised.ReadTimeoutError(endpoint_url="x")):
        translated = ours(error)
        assert isinstance(translated, Unavailable)
        assert translated.retryable


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), RuntimeError("x")])
def test_other_exceptions_are_left_alone(error: Exception) -> None:
    assert translate(error, ATTEMPT) is None


@pytest.mark.parametrize(
    ("code", "text", "meaning"),
    [
        ("InvalidSignatureException", "Signature expired: 2026 is now earlier than 2026", "ClockSkew"),
        ("SignatureDoesNotMatch", "Signature not yet current: 2026 is still later", "ClockSkew"),
        (
            "InvalidSignatureException",
            "The request signature we calculated does not match",
            "InvalidSignatureException",
        ),
        ("InvalidRequestException", "because it was marked for deletion.", "MarkedForDeletion"),
        ("InvalidRequestException", "is already scheduled for deletion.", "MarkedForDeletion"),
        ("InvalidRequestException", "on a secret that's currently marked deleted.", "MarkedForDeletion"),
        ("InvalidRequestException", "managed by another service", "InvalidRequestException"),
        ("AccessDeniedException", "Access to KMS is not allowed", "KeyAccessDenied"),
        ("AccessDeniedException", "User is not authorized to perform: x", "AccessDeniedException"),
    ],
)
def test_codes_that_mean_several_things(code: str, text: str, meaning: str) -> None:
    assert code_of(code, text) == meaning
