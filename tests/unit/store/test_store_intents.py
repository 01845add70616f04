# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Intents are kept in order, and belong to one process at a time."""

from __future__ import annotations

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Intent
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Database, Transaction
from ansible_collections.scoped.secrets.plugins.module_utils.store.intents import (
    claim_intent,
    delete_intents,
    insert_intent,
    pending_intents,
    release_intents,
    unfinished,
)

FIRST = Intent("b", "account-id", "vault-id", "app/b", "present", "process", "2026-01-01T00:00:00Z", b"\xfftag")
SECOND = FIRST._replace(id="a", path="app/a", goal="absent", created_at="2026-01-01T00:00:01Z")
NOW = "2026-02-02T00:00:00Z"


@pytest.fixture
def begun(database: Database) -> Database:
    def work(tx: Transaction) -> None:
        for intent in (SECOND, FIRST):
            insert_intent(tx, intent)

    assert database.read(pending_intents) == 0
    database.write(work)
    return database


def test_intents_round_trip_oldest_first(begun: Database) -> None:
    assert begun.read(unfinished) == [FIRST, SECOND]
    assert begun.read(pending_intents) == 2


@pytest.mark.parametrize(
    ("seen", "is_claimed"),
    [
        (FIRST, True),
        (FIRST._replace(process="another"), False),
        (FIRST._replace(created_at=NOW), False),
        (FIRST._replace(id="gone"), False),
    ],
    ids=["unchanged", "of another", "begun again", "gone"],
)
def test_an_intent_is_claimed_as_it_was_seen(begun: Database, seen: Intent, is_claimed: bool) -> None:
    assert begun.write(lambda tx: claim_intent(tx, seen, "ours", NOW)) is is_claimed
    claimed = SECOND, FIRST._replace(process="ours", created_at=NOW)
    assert begun.read(unfinished) == (list(claimed) if is_claimed else [FIRST, SECOND])


@pytest.mark.parametrize(("process", "left"), [("process", ""), ("another", "process")])
def test_only_the_own_intents_are_released(begun: Database, process: str, left: str) -> None:
    begun.write(lambda tx: release_intents(tx, ["b", "gone"], process))
    assert begun.read(unfinished) == [FIRST._replace(process=left), SECOND]


def test_intents_are_deleted_by_their_ids(begun: Database) -> None:
    begun.write(lambda tx: delete_intents(tx, ["b", "gone"]))
    assert begun.read(unfinished) == [SECOND]
