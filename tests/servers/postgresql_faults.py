# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy in front of PostgreSQL that counts statements, and makes one fail as a server or a network would.

It uses protocol version 3 without TLS (PostgreSQL documentation, "Message Formats"), one statement at a time.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["FAULTS", "StatementProxy", "serve_faults"]

# What can happen to a statement: an error instead of the answer (40001, 40P01), a connection lost before or after the
# server ran it, or the end of the session (57P01).
FAULTS = ("40001", "40P01", "lost before", "lost after", "57P01")

_LENGTH = struct.Struct(">I")
_NO_TLS = {80877103: b"N", 80877104: b"N"}
_ASKS = {3, 5, 10, 11}  # Authentication messages that the client answers.


class _Gone(Exception):
    """The connection is closed, by the peer or as the injected fault."""


@dataclass
class _Message:
    kind: bytes
    body: bytes

    @property
    def raw(self) -> bytes:
        return self.kind + _LENGTH.pack(len(self.body) + 4) + self.body


class StatementProxy:
    """Keeps the texts of the statements since `clear`. Statement number `at` gets `fault` once: then `has_failed`."""

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.clear()
        threading.Thread(target=self._serve, daemon=True).start()

    def clear(self, at: int = -1, fault: str = "") -> None:
        with self._lock:
            self.statements: list[str] = []
            self._at, self._fault = at, fault
            self.has_failed = False

    def url(self, url: str) -> str:
        """Return the URL of a store, changed to go through this proxy."""
        return re.sub(r"@127\.0\.0\.1:\d+", f"@127.0.0.1:{self.port}", url)

    def close(self) -> None:
        """Refuse new connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with client, contextlib.suppress(_Gone, OSError), socket.create_connection(("127.0.0.1", self._upstream)) as up:
            _begin(client, up)
            status = _relay_login(client, up)
            while True:
                status = self._statement(client, up, _group(client), status)

    def _statement(self, client: socket.socket, server: socket.socket, group: list[_Message], status: bytes) -> bytes:
        """Relay one statement and its answer, or inject the fault. Return the transaction's status."""
        text = _text(group)
        fault = self._next(text)
        if fault == "lost before":
            raise _Gone
        if len(fault) == 5:
            return _fail(client, server, fault, text, status)
        server.sendall(b"".join(message.raw for message in group))
        answer = _answer(server)
        if fault == "lost after":
            raise _Gone
        client.sendall(b"".join(message.raw for message in answer))
        return answer[-1].body

    def _next(self, text: str) -> str:
        """Record a statement, and return its fault, empty for none."""
        with self._lock:
            self.statements.append(text)
            is_now = len(self.statements) - 1 == self._at
            self.has_failed = self.has_failed or is_now
            return self._fault if is_now else ""


def _fail(client: socket.socket, server: socket.socket, state: str, text: str, status: bytes) -> bytes:
    """Answer with an error. Roll back a COMMIT, so that the server does not stay in the transaction."""
    if state.startswith("57P"):
        client.sendall(_error(state))
        raise _Gone
    if text == "COMMIT":
        server.sendall(_Message(b"Q", b"ROLLBACK\0").raw)
        _answer(server)
        status = b"I"
    elif status == b"T":
        status = b"E"
    client.sendall(_error(state) + _Message(b"Z", status).raw)
    return status


def _error(state: str) -> bytes:
    fields = [b"SFATAL" if state.startswith("57P") else b"SERROR", b"C" + state.encode(), b"Mthe test wants it"]
    return _Message(b"E", b"".join(field + b"\0" for field in fields) + b"\0").raw


def _begin(client: socket.socket, server: socket.socket) -> None:
    """Relay the first packet, which has no kind, after refusing requests for encryption."""
    while True:
        (length,) = _LENGTH.unpack(_exactly(client, 4))
        body = _exactly(client, length - 4)
        refusal = _NO_TLS.get(_LENGTH.unpack(body[:4])[0])
        if refusal is None:
            server.sendall(_LENGTH.pack(length) + body)
            return
        client.sendall(refusal)


def _relay_login(client: socket.socket, server: socket.socket) -> bytes:
    while True:
        message = _read(server)
        client.sendall(message.raw)
        if message.kind == b"Z":
            return message.body
        if message.kind == b"R" and _LENGTH.unpack(message.body[:4])[0] in _ASKS:
            server.sendall(_read(client).raw)


def _group(client: socket.socket) -> list[_Message]:
    """Return the messages of one statement: a simple query, or everything up to a Sync."""
    group: list[_Message] = []
    while not group or group[-1].kind not in (b"Q", b"S"):
        group.append(_read(client))
        if group[-1].kind == b"X":
            raise _Gone
    return group


def _text(group: list[_Message]) -> str:
    if group[0].kind == b"Q":
        return group[0].body[:-1].decode()
    return group[0].body.split(b"\0")[1].decode()


def _answer(server: socket.socket) -> list[_Message]:
    answer = [_read(server)]
    while answer[-1].kind != b"Z":
        answer.append(_read(server))
    return answer


def _read(connection: socket.socket) -> _Message:
    kind = _exactly(connection, 1)
    (length,) = _LENGTH.unpack(_exactly(connection, 4))
    return _Message(kind, _exactly(connection, length - 4))


def _exactly(connection: socket.socket, length: int) -> bytes:
    content = b""
    while len(content) < length:
        part = connection.recv(length - len(content))
        if not part:
            raise _Gone
        content += part
    return content


@contextlib.contextmanager
def serve_faults(port: int) -> Iterator[StatementProxy]:
    """Yield a proxy in front of the server at `port`."""
    proxy = StatementProxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
