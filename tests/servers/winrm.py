# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The door of a WinRM service: who comes by NTLM is really verified, and then sent away.

By hand: python -m servers.winrm
"""

from __future__ import annotations

import base64
import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from servers.answering import answering
from servers.process import by_hand

__all__ = ["Winrm", "serve"]

# What a host says that does not serve whoever it let in.
SORRY = 503


class Winrm:
    """Where the service is, and the principals that were let in, or were not."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.accepted: list[str] = []
        self.refused = 0


class _Handler(BaseHTTPRequestHandler):
    """One connection: NTLM is a matter of the connection, not of a request."""

    protocol_version = "HTTP/1.1"
    winrm: Winrm

    def setup(self) -> None:
        super().setup()
        self._context: Any = None

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        scheme, _blank, token = self.headers.get("Authorization", "").partition(" ")
        if not token:
            self._answer(401, "Negotiate")
            return
        self._step(scheme, base64.b64decode(token))

    def _step(self, scheme: str, token: bytes) -> None:
        import spnego

        self._context = self._context or spnego.server(protocol="negotiate", options=spnego.NegotiateOptions.use_ntlm)
        try:
            answer = self._context.step(token)
        except spnego.exceptions.SpnegoError:
            self.winrm.refused += 1
            self._answer(401, "Negotiate")
            return
        if self._context.complete:
            self.winrm.accepted.append(str(self._context.client_principal))
            self._answer(SORRY, "")
        else:
            self._answer(401, f"{scheme} {base64.b64encode(answer or b'').decode()}")

    def _answer(self, status: int, challenge: str) -> None:
        self.send_response(status)
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextlib.contextmanager
def serve(folder: Path, domain: str, user: str, password: str) -> Iterator[Winrm]:
    """Give a service that lets one user in."""
    users = folder / "ntlm_users"
    users.write_text(f"{domain}:{user}:{password}\n", encoding="utf-8")
    # Where pyspnego looks for who may come in.
    os.environ["NTLM_USER_FILE"] = str(users)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    winrm = Winrm(server.server_address[1])
    server.RequestHandlerClass = type("Handler", (_Handler,), {"winrm": winrm})
    try:
        with answering(server):
            yield winrm
    finally:
        del os.environ["NTLM_USER_FILE"]


@contextlib.contextmanager
def _variables() -> Iterator[Mapping[str, str]]:
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder), "CORP", "deploy", "password") as winrm:
        yield {"WINRM_PORT": str(winrm.port)}


if __name__ == "__main__":
    by_hand(_variables())
