# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that calls the engine in the broker of this run."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ..broker import protocol
from ..broker.meeting import Meeting, NoMeeting, meeting_of, proof_of, this_run
from ..model.errors import ScopedSecretsError, Unavailable
from ..model.queries import Answer, Query
from ..model.settings import Settings
from ..processes.peer import peer_user

if TYPE_CHECKING:
    from ..model.host_login import HostLogin
    from ..model.messages import Request, Result, Tell

__all__ = ["BrokerClient", "NoBroker"]

T = TypeVar("T")
ATTEMPTS = 3
# Seconds to wait for an answer or a progress line. Longer than any total deadline of a secret manager's calls.
ANSWER_TIMEOUT = 600.0
_REFUSED = {
    "call": "the broker of this run belongs to another version of the collection",
    "proof": "the broker of this run was started with another key or password for this store",
}


class NoBroker(Exception):
    """No broker can be reached or started. The message says why; an empty one means that no notice is needed."""


class BrokerClient:
    """One connection to the broker, opened when first needed and reopened when it breaks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: socket.socket | None = None
        self._proof = ""
        self._notices: list[str] = []
        self._lock = threading.Lock()

    def handle(self, request: Request, tell: Tell) -> Result:
        """Return the result of a module's call; raise what the engine raises, or NoBroker."""
        from ..broker.wire import request_to_wire, result_from_wire

        call = {"call": "handle", "request": request_to_wire(request)}
        return self._ask(call, lambda connection: result_from_wire(_last_reply(connection, tell)["result"]))

    def resolve(self, queries: Sequence[Query]) -> list[Answer]:
        """Return one answer per query; raise what the engine raises, or NoBroker."""
        call = {"call": "resolve", "queries": [query._asdict() for query in queries]}
        return self._ask(call, lambda link: [self._answer(_reply(link)) for _query in queries])

    def preload(self, org: str, project: str) -> None:
        """Let the broker fetch all values that secret managers hold for a scope; raise as the engine, or NoBroker."""
        call = {"call": "preload", "query": Query("", org, project)._asdict()}
        self._ask(call, lambda link: self._noted(_reply(link)))

    def open_host_login(self, query: Query) -> HostLogin:
        """Return how a connection logs in to a host with a credential; raise what the engine raises, or NoBroker."""
        from ..model.host_login import HostLogin

        call = {"call": "open_host_login", "query": query._asdict()}
        return self._ask(call, lambda link: HostLogin(*self._noted(_reply(link))["login"]))

    def close_host_logins(self) -> None:
        """Do nothing: other processes still use the broker's agent and tickets."""

    def _noted(self, reply: dict[str, Any]) -> dict[str, Any]:
        self._notices += reply.get("notices", ())
        return reply

    def _answer(self, reply: dict[str, Any]) -> Answer:
        return protocol.answer_from_wire(self._noted(reply))

    def take_notices(self) -> list[str]:
        """Return the engine's notices, each of them once."""
        notices, self._notices = self._notices, []
        return notices

    def _ask(self, call: dict[str, Any], take: Callable[[socket.socket], T]) -> T:
        """Send a call and return its answer. If the broker ends meanwhile, start a new one and repeat the call.

        Every call must therefore be safe to repeat.
        """
        for _attempt in range(ATTEMPTS):
            try:
                with self._lock:
                    return self._ask_once(call, take)
            except TimeoutError:
                raise _no_answer() from None
            except protocol.TooLarge:
                raise NoBroker("") from None
            except (OSError, protocol.ProtocolError):
                continue
        raise NoBroker(f"the connection to it broke {ATTEMPTS} times in a row")

    def _ask_once(self, call: dict[str, Any], take: Callable[[socket.socket], T]) -> T:
        try:
            connection = self._connected()
            protocol.send(connection, {"protocol": protocol.PROTOCOL, "proof": self._proof, **call})
            return take(connection)
        except ScopedSecretsError:
            raise  # a complete answer: the connection stays usable
        except BaseException:
            # Such as the timeout of a task. The next call must not read the rest of this answer.
            self._drop()
            raise

    def _connected(self) -> socket.socket:
        if self._connection is None:
            meeting, self._connection = _reach(self._settings)
            self._connection.settimeout(ANSWER_TIMEOUT)
            with open(meeting.token, "rb") as file:
                self._proof = proof_of(file.read(), self._settings)
        return self._connection

    def _drop(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None


def _reach(settings: Settings) -> tuple[Meeting, socket.socket]:
    """Return the broker's files and a connection to it. Starts the broker if there is none; raises NoBroker."""
    run = this_run()
    try:
        meeting = meeting_of(run, settings)
    except NoMeeting as error:
        raise NoBroker(str(error)) from None
    try:
        return meeting, _connect(meeting)
    except (FileNotFoundError, ConnectionRefusedError):
        from .starting import NotStarted, start

        try:
            return meeting, start(meeting, run, settings, lambda: _connect(meeting))
        except NotStarted as error:
            raise NoBroker(str(error)) from None


def _connect(meeting: Meeting) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(meeting.socket)
        if peer_user(connection) != os.geteuid():
            raise NoBroker("its socket belongs to another user")
    except BaseException:
        connection.close()
        raise
    return connection


def _reply(connection: socket.socket) -> dict[str, Any]:
    reply = protocol.receive(connection, most=protocol.MAX_ANSWER)
    if reply is None:
        raise ConnectionResetError
    if "refused" in reply:
        raise NoBroker(_REFUSED.get(str(reply["refused"]), ""))
    if "error" in reply:
        raise ScopedSecretsError.from_dict(reply["error"])
    return reply


def _last_reply(connection: socket.socket, tell: Tell) -> dict[str, Any]:
    """Return the final reply; pass the progress lines before it to `tell`."""
    while "progress" in (reply := _reply(connection)):
        tell(reply["progress"])
    return reply


def _no_answer() -> Unavailable:
    return Unavailable(
        "broker_timeout",
        f"The broker of this run did not answer within {ANSWER_TIMEOUT:.0f} seconds.",
        hint="Run the playbook again, or set SCOPED_SECRETS_BROKER=off to run without a broker.",
        retryable=True,
    )
