# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements on intents: changes at providers that were begun and are not finished."""

from __future__ import annotations

from collections.abc import Iterable

from ..model.entities import Intent
from ..model.typed_rows import typed
from .database import Transaction

__all__ = ["claim_intent", "delete_intents", "insert_intent", "pending_intents", "release_intents", "unfinished"]


def insert_intent(tx: Transaction, intent: Intent) -> None:
    tx.insert("intent", **intent._asdict())


def unfinished(tx: Transaction) -> list[Intent]:
    """Return all intents, oldest first."""
    rows = tx.all("SELECT * FROM intent ORDER BY created_at, id")
    return [typed(Intent, row) for row in rows]


def pending_intents(tx: Transaction) -> int:
    """Count the intents."""
    return tx.count("SELECT count(*) AS found FROM intent")


def claim_intent(tx: Transaction, intent: Intent, process: str, now: str) -> bool:
    """Assign an intent to a process, as of `now`; return false if another one was faster or the intent is gone."""
    touched = tx.run(
        """UPDATE intent SET process = :process, created_at = :now
        WHERE id = :id AND process = :seen AND created_at = :seen_at""",
        process=process,
        now=now,
        id=intent.id,
        seen=intent.process,
        seen_at=intent.created_at,
    )
    return touched == 1


def release_intents(tx: Transaction, ids: Iterable[str], process: str) -> None:
    """Release the intents that a process gave up, so that others can finish them."""
    for intent_id in ids:
        tx.run("UPDATE intent SET process = '' WHERE id = :id AND process = :process", id=intent_id, process=process)


def delete_intents(tx: Transaction, ids: Iterable[str]) -> None:
    for intent_id in ids:
        tx.run("DELETE FROM intent WHERE id = :id", id=intent_id)
