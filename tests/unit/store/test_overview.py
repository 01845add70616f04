# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a whole store holds, in numbers."""

from __future__ import annotations

from ansible_collections.scoped.secrets.plugins.module_utils.store.connectors import insert_connector
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Database, Transaction
from ansible_collections.scoped.secrets.plugins.module_utils.store.overview import (
    Generations,
    count_by_manager,
    generations_in_use,
    store_row,
)
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import insert_scope
from ansible_collections.scoped.secrets.plugins.module_utils.store.secrets import insert_secret, insert_version
from ansible_collections.scoped.secrets.tests.unit.store.rows import connector_row, org_row, secret_row, version_row


def fill(tx: Transaction) -> None:
    """Add three secrets to the account, one of which a connector keeps, and one to an organization."""
    insert_scope(tx, org_row())
    insert_connector(tx, connector_row())
    for secret in (
        secret_row("a"),
        secret_row("b"),
        secret_row("c")._replace(connector_id="vault-id", kind="file"),
        secret_row("d", "payments-id"),
    ):
        insert_secret(tx, secret)
    for secret_id, version, generation in (("a-id", 1, 1), ("a-id", 2, 1), ("b-id", 1, 2), ("d-id", 1, 1)):
        insert_version(tx, version_row(secret_id, version)._replace(key_generation=generation))


def test_secrets_by_manager_and_kind(database: Database) -> None:
    assert database.read(count_by_manager) == {}
    database.write(fill)
    assert database.read(count_by_manager) == {
        ("account-id", None, "text"): 2,
        ("account-id", "vault-id", "file"): 1,
        ("payments-id", None, "text"): 1,
    }


def test_generations_that_versions_need(database: Database) -> None:
    database.write(fill)
    assert database.read(generations_in_use) == [
        Generations("account-id", 1, 2),
        Generations("account-id", 2, 1),
        Generations("payments-id", 1, 1),
    ]


def test_the_row_of_the_store(database: Database) -> None:
    row = database.read(store_row)
    assert (row["id"], row["schema_version"], row["root_key_id"]) == ("the-store", 1, "none")
    database.write(lambda tx: tx.run("DELETE FROM store"))
    assert database.read(store_row) == {}
