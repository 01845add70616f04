# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entities of a store, as plain values. None of them carries a secret value.

NamedTuples, because creating dataclasses would add 10 ms to the first lookup of a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .queries import CREDENTIAL_KINDS
from .scopes import ScopePath

__all__ = ["Connector", "Intent", "Scope", "Secret", "SecretUser", "SecretVersion", "Share"]


class Scope(NamedTuple):
    """A scope. Its row, signed with its key, commits to all that belongs to it.

    `secrets_root` is the root of the index of its secrets, which has `secrets_depth` levels of pages and
    `secrets_count` entries; likewise for the scopes right below it (`children_…`). The digests are those of its
    connectors, of the shares it was given, and of the generations of its key; empty without any. `audit_sequence` and
    `audit_link` are those of its newest audit record when the row was written. `revision` counts the writes; `epoch`
    grows when the store is restored from a backup, where fewer writes may be in.

    `default_connector_id` is None for the built-in manager. `made_by` names the manifest that created the scope,
    `default_made_by` the one that set its default manager; empty if none did. `inherits_managers` is set on the account
    and applies to all scopes.
    """

    id: str
    path: ScopePath
    parent_id: str | None
    name: str
    description: str = ""
    tags: Mapping[str, str] = {}
    builtin_enabled: bool = True
    inherits_managers: bool = False
    default_connector_id: str | None = None
    default_made_by: str = ""
    secrets_root: bytes = b""
    secrets_depth: int = 0
    secrets_count: int = 0
    children_root: bytes = b""
    children_depth: int = 0
    children_count: int = 0
    connectors_digest: bytes = b""
    shares_digest: bytes = b""
    keys_digest: bytes = b""
    audit_sequence: int = 0
    audit_link: bytes = b""
    epoch: int = 0
    made_by: str = ""
    revision: int = 0
    created_at: str = ""
    updated_at: str = ""
    tag: bytes = b""


class Connector(NamedTuple):
    """A secret manager of one scope. `options` are its settings, including references to its credentials.

    `kept` names the credentials that were given as values; they are stored as secrets of this connector. `is_removed`
    is set if it was removed with force while it kept secrets; they can be read again once it is declared again.
    `made_by` names the manifest that created it.
    """

    id: str
    scope_id: str
    kind: str
    identifier: str
    name: str
    description: str = ""
    tags: Mapping[str, str] = {}
    options: Mapping[str, Any] = {}
    kept: tuple[str, ...] = ()
    is_removed: bool = False
    made_by: str = ""
    revision: int = 0
    created_at: str = ""
    updated_at: str = ""
    digest: bytes = b""


class Secret(NamedTuple):
    """A secret's row. `connector_id` is None for the built-in manager; `expires_at` is ISO 8601 UTC or empty.

    `path` and `reference_key` locate the value (path and field) at a secret manager that stores values; `is_reference`
    means that the value was not written there by this store. `options` holds data that is not secret: a key's public
    half, the version that a reference is pinned to, or a credential's settings, including references. `kept` names the
    parts of a credential that were given as values; they are stored as secrets of their own. `shared_with` lists the
    ids of lower scopes that may read the secret. `made_by` names the manifest that created it.

    `version_digest` is the digest of the current version, `history` that of the chain of the older ones.
    """

    id: str
    scope_id: str
    identifier: str
    kind: str
    name: str
    description: str = ""
    tags: Mapping[str, str] = {}
    connector_id: str | None = None
    path: str = ""
    reference_key: str = ""
    is_reference: bool = False
    options: Mapping[str, Any] = {}
    kept: tuple[str, ...] = ()
    shared_with: tuple[str, ...] = ()
    current_version: int = 0
    version_digest: bytes = b""
    history: bytes = b""
    expires_at: str = ""
    made_by: str = ""
    revision: int = 0
    created_at: str = ""
    updated_at: str = ""
    digest: bytes = b""

    @property
    def is_credential(self) -> bool:
        return self.kind in CREDENTIAL_KINDS


class SecretVersion(NamedTuple):
    """One version of a value: its envelope, or the version (`at_provider`) at a secret manager that stores values.

    With an envelope, `at_provider` is the version of the provider's key that last rewrapped the data key.
    `fingerprint` shows whether another value differs. It was made with `fingerprint_generation` of the scope's key and
    never changes; `key_generation` is the one that wraps the data key now. `size` is in bytes.
    """

    secret_id: str
    version: int
    key_generation: int
    fingerprint: bytes
    fingerprint_generation: int
    size: int
    envelope: bytes
    created_at: str
    at_provider: str = ""
    state: str = "enabled"
    digest: bytes = b""


class Share(NamedTuple):
    """A secret's newest version, shared with a lower scope: its data key, wrapped by that scope's key.

    `made_by` names the manifest that created the share. The fields from `owner_id` on are copied from the secret. The
    tag is the signature of the secret's scope (`owner_id`) over all but how the data key is wrapped; `version_digest`
    is the digest of the version.
    """

    secret_id: str
    scope_id: str
    version: int
    key_generation: int
    wrapped: bytes
    version_digest: bytes
    made_by: str
    created_at: str
    tag: bytes
    owner_id: str
    identifier: str
    kind: str
    expires_at: str


class SecretUser(NamedTuple):
    """A connector or credential that uses a secret, and the field that references it."""

    kind: str
    identifier: str
    field: str
    id: str = ""

    def __str__(self) -> str:
        return f"{self.kind} '{self.identifier}' ({self.field})"


class Intent(NamedTuple):
    """A pending change at a connector's provider, recorded beforehand so that another process can finish or undo it.

    `goal` is the desired state of the value at `path`: present or absent. `about` is the secret that is to go, with its
    version: an intent that was copied must not remove what came later. `process` has worked on it since `created_at`;
    it is empty once that process gave up.
    """

    id: str
    scope_id: str
    connector_id: str
    path: str
    goal: str
    process: str
    created_at: str
    tag: bytes = b""
    about: str = ""
