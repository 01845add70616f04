# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Secrets Manager: on moto with the strictness of AWS, or on ministack where a login must be refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from conformance.kinds.aws_kms import AwsProvider
from conformance.provider import Options

__all__ = ["PROVIDERS"]


class AwsSecretsManager(AwsProvider):
    KIND = "aws_secrets_manager"
    TITLE = "AWS Secrets Manager"
    CELLS: ClassVar = {
        "versions": "stages and ids",
        "files": "as binary",
        "delete": "after 7 to 30 days, or at once",
        "value limit": "1 byte to 64 KiB",
    }
    REFUSES_EMPTY = True
    READS = frozenset({"GetSecretValue", "BatchGetSecretValue"})
    WRITES = frozenset(
        {
            "CreateSecret",
            "DeleteSecret",
            "PutSecretValue",
            "RestoreSecret",
            "TagResource",
            "UntagResource",
            "UpdateSecret",
            "UpdateSecretVersionStage",
        }
    )

    def options(self, place: str = "") -> Options:
        return {**super().options(), "prefix": place or self.place}

    @property
    def _client(self) -> Any:
        return self.server.client("secretsmanager")

    def present(self) -> set[str]:
        return self._listed(deleted=False)

    def remains(self) -> set[str]:
        return self._listed(deleted=True)

    def _listed(self, *, deleted: bool) -> set[str]:
        filters = [{"Key": "name", "Values": [self.place]}]
        pages = self._client.get_paginator("list_secrets").paginate(IncludePlannedDeletion=deleted, Filters=filters)
        return {secret["Name"] for page in pages for secret in page["SecretList"]}

    def value_at(self, path: str) -> bytes | None:
        if path not in self.present():
            return None
        found = self._client.get_secret_value(SecretId=path)
        return found["SecretBinary"] if "SecretBinary" in found else str(found["SecretString"]).encode()

    def fields_at(self, path: str) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.value_at(path) or b"")
        return fields

    def write_foreign(self, path: str, fields: Mapping[str, Any]) -> None:
        if path in self.present():
            self.remove(path)
        self._client.create_secret(Name=path, SecretString=json.dumps(fields))
        self.foreign.add(path)

    def change(self, path: str, value: str) -> None:
        self._client.put_secret_value(SecretId=path, SecretString=value)

    def remove(self, path: str) -> None:
        self._client.delete_secret(SecretId=path, ForceDeleteWithoutRecovery=True)

    def retire(self, path: str) -> None:
        self._client.delete_secret(SecretId=path, RecoveryWindowInDays=7)


PROVIDERS = [AwsSecretsManager]
