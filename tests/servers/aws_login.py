# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Vault's login by AWS identity, which OpenBao lacks: a proxy that answers `auth/aws/login` itself.

Like Vault, it sends the request that the client signed to STS, and learns the client's identity from the answer. Failed
logins get status 400, as from Vault.

By hand: python -m servers.aws_login
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fnmatch
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

from servers.aws import Aws, serve_ministack
from servers.faults import Fault, FaultProxy
from servers.faults import serve as serve_proxy
from servers.openbao import EVERYTHING, OpenBao
from servers.openbao import serve as serve_openbao
from servers.process import by_hand, session

__all__ = ["SERVER_ID_HEADER", "AwsLogin", "serve"]

SERVER_ID_HEADER = "X-Vault-AWS-IAM-Server-ID"
SIGNED_HEADERS = re.compile(r"SignedHeaders=([^,]+)")
# Vault's default. Other headers with this prefix could change what STS does.
ALLOWED_AMZ_HEADERS = {
    f"x-amz-{name}"
    for name in (
        "algorithm",
        "content-sha256",
        "credential",
        "date",
        "security-token",
        "signature",
        "signedheaders",
        "user-agent",
    )
}


class _Refused(Exception):
    """A login was refused; the message says why."""


@dataclass(frozen=True)
class _Request:
    """The signed GetCallerIdentity request for STS in a login. Header names are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True)
class _Role:
    arn: str
    policies: tuple[str, ...]
    options: Mapping[str, object]


class AwsLogin:
    """The roles that can log in. Clients use the `url` of `proxy`, which forwards all other requests to OpenBao."""

    def __init__(self, proxy: FaultProxy, server: OpenBao, sts: Aws, server_id: str) -> None:
        self.proxy = proxy
        self.url = proxy.url
        self._server = server
        self._sts = sts
        self._server_id = server_id
        self._roles: dict[str, _Role] = {}

    def add_role(self, name: str, *policies: str, arn: str, **options: object) -> None:
        """Allow the user or role `arn`, which may end in *, to log in. Options of the token: ttl, period, …"""
        self._roles[name] = _Role(arn, policies, options)

    def answer(self, body: bytes) -> Fault:
        """Return the answer to a login: a token, or 400 with the reason."""
        try:
            login: dict[str, Any] = json.loads(body)
            request = _parsed(login)
            self._check_server_id(request)
            caller = self._replay(request)
            return Fault.answer(200, self._token(str(login.get("role", "")), caller))
        except _Refused as refused:
            return Fault.answer(400, {"errors": [str(refused)]})

    def _check_server_id(self, request: _Request) -> None:
        """Refuse a request that was signed for another server, so that it can't be replayed here."""
        given = request.headers.get(SERVER_ID_HEADER.lower(), "")
        problem = f"error validating {SERVER_ID_HEADER} header"
        if self._server_id and not given:
            raise _Refused(f'{problem}: missing header "{SERVER_ID_HEADER}"')
        if self._server_id and given != self._server_id:
            raise _Refused(f"{problem}: expected {self._server_id!r} but got {given!r}")
        signed = SIGNED_HEADERS.search(request.headers.get("authorization", ""))
        if self._server_id and (not signed or SERVER_ID_HEADER.lower() not in signed[1].split(";")):
            raise _Refused(f"{problem}: vault header wasn't signed")

    def _replay(self, request: _Request) -> str:
        """Return the ARN of the signer, from STS."""
        with session() as client:
            url = f"{self._sts.url}{request.path}"
            answer = client.post(url, data=request.body.encode(), headers=dict(request.headers), timeout=30)
        if not answer.ok:
            raise _Refused(f"error making upstream request: received error code {answer.status_code} from STS")
        found = ElementTree.fromstring(answer.text).find(".//{*}Arn")
        if found is None or not found.text:
            raise _Refused("error making upstream request: error parsing STS response")
        return found.text

    def _token(self, role_name: str, caller: str) -> dict[str, Any]:
        principal = _canonical(caller)
        role_name = role_name or principal.rpartition("/")[2]
        role = self._roles.get(role_name)
        if role is None:
            raise _Refused(f"entry for role {role_name} not found")
        if not fnmatch.fnmatchcase(principal, role.arn):
            raise _Refused(f'IAM Principal "{caller}" does not belong to the role "{role_name}"')
        metadata = {"auth_type": "iam", "canonical_arn": principal, "client_arn": caller, "role": role_name}
        body = {"policies": list(role.policies), "meta": metadata, **role.options}
        return self._server.request("POST", "auth/token/create-orphan", body)


def _parsed(login: Mapping[str, Any]) -> _Request:
    if login.get("iam_http_request_method") != "POST":
        raise _Refused("invalid iam_http_request_method; currently only 'POST' is supported")
    try:
        url, body = (base64.b64decode(login[f"iam_request_{name}"]).decode() for name in ("url", "body"))
        headers = login["iam_request_headers"]
        headers = json.loads(base64.b64decode(headers)) if isinstance(headers, str) else headers
    except (KeyError, ValueError, binascii.Error) as error:
        raise _Refused(f"missing or malformed value: {error}") from None
    parts = urlsplit(url)
    lower = {name.lower(): value if isinstance(value, str) else ",".join(value) for name, value in headers.items()}
    for name in lower:
        if name.startswith("x-amz-") and name not in ALLOWED_AMZ_HEADERS:
            raise _Refused(f"invalid request header: {name}")
    if not set(parse_qs(body)) <= {"Action", "Version"} or parse_qs(body).get("Action") != ["GetCallerIdentity"]:
        raise _Refused("iam request body is invalid")
    return _Request(parts.path or "/", {"host": parts.netloc, **lower}, body)


def _canonical(arn: str) -> str:
    """Return the ARN of the role for an assumed role, and other ARNs unchanged."""
    match = re.fullmatch(r"arn:(\w[\w-]*):sts::(\d+):assumed-role/([^/]+)/.+", arn)
    return f"arn:{match[1]}:iam::{match[2]}:role/{match[3]}" if match else arn


@contextlib.contextmanager
def serve(server: OpenBao, sts: Aws, *, server_id: str = "", mount: str = "aws") -> Iterator[AwsLogin]:
    """Yield a proxy in front of OpenBao that asks `sts` for identities. `server_id` is required in requests."""
    with serve_proxy(server.url, ca=server.ca) as proxy:
        login = AwsLogin(proxy, server, sts, server_id)
        proxy.stand_in(rf"^/v1/auth/{re.escape(mount)}/login$", login.answer)
        yield login


@contextlib.contextmanager
def _variables() -> Iterator[Mapping[str, str]]:
    with contextlib.ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
        server, stack = exits.enter_context(serve_openbao(folder)), exits.enter_context(serve_ministack(folder))
        login = exits.enter_context(serve(server, stack))
        user = stack.add_user("app")
        login.add_role(
            "app", server.write_policy("everything", EVERYTHING), arn=f"arn:aws:iam::{stack.account}:user/app"
        )
        yield {"VAULT_ADDR": login.url, **user.variables()}


if __name__ == "__main__":
    by_hand(_variables())
