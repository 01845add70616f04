# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements about intents: what was begun at providers, and is not finished."""

from __future__ import annotations

from collections.abc import Iterable

from ..model.entities import Intent
from .database import Transaction

__all__ = ["delete_intents", "insert_intent", "pending_intents", "release_intents", "unfinished"]


def insert_intent(tx: Transaction, intent: Intent) -> None:
    tx.insert("intent", **intent._asdict())


def unfinished(tx: Transaction) -> list[Intent]:
    """Return all intents, the oldest first."""
    rows = tx.all("SELECT * FROM intent ORDER BY created_at, id")
    return [Intent(**{**dict(row), "tag": bytes(row["tag"])}) for row in rows]


def pending_intents(tx: Transaction) -> int:
    """Count the intents."""
    row = tx.one("SELECT count(*) AS found FROM intent")
    return int(row["found"]) if row else 0


def release_intents(tx: Transaction, ids: Iterable[str]) -> None:
    """Let others finish what this process gives up."""
    for intent_id in ids:
        tx.run("UPDATE intent SET process = '' WHERE id = :id", id=intent_id)


def delete_intents(tx: Transaction, ids: Iterable[str]) -> None:
    for intent_id in ids:
        tx.run("DELETE FROM intent WHERE id = :id", id=intent_id)
