# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conjur failures cause only safe retries and one clear error without Conjur's text."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Writing
from ansible_collections.scoped.secrets.plugins.module_utils.managers.cyberark.conjur import CyberarkConjur
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from checking import check
from cyberark_connectors import OWNER, conjur_keeper, refusal
from servers.cyberark_conjur import Conjur
from servers.faults import Fault, FaultProxy

CANARY = "canary-in-conjur-5d1f"
ALL = 2  # tries, with 1 retry


@pytest.fixture
def path(conjur: Conjur) -> str:
    path = f"b{uuid.uuid4().hex[:12]}/a"
    conjur.declare(path).add(b"a value" * 30)
    return path


@pytest.fixture
def proxy(conjur: Conjur, fault_proxy: Callable[..., FaultProxy]) -> FaultProxy:
    return fault_proxy(conjur.url, ca=conjur.ca, certificate=conjur.certificate)


@pytest.fixture
def keeper(conjur: Conjur, proxy: FaultProxy, path: str) -> CyberarkConjur:
    """A connector that has read once, so that it is logged in."""
    keeper = conjur_keeper(conjur, url=proxy.url)
    assert keeper.read(path).content
    proxy.clear()
    return keeper


FAULTS = {
    "401": (Fault.answer(401, b""), "login_expired", 1),
    "403": (Fault.answer(403, b""), "provider_denied", 1),
    "404": (Fault.answer(404, b""), "unknown_path", 1),
    "409": (Fault.answer(409, b""), "provider_refused", 1),
    "422": (Fault.answer(422, b""), "provider_refused", 1),
    "429": (Fault.retry_after(0), "provider_throttled", ALL),
    "500": (Fault.answer(500, b""), "provider_unavailable", ALL),
    "503": (Fault.retry_after(0, 503), "provider_unavailable", ALL),
    "reset": (Fault.reset(), "provider_unavailable", ALL),
    "truncated": (Fault.truncated(), "provider_unavailable", ALL),
    "huge": (Fault.huge(33), "malformed_reply", 1),
    "nothing": (Fault.answer(200, b""), "incomplete_reply", 1),
    "no base64": (Fault.answer(200, b"*", {"Content-Encoding": "base64"}), "malformed_reply", 1),
    "compressed": (Fault.answer(200, b"x", {"Content-Encoding": "gzip"}), "malformed_reply", 1),
    "redirect": (Fault.answer(307, b"", {"Location": "https://example.com/"}), "malformed_reply", 1),
}


@pytest.mark.parametrize(("fault", "code", "tries"), FAULTS.values(), ids=FAULTS)
def test_reading(keeper: CyberarkConjur, proxy: FaultProxy, path: str, fault: Fault, code: str, tries: int) -> None:
    proxy.add(fault, path="^/secrets", times=None)
    assert (refusal(keeper.read, path).code, proxy.count(path="^/secrets")) == (code, tries)
    proxy.clear()
    assert keeper.read(path).content == b"a value" * 30


MANY = {
    "no JSON": (Fault.malformed(), "malformed_reply"),
    "no object": (Fault.answer(200, ["x"]), "malformed_reply"),
    "nothing": (Fault.answer(200, {}), "incomplete_reply"),
    "503": (Fault.retry_after(0, 503), "provider_unavailable"),
    "401": (Fault.answer(401, b""), "login_expired"),
}


@pytest.mark.parametrize(("fault", "code"), MANY.values(), ids=MANY)
def test_reading_many(
    conjur: Conjur, keeper: CyberarkConjur, proxy: FaultProxy, path: str, fault: Fault, code: str
) -> None:
    conjur.declare(f"{path}2").add(b"x")
    proxy.add(fault, path="^/secrets", times=None)
    found = keeper.read_many([path, f"{path}2"])
    assert [one.code for one in found.values() if isinstance(one, ScopedSecretsError)] == [code] * 2


def test_a_value_that_a_batch_lacks_is_not_empty(
    conjur: Conjur, keeper: CyberarkConjur, proxy: FaultProxy, path: str
) -> None:
    conjur.declare(f"{path}2").add(b"x")
    ids = [f"{conjur.account}:variable:{one}" for one in (path, f"{path}2")]
    proxy.add(Fault.answer(200, {ids[0]: "", ids[1]: "x"}), path="^/secrets")
    found = keeper.read_many([path, f"{path}2"])
    assert getattr(found[path], "code", "") == "incomplete_reply"
    assert getattr(found[f"{path}2"], "content", b"") == b"x"


@pytest.mark.parametrize(
    ("fault", "tries"), [(Fault.answer(503, b""), 1), (Fault.reset(is_applied=True), 1), (Fault.retry_after(0), ALL)]
)
def test_a_write_is_sent_again_only_if_it_was_not_carried_out(
    keeper: CyberarkConjur, proxy: FaultProxy, path: str, fault: Fault, tries: int
) -> None:
    proxy.add(fault, method="POST", path="^/secrets", times=None)
    error = refusal(keeper.write, path, b"new", Writing(OWNER, adopt=True))
    assert (error.category, proxy.count(method="POST", path="^/secrets")) == ("unavailable", tries)


def test_a_variable_may_be_called_like_a_login(conjur: Conjur, keeper: CyberarkConjur, proxy: FaultProxy) -> None:
    conjur.variables.pop("authenticate", None)
    conjur.declare("authenticate")
    proxy.add(Fault.reset(is_applied=True), method="POST", times=None)
    assert refusal(keeper.write, "authenticate", b"new", Writing(OWNER)).category == "unavailable"
    assert list(conjur.variables["authenticate"].values) == [1]


SHOWN = {
    "no JSON": Fault.malformed(),
    "no object": Fault.answer(200, ["x"]),
    "no secrets": Fault.answer(200, {"id": "x"}),
    "no versions": Fault.answer(200, {"secrets": [{"expires_at": None}]}),
    "no numbers": Fault.answer(200, {"secrets": [{"version": "x"}]}),
}


@pytest.mark.parametrize("fault", SHOWN.values(), ids=SHOWN)
def test_nothing_is_written_over_what_can_not_be_told_whose_it_is(
    conjur: Conjur, keeper: CyberarkConjur, proxy: FaultProxy, path: str, fault: Fault
) -> None:
    proxy.add(fault, path="^/resources", times=None)
    assert refusal(keeper.write, path, b"new", Writing(OWNER)).category == "unavailable"
    assert conjur.variables[path].newest == 1


LOGINS = {
    "401": (Fault.answer(401, b""), "login_refused", 1),
    "403": (Fault.answer(403, b""), "login_refused", 1),
    "422": (Fault.answer(422, b""), "provider_refused", 1),
    "503": (Fault.retry_after(0, 503), "provider_unavailable", ALL),
    "429": (Fault.retry_after(0), "provider_throttled", ALL),
    "HTML": (Fault.answer(200, b"<html>Log in to the network</html>"), "malformed_reply", 1),
    "cut": (Fault.malformed(), "malformed_reply", 1),
    "nothing": (Fault.answer(200, b""), "malformed_reply", 1),
    "no payload": (Fault.answer(200, {"payload": "!"}), "malformed_reply", 1),
    "no claims": (Fault.answer(200, {"payload": "NQ=="}), "malformed_reply", 1),
    "no times": (Fault.answer(200, {"payload": "eyJleHAiOiAieCIsICJpYXQiOiAieCJ9"}), "malformed_reply", 1),
}


@pytest.mark.parametrize(("fault", "code", "tries"), LOGINS.values(), ids=LOGINS)
def test_logging_in(conjur: Conjur, proxy: FaultProxy, fault: Fault, code: str, tries: int) -> None:
    proxy.add(fault, path="/authenticate$", times=None)
    keeper = conjur_keeper(conjur, url=proxy.url)
    assert (refusal(keeper.login).code, proxy.count(path="/authenticate$")) == (code, tries)
    proxy.clear()
    keeper.login()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 500])
def test_what_is_echoed_is_not_shown(conjur: Conjur, proxy: FaultProxy, path: str, status: int) -> None:
    keeper = conjur_keeper(conjur, url=proxy.url, retries=0)
    keeper.login()
    proxy.add(Fault.echo(CANARY, status), times=None)
    calls = (
        lambda: keeper.read(path),
        lambda: keeper.write(path, CANARY.encode(), Writing(OWNER)),
        lambda: check(keeper),
        conjur_keeper(conjur, url=proxy.url, retries=0, login="x", api_key=CANARY).login,
    )
    for call in calls:
        error = refusal(call)
        assert CANARY not in f"{error.to_dict()} {error!r}"


def test_a_variable_whose_policy_goes_while_it_is_written(keeper: CyberarkConjur, proxy: FaultProxy, path: str) -> None:
    proxy.add(Fault.answer(404, b""), method="POST", path="^/secrets")
    error = refusal(keeper.write, path, b"new", Writing(OWNER, adopt=True))
    assert (error.code, path in error.message) == ("policy_not_loaded", True)


def test_a_query_for_a_privilege_that_fails(keeper: CyberarkConjur, proxy: FaultProxy) -> None:
    for status, code in ((422, "provider_refused"), (500, "provider_unavailable"), (401, "login_expired")):
        proxy.add(Fault.answer(status, b""), path="check=true", times=None)
        assert refusal(check, keeper).code == code
        proxy.clear()
