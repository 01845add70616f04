# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login aws_iam of HashiCorp Vault: the signed identity request, against a server that checks AWS signatures.

OpenBao has no such login, so the tests forward the signed request, as Vault does.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from ansible_collections.scoped.secrets.plugins.module_utils.managers.hashicorp_vault.logins import AwsIam
from checking import check
from servers.aws import Aws, Ministack
from servers.faults import Fault, FaultProxy
from servers.openbao import OpenBao
from vault_connectors import POLICY, WHAT, connector, refusal


def parameters(user: Aws, **options: str) -> dict[str, str]:
    """Return the decoded parameters that the login sends to Vault."""
    keys = {"access_key_id": user.access_key_id, "secret_access_key": user.secret_access_key}
    login = AwsIam({"role": "ansible", **keys, "session_token": user.session_token, **options})
    return _all_decoded(login.parameters(WHAT))


def _all_decoded(sent: dict[str, str]) -> dict[str, str]:
    return {n: base64.b64decode(v).decode() if n.startswith("iam_request") else v for n, v in sent.items()}


def replay(server: Aws, sent: dict[str, str], **changed: str) -> requests.Response:
    """Send the signed request to the test server instead of AWS."""
    headers = {**json.loads(sent["iam_request_headers"]), **changed}
    method, body = sent["iam_http_request_method"], sent["iam_request_body"]
    return requests.request(method, f"{server.url}/", data=body, headers=headers, timeout=30)


@pytest.fixture(scope="module")
def user(ministack: Ministack) -> Aws:
    return ministack.add_user("vault-login")


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("", "sts.amazonaws.com"),
        ("eu-central-1", "sts.eu-central-1.amazonaws.com"),
        ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_aws_says_who_it_is(ministack: Ministack, user: Aws, region: str, host: str) -> None:
    sent = parameters(user, region=region)
    assert (sent["role"], sent["iam_http_request_method"]) == ("ansible", "POST")
    assert sent["iam_request_url"] == f"https://{host}/"
    assert f"/{region or 'us-east-1'}/sts/aws4_request" in json.loads(sent["iam_request_headers"])["Authorization"]
    answer = replay(ministack, sent, Host=host)
    assert answer.status_code == 200
    assert ":user/vault-login" in answer.text


def test_the_secret_key_is_not_sent(user: Aws) -> None:
    assert user.secret_access_key not in json.dumps(parameters(user))


def test_temporary_credentials(ministack: Ministack) -> None:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    role = ministack.add_role("vault-role", trusts="vault-role-user")
    assumed = ministack.assume(role, ministack.add_user("vault-role-user", statement))
    answer = replay(ministack, parameters(assumed), Host="sts.amazonaws.com")
    assert answer.status_code == 200
    assert "vault-role" in answer.text


def test_the_server_id_is_among_what_is_signed(ministack: Ministack, user: Aws) -> None:
    sent = parameters(user, server_id_header="vault.example.com")
    headers = json.loads(sent["iam_request_headers"])
    assert headers["X-Vault-AWS-IAM-Server-ID"] == "vault.example.com"
    assert "x-vault-aws-iam-server-id" in headers["Authorization"]
    assert replay(ministack, sent, Host="sts.amazonaws.com").status_code == 200
    changed = {"X-Vault-AWS-IAM-Server-ID": "another.example.com"}
    assert replay(ministack, sent, Host="sts.amazonaws.com", **changed).status_code == 403


def test_credentials_that_the_libraries_find(ministack: Ministack, user: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in user.variables().items():
        monkeypatch.setenv(name, value)
    sent = _all_decoded(AwsIam({"role": "ansible"}).parameters(WHAT))
    assert ":user/vault-login" in replay(ministack, sent, Host="sts.amazonaws.com").text


def test_no_credentials_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert refusal(AwsIam({"role": "ansible"}).parameters, WHAT).code == "login_refused"


def test_the_login_as_a_whole(openbao: OpenBao, user: Aws, fault_proxy: Callable[[str], FaultProxy]) -> None:
    proxy = fault_proxy(openbao.url)
    policy = openbao.write_policy("ours", POLICY)
    auth = {"client_token": openbao.create_token(policy), "lease_duration": 3600, "policies": ["default", policy]}
    proxy.add(Fault.answer(200, {"auth": auth}), path="^/v1/auth/aws/login$", method="POST")
    keys = {"access_key_id": user.access_key_id, "secret_access_key": user.secret_access_key}
    manager = connector(proxy.url, role="ansible", **keys)
    manager.login()
    check(manager)
    manager.close()
    assert proxy.count(path="^/v1/auth/aws/login$") == 1
