# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests set up on an OpenBao server, with its root token and plain HTTP requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from servers.process import session

__all__ = ["AppRole", "OpenBao", "OpenBaoError"]


class OpenBaoError(Exception):
    """The server refused a request."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


@dataclass(frozen=True)
class AppRole:
    """The login of an application."""

    role_id: str
    secret_id: str


@dataclass(frozen=True)
class OpenBao:
    """A running server. `ca` is the file of its certificate authority if it uses TLS."""

    url: str
    token: str = "root"
    ca: Path | None = None
    _session: requests.Session = field(default_factory=session, repr=False, compare=False)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        namespace: str = "",
        cert: tuple[Path, Path] | None = None,
    ) -> dict[str, Any]:
        """Request `path` below /v1/ and return the answer, `{}` if it has no body. Raises OpenBaoError."""
        headers = {"X-Vault-Token": self.token if token is None else token, "X-Vault-Namespace": namespace}
        answer = self._session.request(
            method,
            f"{self.url}/v1/{path}",
            json=body,
            headers={name: value for name, value in headers.items() if value},
            verify=str(self.ca) if self.ca else True,
            cert=(str(cert[0]), str(cert[1])) if cert else None,
            timeout=30,
        )
        if not answer.ok:
            raise OpenBaoError(answer.status_code, answer.text)
        content: dict[str, Any] = answer.json() if answer.content else {}
        return content

    def enable_kv(self, mount: str, version: int = 2, *, namespace: str = "") -> None:
        """Mount a key-value engine of version 1 or 2."""
        options = {"type": "kv", "options": {"version": str(version)}}
        self.request("POST", f"sys/mounts/{mount}", options, namespace=namespace)

    def write_policy(self, name: str, rules: Mapping[str, Sequence[str]], *, namespace: str = "") -> str:
        """Write a policy that maps paths to capabilities, and return its name."""
        text = "\n".join(_rule(path, capabilities) for path, capabilities in rules.items())
        self.request("PUT", f"sys/policies/acl/{name}", {"policy": text}, namespace=namespace)
        return name

    def create_token(self, *policies: str, namespace: str = "", **options: object) -> str:
        """Return a new orphan token. Options of the API: ttl, explicit_max_ttl, period, num_uses, renewable, …"""
        body = {"policies": list(policies) or ["root"], **options}
        answer = self.request("POST", "auth/token/create-orphan", body, namespace=namespace)
        return str(answer["auth"]["client_token"])

    def revoke_token(self, token: str) -> None:
        """Revoke a token."""
        self.request("POST", "auth/token/revoke", {"token": token})

    def look_up(self, token: str) -> dict[str, Any]:
        """Return the server's data on a token. Raises OpenBaoError if the token is no longer valid."""
        data: dict[str, Any] = self.request("POST", "auth/token/lookup", {"token": token})["data"]
        return data

    def enable_login(self, kind: str, mount: str = "", *, namespace: str = "") -> str:
        """Mount a login method if it is not mounted yet, and return the path of the mount."""
        mount = mount or kind
        if f"{mount}/" not in self.request("GET", "sys/auth", namespace=namespace)["data"]:
            self.request("POST", f"sys/auth/{mount}", {"type": kind}, namespace=namespace)
        return f"auth/{mount}"

    def add_approle(
        self, role: str, *policies: str, mount: str = "approle", namespace: str = "", **options: object
    ) -> AppRole:
        """Create an AppRole, and return its login. Options of the role: token_ttl, secret_id_num_uses, …"""
        path = f"{self.enable_login('approle', mount, namespace=namespace)}/role/{role}"
        self.request("POST", path, {"token_policies": list(policies), **options}, namespace=namespace)
        role_id = self.request("GET", f"{path}/role-id", namespace=namespace)["data"]["role_id"]
        secret_id = self.request("POST", f"{path}/secret-id", {}, namespace=namespace)["data"]["secret_id"]
        return AppRole(role_id, secret_id)

    def add_user(self, name: str, password: str, *policies: str, mount: str = "userpass", **options: object) -> None:
        """Let a user log in by name and password."""
        path = f"{self.enable_login('userpass', mount)}/users/{name}"
        self.request("POST", path, {"password": password, "token_policies": list(policies), **options})

    def add_jwt_role(
        self, role: str, *policies: str, public_key: str, audience: str, mount: str = "jwt", **options: object
    ) -> None:
        """Allow login as `sub` with a token signed by the private key of `public_key` (PEM).

        The token must name `audience`.
        """
        path = self.enable_login("jwt", mount)
        self.request("POST", f"{path}/config", {"jwt_validation_pubkeys": [public_key]})
        rules = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": [audience]}
        self.request("POST", f"{path}/role/{role}", {**rules, "token_policies": list(policies), **options})

    def add_kubernetes_role(
        self, role: str, *policies: str, cluster: str, ca: Path, mount: str = "kubernetes", **options: object
    ) -> None:
        """Let all service accounts log in that the Kubernetes API at the URL `cluster` confirms."""
        path = self.enable_login("kubernetes", mount)
        # The server has no token of its own, so it uses each token for its own review.
        config = {"kubernetes_host": cluster, "kubernetes_ca_cert": _text(ca), "disable_local_ca_jwt": True}
        self.request("POST", f"{path}/config", config)
        accounts = {"bound_service_account_names": ["*"], "bound_service_account_namespaces": ["*"]}
        self.request("POST", f"{path}/role/{role}", {**accounts, "token_policies": list(policies), **options})

    def add_certificate_role(self, role: str, *policies: str, ca: Path, mount: str = "cert", **options: object) -> None:
        """Allow login with a client certificate of the authority in the file `ca`. Requires a server with TLS."""
        path = f"{self.enable_login('cert', mount)}/certs/{role}"
        self.request("POST", path, {"certificate": _text(ca), "token_policies": list(policies), **options})

    def create_namespace(self, path: str) -> str:
        """Create a namespace and return its path."""
        self.request("POST", f"sys/namespaces/{path}", {})
        return path


def _rule(path: str, capabilities: Sequence[str]) -> str:
    listed = ", ".join(f'"{capability}"' for capability in capabilities)
    return f'path "{path}" {{ capabilities = [{listed}] }}'


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
