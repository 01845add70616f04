# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol between faces and the broker: JSON frames, each preceded by its length in 4 bytes (big-endian).

A call is one frame, and so is its answer; `resolve` sends one frame per query. A long call may send progress frames
before its answer. An answer that is larger than a frame comes in parts: the highest bit of the length says that another
part follows. Every worker loads this file, so it is short and imports little.
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
    "MAX_ANSWER",
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
# Only answers are that large: a call that was carried out must not be lost for its result.
MAX_ANSWER = 1024 * 1024 * 1024
_LENGTH = struct.Struct(">I")
_MORE = 1 << 31


class ProtocolError(Exception):
    """The peer sent something that is not a message of this protocol."""


class TooLarge(ProtocolError):
    """A message exceeds what its receiver takes."""


def send(connection: socket.socket, message: dict[str, Any], *, most: int = MAX_FRAME) -> None:
    """Send one message of at most `most` bytes; raise OSError, or TooLarge before anything is sent."""
    content = json.dumps(message).encode()
    if len(content) > most:
        raise TooLarge("too large")
    view = memoryview(content)
    for start in range(0, len(content), MAX_FRAME):
        part = view[start : start + MAX_FRAME]
        more = _MORE if start + MAX_FRAME < len(content) else 0
        connection.sendall(_LENGTH.pack(len(part) | more) + part)


def receive(connection: socket.socket, *, most: int = MAX_FRAME) -> dict[str, Any] | None:
    """Return the next message, None at the end of the stream; raise OSError, ProtocolError, TooLarge."""
    content, has_more = bytearray(), True
    while has_more:
        head = _read(connection, _LENGTH.size)
        if not head and not content:
            return None
        if not head:
            raise ProtocolError("truncated")
        (length,) = _LENGTH.unpack(head)
        has_more, length = bool(length & _MORE), length & ~_MORE
        if length > MAX_FRAME or len(content) + length > most:
            raise TooLarge("too large")
        content += _read(connection, length)
    try:
        message = json.loads(content)
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
