# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets Manager as strict as AWS: scheduled deletion, version labels, lengths, names, statuses.

The rules are those of the API reference. Messages are those of AWS where known.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.secretsmanager import exceptions
from moto.secretsmanager.models import FakeSecret, ReplicaSecret, SecretsManagerBackend
from moto.secretsmanager.responses import SecretsManagerResponse

from servers.moto_strict.checks import before, error, one_at_a_time, replace

__all__ = ["make_strict"]

Version = dict[str, Any]

MAX_BYTES = 65536
MAX_BATCH = 20
NAME = re.compile(r"[a-zA-Z0-9/_+=.@!-]{1,512}")
TO_BE_DELETED = "You can't perform this operation on the secret because it was marked for deletion."


def make_strict() -> None:
    """Add the missing checks to moto's Secrets Manager."""
    one_at_a_time(SecretsManagerResponse)
    # At AWS, all client errors have status 400. moto's own constructors set 404 for some.
    replace(exceptions.SecretsManagerClientError, "code", property(lambda _self: 400, lambda _self, _status: None))
    _guard_values()
    _guard_create()
    _guard_marked()
    _move_labels_as_aws_does()
    replace(SecretsManagerBackend, "batch_get_secret_value", _batch_get(SecretsManagerBackend.batch_get_secret_value))
    replace(SecretsManagerResponse, "list_secret_version_ids", _list_secret_version_ids)


def _guard_values() -> None:
    for name in ("create_secret", "update_secret", "put_secret_value"):

        @before(SecretsManagerResponse, name)
        def check_value(self: SecretsManagerResponse) -> None:
            text, binary = self._get_param("SecretString"), self._get_param("SecretBinary")
            if text is not None and binary is not None:
                message = "You can't specify both a binary secret value and a string secret value in the same secret."
                raise error("InvalidParameterException", message)
            _check_length("secretString", (text or "").encode())
            _check_length("secretBinary", base64.b64decode(binary or ""))


def _check_length(field: str, value: bytes) -> None:
    if len(value) > MAX_BYTES:
        rule = f"Member must have length less than or equal to {MAX_BYTES}"
        message = f"1 validation error detected: Value at '{field}' failed to satisfy constraint: {rule}"
        raise error("ValidationException", message)


def _guard_create() -> None:
    @before(SecretsManagerBackend, "create_secret")
    def check_create(self: SecretsManagerBackend, name: str, *_args: Any, **_kwargs: Any) -> None:
        if not NAME.fullmatch(name):
            rule = "Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
            raise error("ValidationException", f"Invalid name. {rule}")
        if _is_marked(self, name):
            message = "You can't create this secret because a secret with this name is already scheduled for deletion."
            raise error("InvalidRequestException", message)


def _guard_marked() -> None:
    for name in ("put_secret_value", "update_secret", "update_secret_version_stage", "tag_resource", "untag_resource"):

        @before(SecretsManagerBackend, name)
        def check_marked(self: SecretsManagerBackend, *args: Any, **kwargs: Any) -> None:
            secret_id = kwargs.get("secret_id") or kwargs.get("arn") or args[0]
            if _is_marked(self, secret_id):
                raise error("InvalidRequestException", TO_BE_DELETED)


def _is_marked(backend: SecretsManagerBackend, secret_id: str) -> bool:
    secret = backend.secrets.get(secret_id)
    return secret is not None and secret.is_deleted()


def _move_labels_as_aws_does() -> None:
    replace(FakeSecret, "reset_default_version", _add_current_version)

    @before(SecretsManagerBackend, "update_secret_version_stage")
    def check_holder(
        self: SecretsManagerBackend,
        secret_id: str,
        version_stage: str,
        remove_from_version_id: str | None,
        move_to_version_id: str | None,
    ) -> None:
        secret = self.secrets.get(secret_id)
        if isinstance(secret, ReplicaSecret):
            raise exceptions.OperationNotPermittedOnReplica
        holder = _holder(secret, version_stage) if secret else None
        if move_to_version_id and holder not in (None, remove_from_version_id, move_to_version_id):
            message = f"Staging label {version_stage} is currently attached to version {holder}, so you must "
            raise error("InvalidParameterException", f"{message}explicitly reference that version.")

    original: Callable[..., tuple[str, str]] = SecretsManagerBackend.update_secret_version_stage

    def move(self: SecretsManagerBackend, secret_id: str, **kwargs: Any) -> tuple[str, str]:
        result = original(self, secret_id, **kwargs)
        secret = self.secrets[secret_id]
        if isinstance(secret, FakeSecret):
            secret.set_default_version_id(_holder(secret, "AWSCURRENT"))  # Otherwise, moto keeps reading the old value.
        return result

    replace(SecretsManagerBackend, "update_secret_version_stage", move)


def _add_current_version(self: FakeSecret, version: Version, version_id: str) -> None:
    """Add a version as AWSCURRENT. Other versions lose only the labels that the new one gets."""
    previous = _holder(self, "AWSCURRENT")
    for label in version["version_stages"]:
        _take_label(self, label)
    if previous not in (None, version_id):
        _take_label(self, "AWSPREVIOUS")
        self.versions[previous]["version_stages"].append("AWSPREVIOUS")
    self.versions[version_id] = version
    self.set_default_version_id(version_id)


def _holder(secret: FakeSecret, label: str) -> str | None:
    """Return the version with a label."""
    return next((name for name, version in secret.versions.items() if label in version["version_stages"]), None)


def _take_label(secret: FakeSecret, label: str) -> None:
    for version in secret.versions.values():
        version["version_stages"] = [other for other in version["version_stages"] if other != label]


def _batch_get(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return BatchGetSecretValue with the limit of AWS. Errors of single secrets are in its list of errors."""

    def batch(
        self: SecretsManagerBackend, secret_id_list: list[str], filters: list[Any], **kwargs: Any
    ) -> tuple[list[Any], list[Any], str | None]:
        if bool(secret_id_list) == bool(filters):
            raise error("InvalidParameterException", "You must include Filters or SecretIdList, but not both.")
        if filters:
            kwargs["max_results"] = kwargs["max_results"] or MAX_BATCH
            result: tuple[list[Any], list[Any], str | None] = original(self, filters=filters, **kwargs)
            return result
        if len(secret_id_list) > MAX_BATCH:
            rule = f"Member must have length less than or equal to {MAX_BATCH}"
            message = f"1 validation error detected: Value at 'secretIdList' failed to satisfy constraint: {rule}"
            raise error("ValidationException", message)
        found, errors = [], []
        for secret_id in secret_id_list:
            try:
                found.append(self.get_secret_value(secret_id, "", ""))
            except JsonRESTError as failed:
                errors.append({"SecretId": secret_id, "ErrorCode": failed.error_type, "Message": failed.message})
        return found, errors, None

    return batch


def _list_secret_version_ids(self: SecretsManagerResponse) -> str:
    """Answer with the stored versions. Versions without a label are only included on request."""
    secret = self.backend.describe_secret(self._get_param("SecretId"))
    versions = [
        {"VersionId": name, "VersionStages": version["version_stages"], "CreatedDate": version["createdate"]}
        for name, version in secret.versions.items()
        if version["version_stages"] or self._get_param("IncludeDeprecated")
    ]
    return json.dumps({"ARN": secret.arn, "Name": secret.name, "Versions": versions})
