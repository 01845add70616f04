# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Audit records are read as they were written, in order and page by page; the head moves with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.store import audit
from ansible_collections.scoped.secrets.plugins.module_utils.store.audit import (
    Filters,
    StoredEvent,
    all_heads,
    append_events,
    count_by_scope,
    events_after,
    find_event,
    first_since,
    heads_of,
    insert_head,
    lock_head,
    remove_archived,
    stretch_of,
)
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Database, Transaction
from ansible_collections.scoped.secrets.tests.unit.store.rows import audit_event, audit_head, plans_of

EVENTS = [audit_event(number, identifier="a" if number % 2 else "b") for number in range(1, 8)]


@pytest.fixture
def filled(database: Database) -> Database:
    def work(tx: Transaction) -> None:
        insert_head(tx, audit_head())
        append_events(tx, EVENTS[:3], audit_head(3))
        append_events(tx, EVENTS[3:], audit_head(7))

    database.write(work)
    return database


def listed(database: Database, after: int = 0, limit: int = 0, **columns: str) -> list[StoredEvent]:
    filters = Filters([f"{name} = :{name}" for name in columns], columns)
    return database.read(lambda tx: list(events_after(tx, "account-id", after, filters, limit)))


@pytest.mark.parametrize("page", [1, 2, 3, 500])
def test_records_are_read_in_order_with_any_page_size(
    filled: Database, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(audit, "_PAGE", page)
    assert listed(filled) == EVENTS
    assert listed(filled, 4) == EVENTS[4:]
    assert listed(filled, 2, 3) == EVENTS[2:5]
    assert listed(filled, identifier="a", limit=2) == [EVENTS[0], EVENTS[2]]
    assert listed(filled, 7) == []
    assert filled.read(lambda tx: list(events_after(tx, "account-id", 0))) == EVENTS


def test_a_page_is_never_larger_than_what_is_left(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[str] = []
    every = Transaction.all

    def noted(tx: Transaction, statement: str, **parameters: Any) -> Any:
        limits.append(statement.rpartition(" ")[2])
        return every(tx, statement, **parameters)

    monkeypatch.setattr(Transaction, "all", noted)
    monkeypatch.setattr(audit, "_PAGE", 2)
    assert (listed(filled, limit=3), limits) == (EVENTS[:3], ["2", "1"])


def test_a_record_has_no_link_and_no_mac_until_it_is_chained() -> None:
    assert StoredEvent(*EVENTS[0][:-2])[-2:] == (b"", b"")


def test_text_in_place_of_bytes_is_read_as_it_is(path: Path, filled: Database) -> None:
    """SQLite lets who edits the file put it there: then the signature is wrong, which tells."""
    filled.write(lambda tx: tx.run("UPDATE audit_head SET link = 'text'"))
    head = filled.write(lambda tx: lock_head(tx, "account-id"))
    assert head
    assert head.link == b"text"


def test_finds_a_record_by_its_number(filled: Database) -> None:
    assert filled.read(lambda tx: find_event(tx, "account-id", 5)) == EVENTS[4]
    assert filled.read(lambda tx: find_event(tx, "account-id", 8)) is None
    assert filled.read(lambda tx: find_event(tx, "other-id", 5)) is None


def test_head_moves_to_the_last_record(filled: Database) -> None:
    assert filled.write(lambda tx: lock_head(tx, "account-id")) == audit_head(7)
    assert filled.write(lambda tx: lock_head(tx, "other-id")) is None
    filled.write(lambda tx: insert_head(tx, audit_head(0, "older-id")))
    filled.write(lambda tx: insert_head(tx, audit_head(0, "below-id", "account/a")))
    assert [head.scope_id for head in filled.read(lambda tx: heads_of(tx, "account"))] == ["account-id", "older-id"]


def test_sequence_numbers_are_unique(filled: Database) -> None:
    with pytest.raises(Exception, match=r".") as caught:
        filled.write(lambda tx: append_events(tx, [EVENTS[6]], audit_head(7)))
    assert "store" in getattr(caught.value, "code", "")


def test_a_page_uses_an_index(path: Path, filled: Database) -> None:
    plans = plans_of(path, filled, lambda tx: list(events_after(tx, "account-id", 3)))
    assert plans
    assert [plan for plan in plans if not plan.startswith("SEARCH") or "INDEX" not in plan] == []


def test_archived_records_are_removed_and_the_head_says_so(filled: Database) -> None:
    head = audit_head(7)._replace(archived=3, archived_link=b"link 3", verified=5, verified_link=b"link 5", tag=b"new")
    assert filled.write(lambda tx: remove_archived(tx, head)) == 3
    assert (listed(filled), filled.write(lambda tx: lock_head(tx, "account-id"))) == (EVENTS[3:], head)
    assert filled.read(lambda tx: stretch_of(tx, "account-id")) == (4, 4, 7)
    assert filled.read(lambda tx: stretch_of(tx, "other-id")) == (0, 0, 0)
    filled.write(lambda tx: insert_head(tx, audit_head(2, "older-id")))
    assert filled.read(count_by_scope) == {"account": (6, 3)}
    assert [head.scope_id for head in filled.read(all_heads)] == ["account-id", "older-id"]


def test_records_that_are_not_from_before_a_time_are_found(database: Database) -> None:
    events = [audit_event(number, recorded_at=at) for number, at in enumerate("abdcd", 1)]

    def work(tx: Transaction) -> None:
        insert_head(tx, audit_head())
        append_events(tx, events, audit_head(5))

    database.write(work)
    found = [database.read(lambda tx, at=at: first_since(tx, "account-id", 1, at)) for at in "abcde"]
    assert found == [2, 2, 3, 3, None]


def test_counting_reads_no_record(path: Path, filled: Database) -> None:
    (plan,) = plans_of(path, filled, lambda tx: stretch_of(tx, "account-id"))
    assert "COVERING INDEX" in plan
