# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to log in to HashiCorp Vault and OpenBao."""

from __future__ import annotations

import base64
import json
import os
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from ...processes.files import read_file
from .. import failures
from ..base import ArgumentSpec, Login, is_blank
from ..network import CLIENT_CERTIFICATE

__all__ = ["LOGINS", "GivenToken", "TokenMaker"]

AWS_REQUIREMENT = "boto3>=1.34"
SERVICE_ACCOUNT_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"
STS_BODY = "Action=GetCallerIdentity&Version=2011-06-15"

# Every login takes a client certificate, because some servers ask all clients for one.
MOUNT: ArgumentSpec = {"mount": {"type": "str"}, **CLIENT_CERTIFICATE}
ROLE: ArgumentSpec = {"role": {"type": "str"}, **MOUNT}


class GivenToken(Login):
    """A login with a token that others created. It is never revoked."""

    IS_RENEWED: ClassVar[bool] = True

    @abstractmethod
    def token(self, what: str) -> str:
        """Return the token, empty if a Vault Agent adds its own. Raises login_refused."""


class TokenMaker(Login):
    """A login that creates a token, which we revoke."""

    DEFAULT_MOUNT: ClassVar[str]

    @property
    def path(self) -> str:
        """Return the quoted path of the login below auth/."""
        return f"{quote(self._text('mount').strip('/') or self.DEFAULT_MOUNT)}/login"

    @abstractmethod
    def parameters(self, what: str) -> dict[str, Any]:
        """Return the parameters of the login request. Raises login_refused if they are not available."""

    def _text(self, name: str) -> str:
        return str(self.options.get(name) or "").strip()


class Token(GivenToken):
    NAME = "token"
    OPTIONS: ClassVar[ArgumentSpec] = {"token": {"type": "str", "no_log": True}, **CLIENT_CERTIFICATE}
    REQUIRED = ("token",)

    def token(self, what: str) -> str:
        return _token_in(what, self.options["token"], "token")


class VaultAgent(GivenToken):
    """A Vault Agent, which provides its token in a file or adds it to requests."""

    NAME = "agent"
    OPTIONS: ClassVar[ArgumentSpec] = {"sink_path": {"type": "path"}, **CLIENT_CERTIFICATE}
    REQUIRED = ("sink_path",)
    FILES = ("sink_path",)
    IS_RENEWED = False

    @classmethod
    def is_ambient(cls, options: Mapping[str, Any]) -> bool:
        return is_blank(options, "sink_path")

    @classmethod
    def validate(cls, given: frozenset[str]) -> None:
        """Accept it without `sink_path`, which means that `url` is the agent's address."""

    def token(self, what: str) -> str:
        path = self.options.get("sink_path")
        return _token_in(what, _read(what, path), f"file '{path}'") if path else ""


class AppRole(TokenMaker):
    NAME = "approle"
    OPTIONS: ClassVar[ArgumentSpec] = {
        "role_id": {"type": "str"},
        "secret_id": {"type": "str", "no_log": True},
        **MOUNT,
    }
    REQUIRED = ("role_id",)
    DEFAULT_MOUNT = "approle"

    def parameters(self, what: str) -> dict[str, Any]:
        names = ("role_id", "secret_id")
        return {name: self._text(name) for name in names if self._text(name)}


class VaultJwt(TokenMaker):
    NAME = "jwt"
    OPTIONS: ClassVar[ArgumentSpec] = {
        "jwt": {"type": "str", "no_log": True},
        "token_file": {"type": "path", "no_log": False},
        **ROLE,
    }
    REQUIRED = ("role",)
    FILES = ("token_file",)
    DEFAULT_MOUNT = "jwt"

    @classmethod
    def validate(cls, given: frozenset[str]) -> None:
        super().validate(given)
        if not given & {"jwt", "token_file"}:
            raise failures.incomplete_login(cls.NAME, ["jwt' or 'token_file"])

    def parameters(self, what: str) -> dict[str, Any]:
        file = self._text("token_file")
        return {"role": self._text("role"), "jwt": _read(what, file) if file else self._text("jwt")}


class Kubernetes(TokenMaker):
    NAME = "kubernetes"
    OPTIONS: ClassVar[ArgumentSpec] = {"service_account_token_path": {"type": "path", "no_log": False}, **ROLE}
    REQUIRED = ("role",)
    FILES = ("service_account_token_path",)
    DEFAULT_MOUNT = "kubernetes"

    @classmethod
    def is_ambient(cls, options: Mapping[str, Any]) -> bool:
        return is_blank(options, "service_account_token_path")

    def parameters(self, what: str) -> dict[str, Any]:
        file = self._text("service_account_token_path") or SERVICE_ACCOUNT_TOKEN
        return {"role": self._text("role"), "jwt": _read(what, file)}


class AwsIam(TokenMaker):
    """A signed AWS request for the caller's identity, which the server sends to AWS."""

    NAME = "aws_iam"
    OPTIONS: ClassVar[ArgumentSpec] = {
        "region": {"type": "str"},
        "server_id_header": {"type": "str"},
        "access_key_id": {"type": "str", "no_log": False},
        "secret_access_key": {"type": "str", "no_log": True},
        "session_token": {"type": "str", "no_log": True},
        **ROLE,
    }
    REQUIRED = ("role",)
    DEFAULT_MOUNT = "aws"

    @classmethod
    def is_ambient(cls, options: Mapping[str, Any]) -> bool:
        return is_blank(options, "access_key_id")

    @classmethod
    def validate(cls, given: frozenset[str]) -> None:
        super().validate(given)
        missing = [name for name in ("access_key_id", "secret_access_key") if name not in given]
        if len(missing) == 1:
            raise failures.incomplete_login(cls.NAME, missing)

    def parameters(self, what: str) -> dict[str, Any]:
        region = self._text("region")
        host = f"sts.{region}.amazonaws.com" if region else "sts.amazonaws.com"
        url = f"https://{host}{'.cn' if region.startswith('cn-') else ''}/"
        headers = self._signed_headers(what, url, region or "us-east-1")
        return {
            "role": self._text("role"),
            "iam_http_request_method": "POST",
            "iam_request_url": _base64(url),
            "iam_request_body": _base64(STS_BODY),
            "iam_request_headers": _base64(json.dumps(headers)),
        }

    def _signed_headers(self, what: str, url: str, region: str) -> dict[str, str]:
        try:
            from botocore.auth import SigV4Auth
            from botocore.awsrequest import AWSRequest
        except ImportError:
            raise failures.missing_library(AWS_REQUIREMENT, "the login 'aws_iam'") from None
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        if self._text("server_id_header"):
            headers["X-Vault-AWS-IAM-Server-ID"] = self._text("server_id_header")
        request = AWSRequest(method="POST", url=url, data=STS_BODY, headers=headers)
        SigV4Auth(self._credentials(what), "sts", region).add_auth(request)
        return dict(request.prepare().headers.items())

    def _credentials(self, what: str) -> Any:
        """Return the given keys, or those that the AWS libraries find."""
        from botocore.credentials import Credentials
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.session import Session

        if self._text("access_key_id"):
            return Credentials(
                *(self._text(n) or None for n in ("access_key_id", "secret_access_key", "session_token"))
            )
        try:
            found = Session().get_credentials()
            if found:
                return found.get_frozen_credentials()
        except (BotoCoreError, ClientError):
            pass
        raise failures.login_refused(what, "the AWS libraries find no credentials where ansible-playbook runs")


class VaultCertificate(TokenMaker):
    NAME = "cert"
    OPTIONS = ROLE
    REQUIRED = ("client_cert", "client_key")
    DEFAULT_MOUNT = "cert"

    def parameters(self, what: str) -> dict[str, Any]:
        return {"name": self._text("role")} if self._text("role") else {}


class UserPass(TokenMaker):
    NAME = "userpass"
    OPTIONS: ClassVar[ArgumentSpec] = {
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        **MOUNT,
    }
    REQUIRED = ("username", "password")
    DEFAULT_MOUNT = "userpass"

    @property
    def path(self) -> str:
        return f"{super().path}/{quote(self._text('username'), safe='')}"

    def parameters(self, what: str) -> dict[str, Any]:
        # Not stripped, because a password may end with a space.
        return {"password": self.options["password"]}


LOGINS: tuple[type[Login], ...] = (Token, AppRole, VaultJwt, Kubernetes, AwsIam, VaultCertificate, UserPass, VaultAgent)


def _token_in(what: str, text: str, where: str) -> str:
    """Return a token that is valid in a header. Raises login_refused."""
    text = text.strip()
    if not text or not text.isascii() or not text.isprintable():
        raise failures.login_refused(what, f"its {where} contains no token")
    return text


def _read(what: str, path: str) -> str:
    try:
        return read_file(os.path.expanduser(path)).decode().strip()
    except (OSError, ValueError):
        raise failures.login_refused(what, f"the file '{path}' can't be read") from None


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
