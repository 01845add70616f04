# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program as a secret manager: a JSON object in, a JSON object out, and an exit status.

docs/managers/custom.md describes the protocol.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from ...model.errors import ScopedSecretsError
from .. import failures
from ..base import ArgumentSpec, Capability, Command, ConnectorContext, Found, Login, NoLogin, ValueKeeper, Writing
from ..checks import Aim, not_proved
from ..network import Network, check_range
from ..path_templates import PATH_TEMPLATE
from .program import OutputTooLarge, Program, ProgramNotStarted, ProgramResult, ProgramTimedOut, located, run

__all__ = ["MANAGER", "Custom"]

PROTOCOL = 1
VERBS = frozenset({"get", "put", "delete", "list", "check", "versions"})
NOT_FOUND, DENIED, UNAVAILABLE, FOREIGN = 10, 11, 12, 13
_HINT = "Run the program by hand with the same JSON. This secret manager's page describes the protocol."
_DOING = {"get": "read", "put": "write", "delete": "delete", "check": "check", "list": "list"}


class ProgramCredential(Login):
    """A credential, which the program gets in its JSON input."""

    NAME = "credential"
    OPTIONS: ClassVar[ArgumentSpec] = {"credential": {"type": "str", "no_log": True}}
    REQUIRED = ("credential",)


class Custom(ValueKeeper):
    """Values are stored by a program."""

    KIND = "custom"
    TITLE = "External program"
    NETWORK = Network.of("timeout")
    OPTIONS: ClassVar[ArgumentSpec] = {
        "command": {"type": "list", "elements": "str"},
        "environment": {"type": "dict"},
        "max_output": {"type": "int"},
        **PATH_TEMPLATE,
        **NETWORK.spec,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {**NETWORK.defaults, "environment": {}, "max_output": 8 * 1024 * 1024}
    LOCATION = frozenset({"command"}) | PATH_TEMPLATE.keys()
    LOGINS = (NoLogin, ProgramCredential)
    CAPABILITIES = frozenset({Capability.WRITE, Capability.READ_PATH, Capability.FILES, Capability.DELETE})
    MAX_VALUE = 1024 * 1024
    REQUIREMENTS = ()

    def __init__(self, options: Mapping[str, Any], connector: ConnectorContext) -> None:
        super().__init__(options, connector)
        self._verbs: frozenset[str] = frozenset()

    @classmethod
    def validate(cls, options: Mapping[str, Any]) -> None:
        super().validate(options)
        _check_command(cls.TITLE, options.get("command"))
        for name, value in (options.get("environment") or {}).items():
            if not name or "=" in f"{name}" or "\0" in f"{name}{value}" or isinstance(value, (dict, list)):
                raise failures.invalid_option(
                    "environment", "has an invalid variable", "Set names and values to plain text."
                )
        check_range(options, "max_output", 1024, 256 * 1024 * 1024)

    @classmethod
    def command(cls, options: Mapping[str, Any]) -> Command:
        name = str(options["command"][0])
        return Command(located(name) or name, tuple(map(str, options.get("environment") or {})))

    def login(self) -> None:
        """Ask the program for its verbs. It may refuse its credential here."""
        self.connector.meter("logins")
        ended = self._run("capabilities", {})
        if ended.status == DENIED:
            raise failures.login_refused(self.connector.what, "its program refuses the login")
        verbs = self._reply(ended, "capabilities", "").get("verbs")
        if not isinstance(verbs, list) or not all(isinstance(verb, str) for verb in verbs):
            raise self._malformed("it has no list of verbs")
        self._verbs = VERBS.intersection(verbs)

    def prove_reading(self) -> str:
        verb = next((verb for verb in ("check", "list") if verb in self._verbs), "")
        if not verb:
            return not_proved("its program has no verb 'check' or 'list'")
        self._ask(verb, "")
        return f"the verb '{verb}' of its program succeeded"

    def prove_writing(self, aim: Aim) -> str:
        return not_proved("its program has no verb for that")

    def path_of(self, *names: str) -> str:
        return "/".join(names)

    def read(self, path: str, version: str = "") -> Found:
        if version and "versions" not in self._verbs:
            raise failures.no_version(self.connector.what, self.TITLE, version)
        self._need("get", "read secrets")
        reply = self._ask("get", path, version=version)
        return Found(self._value_in(reply, path), _version_in(reply))

    def write(self, path: str, value: bytes, writing: Writing) -> str:
        self._need("put", "write secrets")
        about = {"description": writing.description, "tags": dict(writing.tags)}
        owner = {"owner": writing.owner, "adopt": writing.adopt}
        return _version_in(self._ask("put", path, **_encoded(value), **owner, **about))

    def remove(self, path: str, owner: str) -> None:
        self._need("delete", "delete secrets")
        try:
            self._ask("delete", path, owner=owner)
        except ScopedSecretsError as error:
            if error.code != "unknown_path":
                raise

    def _need(self, verb: str, doing: str) -> None:
        if verb not in self._verbs:
            raise failures.not_able(
                self.connector.what, self.TITLE, doing, f"Its program does not implement the verb '{verb}'."
            )

    def _ask(self, verb: str, path: str, **more: Any) -> dict[str, Any]:
        self.connector.meter("requests")
        return self._reply(self._run(verb, {"path": path, **more}), verb, path, str(more.get("version", "")))

    def _run(self, verb: str, more: Mapping[str, Any]) -> ProgramResult:
        """Return the program's result. Raises our error for a program that didn't start or had to be killed."""
        credential = {"credential": self.options["credential"]} if self.options.get("credential") else {}
        request = {"protocol": PROTOCOL, "verb": verb, **more, **credential}
        program = self._program()
        try:
            return run(program, json.dumps(request).encode() + b"\n")
        except ProgramNotStarted as error:
            raise failures.program_failed(self.connector.what, f"it can't be started ({error})") from None
        except ProgramTimedOut:
            raise failures.timed_out(self.connector.what, program.timeout) from None
        except OutputTooLarge:
            raise self._malformed(f"it is longer than {program.max_output} bytes") from None

    def _program(self) -> Program:
        environment = {str(name): str(value) for name, value in (self.options["environment"] or {}).items()}
        limits = self.options["timeout"], self.options["max_output"]
        return Program(tuple(self.options["command"]), environment, *limits)

    def _reply(self, ended: ProgramResult, verb: str, path: str, version: str = "") -> dict[str, Any]:
        """Return the program's answer. Raises the error that its exit status means."""
        what = self.connector.what
        doing = _DOING.get(verb, verb) + (f" '{path}'" if path else "")
        meanings: dict[int, Callable[[], ScopedSecretsError]] = {
            NOT_FOUND: lambda: failures.unknown_path(what, path, version),
            DENIED: lambda: failures.denied(what, doing),
            UNAVAILABLE: lambda: failures.unavailable(what, "its program reports it as unavailable"),
            FOREIGN: lambda: failures.foreign_secret(what, path),
        }
        if ended.status in meanings:
            raise meanings[ended.status]()
        if ended.status:
            raise failures.program_failed(what, _ending(ended.status))
        return self._parsed(ended.output.strip(), path)

    def _parsed(self, output: bytes, path: str) -> dict[str, Any]:
        if not output or (output.startswith(b"{") and not output.endswith(b"}")):
            raise failures.incomplete_reply(self.connector.what, path)
        try:
            reply = json.loads(output)
        except (ValueError, RecursionError):
            raise self._malformed("it is not JSON") from None
        if not isinstance(reply, dict):
            raise self._malformed("it is not a JSON object")
        return reply

    def _value_in(self, reply: Mapping[str, Any], path: str) -> bytes:
        text, encoded = reply.get("value"), reply.get("value_b64")
        if text is None and encoded is None:
            raise failures.incomplete_reply(self.connector.what, path)
        try:
            if isinstance(text, str) and encoded is None:
                return text.encode()
            if isinstance(encoded, str) and text is None:
                return base64.b64decode(encoded, validate=True)
        except (UnicodeEncodeError, binascii.Error, ValueError):
            raise self._malformed("its value can't be decoded") from None
        raise self._malformed("it does not have exactly one of 'value' and 'value_b64', as text")

    def _malformed(self, why: str) -> ScopedSecretsError:
        return failures.malformed_reply(self.connector.what, why, _HINT)


def _check_command(title: str, command: Any) -> None:
    if not command:
        raise failures.incomplete_connector(title, "command")
    first = str(command[0])
    if not first or ("/" in first and not first.startswith("/")) or any("\0" in part for part in command):
        raise failures.invalid_option(
            "command", "does not start with a program", "Start it with an absolute path, or with a name on PATH."
        )


def _encoded(value: bytes) -> dict[str, str]:
    try:
        return {"value": value.decode()}
    except UnicodeDecodeError:
        return {"value_b64": base64.b64encode(value).decode()}


def _version_in(reply: Mapping[str, Any]) -> str:
    version = reply.get("version")
    return str(version) if isinstance(version, (str, int)) else ""


def _ending(status: int) -> str:
    if status == 127:
        return "it can't be started, or ended with status 127"
    return f"it ended with status {status}" if status > 0 else f"it was ended by signal {-status}"


MANAGER = Custom
