# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of this folder need to know of a provider: how it is declared, and what it holds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from servers.aws import Aws
from servers.faults import FaultProxy
from servers.openbao import OpenBao, OpenBaoError

__all__ = ["AwsSecrets", "Kms", "Provider", "Vault"]


class Provider(ABC):
    """A provider behind a proxy, and a place there that nobody else has."""

    kind: str

    def __init__(self, proxy: FaultProxy, place: str) -> None:
        self.proxy = proxy
        self.place = place

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """Return what a connector to it is declared with."""

    @abstractmethod
    def changes(self, method: str, path: str, target: str) -> bool:
        """Tell whether a request changes something."""

    @abstractmethod
    def held(self) -> dict[str, bytes]:
        """Return the values at the place, by name."""


class Vault(Provider):
    kind = "hashicorp_vault"

    def __init__(self, proxy: FaultProxy, place: str, server: OpenBao) -> None:
        super().__init__(proxy, place)
        self._server = server

    def options(self) -> dict[str, Any]:
        return {"url": self.proxy.url, "base_path": self.place, "token": self._server.token, "retries": 0}

    def changes(self, method: str, path: str, target: str) -> bool:
        return method not in ("GET", "LIST") and path.startswith("/v1/secret/")

    def held(self) -> dict[str, bytes]:
        found = {}
        for name in self._asked("LIST", f"secret/metadata/{self.place}").get("keys", []):
            fields = self._asked("GET", f"secret/data/{self.place}/{name}").get("data")
            if fields:
                found[name] = fields["value"].encode()
        return found

    def _asked(self, method: str, path: str) -> dict[str, Any]:
        """Return what is there, nothing where nothing is."""
        try:
            data: dict[str, Any] = self._server.request(method, path)["data"]
        except OpenBaoError as error:
            if error.status != 404:
                raise
            return {}
        return data


class AwsSecrets(Provider):
    kind = "aws_secrets_manager"

    def __init__(self, proxy: FaultProxy, place: str, server: Aws) -> None:
        super().__init__(proxy, place)
        self._server = server

    def options(self) -> dict[str, Any]:
        login = {"access_key_id": self._server.access_key_id, "secret_access_key": self._server.secret_access_key}
        return {
            "region": self._server.region,
            "endpoint_url": self.proxy.url,
            "prefix": self.place,
            "force_delete": True,
            "retries": 0,
            **login,
        }

    def changes(self, method: str, path: str, target: str) -> bool:
        return target.startswith(("Create", "Put", "Update", "Delete", "Tag", "Untag", "Restore"))

    def held(self) -> dict[str, bytes]:
        client = self._server.client("secretsmanager")
        pages = client.get_paginator("list_secrets").paginate(Filters=[{"Key": "name", "Values": [self.place]}])
        names = [one["Name"] for page in pages for one in page["SecretList"]]
        return {
            name.rpartition("/")[2]: client.get_secret_value(SecretId=name)["SecretString"].encode() for name in names
        }


class Kms(Provider):
    kind = "aws_kms"

    def __init__(self, proxy: FaultProxy, place: str, server: Aws) -> None:
        super().__init__(proxy, place)
        self._server = server
        self._key = server.client("kms").create_key()["KeyMetadata"]["Arn"]

    def options(self) -> dict[str, Any]:
        login = {"access_key_id": self._server.access_key_id, "secret_access_key": self._server.secret_access_key}
        return {
            "region": self._server.region,
            "endpoint_url": self.proxy.url,
            "key_arn": self._key,
            "data_key_reuse": "none",
            "retries": 0,
            **login,
        }

    def changes(self, method: str, path: str, target: str) -> bool:
        return target in ("GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "Encrypt", "Decrypt")

    def held(self) -> dict[str, bytes]:
        return {}
