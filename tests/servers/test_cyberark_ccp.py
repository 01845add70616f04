# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake Central Credential Provider, with requests from CyberArk's web service documentation."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from servers.cyberark_ccp import Ccp


def get(ccp: Ccp, name: str = "", **parameters: str) -> tuple[int, dict[str, Any]]:
    """Return status and content of the answer to a client with a certificate for `name`, or without one."""
    certificate = tuple(map(str, ccp.authority.issue(name))) if name else None
    url = f"{ccp.url}/AIMWebService/api/Accounts"
    reply = requests.get(url, params=parameters, cert=certificate, verify=str(ccp.ca), timeout=10)
    return reply.status_code, reply.json() if reply.headers["Content-Type"] == "application/json" else {}


@pytest.fixture(autouse=True)
def _accounts(ccp: Ccp) -> None:
    ccp.add_application("app", "Linux", "DB")
    ccp.add_application("by-certificate", "Linux", certificate="ansible")
    ccp.add_account("Linux", "root-1", "pw-1", UserName="root", Address="srv1")
    ccp.add_account("Linux", "root-2", "pw-2", UserName="root", Address="srv2", PasswordChangeInProcess="True")
    ccp.add_account("Other", "root-3", "pw-3", UserName="root")


@pytest.mark.parametrize(
    "query",
    [
        {"Safe": "Linux", "Object": "root-1"},
        {"UserName": "ROOT", "Address": "srv1"},
        {"Query": "Safe=Linux;Object=root-1"},
        {"Query": "Object=root-1", "Safe": "ignored"},
    ],
)
def test_one_account(ccp: Ccp, query: dict[str, str]) -> None:
    status, content = get(ccp, AppID="app", **query)
    assert (status, content["Content"], content["UserName"], content["Address"]) == (200, "pw-1", "root", "srv1")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"Object": "root-1"}, 400, "AIMWS031E"),
        ({"AppID": "nobody", "Object": "root-1"}, 403, "APPAP008E"),
        ({"AppID": "by-certificate", "Object": "root-1"}, 403, "APPAP306E"),
        ({"AppID": "app"}, 400, "APPAP081E"),
        ({"AppID": "app", "Query": "root-1"}, 400, "AIMWS030E"),
        ({"AppID": "app", "Query": "UserName=a/b"}, 400, "CASVL010E"),
        ({"AppID": "app", "Object": "root-3"}, 404, "APPAP004E"),
        ({"AppID": "app", "Query": "Safe=Linux;UserName=root"}, 400, "APPAP229E"),
        ({"AppID": "app", "Object": "root-2", "FailRequestOnPasswordChange": "true"}, 500, "APPAP282E"),
    ],
)
def test_refusals(ccp: Ccp, query: dict[str, str], status: int, code: str) -> None:
    found, content = get(ccp, **query)
    assert (found, content["ErrorCode"]) == (status, code)


def test_client_certificates(ccp: Ccp, monkeypatch: pytest.MonkeyPatch) -> None:
    query = {"AppID": "by-certificate", "Object": "root-1"}
    assert get(ccp, "ansible", **query)[0] == 200
    assert get(ccp, "somebody", **query)[1]["ErrorCode"] == "APPAP306E"
    monkeypatch.setattr(ccp, "is_strict", True)
    assert get(ccp, AppID="app", Object="root-1") == (403, {})
    assert get(ccp, "somebody", AppID="app", Object="root-1")[0] == 200
