# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google failures cause a limited number of tries and one typed error without Google's text."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Writing
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from google_connectors import OWNER, kms, new_key, refusal, secret_manager
from servers.faults import FaultProxy
from servers.google_cloud import GoogleCloud, GrpcFault

CANARY = "C4n4ryV4lue"
RETRIES = 2
ALL = RETRIES + 1
Code = grpc.StatusCode
Reader = tuple[Callable[..., Any], str]

# The fault of every request, the error's code, and the number of requests.
FAULTS = {
    "unavailable": (GrpcFault(Code.UNAVAILABLE), "provider_unavailable", ALL),
    "internal": (GrpcFault(Code.INTERNAL), "provider_unavailable", ALL),
    "aborted": (GrpcFault(Code.ABORTED), "provider_unavailable", ALL),
    "data loss": (GrpcFault(Code.DATA_LOSS), "provider_unavailable", ALL),
    "deadline": (GrpcFault(Code.DEADLINE_EXCEEDED), "provider_timeout", ALL),
    "throttled": (GrpcFault(Code.RESOURCE_EXHAUSTED), "provider_throttled", ALL),
    "throttled with RetryInfo": (GrpcFault(Code.RESOURCE_EXHAUSTED, retry_after=0.1), "provider_throttled", ALL),
    "throttled for long": (GrpcFault(Code.RESOURCE_EXHAUSTED, retry_after=3600), "provider_throttled", 1),
    "unauthenticated": (GrpcFault(Code.UNAUTHENTICATED), "login_refused", 1),
    "denied": (GrpcFault(Code.PERMISSION_DENIED), "provider_denied", 1),
    "cancelled": (GrpcFault(Code.CANCELLED), "provider_unavailable", 1),
    "unknown": (GrpcFault(Code.UNKNOWN), "provider_unavailable", 1),
    "out of range": (GrpcFault(Code.OUT_OF_RANGE), "provider_refused", 1),
    "not there": (GrpcFault(Code.UNIMPLEMENTED), "malformed_reply", 1),
    "malformed": (GrpcFault(raw=b"\xff\xff"), "malformed_reply", 1),
    "huge": (GrpcFault(raw=b"\x0a\x85\x80\x80\x02" + bytes(5 * 1024 * 1024)), "malformed_reply", 1),
    "empty": (GrpcFault(raw=b""), "incomplete_reply", 1),
}


@pytest.fixture(params=["AccessSecretVersion", "Decrypt"])
def read(request: pytest.FixtureRequest, google_cloud: GoogleCloud) -> Reader:
    """Return a function that reads an existing value with given options, and the method that it uses."""
    path, context = f"faults-{uuid.uuid4().hex}", {"a": "1"}
    if request.param == "AccessSecretVersion":
        secret_manager(google_cloud).write(path, b"a value", Writing(OWNER))
    else:
        key = new_key(google_cloud)
        wrapped = kms(google_cloud, key).wrap(bytes(32), context)
    google_cloud.calls.clear()

    def read_secret(counts: Counter[str] | None = None, **options: Any) -> object:
        return secret_manager(google_cloud, counts, **options).read(path).content

    def unwrap(counts: Counter[str] | None = None, **options: Any) -> object:
        return kms(google_cloud, key, counts, **options).unwrap(wrapped, context)

    return {"AccessSecretVersion": read_secret, "Decrypt": unwrap}[request.param], request.param


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_stays(read: Reader, google_cloud: GoogleCloud, name: str) -> None:
    fault, code, tries = FAULTS[name]
    google_cloud.calls.add(fault, times=None)
    counts = Counter[str]()
    error = refusal(lambda: read[0](counts, retries=RETRIES, timeout=10))
    assert (error.code, google_cloud.calls.count(read[1])) == (code, tries)
    assert counts == {"logins": 1, "requests": tries + 1}


@pytest.mark.parametrize("name", ["unavailable", "internal", "deadline", "throttled", "throttled with RetryInfo"])
def test_a_fault_that_passes(read: Reader, google_cloud: GoogleCloud, name: str) -> None:
    google_cloud.calls.add(FAULTS[name][0], target=read[1], times=RETRIES)
    assert read[0](retries=RETRIES)
    assert google_cloud.calls.count(read[1]) == ALL


def test_no_retries_when_none_are_wanted(read: Reader, google_cloud: GoogleCloud) -> None:
    google_cloud.calls.add(FAULTS["unavailable"][0], times=None)
    assert refusal(lambda: read[0](retries=0)).code == "provider_unavailable"
    assert google_cloud.calls.count(read[1]) == 1


def test_one_deadline_for_all_tries(read: Reader, google_cloud: GoogleCloud) -> None:
    google_cloud.calls.add(GrpcFault(delay=5), target=read[1], times=None)
    error = refusal(lambda: read[0](timeout=1, retries=10))
    assert error.code == "provider_timeout"
    assert 1 <= google_cloud.calls.count(read[1]) <= 4


def test_a_write_that_is_never_answered_keeps_to_one_deadline(google_cloud: GoogleCloud) -> None:
    keeper = secret_manager(google_cloud, timeout=1, retries=10)
    for target in ("AddSecretVersion", "AccessSecretVersion"):
        google_cloud.calls.add(GrpcFault(delay=5), target=target, times=None)
    assert refusal(keeper.write, f"faults-{uuid.uuid4().hex}", b"one", Writing(OWNER)).code == "provider_timeout"
    assert google_cloud.calls.count("AddSecretVersion") == 1


def test_throttled_writes_are_tried_again_and_never_doubled(google_cloud: GoogleCloud) -> None:
    path = f"faults-{uuid.uuid4().hex}"
    keeper = secret_manager(google_cloud)
    for target in ("CreateSecret", "AddSecretVersion"):
        google_cloud.calls.add(FAULTS["throttled"][0], target=target)
    assert keeper.write(path, b"one", Writing(OWNER)) == "1"
    google_cloud.calls.add(FAULTS["throttled"][0], target="AddSecretVersion", times=None)
    assert refusal(keeper.write, path, b"two", Writing(OWNER)).code == "provider_throttled"
    assert google_cloud.calls.count("AccessSecretVersion") == 0


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("SERVICE_DISABLED", "gcloud services enable"),
        ("BILLING_DISABLED", "billing"),
        ("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "scope"),
        ("C4N4RY", "secretmanager.versions.access"),
    ],
)
def test_a_denial_says_what_is_missing(google_cloud: GoogleCloud, reason: str, word: str) -> None:
    google_cloud.calls.add(GrpcFault(Code.PERMISSION_DENIED, reason=reason))
    error = refusal(secret_manager(google_cloud).read, "any")
    assert (error.code, word in error.hint, "C4N4RY" in str(error)) == ("provider_denied", True, False)


def test_nobody_listens(read: Reader) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{taken.getsockname()[1]}"
        error = refusal(lambda: read[0](endpoint=url, retries=1))
    assert (error.code, error.retryable) == ("provider_unavailable", True)


def test_somebody_listens_who_never_answers(google_cloud: GoogleCloud) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        error = refusal(secret_manager(google_cloud, endpoint=url, timeout=1).read, "any")
    assert error.code in ("provider_unavailable", "provider_timeout")


def test_somebody_answers_who_is_not_google(google_cloud: GoogleCloud, fault_proxy: Callable[..., FaultProxy]) -> None:
    proxy = fault_proxy(google_cloud.tokens.url, ca=google_cloud.ca)
    error = refusal(secret_manager(google_cloud, endpoint=proxy.url).read, "any")
    assert error.code in ("provider_unavailable", "malformed_reply")


def test_a_host_that_does_not_exist(google_cloud: GoogleCloud) -> None:
    error = refusal(secret_manager(google_cloud, endpoint="https://nobody.invalid").read, "any")
    assert (error.code, "name" in error.message) == ("provider_unavailable", True)


VERBS = ["write", "update", "read", "remove", "wrap", "unwrap"]


@pytest.mark.parametrize("verb", VERBS)
def test_nothing_that_google_repeats_gets_into_an_error(
    google_cloud: GoogleCloud, caplog: pytest.LogCaptureFixture, verb: str
) -> None:
    keeper, key = secret_manager(google_cloud, retries=0), kms(google_cloud, new_key(google_cloud), retries=0)
    path = f"faults-{uuid.uuid4().hex}"
    wrapped = key.wrap(bytes(32), {})
    call: Callable[[], object] = {
        "write": lambda: keeper.write(path, CANARY.encode(), Writing(OWNER, description=CANARY)),
        "update": lambda: keeper.write(path, CANARY.encode(), Writing(OWNER)),
        "read": lambda: keeper.read(path),
        "remove": lambda: keeper.remove(path, OWNER),
        "wrap": lambda: key.wrap(CANARY.encode(), {}),
        "unwrap": lambda: key.unwrap(wrapped, {"a": CANARY}),
    }[verb]
    if verb == "update":
        keeper.write(path, b"before", Writing(OWNER))
    for code in (code for code in Code if code is not Code.OK):
        google_cloud.calls.clear()
        for target in ("AddSecretVersion", "AccessSecretVersion") if verb == "update" else ("",):
            google_cloud.calls.add(GrpcFault(code, f"not {CANARY}", reason=CANARY), target=target, times=None)
        with caplog.at_level(logging.DEBUG):
            error = _outcome(call)
        # If Google says that a secret doesn't exist, there is nothing to remove.
        assert (error is None) == ((verb, code) == ("remove", Code.NOT_FOUND))
        shown = [str(error), repr(error), json.dumps(error.to_dict()), repr(error.__cause__)] if error else []
        assert CANARY not in "".join([*shown, caplog.text])


def test_nothing_that_google_repeats_is_logged_between_tries(
    google_cloud: GoogleCloud, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = secret_manager(google_cloud, retries=1)
    google_cloud.calls.add(GrpcFault(Code.UNAVAILABLE, f"not {CANARY}"), times=None)
    with caplog.at_level(logging.DEBUG):
        assert refusal(keeper.read, "any").code == "provider_unavailable"
    assert CANARY not in caplog.text


def _outcome(call: Callable[[], object]) -> ScopedSecretsError | None:
    try:
        call()
    except ScopedSecretsError as error:
        return error
    return None


def test_the_libraries_log_no_value(google_cloud: GoogleCloud, caplog: pytest.LogCaptureFixture) -> None:
    path = f"faults-{uuid.uuid4().hex}"
    with caplog.at_level(logging.DEBUG):
        keeper = secret_manager(google_cloud)
        keeper.write(path, CANARY.encode(), Writing(OWNER))
        keeper.read(path)
    assert CANARY not in caplog.text
    assert "ya29." not in caplog.text


SCRIPT = """
import sys
from google_connectors import kms, refusal, secret_manager
from types import SimpleNamespace
url, ca, key = sys.argv[1:]
server = SimpleNamespace(url=url, ca=ca, credentials_json=sys.stdin.read(), project="tests-project")
keeper = secret_manager(server)
keeper.write("loud", b"C4n4ryV4lue", __import__("importlib").import_module(key).Writing("owner"))
print(keeper.read("loud").content == b"C4n4ryV4lue")
other = secret_manager(server, endpoint="https://127.0.0.1:1", retries=3)
print(refusal(other.read, "loud").code)
"""


@pytest.mark.parametrize("scope", ["google", "google.cloud.secretmanager_v1"])
def test_nothing_is_printed_even_where_the_environment_wants_it(google_cloud: GoogleCloud, scope: str) -> None:
    base = "ansible_collections.scoped.secrets.plugins.module_utils.managers.base"
    tests = Path(__file__).resolve().parents[1]
    paths = [str(tests), str(tests / "managers"), *filter(None, sys.path)]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, google_cloud.url, str(google_cloud.ca), base],
        input=google_cloud.credentials_json,
        env={"PYTHONPATH": ":".join(paths), "GOOGLE_SDK_PYTHON_LOGGING_SCOPE": scope},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.split()) == (0, ["True", "provider_unavailable"]), done.stderr
    assert CANARY not in done.stderr
    assert "ya29." not in done.stderr
    assert "I0000" not in done.stderr


def test_an_argument_that_no_message_can_hold_is_refused(google_cloud: GoogleCloud) -> None:
    call = secret_manager(google_cloud)._client.call
    assert refusal(call, "access_secret_version", "a", {"name": "\ud800"}).code == "provider_refused"
