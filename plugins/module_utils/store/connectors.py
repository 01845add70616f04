# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements on connectors."""

from __future__ import annotations

import json

from ..model.entities import Connector
from ..model.scopes import ACCOUNT, Level, ScopePath
from ..model.typed_rows import typed
from .database import CONNECTORS, MANAGERS, Row, Transaction

__all__ = [
    "connectors_made_by",
    "connectors_of",
    "defaults_at",
    "delete_connector",
    "insert_connector",
    "scopes_with_connectors",
    "update_connector",
]


def connectors_of(tx: Transaction, scope_id: str) -> list[Connector]:
    """Return a scope's connectors by identifier, including those removed with force."""
    rows = tx.all("SELECT * FROM connector WHERE scope_id = :scope ORDER BY identifier", scope=scope_id)
    return [_connector(row) for row in rows]


def scopes_with_connectors(tx: Transaction) -> list[str]:
    """Return the ids of the scopes that have a connector."""
    return [row["scope_id"] for row in tx.all("SELECT DISTINCT scope_id FROM connector WHERE is_removed = 0")]


def connectors_made_by(tx: Transaction, manifest: str) -> list[Connector]:
    """Return the connectors that a manifest created, in any scope, including those removed with force."""
    rows = tx.all("SELECT * FROM connector WHERE made_by = :manifest AND made_by <> ''", manifest=manifest)
    return [_connector(row) for row in rows]


def defaults_at(tx: Transaction, connector_id: str) -> list[ScopePath]:
    """Return the scopes that have this connector as their default manager, widest first."""
    rows = tx.all(
        """SELECT scope.level, scope.identifier, parent.identifier AS above
        FROM default_manager JOIN scope ON scope.id = default_manager.scope_id
        LEFT JOIN scope AS parent ON parent.id = scope.parent_id
        WHERE default_manager.connector_id = :id""",
        id=connector_id,
    )
    return sorted(map(_path, rows), key=lambda path: (path.level.depth, path.org, path.project))


def _path(row: Row) -> ScopePath:
    level, identifier = Level(row["level"]), row["identifier"]
    if level is Level.PROJECT:
        return ScopePath(row["above"], identifier)
    return ScopePath(identifier) if level is Level.ORG else ACCOUNT


def insert_connector(tx: Transaction, connector: Connector) -> None:
    tx.forget(CONNECTORS, MANAGERS)
    tx.insert(
        "connector",
        id=connector.id,
        scope_id=connector.scope_id,
        kind=connector.kind,
        identifier=connector.identifier,
        revision=connector.revision,
        created_at=connector.created_at,
        **_changeable(connector),
    )


def update_connector(tx: Transaction, connector: Connector) -> None:
    """Update a connector's changeable columns; raise StaleRow if the stored row has another revision."""
    tx.forget(CONNECTORS, MANAGERS)
    tx.update("connector", connector.id, connector.revision, **_changeable(connector))


def delete_connector(tx: Transaction, connector_id: str) -> None:
    """Delete a connector and the records of what it uses. It must neither keep secrets nor be a default manager."""
    tx.forget(CONNECTORS, MANAGERS)
    tx.run("DELETE FROM secret_reference WHERE user_kind = 'connector' AND user_id = :id", id=connector_id)
    tx.run("DELETE FROM connector WHERE id = :id", id=connector_id)


def _changeable(connector: Connector) -> dict[str, object]:
    return {
        "name": connector.name,
        "description": connector.description,
        "tags": json.dumps(connector.tags, sort_keys=True),
        "options": json.dumps(connector.options, sort_keys=True),
        "kept": json.dumps(connector.kept),
        "is_removed": int(connector.is_removed),
        "made_by": connector.made_by,
        "updated_at": connector.updated_at,
        "digest": connector.digest,
    }


def _connector(row: Row) -> Connector:
    return typed(Connector, row)
