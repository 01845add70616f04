# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to log in to HashiCorp Vault and OpenBao."""

from __future__ import annotations

from typing import Any, ClassVar

from . import failures
from .base import ArgumentSpec, Login
from .http import Reply

__all__ = ["LOGINS", "GivenToken", "TokenMaker"]

CLIENT_CERTIFICATE: ArgumentSpec = {
    "client_cert": {"type": "str"},
    "client_key": {"type": "str", "no_log": True},
}
"""For servers that ask every client for one, whatever the login."""
MOUNT: ArgumentSpec = {"mount": {"type": "str"}}
ROLE: ArgumentSpec = {"role": {"type": "str"}}


class GivenToken(Login):
    """A login whose token others made: it is never revoked."""

    IS_RENEWED: ClassVar[bool] = True

    def token(self, what: str) -> str:
        """Return the token; '' if the server's agent adds its own."""
        raise NotImplementedError


class TokenMaker(Login):
    """A login that makes a token, which is ours to revoke."""

    DEFAULT_MOUNT: ClassVar[str] = ""

    @property
    def mount(self) -> str:
        """Return the path of the login method below auth/."""
        return str(self.options.get("mount") or self.DEFAULT_MOUNT).strip("/")

    def ask(self, vault: Any, what: str) -> Reply:
        """Send the one request of this login through hvac's client."""
        raise NotImplementedError


class Token(GivenToken):
    NAME = "token"
    OPTIONS: ClassVar[ArgumentSpec] = {"token": {"type": "str", "no_log": True}, **CLIENT_CERTIFICATE}
    REQUIRED = ("token",)

    def token(self, what: str) -> str:
        return _one_line(what, self.options["token"], "token")


class AppRole(TokenMaker):
    NAME = "approle"
    OPTIONS: ClassVar[ArgumentSpec] = {
        "role_id": {"type": "str"},
        "secret_id": {"type": "str", "no_log": True},
        **MOUNT,
        **CLIENT_CERTIFICATE,
    }
    REQUIRED = ("role_id",)
    DEFAULT_MOUNT = "approle"

    def ask(self, vault: Any, what: str) -> Reply:
        secret_id = self.options.get("secret_id")
        reply: Reply = vault.auth.approle.login(
            role_id=self.options["role_id"].strip(),
            secret_id=secret_id and secret_id.strip(),
            use_token=False,
            mount_point=self.mount,
        )
        return reply


LOGINS: tuple[type[Login], ...] = (Token, AppRole)


def _one_line(what: str, text: str, name: str) -> str:
    """Return a token as a header can carry it; raise login_refused."""
    text = text.strip()
    if not text or not text.isascii() or not text.isprintable():
        raise failures.login_refused(what, f"its {name} is empty or has signs that no token has")
    return text
