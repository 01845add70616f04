# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Login to Vault by AWS identity relies on STS."""

from __future__ import annotations

import base64
import json
from typing import Any

import hvac
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from servers.aws import Aws, Ministack
from servers.aws_login import SERVER_ID_HEADER, AwsLogin
from servers.openbao import OpenBao, OpenBaoError

BODY = "Action=GetCallerIdentity&Version=2011-06-15"


@pytest.fixture(scope="module")
def login(aws_login: AwsLogin) -> AwsLogin:
    return aws_login


@pytest.fixture(scope="module")
def dora(ministack: Ministack, login: AwsLogin) -> Aws:
    """A user who may log in as `app`."""
    identity = ministack.add_user("dora", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
    login.add_role("app", "reads", arn=f"arn:aws:iam::{ministack.account}:user/dora", ttl="10m")
    return identity


def signed(who: Aws, headers: dict[str, str] | None = None, body: str = BODY) -> dict[str, str]:
    """Return the body of a login request, by default with the right headers and body for STS."""
    wanted = {SERVER_ID_HEADER: "vault.test"} if headers is None else headers
    url = f"https://sts.{who.region}.amazonaws.com/"
    content_type = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = AWSRequest("POST", url, data=body, headers={**content_type, **wanted})
    credentials = Credentials(who.access_key_id, who.secret_access_key, who.session_token or None)
    SigV4Auth(credentials, "sts", who.region).add_auth(request)
    return packed(url, body, dict(request.headers))


def packed(url: str, body: str, headers: dict[str, str]) -> dict[str, str]:
    encoded = {"url": url, "body": body, "headers": json.dumps(headers)}
    parts = {f"iam_request_{name}": base64.b64encode(text.encode()).decode() for name, text in encoded.items()}
    return {"role": "app", "iam_http_request_method": "POST", **parts}


def log_in(login: AwsLogin, body: dict[str, str]) -> dict[str, Any]:
    auth: dict[str, Any] = OpenBao(login.url, "").request("POST", "auth/aws/login", body)["auth"]
    return auth


def refused(login: AwsLogin, body: dict[str, str]) -> str:
    with pytest.raises(OpenBaoError, match="400") as caught:
        log_in(login, body)
    return str(caught.value)


def test_a_user_gets_a_token(login: AwsLogin, dora: Aws, openbao: OpenBao) -> None:
    auth = log_in(login, signed(dora))
    assert (auth["policies"], auth["lease_duration"]) == (["default", "reads"], 600)
    assert openbao.look_up(auth["client_token"])["meta"]["client_arn"].endswith(":user/dora")
    assert OpenBao(login.url, auth["client_token"]).request("GET", "auth/token/lookup-self")
    assert login.proxy.counts["POST", "/v1/auth/aws/login"] == 1


def test_hvac_logs_in(login: AwsLogin, dora: Aws) -> None:
    client = hvac.Client(login.url)
    client.auth.aws.iam_login(
        dora.access_key_id, dora.secret_access_key, header_value="vault.test", role="app", region=dora.region
    )
    assert client.is_authenticated()


def test_a_session_of_a_role(login: AwsLogin, dora: Aws, ministack: Ministack) -> None:
    role = ministack.add_role("deployer", trusts="dora")
    body = signed(ministack.assume(role, dora))
    assert "does not belong to the role" in refused(login, body)
    login.add_role("deployer", "reads", arn=role)
    assert log_in(login, {**body, "role": ""})["metadata"]["canonical_arn"] == role


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "missing header"),
        ({SERVER_ID_HEADER: "other"}, "expected"),
        ({SERVER_ID_HEADER: "vault.test", "X-Amz-Target": "x"}, "invalid request header"),
    ],
)
def test_headers(login: AwsLogin, dora: Aws, headers: dict[str, str], reason: str) -> None:
    assert reason in refused(login, signed(dora, headers))


def test_the_header_must_be_signed(login: AwsLogin, dora: Aws) -> None:
    body = signed(dora, {})
    headers = json.loads(base64.b64decode(body["iam_request_headers"]))
    added = packed(f"https://sts.{dora.region}.amazonaws.com/", BODY, {**headers, SERVER_ID_HEADER: "vault.test"})
    assert "vault header wasn't signed" in refused(login, added)


def test_the_signature_must_be_right(login: AwsLogin, dora: Aws) -> None:
    assert "received error code 403 from STS" in refused(login, signed(Aws(dora.url, dora.access_key_id, "wrong")))


def test_a_request_other_than_get_caller_identity(login: AwsLogin, dora: Aws) -> None:
    assert "iam request body is invalid" in refused(login, signed(dora, body="Action=GetSessionToken"))


def test_an_unknown_role(login: AwsLogin, dora: Aws) -> None:
    assert "entry for role none not found" in refused(login, {**signed(dora), "role": "none"})


def test_malformed_logins(login: AwsLogin, dora: Aws) -> None:
    assert "malformed" in refused(login, {**signed(dora), "iam_request_headers": "x"})
    assert "only 'POST'" in refused(login, {"role": "app"})
