# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secret rows, their versions and users; lists are paged, and every lookup uses an index."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Secret, SecretUser, Share
from ansible_collections.scoped.secrets.plugins.module_utils.store.connectors import insert_connector
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Database, StaleRow, Transaction
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import insert_scope
from ansible_collections.scoped.secrets.plugins.module_utils.store.secrets import (
    PAGE,
    count_kept,
    count_secrets,
    delete_secret,
    find_kept,
    find_secret,
    find_version,
    insert_secret,
    insert_version,
    kept_by,
    newest_version,
    older_digests,
    replace_references,
    secrets_kept_by,
    secrets_made_by,
    secrets_of,
    update_secret,
    used_by,
    users_of,
    versions_of,
)
from ansible_collections.scoped.secrets.plugins.module_utils.store.shares import insert_share
from ansible_collections.scoped.secrets.tests.unit.store.rows import (
    connector_row,
    error_of,
    org_row,
    plans_of,
    secret_row,
    version_row,
)

ACCOUNT = "account-id"
FULL = secret_row()._replace(
    name="Büro",
    description="d",
    tags={"b": "2", "a": "1"},
    options={"url": "u", "port": 1},
    kept=("token",),
    shared_with=("payments-id",),
    made_by="a manifest",
    connector_id="vault-id",
    path="app/a",
    reference_key="/field",
    is_reference=True,
    current_version=7,
    version_digest=b"\xffversion",
    history=b"\xffhistory",
    expires_at="2027-01-01T00:00:00Z",
    created_at="2026-11-23T00:00:00Z",
    updated_at="2026-11-24T00:00:00Z",
    digest=b"\xffdigest",
)


def insert(database: Database, *secrets: Secret) -> None:
    def work(tx: Transaction) -> None:
        for secret in secrets:
            insert_secret(tx, secret)

    database.write(work)


def use(tx: Transaction, kind: str, user_id: str, field: str, secret_id: str = "a-id") -> None:
    tx.insert("secret_reference", user_kind=kind, user_id=user_id, field=field, secret_id=secret_id)


def count(database: Database, table: str) -> int:
    return int(database.read(lambda tx: tx.one(f"SELECT count(*) AS found FROM {table}"))["found"])


def test_secret_round_trips(database: Database) -> None:
    database.write(lambda tx: insert_connector(tx, connector_row()))
    insert(database, FULL, secret_row("b"))
    assert database.read(lambda tx: find_secret(tx, ACCOUNT, "a")) == FULL
    assert database.read(lambda tx: find_secret(tx, ACCOUNT, "b")) == secret_row("b")
    row = database.read(lambda tx: tx.one("SELECT tags, options FROM secret WHERE identifier = 'a'"))
    assert row
    assert dict(row) == {"tags": '{"a": "1", "b": "2"}', "options": '{"port": 1, "url": "u"}'}


def test_secret_is_found_in_its_scope_by_its_exact_identifier(database: Database) -> None:
    database.write(lambda tx: insert_scope(tx, org_row()))
    insert(database, secret_row("a"), secret_row("a")._replace(id="other-id", scope_id="payments-id"))
    found = [database.read(lambda tx, scope=scope: find_secret(tx, scope, "a")) for scope in (ACCOUNT, "payments-id")]
    assert [secret.id for secret in found if secret] == ["a-id", "other-id"]
    for scope, identifier in ((ACCOUNT, "A"), (ACCOUNT, "a "), (ACCOUNT, "%"), ("none", "a")):
        assert database.read(lambda tx, scope=scope, name=identifier: find_secret(tx, scope, name)) is None


def test_identifiers_are_unique_within_a_scope(database: Database) -> None:
    insert(database, secret_row("a"))
    assert error_of(lambda: insert(database, secret_row("a")._replace(id="other-id"))).code == "store_failed"


def test_update_writes_changeable_columns_only(database: Database) -> None:
    insert(database, secret_row("a"), secret_row("b"))
    wanted = secret_row("a")._replace(name="N", description="d", tags={"t": ""}, current_version=2, expires_at="e")
    wanted = wanted._replace(updated_at="u", digest=b"t", path="p", reference_key="k", options={"o": 1})
    wanted = wanted._replace(kept=("token",), shared_with=("payments-id",))
    fixed = {"kind": "file", "identifier": "x", "created_at": "x", "connector_id": "x", "is_reference": True}
    database.write(lambda tx: update_secret(tx, wanted._replace(**fixed)))
    assert database.read(lambda tx: find_secret(tx, ACCOUNT, "a")) == wanted._replace(revision=1)
    assert database.read(lambda tx: find_secret(tx, ACCOUNT, "b")) == secret_row("b")


def test_update_of_an_older_revision_is_stale(database: Database) -> None:
    insert(database, secret_row("a"))

    def work(tx: Transaction) -> None:
        update_secret(tx, secret_row("a"))
        with pytest.raises(StaleRow):
            update_secret(tx, secret_row("a"))

    database.write(work)


@pytest.mark.parametrize("extra", [-1, 0, 1, PAGE + 1])
def test_list_of_several_pages_is_complete_and_in_order(database: Database, extra: int) -> None:
    identifiers = [f"s{number}" for number in range(PAGE + extra)]
    insert(database, *map(secret_row, reversed(identifiers)))
    found = database.read(lambda tx: [secret.identifier for secret in secrets_of(tx, ACCOUNT)])
    assert found == sorted(identifiers)
    assert database.read(lambda tx: count_secrets(tx, ACCOUNT)) == len(identifiers)


def test_list_holds_secrets_of_one_scope_only(database: Database) -> None:
    database.write(lambda tx: insert_scope(tx, org_row()))
    insert(database, secret_row("b"), secret_row("A"), secret_row("c", "payments-id"), secret_row("_"))
    found = database.read(lambda tx: [secret.identifier for secret in secrets_of(tx, ACCOUNT)])
    assert found == ["A", "_", "b"]


def test_secrets_are_counted_by_manager(database: Database) -> None:
    database.write(lambda tx: insert_scope(tx, org_row()))
    for identifier in ("vault", "other"):
        database.write(lambda tx, name=identifier: insert_connector(tx, connector_row(name)))
    below = secret_row("below", "payments-id")._replace(connector_id="vault-id")
    insert(database, secret_row("b"), secret_row("c"), FULL, below)
    kept = [database.read(lambda tx, one=one: count_kept(tx, one)) for one in ("vault-id", "other-id", "none")]
    assert kept == [2, 0, 0]
    assert database.read(lambda tx: count_secrets(tx, ACCOUNT)) == 3
    assert database.read(lambda tx: count_secrets(tx, ACCOUNT, builtin_only=True)) == 2
    assert database.read(lambda tx: count_secrets(tx, "payments-id", builtin_only=True)) == 0
    assert database.read(lambda tx: count_secrets(tx, "none")) == 0


def test_kept_secrets_are_listed_up_to_a_limit(database: Database) -> None:
    database.write(lambda tx: insert_connector(tx, connector_row()))
    insert(database, *(secret_row(name)._replace(connector_id="vault-id") for name in ("c", "a", "b")), secret_row("z"))
    assert database.read(lambda tx: kept_by(tx, "vault-id", 2)) == ["a", "b"]
    assert database.read(lambda tx: kept_by(tx, "vault-id", 9)) == ["a", "b", "c"]
    assert database.read(lambda tx: kept_by(tx, "none", 9)) == []
    assert database.read(lambda tx: secrets_kept_by(tx, "vault-id", 2)) == ["a-id", "b-id"]


def test_a_kept_value_is_found_by_its_place_and_no_reference_to_it(database: Database) -> None:
    database.write(lambda tx: insert_connector(tx, connector_row()))
    kept = secret_row("kept")._replace(connector_id="vault-id", path="app/kept")
    insert(database, kept._replace(id="r-id", identifier="reference", is_reference=True), kept)
    places = [("vault-id", "app/kept"), ("vault-id", "app/other"), ("other-id", "app/kept")]
    assert [database.read(lambda tx, at=at: find_kept(tx, *at)) for at in places] == [kept, None, None]


def test_secrets_are_found_by_the_manifest_that_made_them(database: Database) -> None:
    ours = secret_row("a")._replace(made_by="ours")
    insert(database, ours, secret_row("b")._replace(made_by="theirs"), secret_row("c"))
    assert [database.read(lambda tx, one=one: secrets_made_by(tx, one)) for one in ("ours", "")] == [[ours], []]


def test_references_are_replaced_completely(database: Database) -> None:
    insert(database, secret_row("a"), secret_row("b"))
    for user, used in (("one", {"x": "a-id", "y": "b-id"}), ("two", {"x": "a-id"}), ("one", {"x": "b-id"})):
        database.write(lambda tx, user=user, used=used: replace_references(tx, "connector", user, used))
    rows = database.read(lambda tx: tx.all("SELECT user_id, field, secret_id FROM secret_reference ORDER BY user_id"))
    assert [tuple(dict(row).values()) for row in rows] == [("one", "x", "b-id"), ("two", "x", "a-id")]
    database.write(lambda tx: replace_references(tx, "secret", "two", {}))
    assert count(database, "secret_reference") == 2
    database.write(lambda tx: replace_references(tx, "connector", "two", {}))
    assert count(database, "secret_reference") == 1
    used = [database.read(lambda tx, kind=kind: used_by(tx, kind, "one")) for kind in ("connector", "secret")]
    assert used == [{"b-id"}, set()]


def test_versions_round_trip(database: Database) -> None:
    insert(database, secret_row("a"), secret_row("b"))
    first = version_row(version=1)
    second = version_row(version=10)._replace(state="deleted", envelope=b"", at_provider="7f3a")
    for version in (second, first, version_row("b-id", version=3)):
        database.write(lambda tx, one=version: insert_version(tx, one))
    assert database.read(lambda tx: versions_of(tx, "a-id")) == [first, second]
    assert database.read(lambda tx: find_version(tx, "a-id", 10)) == second
    assert database.read(lambda tx: find_version(tx, "a-id", 3)) is None
    assert database.read(lambda tx: older_digests(tx, "a-id", 10)) == [(1, first.digest)]
    newest = [database.read(lambda tx, one=one: newest_version(tx, one)) for one in ("a-id", "b-id", "none")]
    assert newest == [10, 3, 0]
    assert error_of(lambda: database.write(lambda tx: insert_version(tx, first))).code == "store_failed"


def test_users_of_a_secret(database: Database) -> None:
    insert(database, secret_row("a"), secret_row("b"), secret_row("login"))

    def work(tx: Transaction) -> None:
        insert_connector(tx, connector_row())
        use(tx, "secret", "login-id", "password_ref")
        use(tx, "connector", "vault-id", "token_ref")
        use(tx, "connector", "vault-id", "ca_ref")
        use(tx, "connector", "vault-id", "other_ref", secret_id="b-id")

    database.write(work)
    assert database.read(lambda tx: users_of(tx, "a-id")) == [
        SecretUser("connector", "vault", "ca_ref", "vault-id"),
        SecretUser("connector", "vault", "token_ref", "vault-id"),
        SecretUser("secret", "login", "password_ref", "login-id"),
    ]
    assert database.read(lambda tx: users_of(tx, "login-id")) == []


def test_deleting_a_secret_deletes_its_versions_and_references(database: Database) -> None:
    insert(database, secret_row("a"), secret_row("b"))

    def work(tx: Transaction) -> None:
        insert_connector(tx, connector_row())
        for secret_id in ("a-id", "b-id"):
            insert_version(tx, version_row(secret_id, 1))
            insert_version(tx, version_row(secret_id, 2))
            use(tx, "connector", "vault-id", f"{secret_id}_ref", secret_id)
            share = Share(secret_id, "payments-id", 1, 1, b"w", b"d", "", "now", b"t", ACCOUNT, "x", "text", "")
            insert_share(tx, share)
        use(tx, "secret", "a-id", "password_ref", "b-id")
        delete_secret(tx, "a-id")

    database.write(lambda tx: insert_scope(tx, org_row()))

    database.write(work)
    assert database.read(lambda tx: find_secret(tx, ACCOUNT, "a")) is None
    tables = ("secret", "secret_version", "secret_reference", "secret_share")
    assert [count(database, table) for table in tables] == [1, 2, 1, 1]
    assert database.read(lambda tx: users_of(tx, "b-id")) == [SecretUser("connector", "vault", "b-id_ref", "vault-id")]


def test_every_lookup_of_a_secret_uses_an_index(path: Path, database: Database) -> None:
    def work(tx: Transaction) -> None:
        find_secret(tx, ACCOUNT, "a")
        find_version(tx, "a-id", 1)
        newest_version(tx, "a-id")
        versions_of(tx, "a-id")
        users_of(tx, "a-id")
        list(secrets_of(tx, ACCOUNT))
        count_secrets(tx, ACCOUNT)
        count_secrets(tx, ACCOUNT, builtin_only=True)
        count_kept(tx, "vault-id")
        kept_by(tx, "vault-id", 20)
        older_digests(tx, "a-id", 3)

    plans = plans_of(path, database, work)
    assert len(plans) >= 11
    assert [plan for plan in plans if plan.startswith("SCAN")] == []
    searches = [plan for plan in plans if plan.startswith("SEARCH")]
    assert all("INDEX" in plan for plan in searches), searches
