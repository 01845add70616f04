# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connector rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Connector
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.store.connectors import (
    connectors_made_by,
    connectors_of,
    defaults_at,
    delete_connector,
    insert_connector,
    update_connector,
)
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import (
    CHAIN,
    CONNECTORS,
    MANAGERS,
    Database,
    StaleRow,
    Transaction,
)
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import insert_scope, set_default
from ansible_collections.scoped.secrets.plugins.module_utils.store.secrets import insert_secret, replace_references
from ansible_collections.scoped.secrets.tests.unit.store.rows import (
    account_row,
    connector_row,
    error_of,
    org_row,
    plans_of,
    project_row,
    secret_row,
)

API = ScopePath("payments", "api")
FULL = connector_row()._replace(
    name="Vault Büro",
    description="two\nlines",
    tags={"team": "payments"},
    options={"url": "https://vault:8200", "verify": True, "engines": ["a", 1, None]},
    kept=("token", "password"),
    is_removed=True,
    created_at="2026-11-23T00:00:00Z",
    updated_at="2026-11-24T00:00:00Z",
    digest=b"\xffdigest",
)


def insert(database: Database, *connectors: Connector) -> None:
    def work(tx: Transaction) -> None:
        for connector in connectors:
            insert_connector(tx, connector)

    database.write(work)


def found(database: Database, scope_id: str = "account-id") -> list[Connector]:
    return database.read(lambda tx: connectors_of(tx, scope_id))


def count(database: Database, table: str) -> int:
    return int(database.read(lambda tx: tx.one(f"SELECT count(*) AS found FROM {table}"))["found"])


def test_connector_round_trips(database: Database) -> None:
    insert(database, FULL, connector_row("other"))
    assert found(database) == [connector_row("other"), FULL]


def test_equal_options_are_stored_alike(database: Database) -> None:
    insert(database, connector_row()._replace(tags={"b": "2", "a": "1"}, options={"url": "u", "port": 1}))
    row = database.read(lambda tx: tx.one("SELECT tags, options FROM connector"))
    assert row
    assert dict(row) == {"tags": '{"a": "1", "b": "2"}', "options": '{"port": 1, "url": "u"}'}


@pytest.mark.parametrize(
    "change",
    [
        lambda tx: insert_connector(tx, connector_row("other")),
        lambda tx: update_connector(tx, connector_row()),
        lambda tx: delete_connector(tx, "vault-id"),
    ],
    ids=["insert", "update", "delete"],
)
def test_a_change_drops_the_cached_connectors_and_managers(
    database: Database, change: Callable[[Transaction], None]
) -> None:
    insert(database, connector_row())

    def work(tx: Transaction) -> set[str]:
        tx.known = {f"{CONNECTORS}x": [], f"{MANAGERS}x": [], f"{CHAIN}x": []}
        change(tx)
        return set(tx.known)

    assert database.write(work) == {f"{CHAIN}x"}


def test_connectors_are_found_by_the_manifest_that_made_them(database: Database) -> None:
    ours = connector_row("ours")._replace(made_by="a manifest")
    insert(database, ours, connector_row("theirs")._replace(made_by="another"), connector_row("nobodys"))
    made = [database.read(lambda tx, one=one: connectors_made_by(tx, one)) for one in ("a manifest", "")]
    assert made == [[ours], []]


def test_finds_connectors_of_one_scope_only(database: Database) -> None:
    database.write(lambda tx: insert_scope(tx, org_row()))
    insert(database, connector_row("vault", "payments-id"))
    assert found(database) == []
    assert found(database, "none") == []
    assert [connector.identifier for connector in found(database, "payments-id")] == ["vault"]


def test_connectors_are_listed_by_identifier(database: Database) -> None:
    insert(database, *map(connector_row, ("b", "a_2", "A", "a_10")))
    assert [connector.identifier for connector in found(database)] == ["A", "a_10", "a_2", "b"]


def test_identifiers_are_unique_within_a_scope(database: Database) -> None:
    insert(database, FULL)
    assert error_of(lambda: insert(database, FULL._replace(id="another-id"))).code == "store_failed"
    nowhere = FULL._replace(id="third-id", scope_id="no-such-scope")
    assert error_of(lambda: insert(database, nowhere)).code == "store_failed"


def test_update_writes_changeable_columns_only(database: Database) -> None:
    insert(database, connector_row(), connector_row("other"))
    wanted = FULL._replace(revision=0, created_at="", kind="hashicorp_vault")
    database.write(lambda tx: update_connector(tx, wanted._replace(kind="x", identifier="x", created_at="x")))
    assert found(database) == [connector_row("other"), wanted._replace(revision=1)]


def test_update_of_an_older_revision_is_stale(database: Database) -> None:
    insert(database, connector_row())

    def work(tx: Transaction) -> None:
        update_connector(tx, connector_row())
        with pytest.raises(StaleRow):
            update_connector(tx, connector_row())

    database.write(work)


def test_finds_scopes_with_this_default_manager(database: Database) -> None:
    database.write(lambda tx: insert_scope(tx, org_row()))
    insert(database, connector_row(), connector_row("other"))
    assert database.read(lambda tx: defaults_at(tx, "vault-id")) == []
    database.write(lambda tx: insert_scope(tx, project_row()))
    for scope in (project_row(), org_row(), account_row()):
        database.write(lambda tx, scope=scope: set_default(tx, scope, "vault-id"))
    assert database.read(lambda tx: defaults_at(tx, "vault-id")) == [ACCOUNT, ScopePath("payments"), API]
    assert database.read(lambda tx: defaults_at(tx, "other-id")) == []


def test_deleting_a_connector_deletes_its_references(database: Database) -> None:
    insert(database, connector_row(), connector_row("other"))

    def work(tx: Transaction) -> None:
        insert_secret(tx, secret_row())
        for user in ("vault-id", "other-id"):
            replace_references(tx, "connector", user, {"token_ref": "a-id"})
        delete_connector(tx, "vault-id")

    database.write(work)
    assert [connector.identifier for connector in found(database)] == ["other"]
    assert [count(database, table) for table in ("secret_reference", "secret")] == [1, 1]


def test_default_manager_can_not_be_deleted(database: Database) -> None:
    """The scopes with this default would have to be signed again, which this layer can't do."""
    insert(database, connector_row())
    database.write(lambda tx: set_default(tx, account_row(), "vault-id"))
    assert error_of(lambda: database.write(lambda tx: delete_connector(tx, "vault-id"))).code == "store_failed"


def test_connector_that_keeps_secrets_can_not_be_deleted(database: Database) -> None:
    insert(database, connector_row())
    database.write(lambda tx: insert_secret(tx, secret_row()._replace(connector_id="vault-id")))
    assert error_of(lambda: database.write(lambda tx: delete_connector(tx, "vault-id"))).code == "store_failed"
    assert len(found(database)) == 1


def test_connectors_of_a_scope_use_an_index(path: Path, database: Database) -> None:
    plans = plans_of(path, database, lambda tx: connectors_of(tx, "account-id"))
    assert [plan for plan in plans if plan.startswith("SCAN")] == []
