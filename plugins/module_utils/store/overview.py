# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements that summarise a whole store."""

from __future__ import annotations

from typing import NamedTuple

from .database import Row, Transaction

__all__ = ["Generations", "count_by_manager", "generations_in_use", "store_row"]


class Generations(NamedTuple):
    """How many versions of a scope's secrets one generation of its key wraps."""

    scope_id: str
    generation: int
    versions: int


def store_row(tx: Transaction) -> Row:
    """Return the row of the store itself."""
    return dict(tx.one("SELECT id, created_at, schema_version, root_key_id, kdf FROM store") or {})


def count_by_manager(tx: Transaction) -> dict[tuple[str, str | None, str], int]:
    """Return the number of secrets by scope id, connector id (None: built-in manager) and kind of secret."""
    rows = tx.all("SELECT scope_id, connector_id, kind, count(*) AS found FROM secret GROUP BY 1, 2, 3")
    return {(row["scope_id"], row["connector_id"], row["kind"]): int(row["found"]) for row in rows}


def generations_in_use(tx: Transaction) -> list[Generations]:
    """Return, for each scope, the generations of its key that wrap versions of its secrets."""
    rows = tx.all(
        """SELECT secret.scope_id, secret_version.key_generation, count(*) AS found
        FROM secret_version JOIN secret ON secret.id = secret_version.secret_id GROUP BY 1, 2 ORDER BY 1, 2"""
    )
    return [Generations(row["scope_id"], int(row["key_generation"]), int(row["found"])) for row in rows]
