# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HashiCorp Vault failures: the number of requests, and the error."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Writing
from ansible_collections.scoped.secrets.plugins.module_utils.managers.hashicorp_vault.vault import HashicorpVault
from ansible_collections.scoped.secrets.plugins.module_utils.managers.http import Patience
from servers.faults import Fault, FaultProxy
from servers.openbao import OpenBao
from vault_connectors import OWNER, Clock, connector, names, refusal, vault

TRIES = 3
CANARY = "canary-5e3c71"
NEW = Writing(OWNER)
PAST = "Wed, 21 Oct 2015 07:28:00 GMT"
UNAVAILABLE = "provider_unavailable"
# The server's fault, the error of a read, its category, and the number of requests.
READS = {
    "401": (Fault.answer(401), "provider_denied", "forbidden", 2),
    "403": (Fault.answer(403), "provider_denied", "forbidden", 2),
    "404": (Fault.answer(404), "unknown_path", "not_found", 1),
    "404 of a gateway": (Fault.answer(404, b"<html>"), "unknown_path", "not_found", 1),
    "405": (Fault.answer(405), "provider_refused", "invalid_input", 1),
    "409": (Fault.answer(409), "provider_refused", "invalid_input", 1),
    "412": (Fault.answer(412), "provider_refused", "invalid_input", TRIES),
    "429": (Fault.answer(429), "provider_throttled", "unavailable", TRIES),
    "429 with Retry-After": (Fault.retry_after(2), "provider_throttled", "unavailable", TRIES),
    "429 until a date": (Fault.retry_after(PAST), "provider_throttled", "unavailable", TRIES),
    "429 with nonsense": (Fault.retry_after("soon"), "provider_throttled", "unavailable", TRIES),
    # The second pause would exceed the deadline.
    "429 for ever": (Fault.retry_after(10**9), "provider_throttled", "unavailable", 2),
    "500": (Fault.answer(500), UNAVAILABLE, "unavailable", TRIES),
    "501": (Fault.answer(501), UNAVAILABLE, "unavailable", 1),
    "502": (Fault.answer(502, b"<html>"), UNAVAILABLE, "unavailable", TRIES),
    "503": (Fault.answer(503), UNAVAILABLE, "unavailable", TRIES),
    "503 with Retry-After": (Fault.retry_after(2, 503), UNAVAILABLE, "unavailable", TRIES),
    "503 sealed": (Fault.answer(503, {"errors": ["Vault is sealed"]}), "vault_sealed", "unavailable", TRIES),
    "504": (Fault.answer(504), UNAVAILABLE, "unavailable", TRIES),
    "reset": (Fault.reset(), UNAVAILABLE, "unavailable", TRIES),
    "truncated": (Fault.truncated(), UNAVAILABLE, "unavailable", TRIES),
    "malformed": (Fault.malformed(), "malformed_reply", "unavailable", 1),
    "huge": (Fault.huge(40), "malformed_reply", "unavailable", 1),
    "huge error": (Fault.huge(40, 500), "malformed_reply", "unavailable", 1),
    "compressed": (Fault.answer(200, b"x", {"Content-Encoding": "gzip"}), "malformed_reply", "unavailable", 1),
    "302": (Fault.answer(302, headers={"Location": "/login"}), "malformed_reply", "unavailable", 1),
    "307 in a circle": (Fault.answer(307, headers={"Location": "/v1/x"}), "malformed_reply", "unavailable", 2),
    "307 without a place": (Fault.answer(307), "malformed_reply", "unavailable", 1),
    "204": (Fault.answer(204, b""), "malformed_reply", "unavailable", 1),
    "a login page": (Fault.answer(200, b"<html>log in</html>"), "malformed_reply", "unavailable", 1),
}
# Replies to a read with status 200 but without a value.
WITHOUT_VALUE: list[object] = [
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"[" * 100_000,
    {},
    {"data": None},
    {"data": []},
    {"data": {}},
    {"data": {"data": None, "metadata": {"version": 1}}},
    {"data": {"data": "text", "metadata": {"version": 1}}},
    {"data": {"data": [], "metadata": {"version": 1}}},
    {"data": {"data": {"value": "x"}}},
    {"data": {"data": {"value": "x"}, "metadata": None}},
    {"errors": []},
]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def proxy(openbao: OpenBao, fault_proxy: Callable[[str], FaultProxy]) -> FaultProxy:
    return fault_proxy(openbao.url)


@pytest.fixture
def manager(proxy: FaultProxy, clock: Clock) -> Iterator[HashicorpVault]:
    """A connector through the proxy that doesn't need to detect its engine's version."""
    with vault(proxy.url, retries=TRIES - 1, engine_version="2", detected_engine_version=2) as manager:
        manager.write("ours/there", b"kept", NEW)
        manager._is_verified = True
        proxy.clear()
        yield manager
        proxy.clear()


@pytest.mark.parametrize("case", READS)
def test_a_read_that_fails(manager: HashicorpVault, proxy: FaultProxy, case: str) -> None:
    fault, code, category, count = READS[case]
    proxy.add(fault, path="secret/data|^/v1/x$", times=None)
    error = refusal(manager.read, "ours/there")
    assert (error.code, error.category) == (code, category)
    assert error.retryable == (category == "unavailable")
    assert len(proxy.seen) == count
    proxy.clear()
    assert manager.value_in(manager.read("ours/there").content) == b"kept"
    assert len(proxy.seen) == 1


AGAIN = ["412", "429", "429 with Retry-After", "500", "502", "503", "503 sealed", "504", "reset", "truncated"]


@pytest.mark.parametrize("case", AGAIN)
def test_a_read_that_fails_once(manager: HashicorpVault, proxy: FaultProxy, clock: Clock, case: str) -> None:
    proxy.add(READS[case][0], path="secret/data")
    assert manager.value_in(manager.read("ours/there").content) == b"kept"
    assert len(proxy.seen) == 2
    assert len(clock.pauses) == 1
    assert clock.pauses[0] > 0


def test_a_server_that_is_late(proxy: FaultProxy) -> None:
    counts: Counter[str] = Counter()
    with vault(proxy.url, counts, engine_version="2") as manager:
        assert manager._client
        manager._client._http.patience = Patience(timeout=0.5, retries=1)
        proxy.add(Fault.late(3), path="secret/data", times=None)
        error = refusal(manager.read, "ours/there")
    assert (error.code, error.category, error.retryable) == ("provider_timeout", "unavailable", True)
    assert counts == {"requests": 2}


def test_a_server_that_is_not_there(clock: Clock) -> None:
    counts: Counter[str] = Counter()
    error = refusal(connector("http://127.0.0.1:9", counts, retries=2).login)
    assert (error.code, error.category) == (UNAVAILABLE, "unavailable")
    assert "connection refused" in error.message
    assert counts == {"logins": 1, "requests": TRIES}


def test_a_name_that_nobody_knows(clock: Clock) -> None:
    error = refusal(connector("https://vault.invalid:8200", retries=0).login)
    assert (error.code, error.category) == (UNAVAILABLE, "unavailable")
    assert "name" in error.message


def test_the_wait_that_a_server_asks_for_is_granted(manager: HashicorpVault, proxy: FaultProxy, clock: Clock) -> None:
    proxy.add(Fault.retry_after(7), path="secret/data")
    manager.read("ours/there")
    assert 7 <= clock.pauses[0] <= 8


def test_a_wait_that_would_take_too_long_is_not_begun(manager: HashicorpVault, proxy: FaultProxy, clock: Clock) -> None:
    assert manager._client
    manager._client._http.patience = Patience(timeout=5, retries=5)
    proxy.add(Fault.retry_after(3600), path="secret/data", times=None)
    assert refusal(manager.read, "ours/there").code == "provider_throttled"
    assert len(proxy.seen) == 1
    assert clock.pauses == []


def test_one_deadline_over_all_tries(manager: HashicorpVault, proxy: FaultProxy, clock: Clock) -> None:
    assert manager._client
    manager._client._http.patience = Patience(timeout=1, retries=10)
    proxy.add(Fault.answer(503), path="secret/data", times=None)
    assert refusal(manager.read, "ours/there").code == UNAVAILABLE
    assert sum(clock.pauses) < 3
    assert 3 < len(proxy.seen) < 10


# The fault of the write request, and how often it is sent.
WRITES = {
    "reset": (Fault.reset(), UNAVAILABLE, 1),
    "reset after it was done": (Fault.reset(is_applied=True), UNAVAILABLE, 1),
    "503": (Fault.answer(503), UNAVAILABLE, 1),
    "500 after it was done": (Fault.answer(500, is_applied=True), UNAVAILABLE, 1),
    "429": (Fault.answer(429), "provider_throttled", TRIES),
    "403": (Fault.answer(403), "provider_denied", 1),
    "404": (Fault.answer(404), "provider_refused", 1),
    "413": (Fault.answer(413), "provider_refused", 1),
    "truncated": (Fault.truncated(), UNAVAILABLE, 1),
    "malformed": (Fault.malformed(), "malformed_reply", 1),
    "without the version": (Fault.answer(200, {"data": {}}), "incomplete_reply", 1),
    "nothing": (Fault.answer(204, b""), "malformed_reply", 1),
}


@pytest.mark.parametrize("case", WRITES)
def test_a_write_that_fails_is_not_sent_twice(manager: HashicorpVault, proxy: FaultProxy, case: str) -> None:
    fault, code, count = WRITES[case]
    proxy.add(fault, method="POST", path="secret/data", times=None)
    error = refusal(manager.write, "ours/there", CANARY.encode(), NEW)
    assert error.code == code
    assert proxy.count(method="POST", path="secret/data") == count
    proxy.clear()
    manager.write("ours/there", b"kept", NEW)
    assert manager.value_in(manager.read("ours/there").content) == b"kept"


@pytest.mark.parametrize(
    "body", [{}, {"data": None}, {"data": {"custom_metadata": None}}, {"data": {"current_version": "1"}}, b""]
)
def test_a_write_that_can_t_see_what_is_there(manager: HashicorpVault, proxy: FaultProxy, body: object) -> None:
    proxy.add(Fault.answer(200, body), method="GET", path="secret/metadata", times=None)
    assert refusal(manager.write, "ours/there", b"x", NEW).code in ("incomplete_reply", "malformed_reply")
    assert refusal(manager.remove, "ours/there", OWNER).code in ("incomplete_reply", "malformed_reply")
    assert {one.method for one in proxy.seen} == {"GET"}


@pytest.mark.parametrize("case", ["reset", "503"])
def test_a_removal_that_fails_is_not_sent_twice(manager: HashicorpVault, proxy: FaultProxy, case: str) -> None:
    path = f"ours/{next(names)}"
    manager.write(path, b"kept", NEW)
    proxy.clear()
    proxy.add(READS[case][0], method="DELETE", times=None)
    assert refusal(manager.remove, path, OWNER).code == UNAVAILABLE
    assert proxy.count(method="DELETE") == 1


@pytest.mark.parametrize("body", WITHOUT_VALUE)
def test_a_reply_without_a_value_is_an_error(manager: HashicorpVault, proxy: FaultProxy, body: object) -> None:
    proxy.add(Fault.answer(200, body), path="secret/data")
    error = refusal(manager.read, "ours/there")
    assert error.code in ("incomplete_reply", "malformed_reply")
    assert error.category == "unavailable"


@pytest.mark.parametrize("body", [b"", b"null", {}, {"data": None}, {"data": "x"}, {"data": []}])
def test_a_reply_without_a_value_by_version_1(openbao: OpenBao, proxy: FaultProxy, body: object) -> None:
    with vault(proxy.url, engine="any", engine_version="1", detected_engine_version=1) as manager:
        proxy.add(Fault.answer(200, body), path="/any/")
        assert refusal(manager.read, "ours/there").code in ("incomplete_reply", "malformed_reply")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", {}, {"auth": None}, {"auth": {}}, {"auth": {"client_token": ""}}]
)
def test_a_login_without_a_token_in_the_reply(proxy: FaultProxy, body: object) -> None:
    proxy.add(Fault.answer(200, body), path="auth/", times=None)
    for login in ({"role_id": "x", "secret_id": "x"}, {"token": "x"}):
        assert refusal(connector(proxy.url, **login).login).code in ("incomplete_reply", "malformed_reply")


@pytest.mark.parametrize("case", ["reset", "503", "truncated", "500"])
def test_a_login_that_fails_is_not_sent_twice(openbao: OpenBao, proxy: FaultProxy, clock: Clock, case: str) -> None:
    """The secret id may be valid for a single use."""
    role = openbao.add_approle(next(names), "default", secret_id_num_uses=1)
    proxy.add(READS[case][0], path="auth/approle", times=None)
    counts: Counter[str] = Counter()
    manager = connector(proxy.url, counts, role_id=role.role_id, secret_id=role.secret_id)
    assert refusal(manager.login).code == UNAVAILABLE
    assert counts == {"logins": 1, "requests": 1}


STATUSES = [400, 401, 403, 404, 405, 409, 412, 413, 429, 500, 502, 503]


@pytest.mark.parametrize("status", STATUSES)
def test_a_server_that_repeats_secrets_in_its_errors(
    proxy: FaultProxy, manager: HashicorpVault, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    proxy.add(Fault.echo(CANARY, status), times=None)
    calls: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
        (manager.read, (f"ours/{next(names)}",)),
        (manager.write, ("ours/there", CANARY.encode(), NEW)),
        *([(manager.remove, ("ours/there", OWNER))] if status != 404 else []),  # The secret is already gone then.
        (manager.login, ()),
        (connector(proxy.url, role_id="x", secret_id=CANARY, retries=0).login, ()),
        (connector(proxy.url, username="x", password=CANARY, retries=0).login, ()),
    ]
    for call, arguments in calls:
        error: BaseException | None = refusal(call, *arguments)
        while error:
            assert CANARY not in f"{error} {error!r} {vars(error)}"
            error = error.__cause__ or error.__context__
    assert CANARY not in caplog.text


def test_one_login_and_one_read(openbao: OpenBao, proxy: FaultProxy) -> None:
    openbao.request("POST", "secret/data/ours/there", {"data": {"value": "kept"}})
    policy = openbao.write_policy("reading", {"secret/data/ours/*": ["read"]})
    role = openbao.add_approle(next(names), policy)
    login = {"role_id": role.role_id, "secret_id": role.secret_id}
    with vault(proxy.url, detected_engine_version=2, **login) as manager:
        manager.read("ours/there")
    expected = {("POST", "/v1/auth/approle/login"): 1, ("GET", "/v1/secret/data/ours/there"): 1}
    assert proxy.counts == {**expected, ("POST", "/v1/auth/token/revoke-self"): 1}
    assert proxy.connections == 1


def test_closing_waits_for_nobody(openbao: OpenBao, proxy: FaultProxy, clock: Clock) -> None:
    role = openbao.add_approle(next(names), "default")
    with vault(proxy.url, role_id=role.role_id, secret_id=role.secret_id):
        proxy.add(Fault.answer(503), path="revoke-self", times=None)
    assert proxy.count(path="revoke-self") == 1
    assert clock.pauses == []


@pytest.mark.parametrize(
    ("verb", "method", "path"), [("read", "GET", "data"), ("write", "POST", "data"), ("write", "GET", "metadata")]
)
def test_a_standby_is_not_followed_to_the_active_node(
    openbao: OpenBao,
    manager: HashicorpVault,
    fault_proxy: Callable[[str], FaultProxy],
    proxy: FaultProxy,
    verb: str,
    method: str,
    path: str,
) -> None:
    active = fault_proxy(openbao.url)
    target = f"{active.url}/v1/secret/{path}/ours/there"
    proxy.add(Fault.answer(307, b"", {"Location": target}), method=method, path=f"secret/{path}", times=None)
    call = (
        (manager.read, "ours/there") if path == "data" and method == "GET" else (manager.write, "ours/there", b"x", NEW)
    )
    error = refusal(*call)
    assert (error.code, "active server" in error.hint, active.seen) == ("malformed_reply", True, [])
