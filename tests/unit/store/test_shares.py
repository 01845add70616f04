# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares are found by the secret's scope and identifier, and deleted with the secret or the scope."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Share
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Database, Transaction
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import delete_scope, insert_scope
from ansible_collections.scoped.secrets.plugins.module_utils.store.secrets import delete_secret, insert_secret
from ansible_collections.scoped.secrets.plugins.module_utils.store.shares import (
    delete_share,
    find_share,
    insert_share,
    share_of,
    shares_made_by,
    shares_with,
)
from ansible_collections.scoped.secrets.tests.unit.store.rows import org_row, plans_of, secret_row

ORG = "payments-id"


def share(secret: str = "a") -> Share:
    return Share(
        f"{secret}-id", ORG, 3, 2, b"wrapped", b"digest", "", "2026-11-23", b"tag", "account-id", secret, "text", ""
    )


@pytest.fixture(autouse=True)
def filled(database: Database) -> None:
    """Insert an organization, two secrets of the account, and a share of each."""

    def work(tx: Transaction) -> None:
        insert_scope(tx, org_row())
        for name in ("a", "b"):
            insert_secret(tx, secret_row(name))
            insert_share(tx, share(name))

    database.write(work)


def test_share_round_trips(database: Database) -> None:
    assert database.read(lambda tx: find_share(tx, "account-id", "a", ORG)) == share()
    assert database.read(lambda tx: share_of(tx, "a-id", ORG)) == share()
    assert database.read(lambda tx: shares_with(tx, ORG)) == [share("a"), share("b")]


@pytest.mark.parametrize(
    ("owner", "name", "scope"), [("x", "a", ORG), ("account-id", "A", ORG), ("account-id", "a", "account-id")]
)
def test_finds_the_exact_share_only(database: Database, owner: str, name: str, scope: str) -> None:
    assert database.read(lambda tx: find_share(tx, owner, name, scope)) is None


def test_shares_are_found_by_the_manifest_that_made_them(database: Database) -> None:
    made = share("a")._replace(made_by="a manifest")
    database.write(lambda tx: delete_share(tx, share("a")))
    database.write(lambda tx: insert_share(tx, made))
    found = [database.read(lambda tx, one=one: shares_made_by(tx, one)) for one in ("a manifest", "another", "")]
    assert found == [[made], [], []]


def test_deleting_one_share_keeps_the_others(database: Database) -> None:
    database.write(lambda tx: delete_share(tx, share("a")))
    assert database.read(lambda tx: shares_with(tx, ORG)) == [share("b")]


def test_shares_are_deleted_with_their_secret_or_scope(database: Database) -> None:
    database.write(lambda tx: delete_secret(tx, "a-id"))
    assert database.read(lambda tx: shares_with(tx, ORG)) == [share("b")]
    database.write(lambda tx: delete_scope(tx, org_row()))
    assert database.read(lambda tx: shares_with(tx, ORG)) == []


def test_every_query_uses_an_index(path: Path, database: Database) -> None:
    def work(tx: Transaction) -> None:
        find_share(tx, "account-id", "a", ORG)
        share_of(tx, "a-id", ORG)
        shares_with(tx, ORG)

    plans = plans_of(path, database, work)
    assert [plan for plan in plans if plan.startswith("SCAN")] == []
