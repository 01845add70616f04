# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client whose engine is the broker of this run."""

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
# Seconds that an answer, or a sign that it is on its way, may take. Longer than any total deadline of a secret
# manager's calls.
ANSWER_TIMEOUT = 600.0
_REFUSED = {
    "call": "the one of this run is of another version of the collection",
    "proof": "the one of this run was started with another key or password for this store",
}


class NoBroker(Exception):
    """No broker can be reached or started, and why. Empty: nobody needs to be told."""


class BrokerClient:
    """One connection to the broker, made when it is first needed and again when it breaks."""

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
        """Let the broker fetch all that secret managers have for a scope; raise what the engine raises, or NoBroker."""
        call = {"call": "preload", "query": Query("", org, project)._asdict()}
        self._ask(call, lambda link: self._noted(_reply(link)))

    def open_host_login(self, query: Query) -> HostLogin:
        """Return what a connection needs to log in with a credential; raise what the engine raises, or NoBroker."""
        from ..model.host_login import HostLogin

        call = {"call": "open_host_login", "query": query._asdict()}
        return self._ask(call, lambda link: HostLogin(*self._noted(_reply(link))["login"]))

    def close_host_logins(self) -> None:
        """Do nothing: other processes use what the broker has."""

    def _noted(self, reply: dict[str, Any]) -> dict[str, Any]:
        self._notices += reply.get("notices", ())
        return reply

    def _answer(self, reply: dict[str, Any]) -> Answer:
        return protocol.answer_from_wire(self._noted(reply))

    def take_notices(self) -> list[str]:
        """Return what the engine wants people to be told, once."""
        notices, self._notices = self._notices, []
        return notices

    def _ask(self, call: dict[str, Any], take: Callable[[socket.socket], T]) -> T:
        """Send a call and return its answer. A broker that ends meanwhile is replaced: every call may be made twice."""
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
        raise NoBroker("it ends again and again")

    def _ask_once(self, call: dict[str, Any], take: Callable[[socket.socket], T]) -> T:
        try:
            connection = self._connected()
            protocol.send(connection, {"protocol": protocol.PROTOCOL, "proof": self._proof, **call})
            return take(connection)
        except ScopedSecretsError:
            raise  # an answer like any other, taken whole
        except BaseException:
            # A task's timeout too comes as an exception. The rest of this answer must not be taken for the next one's.
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
    """Return where the broker is met and a connection to it; it is started where there is none."""
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
    reply = protocol.receive(connection)
    if reply is None:
        raise ConnectionResetError
    if "refused" in reply:
        raise NoBroker(_REFUSED.get(str(reply["refused"]), ""))
    if "error" in reply:
        raise ScopedSecretsError.from_dict(reply["error"])
    return reply


def _last_reply(connection: socket.socket, tell: Tell) -> dict[str, Any]:
    """Return the reply that comes after those that tell how far the work is."""
    while "progress" in (reply := _reply(connection)):
        tell(reply["progress"])
    return reply


def _no_answer() -> Unavailable:
    return Unavailable(
        "broker_timeout",
        f"The broker of this run gave no answer within {ANSWER_TIMEOUT:.0f} seconds.",
        hint="Run it again, or set SCOPED_SECRETS_BROKER=off to go without a broker.",
        retryable=True,
    )
