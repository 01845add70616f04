# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy in front of any HTTP server that counts requests, delays them and injects faults by rules.

By hand: python -m servers.faults UPSTREAM [--delay SECONDS]
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from servers.answering import answering
from servers.process import by_hand

__all__ = ["Fault", "FaultProxy", "Seen", "serve"]

MEBIBYTE = 1024 * 1024
# Headers of a connection, which a proxy must not forward (RFC 9110, 7.6.1).
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}


@dataclass(frozen=True)
class Fault:
    """What a client gets instead of the answer. The class methods create the usual faults.

    With `is_applied`, the server still gets the request, and only its answer is lost: the hard case for writes.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    is_reset: bool = False
    is_truncated: bool = False
    mebibytes: int = 0
    is_applied: bool = False

    @classmethod
    def answer(
        cls, status: int, body: object = None, headers: Mapping[str, str] | None = None, *, is_applied: bool = False
    ) -> Fault:
        """A status. Bytes are sent unchanged, other bodies as JSON. The default body is an error as Vault sends it."""
        content = {"errors": [f"injected {status}"]} if body is None else body
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        return cls(status, {"Content-Type": "application/json", **(headers or {})}, raw, is_applied=is_applied)

    @classmethod
    def retry_after(cls, seconds: int | str, status: int = 429) -> Fault:
        """429 or 503 with a Retry-After header: seconds, or an HTTP date."""
        return cls.answer(status, headers={"Retry-After": str(seconds)})

    @classmethod
    def late(cls, seconds: float) -> Fault:
        """The server's own answer, but delayed."""
        return cls(delay=seconds)

    @classmethod
    def reset(cls, *, is_applied: bool = False) -> Fault:
        """A connection reset instead of an answer."""
        return cls(is_reset=True, is_applied=is_applied)

    @classmethod
    def truncated(cls) -> Fault:
        """Half of the server's body, with the Content-Length of the whole body. Then the connection closes."""
        return cls(is_truncated=True, is_applied=True)

    @classmethod
    def huge(cls, mebibytes: int, status: int = 200) -> Fault:
        """A streamed JSON body: one string with this many MiB."""
        return cls(status, {"Content-Type": "application/json"}, mebibytes=mebibytes)

    @classmethod
    def malformed(cls, status: int = 200) -> Fault:
        """Truncated JSON with a correct Content-Length."""
        return cls.answer(status, b'{"data": {"data": {"value": ')

    @classmethod
    def echo(cls, secret: str, status: int = 400) -> Fault:
        """An error that repeats a secret in its body and, on one line, in a header."""
        headers = {"Content-Type": "application/json", "X-Echo": " ".join(secret.splitlines())}
        body = json.dumps({"errors": [f"cannot parse {secret}"]}, ensure_ascii=False).encode()
        return cls(status, headers, body)


@dataclass(frozen=True)
class Seen:
    """A received request. `target` is the operation of an AWS request, `status` is 0 if none was sent."""

    method: str
    path: str
    query: str
    target: str
    status: int


@dataclass
class _Rule:
    fault: Fault
    method: str
    path: re.Pattern[str]
    target: str
    times: int | None
    skip: int

    def fits(self, method: str, path: str, target: str) -> bool:
        return self.method in ("", method) and self.target in ("", target) and bool(self.path.search(path))

    def take(self) -> bool:
        """Return whether this rule applies now, and count the request."""
        if self.skip:
            self.skip -= 1
            return False
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


class FaultProxy:
    """The rules and counts of a running proxy. Clients use its `url`. Every request waits `delay` seconds."""

    def __init__(self, upstream: str, *, ca: Path | None = None, delay: float = 0.0) -> None:
        self.url = ""
        self.delay = delay
        self.connections = 0  # Opened by clients.
        self.peak = 0  # The most requests at a time.
        self.watch: Callable[[str, str, str, bool], None] = lambda *_request: None
        """Called before and after a request is forwarded: method, path, target, whether it was answered."""
        self._upstream = urlsplit(upstream)
        self._tls = ssl.create_default_context(cafile=str(ca)) if ca else None
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []
        self._stand_ins: list[tuple[re.Pattern[str], Callable[[bytes], Fault]]] = []
        self._seen: list[Seen] = []
        self._under_way = 0

    def add(
        self,
        fault: Fault,
        *,
        method: str = "",
        path: str = "",
        target: str = "",
        times: int | None = 1,
        skip: int = 0,
    ) -> None:
        """Inject `fault` into matching requests, `times` times (None: always) after skipping the first `skip`.

        `path` is a regular expression to search in the path with its query. `target` is the operation of an AWS
        request, such as GetSecretValue. Empty criteria match all requests. The first matching rule that is due applies.
        """
        with self._lock:
            self._rules.append(_Rule(fault, method, re.compile(path), target, times, skip))

    def stand_in(self, path: str, answer: Callable[[bytes], Fault]) -> None:
        """Answer requests for a path that the server does not have. `answer` gets the body of each."""
        self._stand_ins.append((re.compile(path), answer))

    def clear(self) -> None:
        """Remove all rules and counts."""
        with self._lock:
            self._rules.clear()
            self._seen.clear()
            self.connections = self.peak = 0

    @property
    def seen(self) -> list[Seen]:
        """All requests since the last `clear`, in the order of their answers."""
        with self._lock:
            return list(self._seen)

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """The number of requests by method and path."""
        return Counter((one.method, one.path) for one in self.seen)

    def count(self, *, method: str = "", path: str = "", target: str = "") -> int:
        """Return the number of requests that match, with the criteria of `add`."""
        rule = _Rule(Fault(), method, re.compile(path), target, None, 0)
        return sum(rule.fits(one.method, _full(one.path, one.query), one.target) for one in self.seen)

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection to the upstream server."""
        host, port = self._upstream.hostname or "", self._upstream.port
        if self._tls:
            return http.client.HTTPSConnection(host, port, context=self._tls)
        return http.client.HTTPConnection(host, port)

    def opened(self) -> None:
        """Count a client connection."""
        with self._lock:
            self.connections += 1

    def choose(self, method: str, path: str, target: str, body: bytes) -> Fault:
        """Return the fault for a request. An empty fault lets it through."""
        with self._lock:
            fault = next((r.fault for r in self._rules if r.fits(method, path, target) and r.take()), None)
        if fault is None:
            return next((answer(body) for pattern, answer in self._stand_ins if pattern.search(path)), Fault())
        return fault

    @contextlib.contextmanager
    def under_way(self) -> Iterator[None]:
        """Count concurrent requests."""
        with self._lock:
            self._under_way += 1
            self.peak = max(self.peak, self._under_way)
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    def record(self, seen: Seen) -> None:
        """Record a request. Called before the answer is sent, so that a client sees complete counts."""
        with self._lock:
            self._seen.append(seen)


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    """One connection from a client, and one to the upstream server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    proxy: FaultProxy

    def setup(self) -> None:
        super().setup()
        self._upstream: http.client.HTTPConnection | None = None
        self.proxy.opened()

    def finish(self) -> None:
        if self._upstream:
            self._upstream.close()
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing, since requests may contain secrets."""

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        with self.proxy.under_way():
            time.sleep(self.proxy.delay)
            fault = self.proxy.choose(self.command, self.path, target, body)
            time.sleep(fault.delay)
            is_forwarded = fault.is_applied or not (fault.status or fault.is_reset)
            self.proxy.watch(self.command, self.path, target, False)
            answer = self._forward(body) if is_forwarded else None
            self.proxy.watch(self.command, self.path, target, True)
            status = 0 if fault.is_reset else fault.status or (answer.status if answer else 0)
            path, _mark, query = self.path.partition("?")
            self.proxy.record(Seen(self.command, path, query, target, status))
        self._reply(fault, answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_LIST = do_OPTIONS = _handle

    def _reply(self, fault: Fault, answer: _Answer | None) -> None:
        if fault.is_reset:
            self._reset()
        elif fault.mebibytes:
            self._stream(fault)
        elif fault.status:
            self._send(fault.status, list(fault.headers.items()), fault.body)
        elif answer:
            length = len(answer.body) // 2 if fault.is_truncated else len(answer.body)
            self._send(answer.status, answer.headers, answer.body, length)

    def _send(self, status: int, headers: list[tuple[str, str]], body: bytes, length: int | None = None) -> None:
        """Send the answer in one write. `length` is how much of the body is really sent."""
        self.close_connection |= length is not None and length < len(body)
        content = b"" if self.command == "HEAD" or status == http.HTTPStatus.NO_CONTENT else body[:length]
        with contextlib.suppress(OSError):
            self.wfile.write(self._head(status, headers, len(body)) + content)

    def _head(self, status: int, headers: list[tuple[str, str]], length: int) -> bytes:
        lines = [f"HTTP/1.1 {status} {self.responses.get(status, ('Unknown', ''))[0]}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if status != http.HTTPStatus.NO_CONTENT:
            lines.append(f"Content-Length: {length}")
        return "\r\n".join([*lines, "", ""]).encode()

    def _stream(self, fault: Fault) -> None:
        """Send `"xxx…"` until the end, or until the client closes the connection."""
        head = self._head(fault.status, list(fault.headers.items()), fault.mebibytes * MEBIBYTE + 2)
        with contextlib.suppress(OSError):
            self.wfile.write(head + b'"')
            for _number in range(fault.mebibytes):
                self.wfile.write(b"x" * MEBIBYTE)
            self.wfile.write(b'"')
            return
        self.close_connection = True

    def _reset(self) -> None:
        """Close the connection with a TCP reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()

    def _forward(self, body: bytes) -> _Answer:
        """Return the server's answer, or 502 if there is none."""
        for is_new in (self._upstream is None, True):
            try:
                return self._exchange(body)
            except (OSError, http.client.HTTPException) as error:
                self._upstream = None
                if is_new:  # The server may have closed an old connection. Only a failure on a new one counts.
                    text = f"no answer from the server: {type(error).__name__}".encode()
                    return _Answer(502, [("Content-Type", "text/plain")], text)
        raise AssertionError

    def _exchange(self, body: bytes) -> _Answer:
        if self._upstream is None:
            self._upstream = self.proxy.connect()
            self._upstream.connect()
            self._upstream.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in HOP_BY_HOP:
                self._upstream.putheader(name, value)
        self._upstream.endheaders(body or None)
        response = self._upstream.getresponse()
        left_out = {*HOP_BY_HOP, "content-length"}
        headers = [(name, value) for name, value in response.getheaders() if name.lower() not in left_out]
        return _Answer(response.status, headers, response.read())


class _Server(ThreadingHTTPServer):
    request_queue_size = 256

    def __init__(self, handler: type[_Handler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self._connections: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Also close the connections that clients keep open, so that no more requests are answered."""
        super().server_close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing about clients that disconnected."""


@contextlib.contextmanager
def serve(
    upstream: str, *, ca: Path | None = None, delay: float = 0.0, certificate: tuple[Path, Path] | None = None
) -> Iterator[FaultProxy]:
    """Yield a proxy in front of `upstream`, an http or https URL. `ca` is the file of its certificate authority.

    With `certificate`, the files of a chain and its key, clients use TLS to the proxy.
    """
    proxy = FaultProxy(upstream, ca=ca, delay=delay)
    server = _Server(type("Handler", (_Handler,), {"proxy": proxy}))
    proxy.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}"
    with answering(server, certificate):
        yield proxy


def _full(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


@contextlib.contextmanager
def _variables() -> Iterator[Mapping[str, str]]:
    parser = argparse.ArgumentParser(description="A proxy that counts and delays requests.")
    parser.add_argument("upstream")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds added to every request")
    options = parser.parse_args()
    with serve(options.upstream, delay=options.delay) as proxy:
        yield {"PROXY_URL": proxy.url}


if __name__ == "__main__":
    by_hand(_variables())
