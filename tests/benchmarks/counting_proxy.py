# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy that counts the requests which reach a server, and may hold each of them for a while, as a network does.

It hands bytes on and parses no more than it must: servers.faults does more, and takes longer for it than some servers.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections import Counter
from types import TracebackType
from urllib.parse import urlsplit

__all__ = ["CountingProxy"]

END_OF_HEAD = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
AWS_CALL = re.compile(rb"\r\nx-amz-target: *\w+\.(\w+)", re.IGNORECASE)


class CountingProxy:
    """Forwards HTTP/1.1 to `url`, a server of this machine. `calls` counts requests by what they ask for."""

    def __init__(self, url: str, delay: float = 0) -> None:
        server = urlsplit(url)
        self._server = (server.hostname, server.port)
        self._delay = delay
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.calls: Counter[str] = Counter()

    def __enter__(self) -> CountingProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def take_calls(self) -> Counter[str]:
        """Return what was counted since this was asked last."""
        with self._lock:
            calls, self.calls = self.calls, Counter()
        return calls

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """Carry one connection until either side ends it."""
        with client, contextlib.suppress(OSError), socket.create_connection(self._server) as server:
            for side in (client, server):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            self._forward(client, server)
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_WR)
            back.join()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        """Send request after request on, each whole."""
        received = b""
        while True:
            end = received.find(END_OF_HEAD)
            if end >= 0:
                head, size = received[:end], end + len(END_OF_HEAD)
                if length := LENGTH.search(head):
                    size += int(length[1])
                received = _filled(client, received, size)
                self._count(head)
                time.sleep(self._delay)
                server.sendall(received[:size])
                received = received[size:]
            elif part := client.recv(65536):
                received += part
            else:
                return

    def _count(self, head: bytes) -> None:
        aws_call = AWS_CALL.search(head)
        method, path = head.split(b" ", 2)[:2]
        with self._lock:
            self.calls[(aws_call[1] if aws_call else method + b" " + path).decode()] += 1


def _filled(client: socket.socket, received: bytes, size: int) -> bytes:
    """Return what was received and at least `size` bytes of it; raise ConnectionError if the client stops before."""
    while len(received) < size:
        part = client.recv(65536)
        if not part:
            raise ConnectionError
        received += part
    return received


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)
