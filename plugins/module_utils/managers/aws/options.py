# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kinds at Amazon Web Services share: how they reach it, and the ways to log in.

The option names that are not AWS's own (`timeout`, `retries`, `ca_cert`, …) are those of the other kinds.
"""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from .. import failures
from ..base import ArgumentSpec, Login
from ..network import Network, check_range, check_url

if TYPE_CHECKING:
    from .session import AwsSession

__all__ = [
    "LOGINS",
    "NETWORK",
    "SHARED_OPTIONS",
    "AwsLogin",
    "check_endpoint",
    "check_options",
]

NETWORK = Network.all()
SHARED_OPTIONS: ArgumentSpec = {"region": {"type": "str"}, "endpoint_url": {"type": "str"}, **NETWORK.spec}

_KEY_OPTIONS: ArgumentSpec = {
    "access_key_id": {"type": "str", "no_log": False},
    "secret_access_key": {"type": "str", "no_log": True},
    "session_token": {"type": "str", "no_log": True},
}
_ROLE_OPTIONS: ArgumentSpec = {
    "role_arn": {"type": "str"},
    "external_id": {"type": "str"},
    "duration": {"type": "int"},
    "session_name": {"type": "str"},
}
# The patterns of the API references of AWS Security Token Service, and of the names of regions.
_PATTERNS = {
    "role_arn": (
        re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,512}"),
        "arn:aws:iam::ACCOUNT:role/NAME",
    ),
    "external_id": (re.compile(r"[A-Za-z0-9_+=,.@:/-]{2,1224}"), "2 to 1224 letters, digits and _+=,.@:/-"),
    "session_name": (re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}"), "2 to 64 letters, digits and _+=,.@-"),
    "region": (re.compile(r"[a-z]{2}(-[a-z0-9]+)+"), "a name such as eu-central-1"),
}


def check_endpoint(url: str, options: Mapping[str, Any], what: str) -> None:
    """Raise InvalidInput for an address that can't be AWS's, or shows to the network what is sent."""
    check_url(what, "endpoint_url", url, allow_plain_http=bool(options.get("allow_plain_http")))


def check_options(options: Mapping[str, Any], what: str) -> None:
    """Raise InvalidInput for an address, a region or options of a login that can't work."""
    check_range(options, "duration", 900, 43200)
    for name, (pattern, example) in _PATTERNS.items():
        if options.get(name) and not pattern.fullmatch(options[name]):
            raise failures.invalid_option(name, "can't be right", f"It must be {example}.")
    if not options.get("role_arn"):
        _refuse_without_role(options)
    if options.get("endpoint_url"):
        check_endpoint(options["endpoint_url"], options, what)


def _refuse_without_role(options: Mapping[str, Any]) -> None:
    lone = [name for name in _ROLE_OPTIONS if options.get(name)]
    if lone:
        raise failures.invalid_option(lone[0], "is given without 'role_arn'", "Name the role that is to be assumed.")


class AwsLogin(Login):
    """A way to credentials of AWS."""

    @abstractmethod
    def credentials(self, session: AwsSession) -> Any:
        """Return credentials as botocore has them, refreshed by themselves if they expire; raise login_refused."""

    @classmethod
    def validate(cls, given: frozenset[str]) -> None:
        super().validate(given)
        if given & (_ROLE_OPTIONS.keys() - {"role_arn"}) and "role_arn" not in given:
            raise failures.incomplete_login(cls.NAME, ["role_arn"])

    def _text(self, name: str) -> str:
        return str(self.options.get(name) or "").strip()

    def _with_role(self, session: AwsSession, source: Any) -> Any:
        return session.assumed(source, self._role()) if self._text("role_arn") else source

    def _role(self) -> dict[str, Any]:
        """Return the role in the words of STS."""
        role = {
            "RoleArn": self._text("role_arn"),
            "RoleSessionName": self._text("session_name") or "scoped-secrets",
            "ExternalId": self._text("external_id"),
            "DurationSeconds": self.options.get("duration"),
        }
        return {name: value for name, value in role.items() if value}


class AccessKey(AwsLogin):
    """An access key of a user, or temporary ones; with `role_arn` the role is assumed with it."""

    NAME = "access_key"
    OPTIONS: ClassVar[ArgumentSpec] = {**_KEY_OPTIONS, **_ROLE_OPTIONS}
    REQUIRED = ("access_key_id", "secret_access_key")

    def credentials(self, session: AwsSession) -> Any:
        return self._with_role(session, session.static(*map(self._text, _KEY_OPTIONS)))


class AssumeRole(AwsLogin):
    """A role, assumed with an access key, or else with what the chain of the AWS libraries finds."""

    NAME = "assume_role"
    OPTIONS: ClassVar[ArgumentSpec] = {**_KEY_OPTIONS, **_ROLE_OPTIONS, "profile": {"type": "str"}}
    REQUIRED = ("role_arn",)

    @classmethod
    def validate(cls, given: frozenset[str]) -> None:
        super().validate(given)
        if given & _KEY_OPTIONS.keys():
            AccessKey.validate(given)

    def credentials(self, session: AwsSession) -> Any:
        has_key = bool(self._text("access_key_id"))
        source = session.static(*map(self._text, _KEY_OPTIONS)) if has_key else session.chain(self._text("profile"))
        return self._with_role(session, source)


class WebIdentity(AwsLogin):
    """A role, assumed with the token in a file that something else keeps fresh."""

    NAME = "web_identity"
    OPTIONS: ClassVar[ArgumentSpec] = {
        "role_arn": _ROLE_OPTIONS["role_arn"],
        "token_file": {"type": "path", "no_log": False},
        "duration": _ROLE_OPTIONS["duration"],
        "session_name": _ROLE_OPTIONS["session_name"],
    }
    REQUIRED = ("role_arn", "token_file")

    def credentials(self, session: AwsSession) -> Any:
        return session.federated(os.path.expanduser(self._text("token_file")), self._role())


class DefaultChain(AwsLogin):
    """Whatever the AWS libraries find: environment, profile, single sign-on, container, instance."""

    NAME = "default"
    OPTIONS: ClassVar[ArgumentSpec] = {"profile": {"type": "str"}}

    def credentials(self, session: AwsSession) -> Any:
        return session.chain(self._text("profile"))


LOGINS: tuple[type[AwsLogin], ...] = (AccessKey, AssumeRole, WebIdentity, DefaultChain)
