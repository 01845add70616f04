# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that speaks enough of PostgreSQL's protocol to be sent a password."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

__all__ = ["hostile_server"]


def hostile_server(fields: bytes, address: str = "127.0.0.1", heard: list[bytes] | None = None) -> int:
    """Start a server that asks for a password in the clear, then repeats it in an error; return its port.

    PostgreSQL, "Message Formats": AuthenticationCleartextPassword, PasswordMessage, ErrorResponse.
    """
    listening = socket.create_server((address, 0))

    def serve() -> None:
        while True:
            connection, _address = listening.accept()
            with connection, contextlib.suppress(OSError):
                answer(connection)

    def answer(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"R" + struct.pack("!II", 8, 3))
        password = connection.recv(4096)[5:].rstrip(b"\0")
        if heard is not None:
            heard.append(password)
        body = b"".join(field + password + b"\0" for field in fields.split(b"-")) + b"\0"
        connection.sendall(b"E" + struct.pack("!I", len(body) + 4) + body)

    threading.Thread(target=serve, daemon=True).start()
    port: int = listening.getsockname()[1]
    return port
