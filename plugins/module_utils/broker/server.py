# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The broker's server: accepts the calls of one run on a Unix socket and lets an engine answer them."""

from __future__ import annotations

import contextlib
import hmac
import os
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from ..model.errors import InvalidInput, ScopedSecretsError, internal_error
from ..model.queries import Query
from ..processes.peer import peer_user
from .engines import Engines
from .lifetime import LifeTime
from .meeting import Meeting, locked
from .protocol import MAX_ANSWER, PROTOCOL, ProtocolError, TooLarge, answer_to_wire, receive, send

__all__ = ["Server", "listen"]

# Seconds that a peer has to complete a frame once it has begun one, and to read an answer.
FRAME_TIMEOUT = 30.0
# Seconds to pause when no descriptor or thread is left for a new caller.
PAUSE = 0.05
# Seconds that running calls have to finish after the run has ended.
LAST_CALLS = 1.0


def listen(path: str) -> socket.socket:
    """Return a listening socket that only this user can connect to."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(before)
    listener.listen(512)
    return listener


class Server:
    """Serves the callers of one run until the run ends."""

    def __init__(
        self, meeting: Meeting, listener: socket.socket, engines: Engines, proofs: dict[str, str], life: LifeTime
    ) -> None:
        """Take the broker's files, its listening socket, and the proof that each call must carry."""
        self._meeting = meeting
        self._listener = listener
        self._engines = engines
        self._proofs = proofs
        self._life = life

    def serve(self) -> None:
        """Accept callers; return when the run has ended or SIGTERM arrives."""
        with contextlib.suppress(SystemExit):
            self._serve()
        self._close()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            if self._life.descriptor is not None:
                selector.register(self._life.descriptor, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _events in selector.select(self._life.next_look)]
                if self._life.descriptor in ready or self._life.is_over():
                    break
                if self._listener in ready:
                    self._accept()

    def _accept(self) -> None:
        try:
            connection, _address = self._listener.accept()
        except OSError:
            time.sleep(PAUSE)
            return
        try:
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()
        except RuntimeError:
            connection.close()
            time.sleep(PAUSE)

    def _close(self) -> None:
        """Remove the files, unless another process holds the lock: it is replacing this broker. Then close engines."""
        with contextlib.suppress(OSError), locked(self._meeting.lock, wait=False):
            for path in (self._meeting.socket, self._meeting.token, self._meeting.lock):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
        self._listener.close()
        self._engines.close(LAST_CALLS)

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, ProtocolError):
            if peer_user(connection) != os.geteuid():
                return
            while connection.recv(1, socket.MSG_PEEK):
                connection.settimeout(FRAME_TIMEOUT)
                message = receive(connection)
                if message is None or not self._answer(connection, message):
                    return
                connection.settimeout(None)

    def _answer(self, connection: socket.socket, message: dict[str, Any]) -> bool:
        """Answer one call; return whether the connection stays open."""
        self._life.called()
        refusal = self._refusal(message)
        if refusal:
            send(connection, {"refused": refusal})
            return False
        try:
            for reply in self._replies(connection, message):
                send(connection, reply, most=MAX_ANSWER)
        except ScopedSecretsError as error:
            send(connection, {"error": error.to_dict()}, most=MAX_ANSWER)
        except TooLarge:
            # It was carried out. To run it again would tell that nothing changed.
            send(connection, {"error": _too_large().to_dict()})
        except ProtocolError:
            send(connection, {"refused": "call"})
            return False
        except OSError:
            raise
        except Exception as error:
            send(connection, {"error": internal_error(error).to_dict()})
        return True

    def _refusal(self, message: dict[str, Any]) -> str:
        """Return why a call is refused, `call` or `proof`; empty if it is accepted."""
        wanted = self._proofs.get(str(message.get("call")))
        if message.get("protocol") != PROTOCOL or wanted is None:
            return "call"
        given = str(message.get("proof")).encode(errors="replace")
        return "" if hmac.compare_digest(given, wanted.encode()) else "proof"

    def _replies(self, connection: socket.socket, message: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if message["call"] == "usage":
            yield {"usage": self._engines.usage.counts()}
        elif message["call"] == "handle":
            yield {"result": self._handle(connection, message.get("request"))}
        elif message["call"] == "open_host_login":
            login = self._engines.reading.open_host_login(_query(message.get("query")))
            yield {"login": login, "notices": self._engines.reading.take_notices()}
        elif message["call"] == "preload":
            scope = _query(message.get("query"))
            self._engines.reading.preload(scope.org, scope.project)
            yield {"notices": self._engines.reading.take_notices()}
        else:
            yield from self._answers(_queries(message.get("queries")))

    def _handle(self, connection: socket.socket, request: Any) -> dict[str, Any]:
        # Imported late: many runs only read.
        from .wire import request_from_wire, result_to_wire

        tell = partial(self._tell, connection)
        return result_to_wire(self._engines.declaring.handle(request_from_wire(request), tell))

    def _tell(self, connection: socket.socket, line: str) -> None:
        """Send the caller a progress line, and restart the idle timer."""
        self._life.called()
        send(connection, {"progress": line})

    def _answers(self, queries: list[Query]) -> Iterator[dict[str, Any]]:
        answers = self._engines.reading.resolve(queries)
        notices = self._engines.reading.take_notices()
        for answer in answers:
            yield {**answer_to_wire(answer), **({"notices": notices} if notices else {})}
            notices = []


def _too_large() -> InvalidInput:
    return InvalidInput(
        "result_too_large",
        f"The call was carried out, but its result has more than {MAX_ANSWER // 1024**2} MiB.",
        hint="Ask for less at once, such as one scope or one secret. What was to change has changed.",
    )


def _queries(data: Any) -> list[Query]:
    if not isinstance(data, list):
        raise ProtocolError("not a list of queries")
    return [_query(one) for one in data]


def _query(data: Any) -> Query:
    """Return the query that a caller sent; raise ProtocolError."""
    try:
        query = Query(**data)
    except TypeError:
        raise ProtocolError("not a query") from None
    *texts, cache_ttl, is_stored = query
    are_texts = all(isinstance(text, str) for text in texts)
    if not are_texts or not isinstance(cache_ttl, (int, type(None))) or not isinstance(is_stored, bool):
        raise ProtocolError("not a query")
    return query
