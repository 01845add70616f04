# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CyberArk Conjur: keeps values in variables that a policy declares."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ...model.errors import NotFound, ScopedSecretsError
from .. import failures
from ..base import ArgumentSpec, Capability, ConnectorContext, Found, ValueKeeper, Writing
from ..checks import Aim, not_proved
from ..http import REQUIREMENTS, Reply
from ..network import Network, check_url
from ..path_templates import PATH_TEMPLATE
from .conjur_client import BASE64, ConjurClient, plain
from .conjur_logins import LOGINS, ConjurLogin

__all__ = ["MANAGER", "CyberarkConjur"]

_ACCOUNT = re.compile(r"[^\s/?#:]{1,200}")
_PATH_RULE = "at most 1024 printable characters, without a / at either end"
_MAX_PATH = 1024
_MAX_QUERY = 4000
"""The longest query of a batch, in characters. Servers on the way may refuse longer URLs."""
_PAGE, _MAX_PAGES = 1000, 20
_MAX_ASKED = 20
"""On how many variables a check asks for a privilege."""
_VERBS = {"execute": "read", "update": "write"}
_SEPARATES_IDS = ","
_SINGLE_PATH_ERRORS = frozenset({"unknown_path", "provider_denied", "provider_refused"})
"""Errors of a batch that a single path can cause."""


@dataclass(frozen=True, slots=True)
class _Variable:
    """A variable: its time of creation, and its newest version, 0 if it has no value.

    We write a version as NUMBER~CREATED. A login can't set an owner mark in Conjur, and a variable that was removed and
    declared again counts its versions from 1; number and time together identify what this connector wrote.
    """

    created: str
    newest: int

    def version(self, number: int) -> str:
        return f"{number}~{self.created}"

    def has(self, version: str) -> bool:
        """Return whether a recorded version belongs to this variable, and not to an earlier one of its name."""
        number, _mark, created = version.partition("~")
        return _is_number(number) and created == self.created and int(number) <= self.newest


class CyberarkConjur(ValueKeeper):
    """Variables of one account. New secrets are variables below a branch."""

    KIND = "cyberark_conjur"
    TITLE = "CyberArk Conjur"
    NETWORK = Network.all()
    OPTIONS: ClassVar[ArgumentSpec] = {
        "url": {"type": "str"},
        "account": {"type": "str"},
        "branch": {"type": "str"},
        **PATH_TEMPLATE,
        **NETWORK.spec,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "branch": "",
        **NETWORK.defaults,
    }
    LOCATION = frozenset({"account", "branch"}) | PATH_TEMPLATE.keys()
    REFERABLE = NETWORK.referable
    LOGINS = LOGINS
    CAPABILITIES = frozenset(Capability) - {Capability.DELETE}
    MAX_VALUE = 64 * 1024
    REQUIREMENTS = REQUIREMENTS
    BATCH = 50
    ASKS_RIGHTS = True

    def __init__(self, options: Mapping[str, Any], connector: ConnectorContext) -> None:
        super().__init__(options, connector)
        self._branch = str(self.options["branch"] or "").strip("/")
        self._lock = threading.Lock()
        self._client: ConjurClient | None = None
        self._seen: list[str] = []

    @classmethod
    def validate(cls, options: Mapping[str, Any]) -> None:
        super().validate(options)
        given = {**cls.DEFAULTS, **options}
        for name in ("url", "account"):
            if not given.get(name):
                raise failures.incomplete_connector(cls.TITLE, name)
        check_url(cls.TITLE, "url", given["url"], allow_plain_http=given["allow_plain_http"])
        if not _ACCOUNT.fullmatch(given["account"]):
            raise failures.invalid_option(
                "account", "is not the name of an account", "Set it to the account; in Conjur Cloud, to conjur."
            )
        if (given["branch"] or "").strip("/"):
            _clean(cls.TITLE, given["branch"].strip("/"))

    def login(self) -> None:
        client = ConjurClient(self.options, self.connector, self._chosen())
        client.login()
        self._client = client

    def prove_reading(self) -> str:
        self._seen = self._visible()
        if not self._seen:
            self._see_branch()
        return self._proved("execute", self._seen)

    def prove_writing(self, aim: Aim) -> str:
        return self._proved("update", self._seen)

    def _proved(self, privilege: str, seen: Sequence[str]) -> str:
        """Ask Conjur for a privilege on the variables that the login sees, until it has it on one."""
        if not seen:
            return not_proved(f"its login sees no variable{self._in_branch} yet")
        held = next((path for path in seen if self._has(privilege, path)), None)
        if held is None:
            doing = f"{_VERBS[privilege]} '{seen[0]}', nor any other variable that it sees{self._in_branch}"
            raise failures.denied(self.connector.what, doing, f"the privilege '{privilege}' on variable '{seen[0]}'")
        return f"Conjur permits {privilege} on '{held}'"

    @property
    def _in_branch(self) -> str:
        return f" in branch '{self._branch}'" if self._branch else ""

    def _see_branch(self) -> None:
        """Check that the branch is visible. Without one, ask for the login's identity."""
        parts = ["resources", self._account, "policy", self._branch] if self._branch else ["whoami"]
        reply = self._call("GET", *parts)
        if reply.status_code in (403, 404) and self._branch:
            raise self._not_loaded(f"branch '{self._branch}'", *_policy_of_branch(self._branch, self._chosen().role))
        if not reply.ok:
            raise self._refused(reply, "look up its branch or identity", "")

    def _has(self, privilege: str, path: str) -> bool:
        query = {"check": "true", "privilege": privilege}
        reply = self._call("GET", "resources", self._account, "variable", path, query=query)
        if reply.status_code in (403, 404):
            return False
        if not reply.ok:
            raise self._refused(reply, f"ask for its privileges on '{path}'", "")
        return True

    def close(self) -> None:
        client, self._client = self._client, None
        if client:
            client.close()

    # Reading.

    def path_of(self, *names: str) -> str:
        return _clean(self.connector.what, "/".join([self._branch, *names]))

    def read(self, path: str, version: str = "") -> Found:
        path = _clean(self.connector.what, path)
        number, mark, _created = version.partition("~")
        if number and not _is_number(number):
            raise failures.unknown_path(self.connector.what, path, number)
        if mark and not self._variable(path).has(version):
            raise failures.unknown_path(self.connector.what, path, number)
        reply = self._call(
            "GET", "secrets", self._account, "variable", path, query={"version": number} if number else {}
        )
        if reply.status_code == 404:
            raise failures.unknown_path(self.connector.what, path, number)
        if not reply.ok:
            raise self._refused(reply, f"read '{path}'", "execute")
        content = plain(self.connector.what, reply)
        if not content:
            raise failures.incomplete_reply(self.connector.what, path)
        return Found(content, number)

    def read_many(self, paths: Sequence[str]) -> dict[str, Found | ScopedSecretsError]:
        if len(paths) < 2:
            return super().read_many(paths)
        try:
            found = self._batch(paths)
        except ScopedSecretsError as error:
            if error.code not in _SINGLE_PATH_ERRORS:
                return dict.fromkeys(paths, error)
            found = None
        if found is not None:
            return found
        # One path failed the batch. Halving isolates it.
        middle = len(paths) // 2
        return {**self.read_many(paths[:middle]), **self.read_many(paths[middle:])}

    def _batch(self, paths: Sequence[str]) -> dict[str, Found | ScopedSecretsError] | None:
        """Return the content at the paths, None if one request can't ask for all of them."""
        ids = {path: f"{self._account}:variable:{_clean(self.connector.what, path)}" for path in paths}
        asked = _SEPARATES_IDS.join(ids.values())
        if len(set(ids.values())) < len(paths) or asked.count(_SEPARATES_IDS) >= len(paths) or len(asked) > _MAX_QUERY:
            return None
        reply = self._call("GET", "secrets", query={"variable_ids": asked})
        if reply.status_code == 404:
            raise failures.unknown_path(self.connector.what, paths[0])
        if not reply.ok:
            raise self._refused(reply, "read several variables", "execute")
        content = self._object(reply)
        is_encoded = reply.headers.get("Content-Encoding", "") == BASE64
        return {path: self._value(path, content.get(one), is_encoded=is_encoded) for path, one in ids.items()}

    def _value(self, path: str, value: Any, *, is_encoded: bool) -> Found | ScopedSecretsError:
        if not isinstance(value, str) or not value:
            return failures.incomplete_reply(self.connector.what, path)
        try:
            return Found(base64.b64decode("".join(value.split()), validate=True) if is_encoded else value.encode())
        except (binascii.Error, UnicodeEncodeError, ValueError):
            return failures.malformed_reply(
                self.connector.what, "a value in it is not valid base64 despite its encoding"
            )

    # Writing.

    def check_writing(self, value: bytes | None) -> None:
        super().check_writing(value)
        if value is not None and not value.strip():
            raise failures.empty_value(self.connector.what, "is empty or only white space")

    def write(self, path: str, value: bytes, writing: Writing) -> str:
        self.check_writing(value)
        path = _clean(self.connector.what, path)
        existing = self._variable(path)
        if self._is_written(path, value, writing, existing):
            return existing.version(existing.newest)
        reply = self._call("POST", "secrets", self._account, "variable", path, data=value)
        if reply.status_code == 404:
            raise self._undeclared(path)
        if not reply.ok:
            raise self._refused(reply, f"write '{path}'", "update")
        return self._written(path, value, existing)

    def _is_written(self, path: str, value: bytes, writing: Writing, existing: _Variable) -> bool:
        """Return whether a killed run wrote this value without recording it. Raises foreign_secret for another one."""
        if writing.adopt or not existing.newest or existing.has(writing.previous):
            return False
        if writing.previous or not self._holds(path, existing.newest, value):
            raise failures.foreign_secret(self.connector.what, path)
        return True

    def foresee(self, path: str, value: bytes, writing: Writing) -> None:
        path = _clean(self.connector.what, path)
        self._is_written(path, value, writing, self._variable(path))

    def _written(self, path: str, value: bytes, before: _Variable) -> str:
        """Return the version of a written value. Conjur doesn't return it, and others may have written since."""
        now = self._variable(path)
        if now.newest <= before.newest + 1:
            return now.version(before.newest + 1)
        for number in range(now.newest, before.newest, -1):
            if self._holds(path, number, value):
                return now.version(number)
        raise failures.provider_conflict(self.connector.what, path)

    def _holds(self, path: str, number: int, value: bytes) -> bool:
        try:
            return hmac.compare_digest(self.read(path, str(number)).content, value)
        except ScopedSecretsError as error:
            if error.code not in _SINGLE_PATH_ERRORS:
                raise
            return False

    def _variable(self, path: str) -> _Variable:
        """Return a variable's properties. Raises policy_not_loaded if it isn't declared or visible."""
        reply = self._call("GET", "resources", self._account, "variable", path)
        if reply.status_code in (403, 404):
            raise self._undeclared(path)
        if not reply.ok:
            raise self._refused(reply, f"look at '{path}'", "read")
        content = self._object(reply)
        try:
            versions = [int(one["version"]) for one in content["secrets"]]
        except (KeyError, TypeError, ValueError):
            raise failures.incomplete_reply(self.connector.what, path) from None
        return _Variable(str(content.get("created_at") or ""), max(versions, default=0))

    def _undeclared(self, path: str) -> ScopedSecretsError:
        branch, name = self._branch, path.removeprefix(f"{self._branch}/")
        if name == path:
            branch, _slash, name = path.rpartition("/")
        return self._not_loaded(f"variable '{path}'", branch, _policy_of_variable(name, self._chosen().role))

    def _not_loaded(self, thing: str, branch: str, policy: str) -> ScopedSecretsError:
        into = branch or "root"
        return NotFound(
            "policy_not_loaded",
            f"{self.connector.what} sees no {thing}. A policy must declare it and permit its login to use it.",
            hint=f"Load this policy, or one like it, with conjur policy load -b {into} -f FILE:\n{policy}",
            details={"branch": into, "policy": policy},
        )

    # Both.

    def _visible(self) -> list[str]:
        """Return the first variables that are visible in the branch: Conjur lists only what the login has rights on."""
        begin = f"{self._account}:variable:" + (f"{self._branch}/" if self._branch else "")
        found: list[str] = []
        for page in range(_MAX_PAGES):
            query = {"limit": str(_PAGE), "offset": str(page * _PAGE)}
            reply = self._call("GET", "resources", self._account, "variable", query=query)
            listed = self._json(reply) if reply.ok else []
            ids = (
                [str(one.get("id", "")) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
            )
            found += [one.split(":", 2)[2] for one in ids if one.startswith(begin)]
            if len(found) >= _MAX_ASKED or len(ids) < _PAGE:
                break
        return found[:_MAX_ASKED]

    def _refused(self, reply: Reply, doing: str, privilege: str) -> ScopedSecretsError:
        """Return the error for an answer with status 400 or higher, without its text, which may repeat the request."""
        if reply.status_code == 403:
            return failures.denied(
                self.connector.what, doing, f"the privilege '{privilege}' on it" if privilege else ""
            )
        return failures.request_refused(self.connector.what, doing, f"HTTP status {reply.status_code}")

    def _object(self, reply: Reply) -> dict[str, Any]:
        content = self._json(reply)
        if not isinstance(content, dict):
            raise failures.malformed_reply(self.connector.what, "it is not a JSON object")
        return content

    def _json(self, reply: Reply) -> Any:
        try:
            return reply.json()
        except ValueError:
            raise failures.malformed_reply(self.connector.what, "it is not JSON") from None

    def _chosen(self) -> ConjurLogin:
        return self.chosen_login()  # type: ignore[return-value]

    @property
    def _account(self) -> str:
        return str(self.options["account"])

    def _call(self, method: str, *parts: str, **more: Any) -> Reply:
        with self._lock:
            if self._client is None:
                self.login()
            client: ConjurClient = self._client  # type: ignore[assignment]
        return client.call(method, *parts, **more)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _clean(what: str, path: str) -> str:
    """Return the id of a variable. Raises name_not_allowed for an invalid id, or one that would change the URL."""
    path = path.strip("/")
    if not path or path in (".", "..") or not path.isprintable() or len(path) > _MAX_PATH:
        raise failures.name_not_allowed(what, path, _PATH_RULE)
    return path


def _policy_of_variable(name: str, role: str) -> str:
    permit = f"- !permit\n  role: {role}\n  privileges: [read, execute, update]\n  resource: !variable {name}\n"
    return f"- !variable {name}\n{permit}"


def _policy_of_branch(branch: str, role: str) -> tuple[str, str]:
    """Return the parent branch, and the policy to load there."""
    above, _slash, name = branch.rpartition("/")
    body = "".join(f"  {line}\n" for line in _policy_of_variable("NAME", role).splitlines())
    return above, f"- !policy\n  id: {name}\n  body:\n{body}"


MANAGER = CyberarkConjur
