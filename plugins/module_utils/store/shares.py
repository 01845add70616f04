# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements on shares: secrets that are shared with lower scopes."""

from __future__ import annotations

from ..model.entities import Share
from ..model.typed_rows import stored_bytes, typed
from .database import Row, Transaction

__all__ = ["delete_share", "find_share", "insert_share", "share_of", "shares_made_by", "shares_with", "tags_of"]

_SELECT = """SELECT secret_share.*, secret.scope_id AS owner_id, secret.identifier, secret.kind, secret.expires_at
    FROM secret_share JOIN secret ON secret.id = secret_share.secret_id"""


def find_share(tx: Transaction, owner_id: str, identifier: str, scope_id: str) -> Share | None:
    """Return the share that a scope has of another scope's secret, by the secret's identifier."""
    row = tx.one(
        f"{_SELECT} WHERE secret.scope_id = :owner AND secret.identifier = :identifier "
        "AND secret_share.scope_id = :scope",
        owner=owner_id,
        identifier=identifier,
        scope=scope_id,
    )
    return _share(row) if row else None


def share_of(tx: Transaction, secret_id: str, scope_id: str) -> Share | None:
    """Return the share that a scope has of a secret, by the secret's id."""
    row = tx.one(
        f"{_SELECT} WHERE secret_share.secret_id = :secret AND secret_share.scope_id = :scope",
        secret=secret_id,
        scope=scope_id,
    )
    return _share(row) if row else None


def shares_with(tx: Transaction, scope_id: str) -> list[Share]:
    """Return all shares of a scope."""
    rows = tx.all(f"{_SELECT} WHERE secret_share.scope_id = :scope ORDER BY secret_share.secret_id", scope=scope_id)
    return [_share(row) for row in rows]


def tags_of(tx: Transaction, scope_id: str) -> dict[str, bytes]:
    """Return the tags of all shares of a scope by the ids of the secrets."""
    rows = tx.all("SELECT secret_id, tag FROM secret_share WHERE scope_id = :scope", scope=scope_id)
    return {row["secret_id"]: stored_bytes(row["tag"]) for row in rows}


def shares_made_by(tx: Transaction, manifest: str) -> list[Share]:
    """Return the shares that a manifest created, in any scope."""
    rows = tx.all(
        f"{_SELECT} WHERE secret_share.made_by = :manifest AND secret_share.made_by <> ''",
        manifest=manifest,
    )
    return [_share(row) for row in rows]


def insert_share(tx: Transaction, share: Share) -> None:
    tx.insert(
        "secret_share",
        secret_id=share.secret_id,
        scope_id=share.scope_id,
        version=share.version,
        key_generation=share.key_generation,
        wrapped=share.wrapped,
        version_digest=share.version_digest,
        made_by=share.made_by,
        created_at=share.created_at,
        tag=share.tag,
    )


def delete_share(tx: Transaction, share: Share) -> None:
    tx.run(
        "DELETE FROM secret_share WHERE secret_id = :secret AND scope_id = :scope",
        secret=share.secret_id,
        scope=share.scope_id,
    )


def _share(row: Row) -> Share:
    return typed(Share, row)
