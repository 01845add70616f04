# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol between faces and the broker: JSON frames, each preceded by its length in 4 bytes (big-endian).

A call is one frame, and so is its answer; `resolve` sends one frame per query. A long call may send progress frames
before its answer. Every worker loads this file, so it is short and imports little.
"""

from __future__ import annotations

import base64
import json
import socket
import struct
from typing import Any

from ..model.errors import ScopedSecretsError
from ..model.queries import Answer

__all__ = [
    "MAX_FRAME",
    "PROTOCOL",
    "ProtocolError",
    "TooLarge",
    "answer_from_wire",
    "answer_to_wire",
    "receive",
    "send",
]

PROTOCOL = 1
# A value has at most 10 MiB, which makes 13.4 MiB of base64.
MAX_FRAME = 16 * 1024 * 1024
_LENGTH = struct.Struct(">I")


class ProtocolError(Exception):
    """The peer sent something that is not a message of this protocol."""


class TooLarge(ProtocolError):
    """A message exceeds MAX_FRAME."""


def send(connection: socket.socket, message: dict[str, Any]) -> None:
    """Send one frame; raise OSError, or TooLarge before anything is sent."""
    content = json.dumps(message).encode()
    if len(content) > MAX_FRAME:
        raise TooLarge("too large")
    connection.sendall(_LENGTH.pack(len(content)) + content)


def receive(connection: socket.socket) -> dict[str, Any] | None:
    """Return the next message, None at the end of the stream; raise OSError, ProtocolError."""
    head = _read(connection, _LENGTH.size)
    if not head:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MAX_FRAME:
        raise TooLarge("too large")
    try:
        message = json.loads(_read(connection, length))
    except (ValueError, RecursionError):
        raise ProtocolError("not valid JSON") from None
    if not isinstance(message, dict):
        raise ProtocolError("not a JSON object")
    return message


def _read(connection: socket.socket, length: int) -> bytes:
    """Return exactly `length` bytes, or none at the end of the stream; raise OSError, ProtocolError."""
    content = bytearray()
    while len(content) < length:
        part = connection.recv(min(length - len(content), 1 << 20))
        if not part and content:
            raise ProtocolError("truncated")
        if not part:
            break
        content += part
    return bytes(content)


def answer_to_wire(answer: Answer) -> dict[str, Any]:
    if answer.error:
        return {"failed": answer.error.to_dict()}
    return {"kind": answer.kind, "value": base64.b64encode(answer.value).decode()}


def answer_from_wire(data: dict[str, Any]) -> Answer:
    if "failed" in data:
        return Answer(error=ScopedSecretsError.from_dict(data["failed"]))
    return Answer(data["kind"], base64.b64decode(data["value"]))
