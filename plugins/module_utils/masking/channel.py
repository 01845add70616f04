# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How values get from the workers of a run to ansible-playbook: over two sockets without a name.

Processes that are forked inherit them, programs that those start do not, and nobody can open them from outside.
"""

from __future__ import annotations

import errno
import itertools
import os
import socket
import struct
import time
from collections.abc import Iterator

__all__ = ["Channel"]

# Who sends which message, and whether this is the end of it.
_HEAD = struct.Struct(">IQ?")
# Bytes. macOS takes 2048 in one datagram.
_CHUNK = 2048 - _HEAD.size
# Seconds until a send is tried again for which the system has no memory.
_PAUSE = 0.01


class Channel:
    """One end is for the process that makes it, the other for those forked from it."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._numbers = itertools.count()
        self._begun: dict[int, tuple[int, bytes]] = {}
        os.register_at_fork(after_in_child=self._reader.close)

    def send(self, message: bytes) -> None:
        """Send from a forked process. It returns when the parent can receive it."""
        number = next(self._numbers)
        for start in range(0, len(message), _CHUNK):
            is_last = start + _CHUNK >= len(message)
            self._send(_HEAD.pack(os.getpid(), number, is_last) + message[start : start + _CHUNK])

    def _send(self, packet: bytes) -> None:
        while True:
            try:
                self._writer.send(packet)
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    return  # the parent is gone, and so is all output
                time.sleep(_PAUSE)

    def wait(self) -> None:
        """Return when there is something to receive."""
        self._reader.recv(1, socket.MSG_PEEK)

    def receive(self) -> Iterator[bytes]:
        """Yield the messages that were sent so far."""
        while packet := self._packet():
            sender, number, is_last = _HEAD.unpack_from(packet)
            # Who was interrupted begins anew.
            begun, content = self._begun.pop(sender, (number, b""))
            content = (content if begun == number else b"") + packet[_HEAD.size :]
            if is_last:
                yield content
            else:
                self._begun[sender] = number, content

    def _packet(self) -> bytes:
        try:
            return self._reader.recv(_HEAD.size + _CHUNK, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return b""
