# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google Secret Manager: on the test server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from conformance.kinds.gcp_kms import GoogleProvider
from conformance.provider import Options

__all__ = ["PROVIDERS"]


class GcpSecretManager(GoogleProvider):
    KIND = "gcp_secret_manager"
    TITLE = "Google Secret Manager"
    CELLS: ClassVar = {
        "versions": "numbers, aliases",
        "delete": "permanent, with all versions",
        "value limit": "1 byte to 64 KiB",
    }
    REFUSES_EMPTY = True
    READS = frozenset({"AccessSecretVersion"})
    WRITES = frozenset({"AddSecretVersion", "CreateSecret", "DeleteSecret", "UpdateSecret"})

    def options(self, place: str = "") -> Options:
        return {**super().options(), "prefix": place or self.place}

    @property
    def _client(self) -> Any:
        return self.server.secrets_client

    @property
    def _project(self) -> str:
        return f"projects/{self.server.project}"

    def path(self, identifier: str, place: str = "") -> str:
        # Names at Google have no slashes.
        return f"{place or self.place}-{identifier.replace('/', '-')}"

    def present(self) -> set[str]:
        names = [secret.name.rpartition("/")[2] for secret in self._client.list_secrets(parent=self._project)]
        return {name for name in names if name.startswith(self.place)}

    def value_at(self, path: str) -> bytes | None:
        if path not in self.present():
            return None
        name = f"{self._project}/secrets/{path}/versions/latest"
        return bytes(self._client.access_secret_version(name=name).payload.data)

    def fields_at(self, path: str) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.value_at(path) or b"")
        return fields

    def write_foreign(self, path: str, fields: Mapping[str, Any]) -> None:
        self.remove(path)
        secret = {"replication": {"automatic": {}}}
        self._client.create_secret(request={"parent": self._project, "secret_id": path, "secret": secret})
        self.change(path, json.dumps(fields))
        self.foreign.add(path)

    def change(self, path: str, value: str) -> None:
        name = f"{self._project}/secrets/{path}"
        self._client.add_secret_version(parent=name, payload={"data": value.encode()})

    def remove(self, path: str) -> None:
        if path in self.present():
            self._client.delete_secret(name=f"{self._project}/secrets/{path}")


PROVIDERS = [GcpSecretManager]
