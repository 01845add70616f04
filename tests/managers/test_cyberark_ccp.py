# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Central Credential Provider: queries, client certificates, and CyberArk's codes."""

from __future__ import annotations

import json
import os
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.cyberark.ccp import CyberarkCcp
from checking import check
from cyberark_connectors import provider, refusal
from servers.cyberark_ccp import Ccp
from servers.faults import Fault, FaultProxy

CANARY = "canary-in-ccp-5d1f"
ALL = 2  # tries, with 1 retry


@pytest.fixture
def safe(ccp: Ccp) -> str:
    """A Safe with accounts that the application of the same name may read."""
    safe = f"s{uuid.uuid4().hex[:8]}"
    ccp.add_application(safe, safe)
    ccp.add_account(safe, "db-root", "pä$$ w=1", UserName="root", Address="db 1", Port=5432)
    ccp.add_account(safe, "db-app", "two", UserName="app", Address="db 1", PasswordChangeInProcess="True")
    return safe


def field(keeper: CyberarkCcp, path: str, name: str = "Content") -> Any:
    return json.loads(keeper.read(path).content)[name]


@pytest.mark.parametrize(
    "path",
    [
        "Object=db-root",
        "object=db-root",
        " Object = db-root ; ",
        "UserName=root;Address=db 1",
        "Safe={safe};Folder=Root;Object=db-root",
    ],
)
def test_a_query_finds_one_account(ccp: Ccp, safe: str, path: str) -> None:
    keeper = provider(ccp, safe, safe=safe, folder="Root", reason="a good one")
    path = path.format(safe=safe)
    assert [field(keeper, path, name) for name in ("Content", "UserName", "Port")] == ["pä$$ w=1", "root", 5432]


def test_what_is_sent(ccp: Ccp, safe: str, fault_proxy: Callable[..., FaultProxy]) -> None:
    proxy = fault_proxy(ccp.url, ca=ccp.ca)
    options = {"safe": safe, "reason": "deploy 7", "fail_on_password_change": True, "timeout": 7}
    provider(ccp, safe, url=proxy.url, **options).read("Object=db-root")
    (seen,) = proxy.seen
    assert (seen.method, seen.path) == ("GET", "/AIMWebService/api/Accounts")
    assert seen.query == (
        f"AppID={safe}&Query=Safe%3D{safe}%3BObject%3Ddb-root&QueryFormat=Exact&ConnectionTimeout=7"
        "&FailRequestOnPasswordChange=true&Reason=deploy%207"
    )


@pytest.mark.parametrize(
    "path", ["db-root", "Object", "Object=", "=x", ";", "Object=a+b", "Object=a%b", "Object=a&AppID=x", "a/b=c"]
)
def test_what_is_no_query_is_refused_before_it_is_sent(ccp: Ccp, safe: str, path: str) -> None:
    counts: Counter[str] = Counter()
    keeper = provider(ccp, safe, counts)
    assert refusal(keeper.read, path).code == "name_not_allowed"
    assert refusal(keeper.read, "Object=a;object=b").code == "name_not_allowed"
    assert counts["requests"] == 0


def test_versions_are_not_made_up(ccp: Ccp, safe: str) -> None:
    assert refusal(provider(ccp, safe).read, "Object=db-root", "1").code == "not_supported"


@pytest.mark.parametrize(
    ("path", "code", "kept"),
    [
        ("Object=none", "unknown_path", "APPAP004E"),
        ("Safe=other;Object=db-root", "unknown_path", "APPAP004E"),
        ("Address=db 1", "ambiguous_path", "APPAP229E"),
        ("UserName=a:b", "provider_refused", "CASVL010E"),
        ("Object=db-app", "password_changing", "APPAP282E"),
    ],
)
def test_what_the_provider_says(ccp: Ccp, safe: str, path: str, code: str, kept: str) -> None:
    error = refusal(provider(ccp, safe, fail_on_password_change=True).read, path)
    assert (error.code, error.details["provider_code"], kept in error.message) == (code, kept, True)
    assert error.hint


def test_a_password_that_is_being_changed_is_given_unless_that_is_refused(ccp: Ccp, safe: str) -> None:
    assert field(provider(ccp, safe), "Object=db-app") == "two"


CODES = {
    "AIMWS030E": (400, "provider_refused"),
    "AIMWS031E": (400, "provider_refused"),
    "APPAP004E": (404, "unknown_path"),
    "APPAP005E": (404, "unknown_path"),
    "APPAP006E": (403, "login_refused"),
    "APPAP007E": (400, "provider_unavailable"),
    "APPAP008E": (403, "login_refused"),
    "APPAP081E": (400, "provider_refused"),
    "APPAP227E": (400, "ambiguous_path"),
    "APPAP228E": (400, "ambiguous_path"),
    "APPAP229E": (400, "ambiguous_path"),
    "APPAP282E": (500, "password_changing"),
    "APPAP306E": (403, "login_refused"),
    "APPAP999E": (400, "provider_refused"),
    "APPAP998E": (500, "provider_unavailable"),
    "CASVL010E": (400, "provider_refused"),
}


@pytest.mark.parametrize(("kept", "status", "code"), [(kept, *rest) for kept, rest in CODES.items()], ids=CODES)
def test_every_code_has_one_meaning(
    ccp: Ccp, safe: str, fault_proxy: Callable[..., FaultProxy], kept: str, status: int, code: str
) -> None:
    proxy = fault_proxy(ccp.url, ca=ccp.ca)
    proxy.add(Fault.answer(status, {"ErrorCode": kept, "ErrorMsg": f"about {CANARY}"}), times=None)
    error = refusal(provider(ccp, safe, url=proxy.url, retries=0).read, "Object=db-root")
    assert (error.code, error.details["provider_code"], kept in error.message) == (code, kept, True)
    assert CANARY not in str(error.to_dict())


FAULTS = {
    "401 of the web server": (Fault.answer(401, b"<html>"), "login_refused", 1),
    "403 of the web server": (Fault.answer(403, b"<html>"), "login_refused", 1),
    "404 of the web server": (Fault.answer(404, b"<html>"), "malformed_reply", 1),
    "a code that is none": (Fault.answer(400, {"ErrorCode": CANARY}), "provider_refused", 1),
    "a code that is a list": (Fault.answer(400, {"ErrorCode": ["x"]}), "provider_refused", 1),
    "no object": (Fault.answer(400, ["x"]), "provider_refused", 1),
    "409": (Fault.answer(409, b""), "provider_refused", 1),
    "429": (Fault.retry_after(0), "provider_throttled", ALL),
    "500": (Fault.answer(500, b""), "provider_unavailable", ALL),
    "503": (Fault.retry_after(0, 503), "provider_unavailable", ALL),
    "reset": (Fault.reset(), "provider_unavailable", ALL),
    "truncated": (Fault.truncated(), "provider_unavailable", ALL),
    "huge": (Fault.huge(33), "malformed_reply", 1),
    "cut JSON": (Fault.malformed(), "malformed_reply", 1),
    "a list": (Fault.answer(200, ["x"]), "incomplete_reply", 1),
    "no content": (Fault.answer(200, {"UserName": "root"}), "incomplete_reply", 1),
    "empty content": (Fault.answer(200, {"Content": ""}), "incomplete_reply", 1),
    "echo": (Fault.echo(CANARY), "provider_refused", 1),
    "redirect": (Fault.answer(307, b"", {"Location": "https://example.com/"}), "malformed_reply", 1),
}


@pytest.mark.parametrize(("fault", "code", "tries"), FAULTS.values(), ids=FAULTS)
def test_reading(
    ccp: Ccp, safe: str, fault_proxy: Callable[..., FaultProxy], fault: Fault, code: str, tries: int
) -> None:
    proxy = fault_proxy(ccp.url, ca=ccp.ca)
    keeper = provider(ccp, safe, url=proxy.url)
    proxy.add(fault, times=None)
    error = refusal(keeper.read, "Object=db-root")
    assert (error.code, len(proxy.seen)) == (code, tries)
    assert CANARY not in f"{error.to_dict()}"
    proxy.clear()
    assert field(keeper, "Object=db-root") == "pä$$ w=1"


def test_a_check_asks_for_nothing_that_is_there(ccp: Ccp, safe: str) -> None:
    check(provider(ccp, safe, safe=safe))
    refused = refusal(check, provider(ccp, "nobody"))
    assert (refused.code, refused.details["provider_code"]) == ("login_refused", "APPAP008E")
    assert refusal(check, provider(ccp, safe, web_service="Other")).code == "malformed_reply"


@pytest.fixture
def known(ccp: Ccp, safe: str) -> str:
    """An application that is identified by its certificate."""
    ccp.add_application(f"{safe}-by-certificate", safe, certificate="ansible")
    return f"{safe}-by-certificate"


@pytest.mark.parametrize("form", ["text", "path"])
def test_a_client_certificate(ccp: Ccp, known: str, form: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ccp, "is_strict", True)
    files = dict(zip(("client_cert", "client_key"), ccp.authority.issue("ansible"), strict=True))
    given = {name: str(file) if form == "path" else file.read_text() for name, file in files.items()}
    assert field(provider(ccp, known, **given), "Object=db-root") == "pä$$ w=1"
    other = dict(zip(files, map(str, ccp.authority.issue("somebody")), strict=True))
    error = refusal(check, provider(ccp, known, **other))
    assert (error.code, error.details["provider_code"]) == ("login_refused", "APPAP306E")
    error = refusal(check, provider(ccp, known))
    assert (error.code, "client certificate" in error.message) == ("login_refused", True)


def test_the_key_of_a_client_is_never_written_to_a_disk(
    ccp: Ccp, known: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate, key = (file.read_text() for file in ccp.authority.issue("ansible"))
    opened: list[object] = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda *a, **n: opened.append(a) or real(*a, **n))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    check(provider(ccp, known, client_cert=certificate, client_key=key))
    assert opened == []
    assert list(tmp_path.iterdir()) == []


def test_certificates_that_can_not_be_used(ccp: Ccp, known: str, tmp_path: Path) -> None:
    certificate, key = (file.read_text() for file in ccp.authority.issue("ansible"))
    _other, foreign = (file.read_text() for file in ccp.authority.issue("somebody"))
    for pair in ((certificate, foreign), (key, certificate), (certificate, CANARY), (str(tmp_path / "none"), key)):
        error = refusal(check, provider(ccp, known, client_cert=pair[0], client_key=pair[1]))
        assert (error.code, CANARY in str(error)) == ("invalid_certificate", False)


def test_an_authority_that_is_not_trusted(ccp: Ccp, safe: str, azure: Any) -> None:
    assert refusal(check, provider(ccp, safe, ca_cert=azure.ca.read_text())).code == "tls_refused"
    careless = provider(ccp, safe, ca_cert="", validate_certs=False)
    check(careless)
    assert "validate_certs" in careless.notices[0]
