# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secret Manager: secrets with labels, annotations, replication and etags, and their numbered versions."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import Any, ClassVar

import grpc
from google.cloud.secretmanager_v1.types import resources, service
from google.protobuf import empty_pb2

from servers.google_cloud.calls import Method, Refused, check_checksum, crc32c

__all__ = ["SecretManager"]

Code = grpc.StatusCode
MAX_BYTES = 64 * 1024
MAX_LABELS = 64
MAX_ANNOTATIONS = 16 * 1024
State = resources.SecretVersion.State
MUTABLE = {"annotations", "labels", "topics", "version_aliases"}


@dataclass
class _Kept:
    shown: Any
    versions: list[Any] = field(default_factory=list)
    payloads: list[Any] = field(default_factory=list)


def _of_version(request: Any) -> str:
    return str(request.name).partition("/versions/")[0]


class SecretManager:
    """The secrets of all projects."""

    NAME = "google.cloud.secretmanager.v1.SecretManagerService"
    METHODS: ClassVar[dict[str, Method]] = {
        "CreateSecret": Method(service.CreateSecretRequest, "secretmanager.secrets.create", lambda r: r.parent),
        "GetSecret": Method(service.GetSecretRequest, "secretmanager.secrets.get", lambda r: r.name),
        "ListSecrets": Method(service.ListSecretsRequest, "secretmanager.secrets.list", lambda r: r.parent),
        "UpdateSecret": Method(service.UpdateSecretRequest, "secretmanager.secrets.update", lambda r: r.secret.name),
        "DeleteSecret": Method(service.DeleteSecretRequest, "secretmanager.secrets.delete", lambda r: r.name),
        "AddSecretVersion": Method(service.AddSecretVersionRequest, "secretmanager.versions.add", lambda r: r.parent),
        "AccessSecretVersion": Method(service.AccessSecretVersionRequest, "secretmanager.versions.access", _of_version),
        "GetSecretVersion": Method(service.GetSecretVersionRequest, "secretmanager.versions.get", _of_version),
        "ListSecretVersions": Method(
            service.ListSecretVersionsRequest, "secretmanager.versions.list", lambda r: r.parent
        ),
        "EnableSecretVersion": Method(service.EnableSecretVersionRequest, "secretmanager.versions.enable", _of_version),
        "DisableSecretVersion": Method(
            service.DisableSecretVersionRequest, "secretmanager.versions.disable", _of_version
        ),
        "DestroySecretVersion": Method(
            service.DestroySecretVersionRequest, "secretmanager.versions.destroy", _of_version
        ),
    }

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def CreateSecret(self, request: Any) -> Any:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,255}", request.secret_id):
            raise _invalid("The provided Secret ID does not match the expected format [[a-zA-Z_0-9]+].")
        name = f"{request.parent}/secrets/{request.secret_id}"
        if name in self._kept:
            raise Refused(Code.ALREADY_EXISTS, f"Secret [{name}] already exists.")
        _check_replication(request.secret.replication)
        _check_words(request.secret)
        shown = resources.Secret(request.secret)
        shown.name = name
        self._kept[name] = _Kept(shown)
        return _touched(shown)

    def GetSecret(self, request: Any) -> Any:
        return self._secret(request.name).shown

    def ListSecrets(self, request: Any) -> Any:
        """List a page of the requested size. The only filter is `labels.NAME=VALUE`."""
        field_name, _sign, value = request.filter.partition("=")
        label = field_name.removeprefix("labels.")
        found = [
            kept.shown
            for name, kept in sorted(self._kept.items())
            if name.startswith(f"{request.parent}/secrets/") and kept.shown.labels.get(label, "") == value
        ]
        start, size = int(request.page_token or 0), request.page_size or 100
        end = start + size
        token = str(end) if end < len(found) else ""
        return service.ListSecretsResponse(secrets=found[start:end], next_page_token=token, total_size=len(found))

    def UpdateSecret(self, request: Any) -> Any:
        kept = self._secret(request.secret.name)
        _check_etag(kept.shown, request.secret.etag)
        paths = list(request.update_mask.paths)
        if not paths or not set(paths) <= MUTABLE:
            raise _invalid("The update mask has paths that can't be updated.")
        _check_words(request.secret)
        for path in paths:
            setattr(kept.shown, path, getattr(request.secret, path))
        return _touched(kept.shown)

    def DeleteSecret(self, request: Any) -> Any:
        kept = self._secret(request.name)
        _check_etag(kept.shown, request.etag)
        del self._kept[request.name]
        return empty_pb2.Empty().SerializeToString()

    def AddSecretVersion(self, request: Any) -> Any:
        kept = self._secret(request.parent)
        if not request.payload.data:
            raise _invalid("Secret Payload cannot be empty.")
        if len(request.payload.data) > MAX_BYTES:
            raise _invalid(f"The secret payload is larger than {MAX_BYTES} bytes.")
        is_specified = check_checksum(request.payload, "data")
        number = len(kept.versions) + 1
        version = resources.SecretVersion(
            name=f"{request.parent}/versions/{number}",
            state=State.ENABLED,
            client_specified_payload_checksum=is_specified,
        )
        kept.versions.append(version)
        payload = resources.SecretPayload(data=request.payload.data, data_crc32c=crc32c(request.payload.data))
        kept.payloads.append(payload)
        return _touched(version)

    def AccessSecretVersion(self, request: Any) -> Any:
        kept, number = self._version(request.name)
        version = kept.versions[number - 1]
        if version.state != State.ENABLED:
            raise Refused(
                Code.FAILED_PRECONDITION, f"Secret Version [{version.name}] is in {version.state.name} state."
            )
        return service.AccessSecretVersionResponse(name=version.name, payload=kept.payloads[number - 1])

    def GetSecretVersion(self, request: Any) -> Any:
        kept, number = self._version(request.name)
        return kept.versions[number - 1]

    def ListSecretVersions(self, request: Any) -> Any:
        versions = self._secret(request.parent).versions
        return service.ListSecretVersionsResponse(versions=versions[::-1], total_size=len(versions))

    def EnableSecretVersion(self, request: Any) -> Any:
        return self._into(request, State.ENABLED)

    def DisableSecretVersion(self, request: Any) -> Any:
        return self._into(request, State.DISABLED)

    def DestroySecretVersion(self, request: Any) -> Any:
        kept, number = self._version(request.name)
        kept.payloads[number - 1] = resources.SecretPayload()
        return self._into(request, State.DESTROYED)

    def _into(self, request: Any, state: Any) -> Any:
        kept, number = self._version(request.name)
        version = kept.versions[number - 1]
        _check_etag(version, request.etag)
        if version.state == State.DESTROYED and state != State.DESTROYED:
            raise Refused(Code.FAILED_PRECONDITION, f"Secret Version [{version.name}] is in DESTROYED state.")
        version.state = state
        return _touched(version)

    def _secret(self, name: str) -> _Kept:
        if name not in self._kept:
            raise Refused(Code.NOT_FOUND, f"Secret [{name}] not found.")
        return self._kept[name]

    def _version(self, name: str) -> tuple[_Kept, int]:
        secret, _versions, which = name.partition("/versions/")
        kept = self._secret(secret)
        aliases = {"latest": len(kept.versions), **kept.shown.version_aliases}
        number = int(which) if which.isdigit() else int(aliases.get(which, 0))
        if not 1 <= number <= len(kept.versions):
            raise Refused(Code.NOT_FOUND, f"Secret Version [{name}] not found.")
        return kept, number


def _touched(shown: Any) -> Any:
    shown.etag = f'"{uuid.uuid4().hex[:14]}"'
    return shown


def _check_etag(shown: Any, etag: str) -> None:
    if etag and etag != shown.etag:
        raise Refused(Code.FAILED_PRECONDITION, "The etag provided does not match the current one.")


def _check_replication(replication: Any) -> None:
    kind = type(replication).pb(replication).WhichOneof("replication")
    if kind is None:
        raise _invalid("Secret.replication must be provided.")
    if kind == "user_managed":
        locations = [replica.location for replica in replication.user_managed.replicas]
        if not locations or not all(re.fullmatch(r"[a-z]+-[a-z]+[0-9]+", location) for location in locations):
            raise _invalid("The replication policy has an invalid location.")


def _check_words(secret: Any) -> None:
    labels, annotations = dict(secret.labels), dict(secret.annotations)
    is_fit = all(
        re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", name) and re.fullmatch(r"[a-z0-9_-]{0,63}", value)
        for name, value in labels.items()
    )
    if not is_fit or len(labels) > MAX_LABELS:
        raise _invalid("The labels are not valid.")
    pattern = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
    size = sum(len(name.encode()) + len(value.encode()) for name, value in annotations.items())
    if size > MAX_ANNOTATIONS or not all(re.fullmatch(pattern, name) for name in annotations):
        raise _invalid("The annotations are not valid.")


def _invalid(text: str) -> Refused:
    return Refused(Code.INVALID_ARGUMENT, text)
