# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to log in to AWS."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from .. import failures
from ..base import ArgumentSpec, Login, is_blank
from .options import ROLE_OPTIONS
from .session import AwsSession

__all__ = ["LOGINS", "AwsLogin"]

_KEY_OPTIONS: ArgumentSpec = {
    "access_key_id": {"type": "str", "no_log": False},
    "secret_access_key": {"type": "str", "no_log": True},
    "session_token": {"type": "str", "no_log": True},
}


class AwsLogin(Login):
    """Gets AWS credentials."""

    @abstractmethod
    def credentials(self, session: AwsSession) -> Any:
        """Return botocore credentials, which refresh themselves before they expire. Raises login_refused."""

    @classmethod
    def validate(cls, given: frozenset[str]) -> None:
        super().validate(given)
        if given & (ROLE_OPTIONS.keys() - {"role_arn"}) and "role_arn" not in given:
            raise failures.incomplete_login(cls.NAME, ["role_arn"])

    def _text(self, name: str) -> str:
        return str(self.options.get(name) or "").strip()

    def _with_role(self, session: AwsSession, source: Any) -> Any:
        return session.assumed(source, self._role()) if self._text("role_arn") else source

    def _role(self) -> dict[str, Any]:
        """Return the role as parameters of STS."""
        role = {
            "RoleArn": self._text("role_arn"),
            "RoleSessionName": self._text("session_name") or "scoped-secrets",
            "ExternalId": self._text("external_id"),
            "DurationSeconds": self.options.get("duration"),
        }
        return {name: value for name, value in role.items() if value}


class AccessKey(AwsLogin):
    """A user's access key or a temporary one. With `role_arn`, it is used to assume that role."""

    NAME = "access_key"
    OPTIONS: ClassVar[ArgumentSpec] = {**_KEY_OPTIONS, **ROLE_OPTIONS}
    REQUIRED = ("access_key_id", "secret_access_key")

    def credentials(self, session: AwsSession) -> Any:
        return self._with_role(session, session.static(*map(self._text, _KEY_OPTIONS)))


class AssumeRole(AwsLogin):
    """A role, assumed with an access key or with the credentials that the AWS libraries find."""

    NAME = "assume_role"
    OPTIONS: ClassVar[ArgumentSpec] = {**_KEY_OPTIONS, **ROLE_OPTIONS, "profile": {"type": "str"}}
    REQUIRED = ("role_arn",)

    @classmethod
    def is_ambient(cls, options: Mapping[str, Any]) -> bool:
        return is_blank(options, "access_key_id")

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
    """A role, assumed with the token in a file that another program keeps fresh."""

    NAME = "web_identity"
    OPTIONS: ClassVar[ArgumentSpec] = {
        "role_arn": ROLE_OPTIONS["role_arn"],
        "token_file": {"type": "path", "no_log": False},
        "duration": ROLE_OPTIONS["duration"],
        "session_name": ROLE_OPTIONS["session_name"],
    }
    REQUIRED = ("role_arn", "token_file")
    FILES = ("token_file",)

    def credentials(self, session: AwsSession) -> Any:
        return session.federated(os.path.expanduser(self._text("token_file")), self._role())


class AwsDefault(AwsLogin):
    """The credentials that the AWS libraries find: environment, profile, single sign-on, container, instance."""

    NAME = "default"
    OPTIONS: ClassVar[ArgumentSpec] = {"profile": {"type": "str"}}

    @classmethod
    def is_ambient(cls, options: Mapping[str, Any]) -> bool:
        return True

    def credentials(self, session: AwsSession) -> Any:
        return session.chain(self._text("profile"))


LOGINS: tuple[type[AwsLogin], ...] = (AccessKey, AssumeRole, WebIdentity, AwsDefault)
