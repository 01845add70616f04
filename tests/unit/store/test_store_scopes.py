# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scope rows, their keys and their default managers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Scope
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.store.connectors import insert_connector
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import (
    CHAIN,
    CONNECTORS,
    MANAGERS,
    Database,
    StaleRow,
    Transaction,
)
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import (
    WrappedKey,
    add_wraps,
    children_of,
    children_wrapped_elsewhere,
    defaults_made_by,
    delete_scope,
    find_chain,
    insert_key,
    insert_scope,
    keys_of,
    path_of,
    replace_wrapped,
    retire_keys,
    scopes_made_by,
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
OLD = WrappedKey("account-id", 1, "active", "id", b"public", 0, b"\0wrapped", 0)
NEW = WrappedKey("account-id", 2, "active", "id", b"public", 0, b"\1wrapped", 0)


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
        tags={"b": "2", "a": "1"},
        made_by="a manifest",
        builtin_enabled=False,
        inherits_managers=True,
        secrets_root=b"\0root",
        secrets_depth=3,
        secrets_count=2**40,
        connectors_digest=b"\1",
        shares_digest=b"\2",
        keys_digest=b"\3",
        created_at="2026-11-23T00:00:00Z",
        updated_at="2026-11-24T00:00:00Z",
        tag=b"\xfftag",
    )
    database.write(lambda tx: insert_scope(tx, scope))
    assert database.read(lambda tx: find_chain(tx, scope.path)) == [account_row(), scope]
    row = database.read(lambda tx: tx.one("SELECT tags FROM scope WHERE level = 'org'"))
    assert row
    assert row["tags"] == '{"a": "1", "b": "2"}'


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
    wanted = org_row()._replace(name="New", description="d", tags={"t": "1"}, secrets_root=b"r", tag=b"t")
    wanted = wanted._replace(builtin_enabled=False, inherits_managers=True, updated_at="u")
    wanted = wanted._replace(children_root=b"c", audit_sequence=3, audit_link=b"l", epoch=7, revision=1)
    tree.write(lambda tx: update_scope(tx, wanted._replace(parent_id="other", created_at="other")))
    found = tree.read(lambda tx: find_chain(tx, wanted.path))[-1]
    assert found == wanted
    assert tree.read(lambda tx: find_chain(tx, ScopePath("web")))[-1] == org_row("web")


def test_update_of_an_older_revision_is_stale(tree: Database) -> None:
    def work(tx: Transaction) -> None:
        update_scope(tx, org_row()._replace(revision=1))
        for revision in (0, 1, 3):
            with pytest.raises(StaleRow):
                update_scope(tx, org_row()._replace(revision=revision))

    tree.write(work)


def test_default_manager_of_a_scope(tree: Database) -> None:
    tree.write(lambda tx: insert_connector(tx, connector_row("one", "payments-id")))
    tree.write(lambda tx: insert_connector(tx, connector_row("two", "payments-id")))
    for wanted, made_by in (("one-id", "a manifest"), ("two-id", ""), (None, "")):
        tree.write(lambda tx, connector=wanted, by=made_by: set_default(tx, org_row(), connector, by))
        chain = tree.read(lambda tx: find_chain(tx, API))
        assert [scope.default_connector_id for scope in chain] == [None, wanted, None]
        assert [scope.default_made_by for scope in chain] == ["", made_by, ""]
        made = tree.read(lambda tx: defaults_made_by(tx, "a manifest"))
        assert made == (["payments-id"] if made_by else [])
    tree.write(lambda tx: set_default(tx, org_row(), "one-id"))
    assert tree.read(lambda tx: find_chain(tx, API))[1].default_made_by == ""
    assert tree.read(lambda tx: defaults_made_by(tx, "")) == []


def test_a_path_is_found_by_its_id(tree: Database) -> None:
    ids = ("account-id", "web-id", "payments-api-id", "none")
    paths = [tree.read(lambda tx, one=one: path_of(tx, one)) for one in ids]
    assert paths == [ACCOUNT, ScopePath("web"), API, ACCOUNT]


def test_scopes_are_found_by_the_manifest_that_made_them(tree: Database) -> None:
    tree.write(lambda tx: insert_scope(tx, org_row("ours")._replace(made_by="a manifest")))
    assert [tree.read(lambda tx, one=one: scopes_made_by(tx, one)) for one in ("a manifest", "")] == [["ours-id"], []]


def test_children_with_a_key_under_another_generation(tree: Database) -> None:
    """Destroyed generations are not under the parent's key any more."""
    rows = [("payments-id", 1, "active", 1), ("web-id", 1, "destroyed", 1), ("web-id", 2, "active", 2)]
    for scope_id, generation, state, parent in rows:
        key = OLD._replace(scope_id=scope_id, generation=generation, state=state, parent_generation=parent)
        tree.write(lambda tx, key=key: insert_key(tx, key, "now"))
    tree.write(lambda tx: insert_key(tx, OLD._replace(scope_id="payments-api-id", parent_generation=1), "now"))

    def left(scope: Scope, generation: int, limit: int = 9) -> list[ScopePath]:
        return [one.path for one in tree.read(lambda tx: children_wrapped_elsewhere(tx, scope, generation, limit))]

    payments, web = ScopePath("payments"), ScopePath("web")
    assert [left(account_row(), generation) for generation in (1, 2, 3)] == [[web], [payments], [payments, web]]
    assert (left(account_row(), 3, 1), left(org_row(), 2), left(org_row(), 1)) == ([payments], [API], [])


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda tx: insert_scope(tx, org_row("other")), {CONNECTORS, "payments-api-id"}),
        (lambda tx: update_scope(tx, org_row()._replace(revision=1)), {CONNECTORS, "payments-api-id"}),
        (lambda tx: set_default(tx, org_row(), None), {CONNECTORS, "payments-api-id"}),
        (lambda tx: delete_scope(tx, project_row()), set()),
        (lambda tx: insert_key(tx, OLD._replace(scope_id="payments-api-id"), "now"), {CHAIN, MANAGERS, CONNECTORS}),
        (lambda tx: retire_keys(tx, "payments-api-id"), {CHAIN, MANAGERS, CONNECTORS}),
        (lambda tx: replace_wrapped(tx, OLD._replace(scope_id="payments-api-id")), {CHAIN, MANAGERS, CONNECTORS}),
    ],
    ids=["insert", "update", "default", "delete", "new key", "retired keys", "rewrapped key"],
)
def test_a_change_drops_the_cached_rows_it_concerns(
    tree: Database, change: Callable[[Transaction], None], left: set[str]
) -> None:
    def work(tx: Transaction) -> set[str]:
        tx.known = dict.fromkeys((CHAIN, MANAGERS, CONNECTORS, "payments-api-id"))
        change(tx)
        return set(tx.known)

    assert tree.write(work) == left


def test_a_generation_is_wrapped_again(database: Database) -> None:
    new = OLD._replace(state="decrypt_only", parent_generation=3, wrapped=b"w", under_active=b"u", is_handed_out=True)

    def work(tx: Transaction) -> None:
        insert_key(tx, OLD, "now")
        insert_key(tx, NEW, "now")
        replace_wrapped(tx, new)

    database.write(work)
    assert database.read(lambda tx: keys_of(tx, "account-id")) == [NEW, new]


def test_wraps_are_counted_in_the_cache_too(database: Database) -> None:
    def work(tx: Transaction) -> list[int]:
        for key in (OLD, NEW):
            insert_key(tx, key, "now")
        assert keys_of(tx, "account-id") is keys_of(tx, "account-id")
        add_wraps(tx, "account-id", 1, 5)
        return [key.wraps for key in keys_of(tx, "account-id")]

    assert database.write(work) == [0, 5]
    assert [key.wraps for key in database.read(lambda tx: keys_of(tx, "account-id"))] == [0, 5]
    assert (*OLD[:7], 0, b"", False) == WrappedKey(*OLD[:7])


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
