# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements about connectors."""

from __future__ import annotations

import json

from ..model.entities import Connector
from .database import Row, Transaction

__all__ = ["connector_by_id", "connectors_of", "find_connector", "insert_connector"]


def find_connector(tx: Transaction, scope_id: str, identifier: str) -> Connector | None:
    row = tx.one(
        "SELECT * FROM connector WHERE scope_id = :scope AND identifier = :identifier",
        scope=scope_id,
        identifier=identifier,
    )
    return _connector(row) if row else None


def connector_by_id(tx: Transaction, connector_id: str) -> Connector | None:
    row = tx.one("SELECT * FROM connector WHERE id = :id", id=connector_id)
    return _connector(row) if row else None


def connectors_of(tx: Transaction, scope_id: str) -> list[Connector]:
    """Return the connectors of a scope, by identifier."""
    rows = tx.all("SELECT * FROM connector WHERE scope_id = :scope ORDER BY identifier", scope=scope_id)
    return [_connector(row) for row in rows]


def insert_connector(tx: Transaction, connector: Connector) -> None:
    tx.insert(
        "connector",
        id=connector.id,
        scope_id=connector.scope_id,
        kind=connector.kind,
        identifier=connector.identifier,
        name=connector.name,
        description=connector.description,
        tags=json.dumps(connector.tags, sort_keys=True),
        options=json.dumps(connector.options, sort_keys=True),
        created_at=connector.created_at,
        updated_at=connector.updated_at,
    )


def _connector(row: Row) -> Connector:
    return Connector(**{**dict(row), "tags": json.loads(row["tags"]), "options": json.loads(row["options"])})
