# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a store holds, as plain values. None of them carries a secret value.

Tuples, because the first lookup of a run waits until they are made, and dataclasses take 10 ms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .queries import CREDENTIAL_KINDS
from .scopes import ScopePath

__all__ = ["Connector", "Intent", "Scope", "Secret", "SecretUser", "SecretVersion", "Share"]


class Scope(NamedTuple):
    """A scope. `head` commits to the rows of its secrets and connectors.

    `default_connector_id` is None for the built-in manager; `default_made_by` is the manifest that chose it, as
    `made_by` is the one that made the scope (empty: none). `inherits_managers` is the account's word for all scopes.
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
    head: bytes = b""
    made_by: str = ""
    revision: int = 0
    created_at: str = ""
    updated_at: str = ""
    tag: bytes = b""


class Connector(NamedTuple):
    """A secret manager of one scope; `options` are its settings, references to its credentials among them.

    `kept` names the credentials that were given themselves and are secrets of this connector. `is_removed`: removed by
    force while it kept secrets, which can be read again once it is declared again. `made_by` is the manifest that made
    it.
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
    tag: bytes = b""


class Secret(NamedTuple):
    """A secret's row. `connector_id` is None for the built-in manager; `expires_at` is ISO 8601 UTC or empty.

    `path` is where a value keeper has it, `reference_key` the field there; `is_reference`: it was not made here.
    `options` are what is known of a value in clear: the public half of a key; of a credential its settings, references
    among them. `kept` names the parts of a credential that were given themselves and are secrets of its own.
    `shared_with` has the ids of scopes below which the secret is shared with. `made_by` is the manifest that made it.
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
    expires_at: str = ""
    made_by: str = ""
    revision: int = 0
    created_at: str = ""
    updated_at: str = ""
    tag: bytes = b""

    @property
    def is_credential(self) -> bool:
        return self.kind in CREDENTIAL_KINDS


class SecretVersion(NamedTuple):
    """One version of a value: its envelope, or the version of a value keeper that has it (`at_provider`).

    `at_provider` is for one in an envelope the version of a provider's key that it was last wrapped with anew.
    The keyed fingerprint tells whether another value differs; it stays that of the key generation which made it, while
    `key_generation` is the one that the data key is wrapped with now.
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
    tag: bytes = b""


class Share(NamedTuple):
    """A secret's newest version, opened for a scope below: its data key, wrapped by that scope's key.

    `made_by` is the manifest that gave it. The last fields are the secret's own, which the tag proves to who has no key
    of the secret's scope (`owner_id`).
    """

    secret_id: str
    scope_id: str
    version: int
    key_generation: int
    wrapped: bytes
    made_by: str
    created_at: str
    tag: bytes
    owner_id: str
    identifier: str
    kind: str
    expires_at: str


class SecretUser(NamedTuple):
    """A connector or credential that uses a secret, and the field it uses it for."""

    kind: str
    identifier: str
    field: str
    id: str = ""

    def __str__(self) -> str:
        return f"{self.kind} '{self.identifier}' ({self.field})"


class Intent(NamedTuple):
    """What is about to be done at a connector's provider, recorded before. Who finds it later can finish or undo it.

    `goal` is what is to become of the value at `path`: present or absent. `process` names who does it since
    `created_at`, empty once that has given up.
    """

    id: str
    scope_id: str
    connector_id: str
    path: str
    goal: str
    process: str
    created_at: str
    tag: bytes = b""
