# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Row tags and scope heads, which show that somebody without a key wrote to the database.

A row tag is the key generation (4 bytes) and an HMAC over the fields that decide how the row is used. The head of a
scope adds up the tags of its secrets, its connectors and the shares it was given, so that a row which was deleted or
put back to an older state is noticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TypeAlias

from ...crypto.scopekey import ScopeKey
from ...model.entities import Connector, Intent, Scope, Secret, SecretVersion, Share
from ...model.errors import Damaged

__all__ = [
    "EMPTY_HEAD",
    "Summand",
    "check_head",
    "compare_head",
    "connector_fields",
    "intent_fields",
    "move_head",
    "scope_fields",
    "secret_fields",
    "share_fields",
    "sign",
    "signed_generation",
    "tag_connector",
    "tag_scope",
    "tag_secret",
    "tag_version",
    "version_fields",
]

Summand: TypeAlias = "Secret | Connector | Share"

# Adding up hashes modulo 2^2048 is AdHash (Bellare and Micciancio, EUROCRYPT 1997). The modulus is wide enough that
# nobody can find another set of known tags with the same sum.
_HEAD_BYTES = 256
_MODULUS = 1 << (8 * _HEAD_BYTES)
EMPTY_HEAD = bytes(_HEAD_BYTES)


def scope_fields(scope: Scope) -> tuple[bytes | str | int | None, ...]:
    return (
        scope.id,
        scope.parent_id,
        scope.path.level.value,
        scope.path.identifier,
        int(scope.builtin_enabled),
        int(scope.inherits_managers),
        scope.default_connector_id,
        scope.default_made_by,
        scope.made_by,
        scope.head,
    )


def connector_fields(connector: Connector) -> tuple[bytes | str | int | None, ...]:
    return (
        connector.id,
        connector.scope_id,
        connector.kind,
        connector.identifier,
        json.dumps(connector.options, sort_keys=True),
        json.dumps(connector.kept),
        int(connector.is_removed),
        connector.made_by,
    )


def secret_fields(secret: Secret) -> tuple[bytes | str | int | None, ...]:
    return (
        secret.id,
        secret.scope_id,
        secret.identifier,
        secret.kind,
        secret.connector_id,
        secret.path,
        secret.reference_key,
        int(secret.is_reference),
        json.dumps(secret.options, sort_keys=True),
        json.dumps(secret.kept),
        json.dumps(secret.shared_with),
        secret.current_version,
        secret.expires_at,
        secret.made_by,
    )


def version_fields(version: SecretVersion) -> tuple[bytes | str | int | None, ...]:
    return (
        version.secret_id,
        version.version,
        version.state,
        version.key_generation,
        version.fingerprint,
        version.fingerprint_generation,
        version.size,
        hashlib.sha256(version.envelope).digest(),
        version.at_provider,
    )


def share_fields(share: Share) -> tuple[bytes | str | int | None, ...]:
    return (
        share.secret_id,
        share.scope_id,
        share.version,
        share.key_generation,
        share.wrapped,
        share.owner_id,
        share.identifier,
        share.kind,
        share.expires_at,
        share.made_by,
    )


def intent_fields(intent: Intent) -> tuple[bytes | str | int | None, ...]:
    return intent.id, intent.scope_id, intent.connector_id, intent.path, intent.goal


def sign(key: ScopeKey, table: str, *fields: bytes | str | int | None) -> bytes:
    """Return the tag of a row: the key's generation and an HMAC over the fields."""
    return key.generation.to_bytes(4, "big") + key.row_tag(table, *fields)


def signed_generation(tag: bytes) -> int:
    """Return the key generation that made a tag."""
    return int.from_bytes(tag[:4], "big")


def tag_scope(scope: Scope, key: ScopeKey) -> Scope:
    return scope._replace(tag=sign(key, "scope", *scope_fields(scope)))


def tag_connector(connector: Connector, key: ScopeKey) -> Connector:
    return connector._replace(tag=sign(key, "connector", *connector_fields(connector)))


def tag_secret(secret: Secret, key: ScopeKey) -> Secret:
    return secret._replace(tag=sign(key, "secret", *secret_fields(secret)))


def tag_version(version: SecretVersion, key: ScopeKey) -> SecretVersion:
    return version._replace(tag=sign(key, "secret_version", *version_fields(version)))


def move_head(head: bytes, *, remove: Iterable[Summand] = (), add: Iterable[Summand] = ()) -> bytes:
    """Return the head after some rows were removed and others added."""
    total = int.from_bytes(head, "big")
    total += sum(map(_summand, add)) - sum(map(_summand, remove))
    return (total % _MODULUS).to_bytes(_HEAD_BYTES, "big")


def _summand(row: Summand) -> int:
    return int.from_bytes(hashlib.shake_256(row.tag).digest(_HEAD_BYTES), "big")


def check_head(scope: Scope, rows: Iterable[Summand]) -> None:
    """Raise Damaged unless `rows`, whose tags were checked before, are exactly those that the head commits to."""
    compare_head(scope, move_head(EMPTY_HEAD, add=rows))


def compare_head(scope: Scope, head: bytes) -> None:
    """Raise Damaged unless `head`, computed from all rows of a scope, is the head that the scope has."""
    if head != scope.head:
        raise Damaged(
            "rolled_back",
            f"The secrets, connectors or shares of {scope.path} are not as they were last written: a row was removed, "
            "or put back to an older state.",
            hint="Restore the newest backup, or declare the secrets again.",
        )
