# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HashiCorp Vault: both versions of the key-value engine on OpenBao, with permissions on one place only."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Capability

from conformance.provider import Options, Provider

if TYPE_CHECKING:
    from servers.faults import Seen

__all__ = ["PROVIDERS"]

RIGHTS = ["create", "read", "update", "delete"]


class Vault(Provider):
    """Shared by both versions."""

    KIND = "hashicorp_vault"
    OFFLINE: ClassVar = {"url": "https://localhost:9", "retries": 0}
    LOGINS: ClassVar = (
        {"token": "t"},
        {"role_id": "r", "secret_id": "s"},
        {"role": "r", "jwt": "j"},
        {"role": "r", "access_key_id": "a", "secret_access_key": "s", "session_token": "t"},
        {"client_cert": "c", "client_key": "k"},
        {"username": "u", "password": "p"},
    )
    SERVER = "openbao"
    CREDENTIAL = "secret_id"
    MOUNT: ClassVar[str]
    VERSION: ClassVar[int]

    def options(self, place: str = "") -> Options:
        self._mounted()
        role = self.server.add_approle(f"role-{self.place}", self._policy())
        return {
            "url": self.proxy.url if self.proxy else "",
            "engine": self.MOUNT,
            "base_path": place or self.place,
            "role_id": role.role_id,
            "secret_id": role.secret_id,
        }

    def wrong_login(self) -> Options:
        return {"secret_id": "canary-of-nobody"}

    def is_login(self, seen: Seen) -> bool:
        return seen.path == "/v1/auth/approle/login"

    def is_read(self, seen: Seen) -> bool:
        return seen.method == "GET" and seen.path.startswith(f"/v1/{self._at('')}")

    def is_write(self, seen: Seen) -> bool:
        return seen.method != "GET" and seen.path.startswith(f"/v1/{self.MOUNT}/")

    def largest(self) -> int:
        return self.limit() - len(json.dumps({"value": ""}))

    def value_at(self, path: str) -> bytes | None:
        fields = self.fields_at(path)
        if "value_base64" in fields:
            return base64.b64decode(fields["value_base64"])
        return str(fields["value"]).encode() if fields else None

    def present(self) -> set[str]:
        return {path for path in self.remains() if self.fields_at(path)}

    def remains(self) -> set[str]:
        return {path for path in self._walk("") if path.startswith(self.place)}

    def _walk(self, folder: str) -> list[str]:
        """Return the paths of all secrets below a folder, including soft-deleted ones."""
        keys = self._ask("LIST", self._listing(folder)).get("data", {}).get("keys", [])
        paths = [self._walk(folder + key) if key.endswith("/") else [folder + key] for key in keys]
        return [path for some in paths for path in some]

    def _mounted(self) -> None:
        if f"{self.MOUNT}/" not in self.server.request("GET", "sys/mounts")["data"]:
            self.server.enable_kv(self.MOUNT, self.VERSION)

    def _ask(self, method: str, path: str) -> dict[str, Any]:
        """Return the answer to a request, `{}` if it is empty."""
        from servers.openbao import OpenBaoError

        try:
            answer: dict[str, Any] = self.server.request(method, path)
        except OpenBaoError as error:
            if error.status != 404:
                raise
            return {}
        return answer

    def _policy(self) -> str:
        raise NotImplementedError

    def _at(self, path: str) -> str:
        """Return the API path of a secret's fields."""
        raise NotImplementedError

    def _listing(self, folder: str) -> str:
        raise NotImplementedError


class Version2(Vault):
    TITLE = "HashiCorp Vault, OpenBao: kv version 2"
    CELLS: ClassVar = {
        "versions": "numbers",
        "files": "as base64",
        "delete": "soft, or destroyed",
        "value limit": "about 1 MiB",
    }
    MOUNT = "conformance"
    VERSION = 2

    def fields_at(self, path: str) -> dict[str, Any]:
        fields: dict[str, Any] = self._ask("GET", self._at(path)).get("data", {}).get("data") or {}
        return fields

    def write_foreign(self, path: str, fields: Mapping[str, Any]) -> None:
        self.remove(path)
        self.server.request("POST", self._at(path), {"data": dict(fields)})
        self.foreign.add(path)

    def change(self, path: str, value: str) -> None:
        self.server.request("POST", self._at(path), {"data": {"value": value}})

    def remove(self, path: str) -> None:
        self.server.request("DELETE", f"{self.MOUNT}/metadata/{path}")

    def retire(self, path: str) -> None:
        self.server.request("DELETE", self._at(path))

    def _policy(self) -> str:
        places = {f"{self.MOUNT}/{part}/+/*": RIGHTS for part in ("data", "metadata")}
        policy: str = self.server.write_policy("conformance-2", places)
        return policy

    def _at(self, path: str) -> str:
        return f"{self.MOUNT}/data/{path}"

    def _listing(self, folder: str) -> str:
        return f"{self.MOUNT}/metadata/{folder}"


class Version1(Vault):
    VARIANT = "kv1"
    TITLE = "HashiCorp Vault, OpenBao: kv version 1"
    LACKS = frozenset({Capability.VERSIONS})
    CELLS: ClassVar = {"files": "as base64", "delete": "permanent", "value limit": "about 1 MiB"}
    MOUNT = "conformance-1"
    VERSION = 1

    def fields_at(self, path: str) -> dict[str, Any]:
        fields: dict[str, Any] = self._ask("GET", self._at(path)).get("data", {})
        return fields

    def write_foreign(self, path: str, fields: Mapping[str, Any]) -> None:
        self.server.request("POST", self._at(path), dict(fields))
        self.foreign.add(path)

    def change(self, path: str, value: str) -> None:
        self.server.request("POST", self._at(path), {**self.fields_at(path), "value": value})

    def remove(self, path: str) -> None:
        self.server.request("DELETE", self._at(path))

    def _policy(self) -> str:
        policy: str = self.server.write_policy("conformance-1", {f"{self.MOUNT}/+/*": RIGHTS})
        return policy

    def _at(self, path: str) -> str:
        return f"{self.MOUNT}/{path}"

    def _listing(self, folder: str) -> str:
        return f"{self.MOUNT}/{folder}"


PROVIDERS = [Version2, Version1]
