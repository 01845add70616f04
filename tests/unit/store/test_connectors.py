# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connector rows."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.scoped.secrets.plugins.module_utils.store.connectors import (
    connector_by_id,
    connectors_of,
    find_connector,
    insert_connector,
)
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Database
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import insert_scope
from ansible_collections.scoped.secrets.tests.unit.store.rows import connector_row, error_of, org_row

FULL = replace(
    connector_row(),
    name="Vault Büro",
    description="two\nlines",
    tags={"team": "payments"},
    options={"url": "https://vault:8200", "verify": True, "engines": ["a", 1, None]},
    created_at="2026-11-23T00:00:00Z",
    updated_at="2026-11-24T00:00:00Z",
)


def test_a_connector_reads_back_as_written(database: Database) -> None:
    database.write(lambda tx: insert_connector(tx, FULL))
    assert database.read(lambda tx: find_connector(tx, "account-id", "vault")) == FULL
    assert database.read(lambda tx: connector_by_id(tx, "vault-id")) == FULL


def test_connectors_are_found_in_their_own_scope_only(database: Database) -> None:
    database.write(lambda tx: insert_scope(tx, org_row()))
    database.write(lambda tx: insert_connector(tx, connector_row("vault", "payments-id")))
    assert database.read(lambda tx: find_connector(tx, "account-id", "vault")) is None
    assert database.read(lambda tx: connectors_of(tx, "account-id")) == []
    assert database.read(lambda tx: connector_by_id(tx, "vault")) is None
    assert database.read(lambda tx: find_connector(tx, "payments-id", "VAULT")) is None


def test_connectors_are_listed_by_identifier(database: Database) -> None:
    for identifier in ("b", "a_2", "A", "a_10"):
        database.write(lambda tx, name=identifier: insert_connector(tx, connector_row(name)))
    found = database.read(lambda tx: connectors_of(tx, "account-id"))
    assert [connector.identifier for connector in found] == ["A", "a_10", "a_2", "b"]


def test_an_identifier_is_there_once_per_scope(database: Database) -> None:
    database.write(lambda tx: insert_connector(tx, FULL))
    again = replace(FULL, id="another-id")
    assert error_of(lambda: database.write(lambda tx: insert_connector(tx, again))).code == "store_failed"
    nowhere = replace(FULL, id="third-id", scope_id="no-such-scope")
    assert error_of(lambda: database.write(lambda tx: insert_connector(tx, nowhere))).code == "store_failed"
