# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries secret values from the workers of a run to ansible-playbook, over an unnamed pair of Unix sockets.

Forked processes inherit the sockets, programs that they start do not, and no other process can open them.
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

# The sender's process id, the message's number, whether this packet is the message's last.
_HEAD = struct.Struct(">IQ?")
# Bytes. macOS limits a datagram to 2048.
_CHUNK = 2048 - _HEAD.size
# Seconds before a send is retried when the system is out of buffers.
_PAUSE = 0.01


class Channel:
    """The process that creates it receives; the processes forked from that one send."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._numbers = itertools.count()
        self._begun: dict[int, tuple[int, bytes]] = {}
        os.register_at_fork(after_in_child=self._reader.close)

    def send(self, message: bytes) -> None:
        """Send a message from a forked process. Returns once the parent can receive all of it."""
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
                    return  # the parent has ended, so it shows no more output
                time.sleep(_PAUSE)

    def wait(self) -> None:
        """Block until there is something to receive."""
        self._reader.recv(1, socket.MSG_PEEK)

    def receive(self) -> Iterator[bytes]:
        """Yield the complete messages sent so far."""
        while packet := self._packet():
            sender, number, is_last = _HEAD.unpack_from(packet)
            # A sender that was interrupted never finishes its message: drop it when the next one starts.
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
