# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP server within this process, the base of the fake servers."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

__all__ = ["answering"]


@contextlib.contextmanager
def answering(
    server: ThreadingHTTPServer, certificate: tuple[Path, Path] | None = None, client_ca: Path | None = None
) -> Iterator[None]:
    """Run a server in a thread, over TLS if there is a certificate with its key.

    With `client_ca`, clients may present a certificate of this authority.
    """
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(client_ca) if client_ca else None)
        context.load_cert_chain(*certificate)
        context.verify_mode = ssl.CERT_OPTIONAL if client_ca else ssl.CERT_NONE
        # The connection's thread does the handshake, so that a client without one does not block the others.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
