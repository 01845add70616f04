# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements on secrets, their versions and their users."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping

from ..model.entities import Secret, SecretUser, SecretVersion
from ..model.queries import CREDENTIAL_KINDS
from ..model.typed_rows import stored_bytes, typed
from .database import Row, Transaction

__all__ = [
    "count_kept",
    "count_secrets",
    "delete_secret",
    "find_kept",
    "find_secret",
    "find_version",
    "insert_secret",
    "insert_version",
    "kept_by",
    "newest_version",
    "older_digests",
    "place_of",
    "replace_references",
    "secret_of",
    "secrets_kept_by",
    "secrets_made_by",
    "secrets_of",
    "update_secret",
    "used_by",
    "users_of",
    "version_of",
    "versions_of",
]

PAGE = 500


def place_of(identifier: str) -> str:
    """Return a secret's place in the index of its scope: the SHA-256 of its identifier, in hexadecimal."""
    return hashlib.sha256(identifier.encode()).hexdigest()


def find_secret(tx: Transaction, scope_id: str, identifier: str) -> Secret | None:
    row = tx.one(
        "SELECT * FROM secret WHERE scope_id = :scope AND identifier = :identifier",
        scope=scope_id,
        identifier=identifier,
    )
    return secret_of(row) if row else None


def secrets_of(tx: Transaction, scope_id: str) -> Iterator[Secret]:
    """Yield a scope's secrets by identifier, reading page by page. A hint: nothing proves that they are all."""
    after = ""
    while True:
        rows = tx.all(
            "SELECT * FROM secret WHERE scope_id = :scope AND identifier > :after ORDER BY identifier LIMIT :page",
            scope=scope_id,
            after=after,
            page=PAGE,
        )
        yield from map(secret_of, rows)
        if len(rows) < PAGE:
            return
        after = rows[-1]["identifier"]


def count_secrets(tx: Transaction, scope_id: str, *, builtin_only: bool = False) -> int:
    """Count a scope's secrets. `builtin_only`: only those whose value its built-in manager keeps."""
    kinds = ", ".join(f"'{kind}'" for kind in CREDENTIAL_KINDS)
    condition = f" AND connector_id IS NULL AND kind NOT IN ({kinds})" if builtin_only else ""
    return tx.count(f"SELECT count(*) AS found FROM secret WHERE scope_id = :scope{condition}", scope=scope_id)


def count_kept(tx: Transaction, connector_id: str) -> int:
    """Count the secrets of a connector, in any scope."""
    return tx.count("SELECT count(*) AS found FROM secret WHERE connector_id = :id", id=connector_id)


def kept_by(tx: Transaction, connector_id: str, most: int) -> list[str]:
    """Return the identifiers of secrets that a connector keeps, in any scope, at most `most` of them."""
    rows = tx.all(
        "SELECT identifier FROM secret WHERE connector_id = :id ORDER BY identifier LIMIT :most",
        id=connector_id,
        most=most,
    )
    return [row["identifier"] for row in rows]


def secrets_kept_by(tx: Transaction, connector_id: str, most: int) -> list[str]:
    """Return the ids of secrets that a connector keeps, in any scope, at most `most` of them."""
    statement = "SELECT id FROM secret WHERE connector_id = :id ORDER BY id LIMIT :most"
    return [row["id"] for row in tx.all(statement, id=connector_id, most=most)]


def find_kept(tx: Transaction, connector_id: str, path: str) -> Secret | None:
    """Return the secret whose value a connector keeps at a path, None if there are only references to it."""
    row = tx.one(
        "SELECT * FROM secret WHERE connector_id = :connector AND path = :path AND is_reference = 0",
        connector=connector_id,
        path=path,
    )
    return secret_of(row) if row else None


def replace_references(tx: Transaction, user_kind: str, user_id: str, used: Mapping[str, str]) -> None:
    """Replace the record of which secret (id) a connector or secret uses for which field."""
    tx.run("DELETE FROM secret_reference WHERE user_kind = :kind AND user_id = :id", kind=user_kind, id=user_id)
    for field, secret_id in used.items():
        tx.insert("secret_reference", user_kind=user_kind, user_id=user_id, field=field, secret_id=secret_id)


def used_by(tx: Transaction, user_kind: str, user_id: str) -> set[str]:
    """Return the ids of the secrets that a connector or secret uses."""
    rows = tx.all(
        "SELECT secret_id FROM secret_reference WHERE user_kind = :kind AND user_id = :id", kind=user_kind, id=user_id
    )
    return {row["secret_id"] for row in rows}


def secrets_made_by(tx: Transaction, manifest: str) -> list[Secret]:
    """Return the secrets that a manifest created, in any scope."""
    rows = tx.all("SELECT * FROM secret WHERE made_by = :manifest AND made_by <> ''", manifest=manifest)
    return [secret_of(row) for row in rows]


def secret_of(row: Row) -> Secret:
    """Convert a row of the table `secret`."""
    return typed(Secret, row)


def insert_secret(tx: Transaction, secret: Secret) -> None:
    tx.insert(
        "secret",
        id=secret.id,
        scope_id=secret.scope_id,
        identifier=secret.identifier,
        kind=secret.kind,
        connector_id=secret.connector_id,
        is_reference=int(secret.is_reference),
        made_by=secret.made_by,
        revision=secret.revision,
        created_at=secret.created_at,
        place=place_of(secret.identifier),
        **_changeable(secret),
    )


def update_secret(tx: Transaction, secret: Secret) -> None:
    """Update a secret's changeable columns; raise StaleRow if the stored row has another revision."""
    tx.update("secret", secret.id, secret.revision, **_changeable(secret))


def _changeable(secret: Secret) -> dict[str, object]:
    return {
        "name": secret.name,
        "description": secret.description,
        "tags": json.dumps(secret.tags, sort_keys=True),
        "path": secret.path,
        "reference_key": secret.reference_key,
        "options": json.dumps(secret.options, sort_keys=True),
        "kept": json.dumps(secret.kept),
        "shared_with": json.dumps(secret.shared_with),
        "current_version": secret.current_version,
        "version_digest": secret.version_digest,
        "history": secret.history,
        "expires_at": secret.expires_at,
        "updated_at": secret.updated_at,
        "digest": secret.digest,
    }


def delete_secret(tx: Transaction, secret_id: str) -> None:
    """Delete a secret, its versions and shares, and the records of who uses it and what it uses."""
    tx.run("DELETE FROM secret_reference WHERE user_kind = 'secret' AND user_id = :id", id=secret_id)
    for table in ("secret_reference", "secret_share", "secret_version"):
        tx.run(f"DELETE FROM {table} WHERE secret_id = :id", id=secret_id)
    tx.run("DELETE FROM secret WHERE id = :id", id=secret_id)


def insert_version(tx: Transaction, version: SecretVersion) -> None:
    tx.insert("secret_version", **version._asdict())


def find_version(tx: Transaction, secret_id: str, version: int) -> SecretVersion | None:
    row = tx.one(
        "SELECT * FROM secret_version WHERE secret_id = :secret AND version = :version",
        secret=secret_id,
        version=version,
    )
    return version_of(row) if row else None


def versions_of(tx: Transaction, secret_id: str) -> list[SecretVersion]:
    """Return all versions of a secret, oldest first."""
    rows = tx.all("SELECT * FROM secret_version WHERE secret_id = :secret ORDER BY version", secret=secret_id)
    return [version_of(row) for row in rows]


def older_digests(tx: Transaction, secret_id: str, before: int) -> list[tuple[int, bytes]]:
    """Return the numbers and stored digests of a secret's versions before one, oldest first."""
    rows = tx.all(
        "SELECT version, digest FROM secret_version WHERE secret_id = :secret AND version < :before ORDER BY version",
        secret=secret_id,
        before=before,
    )
    return [(row["version"], stored_bytes(row["digest"])) for row in rows]


def newest_version(tx: Transaction, secret_id: str) -> int:
    """Return the highest version number that has a row, 0 if none has."""
    statement = "SELECT coalesce(max(version), 0) AS found FROM secret_version WHERE secret_id = :secret"
    return tx.count(statement, secret=secret_id)


def version_of(row: Row) -> SecretVersion:
    """Convert a row of the table `secret_version`."""
    return typed(SecretVersion, row)


def users_of(tx: Transaction, secret_id: str) -> list[SecretUser]:
    """Return the connectors and credentials that use a secret."""
    rows = tx.all(
        """SELECT used.user_kind, used.user_id, used.field,
            coalesce(connector.identifier, secret.identifier) AS identifier
        FROM secret_reference AS used
        LEFT JOIN connector ON used.user_kind = 'connector' AND connector.id = used.user_id
        LEFT JOIN secret ON used.user_kind = 'secret' AND secret.id = used.user_id
        WHERE used.secret_id = :secret ORDER BY used.user_kind, identifier, used.field""",
        secret=secret_id,
    )
    return [SecretUser(row["user_kind"], row["identifier"], row["field"], row["user_id"]) for row in rows]
