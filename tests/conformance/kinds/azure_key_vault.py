# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Key Vault: each place is a separate vault."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from conformance.provider import Options, Provider

if TYPE_CHECKING:
    from servers.azure_key_vault import Vault
    from servers.faults import FaultProxy, Seen

__all__ = ["PROVIDERS"]


class AzureKeyVault(Provider):
    KIND = "azure_key_vault"
    OFFLINE: ClassVar = {"vault_url": "https://localhost:9", "authority": "https://localhost:9", "retries": 0}
    LOGINS: ClassVar = (
        {"tenant_id": "t", "client_id": "c", "client_secret": "s"},
        {"tenant_id": "t", "client_id": "c", "client_certificate": "c"},
    )
    TITLE = "Azure Key Vault"
    SERVER = "azure"
    CREDENTIAL = "client_secret"
    CELLS: ClassVar = {"versions": "ids", "files": "as base64", "delete": "soft, or purged"}

    def front(self) -> FaultProxy:
        self._vaults: dict[str, Vault] = {"": self.server.open_vault()}
        files = {"ca": self.server.ca, "certificate": self.server.certificate}
        proxy: FaultProxy = self.fixture("fault_proxy")(self._vaults[""].url, **files)
        return proxy

    def options(self, place: str = "") -> Options:
        if place not in self._vaults:
            self._vaults[place] = self.server.open_vault()
        url = self._vaults[place].url if place or not self.proxy else self.proxy.url
        return {
            "vault_url": url,
            "authority": url,
            "ca_cert": str(self.server.ca),
            "tenant_id": self.server.tenant,
            "client_id": self.server.client_id,
            "client_secret": self.server.client_secret,
        }

    def wrong_login(self) -> Options:
        return {"client_secret": "canary-of-nobody"}

    def is_login(self, seen: Seen) -> bool:
        return seen.path.endswith("/token")

    def is_read(self, seen: Seen) -> bool:
        # The first request has no token; the answer says where to get one.
        return seen.method == "GET" and seen.path.startswith("/secrets/") and seen.status != 401

    def is_write(self, seen: Seen) -> bool:
        return seen.method != "GET" and not self.is_login(seen) and seen.status != 401

    def path(self, identifier: str, place: str = "") -> str:
        return identifier.replace("/", "-")

    def present(self) -> set[str]:
        return {secret.name for vault in self._vaults.values() for secret in vault.live.values()}

    def remains(self) -> set[str]:
        return self.present() | {name for vault in self._vaults.values() for name in vault.deleted}

    def value_at(self, path: str) -> bytes | None:
        if path not in self._vault.live:
            return None
        version = self._vault.newest(path)
        value = str(version["value"])
        return base64.b64decode(value) if "contentType" in version else value.encode()

    def fields_at(self, path: str) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.value_at(path) or b"")
        return fields

    def write_foreign(self, path: str, fields: Mapping[str, Any]) -> None:
        self.remove(path)
        self._vault.add(path, json.dumps(fields))
        self.foreign.add(path)

    def change(self, path: str, value: str) -> None:
        # Like the portal, whose new versions don't keep old tags.
        self._vault.add(path, value)

    def remove(self, path: str) -> None:
        self._vault.live.pop(path, None)
        self._vault.deleted.pop(path, None)

    def retire(self, path: str) -> None:
        self._vault.deleted[path] = self._vault.live.pop(path)

    @property
    def _vault(self) -> Vault:
        return self._vaults[""]


PROVIDERS = [AzureKeyVault]
