# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two versions of Vault's key-value engine.

Both store a secret as an object with one field: text in `value`, other bytes in `value_base64`.
"""

from __future__ import annotations

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from ...model.errors import NotFound
from ...model.json_text import read_json, write_json
from .. import failures
from ..base import ConnectorContext, Found, Writing
from ..http import Reply
from .client import Ask, VaultClient
from .replies import (
    content_of,
    deleted_version,
    engine_is_not_kv,
    is_lost_race,
    is_unknown_mount,
    kv_version_mismatch,
    not_a_mount,
    refusal,
    unknown_mount,
    value_field_missing,
    warns_of_version_2,
)

__all__ = [
    "MAX_VALUE",
    "KvEngine",
    "KvVersion1",
    "KvVersion2",
    "check_size",
    "fields_of",
    "find_version",
    "value_of",
]

MAX_VALUE = 1024 * 1024 - 8 * 1024
"""An entry of the integrated storage has 1 MiB (developer.hashicorp.com/vault/docs/internals/limits). 8 KiB are for the
engine's own fields, the owner mark and the encryption."""
MANAGED_BY = "scoped.secrets"
OWN_FIELDS = frozenset({"value", "value_base64", "managed_by"})
MAX_METADATA = 64
MAX_METADATA_KEY = 128
MAX_METADATA_VALUE = 512
TRIES = 5


def fields_of(value: bytes) -> dict[str, str]:
    """Return the fields that store a value."""
    try:
        return {"value": value.decode("utf-8")}
    except UnicodeDecodeError:
        return {"value_base64": base64.b64encode(value).decode("ascii")}


def value_of(what: str, content: bytes) -> bytes:
    """Return the value from fields made by `fields_of`. Raises NotFound if someone replaced the fields."""
    fields = json.loads(content)
    if isinstance(fields.get("value"), str):
        return str(fields["value"]).encode("utf-8")
    try:
        return base64.b64decode(fields["value_base64"], validate=True)
    except (KeyError, TypeError, ValueError):
        raise value_field_missing(what, fields) from None


def check_size(what: str, fields: Mapping[str, str]) -> None:
    """Raise too_large for fields that the storage would refuse. Its JSON needs six bytes each for `<`, `>` and `&`."""
    text = json.dumps(fields, ensure_ascii=False)
    size = len(text.encode("utf-8")) + 5 * sum(map(text.count, "<>&"))
    if size > MAX_VALUE:
        raise failures.too_large(what, size, MAX_VALUE)


def find_version(client: VaultClient, mount: str) -> int | None:
    """Return the version of the engine at a mount, None if the token can't find out. Raises unknown_mount, Conflict.

    The first request succeeds for every token with any right below the mount. If it fails, for example because a
    gateway hides sys/, the second one tells: only a version 2 engine has a configuration. The mount may be a path below
    one, which the first request says, and otherwise the configuration of what is above it.
    """
    reply = client.call(lambda vault: vault.adapter.get(f"/v1/sys/internal/ui/mounts/{quote(mount)}"))
    if reply.ok:
        data = content_of(client.what, reply).get("data")
        if not isinstance(data, dict) or "type" not in data:
            raise failures.incomplete_reply(client.what, mount)
        _check_whole(client.what, mount, str(data.get("path", "")).strip("/"))
        if data["type"] not in ("kv", "generic"):
            raise engine_is_not_kv(client.what, mount)
        return 2 if (data.get("options") or {}).get("version") == "2" else 1
    for above in _above(mount):
        if _configuration(client, above).ok:
            raise not_a_mount(client.what, mount, above)
    reply = _configuration(client, mount)
    if is_unknown_mount(reply):
        raise unknown_mount(client.what, mount)
    if reply.status_code == 404:
        return 1
    return 2 if reply.ok else None


def _configuration(client: VaultClient, mount: str) -> Reply:
    return client.call(lambda vault: vault.secrets.kv.v2.read_configuration(mount_point=mount))


def _above(mount: str) -> list[str]:
    """Return the mounts that a mount could be a path of, the shortest first."""
    parts = mount.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _check_whole(what: str, mount: str, found: str) -> None:
    if found and mount.startswith(f"{found}/"):
        raise not_a_mount(what, mount, found)


class KvEngine(ABC):
    """A mount of the key-value engine."""

    VERSION: ClassVar[int]

    def __init__(self, client: VaultClient, connector: ConnectorContext, mount: str) -> None:
        self._client = client
        self._what = connector.what
        self._mount = mount

    @abstractmethod
    def needs(self, path: str, *, is_written: bool) -> dict[str, list[str]]:
        """Return, by path, the capabilities that a policy must grant for a secret."""

    @abstractmethod
    def read(self, path: str, version: str) -> Found:
        """Return the fields at a path. Raises NotFound, denied, incomplete_reply."""

    @abstractmethod
    def write(self, path: str, value: bytes, writing: Writing) -> str:
        """Create or update a secret, return its new version. Raises foreign_secret, provider_conflict, denied."""

    @abstractmethod
    def foresee(self, path: str, writing: Writing) -> None:
        """Raise foreign_secret or fields_would_go if `write` would."""

    @abstractmethod
    def check_owner(self, path: str, owner: str) -> None:
        """Raise foreign_secret unless a secret has this owner's mark. Raises unknown_path, denied."""

    @abstractmethod
    def relabel(self, path: str, writing: Writing) -> None:
        """Bring tags up to date. Raises foreign_secret, unknown_path, denied."""

    @abstractmethod
    def remove(self, path: str, owner: str, *, is_for_good: bool) -> None:
        """Remove a secret that `write` created for this owner. Raises foreign_secret, denied."""

    def _check_fields(self, path: str, fields: Mapping[str, Any] | None, writing: Writing) -> None:
        """Raise fields_would_go if a foreign secret has more than a value."""
        others = sorted(set(fields or {}) - OWN_FIELDS)
        if others and not writing.drop_fields:
            raise failures.fields_would_go(self._what, path, others)

    def _call(self, ask: Ask, doing: str, path: str, capability: str) -> Reply:
        """Return a successful answer, or a 404 to a read. Raises our error for any other."""
        reply = self._client.call(ask)
        if is_unknown_mount(reply):
            raise unknown_mount(self._what, self._mount)
        if warns_of_version_2(reply):
            raise kv_version_mismatch(self._what, self._mount, self.VERSION, 2)
        if reply.ok or (reply.status_code == 404 and capability == "read"):
            return reply
        raise refusal(self._what, f"{doing} '{path}'", reply, f'path "{path}" {{ capabilities = ["{capability}"] }}')

    def _data(self, reply: Reply, path: str, read: Callable[[bytes], Any] = json.loads) -> dict[str, Any]:
        """Return `data` of a reply. Raises incomplete_reply without one."""
        data = content_of(self._what, reply, read).get("data")
        if not isinstance(data, dict):
            raise failures.incomplete_reply(self._what, path)
        return data


class KvVersion1(KvEngine):
    """One value, no versions, no metadata. The owner mark is a field."""

    VERSION = 1

    def needs(self, path: str, *, is_written: bool) -> dict[str, list[str]]:
        return {f"{self._mount}/{path}": ["create", "read", "update"] if is_written else ["read"]}

    def read(self, path: str, version: str) -> Found:
        if version:
            raise failures.no_version(self._what, "a version 1 engine", version)
        fields = self._fields(path)
        if fields is None:
            raise failures.unknown_path(self._what, path)
        return _found(fields)

    def write(self, path: str, value: bytes, writing: Writing) -> str:
        fields = {**fields_of(value), "managed_by": _mark_of(writing.owner)}
        self._take_over(path, self._fields(path), writing)
        self._call(
            lambda vault: vault.secrets.kv.v1.create_or_update_secret(
                path, fields, method="POST", mount_point=self._mount
            ),
            "write",
            f"{self._mount}/{path}",
            "update",
        )
        return ""

    def _take_over(self, path: str, fields: Mapping[str, Any] | None, writing: Writing) -> None:
        if not writing.adopt:
            self._refuse_foreign(path, fields, writing.owner)
        elif fields is not None and fields.get("managed_by") != _mark_of(writing.owner):
            self._check_fields(path, fields, writing)

    def foresee(self, path: str, writing: Writing) -> None:
        self._take_over(path, self._fields(path), writing)

    def check_owner(self, path: str, owner: str) -> None:
        fields = self._fields(path)
        if fields is None:
            raise failures.unknown_path(self._what, path)
        self._refuse_foreign(path, fields, owner)

    def relabel(self, path: str, writing: Writing) -> None:
        self.check_owner(path, writing.owner)

    def remove(self, path: str, owner: str, *, is_for_good: bool) -> None:
        fields = self._fields(path)
        self._refuse_foreign(path, fields, owner)
        if fields is not None:
            self._call(
                lambda vault: vault.secrets.kv.v1.delete_secret(path, mount_point=self._mount),
                "delete",
                f"{self._mount}/{path}",
                "delete",
            )

    def _refuse_foreign(self, path: str, fields: Mapping[str, Any] | None, owner: str) -> None:
        if fields is not None and fields.get("managed_by") != _mark_of(owner):
            raise failures.foreign_secret(self._what, path)

    def _fields(self, path: str) -> dict[str, Any] | None:
        reply = self._call(
            lambda vault: vault.secrets.kv.v1.read_secret(path, mount_point=self._mount),
            "read",
            f"{self._mount}/{path}",
            "read",
        )
        return self._data(reply, path, read_json) if reply.ok else None


class KvVersion2(KvEngine):
    """Versions and check-and-set. The owner mark is in the custom metadata."""

    VERSION = 2

    def needs(self, path: str, *, is_written: bool) -> dict[str, list[str]]:
        if not is_written:
            return {self._at("data", path): ["read"]}
        return {self._at(part, path): ["create", "read", "update"] for part in ("data", "metadata")}

    def read(self, path: str, version: str) -> Found:
        number = _number(version)
        if number == 0:
            raise failures.unknown_path(self._what, path, version)
        reply = self._call(
            lambda vault: vault.secrets.kv.v2.read_secret_version(
                path, number, mount_point=self._mount, raise_on_deleted_version=False
            ),
            "read",
            self._at("data", path),
            "read",
        )
        if not reply.ok:
            raise self._missing(reply, path, version)
        data = self._data(reply, path, read_json)
        fields, metadata = data.get("data"), data.get("metadata")
        if not isinstance(fields, dict) or not isinstance(metadata, dict):
            raise failures.incomplete_reply(self._what, path)
        return _found(fields, str(metadata.get("version", "")))

    def write(self, path: str, value: bytes, writing: Writing) -> str:
        fields = fields_of(value)
        for _try in range(TRIES):
            known = self._metadata_of(path)
            self._take_over(path, known, writing)
            self._mark(path, known, writing)
            reply = self._write_over(path, fields, known.get("current_version", 0))
            if not is_lost_race(reply):
                return self._written(reply, path)
        raise failures.provider_conflict(self._what, path)

    def _take_over(self, path: str, known: Mapping[str, Any], writing: Writing) -> None:
        if not writing.adopt:
            self._refuse_foreign(path, known, writing.owner)
        elif known and not _is_signed(known, writing.owner):
            self._check_fields(path, self._newest_fields(path), writing)

    def _newest_fields(self, path: str) -> Mapping[str, Any]:
        try:
            fields: dict[str, Any] = read_json(self.read(path, "").content)
        except NotFound:
            return {}  # Its newest version was deleted.
        return fields

    def foresee(self, path: str, writing: Writing) -> None:
        self._take_over(path, self._metadata_of(path), writing)

    def check_owner(self, path: str, owner: str) -> None:
        known = self._owned(path, owner)
        # The mark outlives a version that was deleted, and says nothing of what others put there afterwards.
        if any(one.get("deletion_time") or one.get("destroyed") for one in known.get("versions", {}).values()):
            raise failures.foreign_secret(self._what, path)

    def relabel(self, path: str, writing: Writing) -> None:
        self._mark(path, self._owned(path, writing.owner), writing)

    def _owned(self, path: str, owner: str) -> dict[str, Any]:
        """Return the metadata of a secret that has this owner's mark."""
        known = self._metadata_of(path)
        if not known:
            raise failures.unknown_path(self._what, path)
        self._refuse_foreign(path, known, owner)
        return known

    def remove(self, path: str, owner: str, *, is_for_good: bool) -> None:
        known = self._metadata_of(path)
        if not known:
            return
        self._refuse_foreign(path, known, owner)
        kv2 = "delete_metadata_and_all_versions" if is_for_good else "delete_latest_version_of_secret"
        self._call(
            lambda vault: getattr(vault.secrets.kv.v2, kv2)(path, mount_point=self._mount),
            "delete",
            self._at("metadata" if is_for_good else "data", path),
            "delete",
        )

    def _at(self, part: str, path: str) -> str:
        return f"{self._mount}/{part}/{path}"

    def _metadata_of(self, path: str) -> dict[str, Any]:
        """Return the metadata of a secret, even of a deleted one; {} if there is none."""
        reply = self._call(
            lambda vault: vault.secrets.kv.v2.read_secret_metadata(path, mount_point=self._mount),
            "read",
            self._at("metadata", path),
            "read",
        )
        if not reply.ok:
            return {}
        data = self._data(reply, path)
        if not isinstance(data.get("current_version"), int):
            raise failures.incomplete_reply(self._what, path)
        return data

    def _refuse_foreign(self, path: str, known: Mapping[str, Any], owner: str) -> None:
        if known and not _is_signed(known, owner):
            raise failures.foreign_secret(self._what, path)

    def _mark(self, path: str, known: Mapping[str, Any], writing: Writing) -> None:
        """Mark the secret as ours before it gets a value. Metadata of others stay."""
        present, signature = known.get("custom_metadata") or {}, _signature_of(writing.owner)
        wanted = _bounded({**signature, **writing.tags, **signature}, present)
        if wanted != present:
            self._call(
                lambda vault: vault.adapter.post(
                    f"/v1/{quote(self._at('metadata', path))}", json={"custom_metadata": wanted}
                ),
                "write",
                self._at("metadata", path),
                "update" if known else "create",
            )

    def _write_over(self, path: str, fields: Mapping[str, str], version: int) -> Reply:
        return self._client.call(
            lambda vault: vault.secrets.kv.v2.create_or_update_secret(
                path, fields, cas=version, mount_point=self._mount
            )
        )

    def _written(self, reply: Reply, path: str) -> str:
        """Return the version from the answer to a write."""
        reply = self._call(lambda _vault: reply, "write", self._at("data", path), "update")
        version = self._data(reply, path).get("version")
        if not isinstance(version, int):
            raise failures.incomplete_reply(self._what, path)
        return str(version)

    def _missing(self, reply: Reply, path: str, version: str) -> Exception:
        """Return the error for a 404. Its body has metadata if there was a value."""
        try:
            metadata = reply.json()["data"]["metadata"]
            number, is_destroyed = int(metadata["version"]), bool(metadata["destroyed"])
        except (ValueError, KeyError, TypeError):
            return failures.unknown_path(self._what, path, version)
        return deleted_version(self._what, path, self._mount, number, is_destroyed=is_destroyed)


def _mark_of(owner: str) -> str:
    return f"{MANAGED_BY} {owner}"


def _is_signed(known: Mapping[str, Any], owner: str) -> bool:
    metadata = known.get("custom_metadata") or {}
    return all(metadata.get(key) == value for key, value in _signature_of(owner).items())


def _signature_of(owner: str) -> dict[str, str]:
    return {"managed_by": MANAGED_BY, "owner": owner}


def _number(version: str) -> int | None:
    """Return the number of a version, None for the newest, 0 for an impossible one."""
    if not version:
        return None
    return int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0


def _found(fields: Mapping[str, Any], version: str = "") -> Found:
    return Found(write_json(fields, comma=", ", colon=": ").encode("utf-8", "replace"), version)


def _bounded(wanted: Mapping[str, str], present: Mapping[str, str]) -> dict[str, str]:
    """Return custom metadata within Vault's limits: ours first, then those of others. Too long ones are dropped."""
    merged = {**wanted, **{key: value for key, value in present.items() if key not in wanted}}
    fitting = [
        (key, value)
        for key, value in merged.items()
        if 0 < len(key.encode()) <= MAX_METADATA_KEY and 0 < len(value.encode()) <= MAX_METADATA_VALUE
    ]
    return dict(fitting[:MAX_METADATA])
