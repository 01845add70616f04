# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to log in to CyberArk Conjur, each of which gets an access token for a few minutes."""

from __future__ import annotations

import base64
import os
from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar
from urllib.parse import quote

from ...processes.files import read_file
from .. import failures
from ..base import ArgumentSpec, Login
from ..http import Reply

__all__ = ["LOGINS", "Ask", "ConjurLogin"]

Ask = Callable[..., Reply]
"""Sends a request: method, path below the server's address, `headers` and `data`."""

_LOGIN: ArgumentSpec = {"login": {"type": "str"}}


class ConjurLogin(Login):
    """Gets an access token."""

    @abstractmethod
    def token_reply(self, what: str, account: str, ask: Ask) -> Reply:
        """Return the answer to a token request. Raises login_refused if the credential is not available."""

    @property
    def role(self) -> str:
        """Return the login in policy syntax, with HOST for an unknown host."""
        name = self._text("login") or self._text("host_id") or "host/HOST"
        kind, slash, rest = name.partition("/")
        return f"!host /{rest}" if slash and kind == "host" else f"!user /{name}"

    def _text(self, name: str) -> str:
        return str(self.options.get(name) or "").strip()

    def _authenticate(self, account: str, api_key: str, ask: Ask) -> Reply:
        path = f"authn/{quote(account, safe='')}/{quote(self._text('login'), safe='')}/authenticate"
        return ask("POST", path, headers={"Content-Type": "text/plain"}, data=api_key.encode())


class ApiKey(ConjurLogin):
    """A host or user with its API key."""

    NAME = "api_key"
    OPTIONS: ClassVar[ArgumentSpec] = {**_LOGIN, "api_key": {"type": "str", "no_log": True}}
    REQUIRED = ("login", "api_key")

    def token_reply(self, what: str, account: str, ask: Ask) -> Reply:
        return self._authenticate(account, self._text("api_key"), ask)


class Password(ConjurLogin):
    """A user with a password, which Conjur exchanges for the API key."""

    NAME = "password"
    OPTIONS: ClassVar[ArgumentSpec] = {**_LOGIN, "password": {"type": "str", "no_log": True}}
    REQUIRED = ("login", "password")

    def token_reply(self, what: str, account: str, ask: Ask) -> Reply:
        pair = f"{self._text('login')}:{self.options['password']}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        reply = ask("GET", f"authn/{quote(account, safe='')}/login", headers=headers)
        return self._authenticate(account, reply.text.strip(), ask) if reply.ok else reply


class ConjurJwt(ConjurLogin):
    """A JSON Web Token that an authenticator of Conjur trusts."""

    NAME = "jwt"
    OPTIONS: ClassVar[ArgumentSpec] = {
        "service_id": {"type": "str"},
        "jwt": {"type": "str", "no_log": True},
        "token_file": {"type": "path", "no_log": False},
        "host_id": {"type": "str"},
    }
    REQUIRED = ("service_id",)
    FILES = ("token_file",)

    @classmethod
    def validate(cls, given: frozenset[str]) -> None:
        super().validate(given)
        if not given & {"jwt", "token_file"}:
            raise failures.incomplete_login(cls.NAME, ["jwt' or 'token_file"])

    def token_reply(self, what: str, account: str, ask: Ask) -> Reply:
        parts = ["authn-jwt", self._text("service_id"), account, self._text("host_id"), "authenticate"]
        path = "/".join(quote(part, safe="") for part in parts if part)
        return ask("POST", path, data={"jwt": self._token(what)})

    def _token(self, what: str) -> str:
        file = os.path.expanduser(self._text("token_file"))
        if not file:
            return self._text("jwt")
        try:
            token = read_file(file).decode().strip()
        except (OSError, ValueError):
            token = ""
        if not token:
            raise failures.login_refused(what, f"the file '{file}' contains no readable token")
        return token


LOGINS: tuple[type[ConjurLogin], ...] = (ApiKey, Password, ConjurJwt)
