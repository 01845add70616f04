# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS failures cause a limited number of tries and one typed error without AWS's text."""

from __future__ import annotations

import json
import logging
import socket
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Writing
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from aws_connectors import OWNER, kms, kms_key, refusal, secrets_manager
from servers.aws import Aws, Microburst
from servers.faults import Fault, FaultProxy

CANARY = "C4n4ryV4lue"
RETRIES = 2
ALL = RETRIES + 1
Reads = Callable[[str], tuple[Callable[[], object], str]]


def aws_error(status: int, code: str, message: str = "") -> Fault:
    return Fault.answer(status, {"__type": code, "message": message})


# The fault of every request, the error's code, and the number of requests.
FAULTS = {
    "throttled": (aws_error(400, "ThrottlingException"), "provider_throttled", ALL),
    "too many requests": (aws_error(429, "TooManyRequestsException"), "provider_throttled", ALL),
    "429 with Retry-After": (Fault.retry_after(1), "provider_throttled", 1),
    "quota": (aws_error(400, "LimitExceededException"), "provider_quota_exceeded", ALL),
    "denied": (aws_error(400, "AccessDeniedException"), "provider_denied", 1),
    "403 of a proxy": (Fault.answer(403, b"<html>Forbidden</html>"), "provider_denied", 1),
    "401": (Fault.answer(401, b"{}"), "login_refused", 1),
    "unknown key": (aws_error(400, "UnrecognizedClientException"), "login_refused", 1),
    "no such key id": (aws_error(403, "InvalidClientTokenId"), "login_refused", 1),
    "signature": (aws_error(400, "InvalidSignatureException", "do not match"), "login_refused", 1),
    "expired": (aws_error(400, "ExpiredTokenException"), "login_expired", 1),
    "409": (aws_error(409, "ConflictException"), "provider_refused", 1),
    "refused": (aws_error(400, "ValidationException"), "provider_refused", 1),
    "404": (Fault.answer(404, b"not here"), "provider_refused", 1),
    "redirect": (Fault.answer(302, b"", {"Location": "http://127.0.0.1:1/"}), "provider_refused", 1),
    "500": (aws_error(500, "InternalServiceError"), "provider_unavailable", ALL),
    "502 of a proxy": (Fault.answer(502, b"<html>Bad gateway</html>"), "provider_unavailable", ALL),
    "503": (Fault.answer(503, b""), "provider_unavailable", ALL),
    "reset": (Fault.reset(), "provider_unavailable", ALL),
    "truncated": (Fault.truncated(), "provider_unavailable", ALL),
    "malformed": (Fault.malformed(), "incomplete_reply", 1),
    "malformed error": (Fault.malformed(400), "provider_refused", 1),
    "another type": (Fault.answer(200, ["x"]), "malformed_reply", 1),
    "huge": (Fault.huge(16), "malformed_reply", 1),
}


@pytest.fixture(scope="module")
def key(moto: Aws) -> str:
    return kms_key(moto)


@pytest.fixture
def proxy(moto: Aws, fault_proxy: Callable[..., FaultProxy]) -> FaultProxy:
    return fault_proxy(moto.url)


@pytest.fixture(params=["GetSecretValue", "Decrypt"])
def read(request: pytest.FixtureRequest, moto: Aws, proxy: FaultProxy, key: str) -> tuple[Callable[..., Any], str]:
    """Return a function that reads an existing value with given options, and the operation that it uses."""
    path = f"faults/{uuid.uuid4().hex}"
    secrets_manager(moto).write(path, b"a value", Writing(OWNER))
    wrapped = kms(moto, key).wrap(bytes(32), {"a": "1"})

    def read_secret(counts: Counter[str] | None = None, **options: Any) -> object:
        return secrets_manager(moto, counts, endpoint_url=proxy.url, **options).read(path).content

    def unwrap(counts: Counter[str] | None = None, **options: Any) -> object:
        return kms(moto, key, counts, endpoint_url=proxy.url, **options).unwrap(wrapped, {"a": "1"})

    return {"GetSecretValue": (read_secret, "GetSecretValue"), "Decrypt": (unwrap, "Decrypt")}[request.param]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_stays(read: tuple[Callable[..., Any], str], proxy: FaultProxy, name: str) -> None:
    fault, code, tries = FAULTS[name]
    proxy.add(fault, times=None)
    counts = Counter[str]()
    error = refusal(lambda: read[0](counts, retries=RETRIES))
    assert (error.code, proxy.count(target=read[1])) == (code, tries)
    assert counts == {"logins": 1, "requests": tries}


@pytest.mark.parametrize("name", ["throttled", "500", "503", "reset", "truncated"])
def test_a_fault_that_passes(read: tuple[Callable[..., Any], str], proxy: FaultProxy, name: str) -> None:
    proxy.add(FAULTS[name][0], times=RETRIES)
    assert read[0](retries=RETRIES)
    assert proxy.count(target=read[1]) == ALL


def test_no_retries_when_none_are_wanted(read: tuple[Callable[..., Any], str], proxy: FaultProxy) -> None:
    proxy.add(FAULTS["500"][0], times=None)
    assert refusal(lambda: read[0](retries=0)).code == "provider_unavailable"
    assert proxy.count(target=read[1]) == 1


def test_one_deadline_for_all_tries(read: tuple[Callable[..., Any], str], proxy: FaultProxy) -> None:
    proxy.add(Fault.late(30), times=None)
    counts = Counter[str]()
    error = refusal(lambda: read[0](counts, timeout=1, retries=10))
    # Each try takes 0.75 seconds, and none starts after two seconds. A slow machine makes fewer.
    assert error.code == "provider_timeout"
    assert 1 <= counts["requests"] <= 4


def test_nobody_listens(moto: Aws, key: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        error = refusal(lambda: kms(moto, key, endpoint_url=url, retries=0).wrap(bytes(32), {}))
    assert (error.code, error.retryable) == ("provider_unavailable", True)


def test_a_clock_that_is_wrong(moto: Aws, proxy: FaultProxy) -> None:
    text = "Signature expired: 20261124T100000Z is now earlier than 20261124T101500Z (20261124T102000Z - 5 min.)"
    proxy.add(aws_error(400, "InvalidSignatureException", text))
    error = refusal(secrets_manager(moto, endpoint_url=proxy.url).read, "any")
    assert (error.code, "clock" in error.message) == ("login_refused", True)


def test_the_key_of_a_secret_may_be_what_is_denied(moto: Aws, proxy: FaultProxy) -> None:
    proxy.add(aws_error(400, "AccessDeniedException", "Access to KMS is not allowed"))
    error = refusal(secrets_manager(moto, endpoint_url=proxy.url).read, "any")
    assert (error.code, "kms:Decrypt" in error.hint) == ("provider_denied", True)


def test_the_key_of_a_secret_may_be_what_fails(moto: Aws, proxy: FaultProxy) -> None:
    proxy.add(aws_error(400, "DecryptionFailure"))
    assert refusal(secrets_manager(moto, endpoint_url=proxy.url).read, "any").code == "key_unusable"


@pytest.mark.parametrize(
    ("rule", "code", "tries"),
    [
        ({"error": {"code": "ThrottlingException"}}, "provider_throttled", ALL),
        ({"error": {"code": "AccessDeniedException"}}, "provider_denied", 1),
        ({"error": {"code": "InternalServiceError"}}, "provider_unavailable", ALL),
        ({"response": {"truncate_frac": 0.5}}, "incomplete_reply", 1),
    ],
)
def test_faults_as_aws_itself_has_them(
    moto: Aws, microburst: Microburst, rule: dict[str, Any], code: str, tries: int
) -> None:
    path = f"faults/{uuid.uuid4().hex}"
    secrets_manager(moto).write(path, b"a value" * 30, Writing(OWNER))
    keeper = secrets_manager(moto, endpoint_url=microburst.url, retries=RETRIES)
    assert keeper.read(path)
    microburst.set_rules({**rule, "operation": "GetSecretValue"})
    assert refusal(keeper.read, path).code == code
    assert len(microburst.fired()) == tries


ECHOES = [
    Fault.echo(CANARY),
    Fault.echo(CANARY, 500),
    aws_error(400, CANARY, CANARY),
    aws_error(403, CANARY, CANARY),
    aws_error(400, "ValidationException", f"Value '{CANARY}' failed to satisfy constraint"),
    aws_error(400, "AccessDeniedException", f"not for {CANARY}"),
    aws_error(400, "InvalidRequestException", f"{CANARY} was marked for deletion"),
    Fault.answer(400, CANARY.encode()),
    Fault.answer(200, {"message": CANARY, CANARY: CANARY}),
    Fault.answer(200, f'{{"SecretString": ["{CANARY}"'.encode()),
]


@pytest.mark.parametrize("fault", ECHOES)
@pytest.mark.parametrize("verb", ["write", "update", "read", "batch"])
def test_nothing_that_aws_repeats_gets_into_an_error(
    moto: Aws, proxy: FaultProxy, caplog: pytest.LogCaptureFixture, fault: Fault, verb: str
) -> None:
    keeper = secrets_manager(moto, endpoint_url=proxy.url, retries=0)
    path = f"faults/{uuid.uuid4().hex}"
    verbs: dict[str, Callable[[], object]] = {
        "write": lambda: keeper.write(path, CANARY.encode(), Writing(OWNER)),
        "update": lambda: keeper.write(path, CANARY.encode(), Writing(OWNER)),
        "read": lambda: keeper.read(path),
        "batch": lambda: _raise_first(keeper.read_many([path, f"{path}-2"])),
    }
    if verb == "update":
        keeper.write(path, b"before", Writing(OWNER))
        proxy.add(fault, target="UpdateSecret", times=None)
    else:
        proxy.add(fault, times=None)
    with caplog.at_level(logging.DEBUG):
        error = refusal(verbs[verb])
    shown = [str(error), repr(error), json.dumps(error.to_dict()), repr(error.__cause__), caplog.text]
    assert CANARY not in "".join(shown)
    assert error.code != "internal_error"


def _raise_first(found: dict[str, Any]) -> None:
    raise next(one for one in found.values() if isinstance(one, ScopedSecretsError))
