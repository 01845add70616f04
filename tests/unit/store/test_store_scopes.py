# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scope rows, their keys and their default managers."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.store.connectors import insert_connector
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Database, StaleRow, Transaction
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import (
    WrappedKey,
    add_wraps,
    children_of,
    delete_scope,
    find_chain,
    insert_key,
    insert_scope,
    keys_of,
    retire_keys,
    set_default,
    update_scope,
)
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
OLD = WrappedKey("account-id", 1, "active", "id", 0, b"\0wrapped", 0)
NEW = WrappedKey("account-id", 2, "active", "id", 0, b"\1wrapped", 0)


@pytest.fixture
def tree(database: Database) -> Database:
    """Two organizations, each with a project of the same identifier."""

    def work(tx: Transaction) -> None:
        for scope in (org_row("web"), org_row(), project_row("api", "web"), project_row(), project_row("Api")):
            insert_scope(tx, scope)

    database.write(work)
    return database


def ids(database: Database, path: ScopePath) -> list[str]:
    return [scope.id for scope in database.read(lambda tx: find_chain(tx, path))]


def test_scope_round_trips(database: Database) -> None:
    scope = org_row()._replace(
        name="Büro",
        description="d",
        tags={"a": "b"},
        builtin_enabled=False,
        inherits_managers=True,
        head=b"\0head",
        created_at="2026-11-23T00:00:00Z",
        updated_at="2026-11-24T00:00:00Z",
        tag=b"\xfftag",
    )
    database.write(lambda tx: insert_scope(tx, scope))
    assert database.read(lambda tx: find_chain(tx, scope.path)) == [account_row(), scope]


def test_chain_starts_at_the_account(tree: Database) -> None:
    assert ids(tree, ACCOUNT) == ["account-id"]
    assert ids(tree, ScopePath("web")) == ["account-id", "web-id"]
    assert ids(tree, API) == ["account-id", "payments-id", "payments-api-id"]
    assert ids(tree, ScopePath("web", "api")) == ["account-id", "web-id", "web-api-id"]


def test_chain_ends_at_a_missing_scope(tree: Database) -> None:
    assert ids(tree, ScopePath("none", "api")) == ["account-id"]
    assert ids(tree, ScopePath("payments", "none")) == ["account-id", "payments-id"]
    assert ids(tree, ScopePath("Payments")) == ["account-id"]
    assert ids(tree, ScopePath("api")) == ["account-id"]


def test_children_of_a_scope_by_identifier(tree: Database) -> None:
    children = tree.read(lambda tx: children_of(tx, account_row()))
    assert [child.path for child in children] == [ScopePath("payments"), ScopePath("web")]
    projects = tree.read(lambda tx: children_of(tx, org_row()))
    assert [child.path for child in projects] == [ScopePath("payments", "Api"), API]
    assert tree.read(lambda tx: children_of(tx, project_row())) == []


def test_update_writes_changeable_columns_only(tree: Database) -> None:
    wanted = org_row()._replace(name="New", description="d", tags={"t": "1"}, head=b"h", tag=b"t")
    wanted = wanted._replace(builtin_enabled=False, inherits_managers=True)
    tree.write(lambda tx: update_scope(tx, wanted._replace(parent_id="other", created_at="other")))
    found = tree.read(lambda tx: find_chain(tx, wanted.path))[-1]
    assert found == wanted._replace(revision=1)
    assert tree.read(lambda tx: find_chain(tx, ScopePath("web")))[-1] == org_row("web")


def test_update_of_an_older_revision_is_stale(tree: Database) -> None:
    def work(tx: Transaction) -> None:
        update_scope(tx, org_row())
        with pytest.raises(StaleRow):
            update_scope(tx, org_row())

    tree.write(work)


def test_default_manager_of_a_scope(tree: Database) -> None:
    tree.write(lambda tx: insert_connector(tx, connector_row("one", "payments-id")))
    tree.write(lambda tx: insert_connector(tx, connector_row("two", "payments-id")))
    for wanted in ("one-id", "two-id", None):
        tree.write(lambda tx, connector=wanted: set_default(tx, org_row(), connector))
        chain = tree.read(lambda tx: find_chain(tx, API))
        assert [scope.default_connector_id for scope in chain] == [None, wanted, None]


def test_deleting_a_scope_deletes_its_keys_and_default(tree: Database) -> None:
    def work(tx: Transaction) -> None:
        insert_connector(tx, connector_row())
        set_default(tx, project_row(), "vault-id")
        insert_key(tx, OLD._replace(scope_id="payments-api-id"), "now")
        insert_key(tx, OLD, "now")
        delete_scope(tx, project_row())

    tree.write(work)
    assert ids(tree, API) == ["account-id", "payments-id"]
    assert tree.read(lambda tx: keys_of(tx, "payments-api-id")) == []
    assert tree.read(lambda tx: keys_of(tx, "account-id")) == [OLD]


def test_deleting_a_scope_deletes_its_connectors_and_their_references(tree: Database) -> None:
    def work(tx: Transaction) -> list[int]:
        insert_secret(tx, secret_row())
        for identifier, scope_id in (("vault", "web-id"), ("other", "account-id")):
            insert_connector(tx, connector_row(identifier, scope_id))
            replace_references(tx, "connector", f"{identifier}-id", {"token_ref": "a-id"})
        delete_scope(tx, project_row("api", "web"))
        delete_scope(tx, org_row("web"))
        return [len(tx.all(f"SELECT * FROM {table}")) for table in ("connector", "secret_reference", "secret")]

    assert tree.write(work) == [1, 1, 1]
    assert ids(tree, ScopePath("web")) == ["account-id"]


def test_scope_with_children_can_not_be_deleted(tree: Database) -> None:
    assert error_of(lambda: tree.write(lambda tx: delete_scope(tx, org_row()))).code == "store_failed"
    assert ids(tree, API) == ["account-id", "payments-id", "payments-api-id"]


def test_keys_are_listed_newest_first(database: Database) -> None:
    def work(tx: Transaction) -> None:
        insert_key(tx, OLD, "now")
        add_wraps(tx, "account-id", 1, 1)
        add_wraps(tx, "account-id", 1, 1)
        insert_key(tx, OLD._replace(generation=0, state="destroyed"), "now")
        retire_keys(tx, "account-id")
        insert_key(tx, NEW, "now")
        add_wraps(tx, "account-id", 2, 1)

    database.write(work)
    destroyed = OLD._replace(generation=0, state="destroyed")
    expected = [NEW._replace(wraps=1), OLD._replace(wraps=2, state="decrypt_only"), destroyed]
    assert database.read(lambda tx: keys_of(tx, "account-id")) == expected
    assert error_of(lambda: database.write(lambda tx: insert_key(tx, NEW, "now"))).code == "store_failed"


def test_retiring_affects_one_scope_only(tree: Database) -> None:
    def work(tx: Transaction) -> None:
        for scope_id in ("account-id", "payments-id", "web-id"):
            insert_key(tx, OLD._replace(scope_id=scope_id), "now")
        retire_keys(tx, "payments-id")
        add_wraps(tx, "web-id", 1, 1)

    tree.write(work)
    keys = [tree.read(lambda tx, one=one: keys_of(tx, one))[0] for one in ("account-id", "payments-id", "web-id")]
    assert [(key.state, key.wraps) for key in keys] == [("active", 0), ("decrypt_only", 0), ("active", 1)]


def test_chain_lookups_use_an_index(path: Path, tree: Database) -> None:
    plans = plans_of(path, tree, lambda tx: (find_chain(tx, API), keys_of(tx, "account-id")))
    assert len(plans) >= 7
    assert [plan for plan in plans if not plan.startswith("SEARCH")] == []
