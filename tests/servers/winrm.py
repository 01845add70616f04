# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login of a WinRM service: verifies NTLM clients, and then answers 503.

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

# The answer to a client that has logged in.
SORRY = 503


class Winrm:
    """The port of the service, the principals that logged in, and the number of refused logins."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.accepted: list[str] = []
        self.refused = 0


class _Handler(BaseHTTPRequestHandler):
    """One connection. NTLM authenticates connections, not requests."""

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
    """Yield a service that accepts one user."""
    users = folder / "ntlm_users"
    users.write_text(f"{domain}:{user}:{password}\n", encoding="utf-8")
    # pyspnego reads the allowed users from this file.
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
