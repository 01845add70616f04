# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How errors of the Google libraries are translated, by their status and, if necessary, their text."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.gcp.failures import (
    RETRYABLE,
    UNSENT,
    GcpAttempt,
    login_error,
    meaning,
    translate,
)
from google.auth.exceptions import TransportError

ATTEMPT = GcpAttempt("connector 'google'", "secretmanager.versions.access", "name", 3.0)


def error(status: str, message: str = "") -> SimpleNamespace:
    return SimpleNamespace(grpc_status_code=SimpleNamespace(name=status), message=message)


@pytest.mark.parametrize(
    ("status", "message", "word"),
    [
        ("NOT_FOUND", "Secret [x] not found.", "NOT_FOUND"),
        ("UNAVAILABLE", "", "UNAVAILABLE"),
        (
            "UNAVAILABLE",
            "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Failed to connect",
            "NOT_CONNECTED",
        ),
        (
            "UNAVAILABLE",
            "failed to connect to all addresses; last error: UNKNOWN: Ssl handshake failed (TSI_PROTOCOL_FAILURE): "
            "SSL_ERROR_SSL: error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED",
            "TLS",
        ),
        ("UNAVAILABLE", "DNS resolution failed for nobody.invalid", "NO_NAME"),
        ("UNAVAILABLE", "Trying to connect an http1.x server", "NO_GRPC"),
        ("RESOURCE_EXHAUSTED", "Quota exceeded", "RESOURCE_EXHAUSTED"),
        ("RESOURCE_EXHAUSTED", "CLIENT: Received message larger than max (5 vs. 4)", "TOO_LARGE"),
        ("INTERNAL", "Exception deserializing response!", "UNREADABLE"),
        ("INVALID_ARGUMENT", "The checksum in field ciphertext_crc32c did not match the data", "CORRUPTED"),
        ("INVALID_ARGUMENT", "Decryption failed", "INVALID_ARGUMENT"),
        ("FAILED_PRECONDITION", "Secret Version [x/versions/4] is in DESTROYED state.", "DESTROYED"),
        ("FAILED_PRECONDITION", "Secret Version [x/versions/4] is in DISABLED state.", "DISABLED"),
        ("FAILED_PRECONDITION", "x is not enabled, current state is: DISABLED.", "DISABLED"),
        ("FAILED_PRECONDITION", "x is not enabled, current state is: DESTROY_SCHEDULED.", "DESTROYED"),
        ("FAILED_PRECONDITION", "The etag does not match.", "FAILED_PRECONDITION"),
    ],
)
def test_meanings(status: str, message: str, word: str) -> None:
    assert meaning(error(status, message)) == word


def test_an_error_without_a_status_is_unknown() -> None:
    assert meaning(SimpleNamespace(grpc_status_code=None, message="x")) == "UNKNOWN"


def test_what_is_surely_not_done_may_always_be_tried_again() -> None:
    assert UNSENT < RETRYABLE
    assert not RETRYABLE & {"TLS", "UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND", "INVALID_ARGUMENT", "TOO_LARGE"}


@pytest.mark.parametrize(("was_accepted", "code"), [(True, "login_expired"), (False, "login_refused")])
def test_a_token_that_was_good_has_expired(was_accepted: bool, code: str) -> None:
    attempt = GcpAttempt("connector", "permission", "name", 1.0, was_accepted)
    assert translate("UNAUTHENTICATED", "", attempt).code == code


def test_a_status_that_nobody_foresaw_is_shown() -> None:
    found = translate("OUT_OF_RANGE", "", ATTEMPT)
    assert (found.code, "OUT_OF_RANGE" in found.message) == ("provider_refused", True)


@pytest.mark.parametrize(
    ("text", "code", "shown"),
    [
        ("('invalid_grant: Invalid JWT Signature.', {})", "login_refused", "clock"),
        ("Error code invalid_target: The target service does not exist", "login_refused", "pool"),
        ("('Unable to acquire impersonated credentials', '{}')", "login_refused", "workloadIdentityUser"),
        ("anything else", "malformed_reply", "token service"),
    ],
)
def test_errors_of_logins(text: str, code: str, shown: str) -> None:
    found = login_error(ValueError(text), "connector")
    assert (found.code, shown in found.message, "Signature" in found.message) == (code, True, False)


def test_a_token_service_that_does_not_answer() -> None:
    assert login_error(TransportError("no route to host"), "connector").code == "provider_unavailable"
