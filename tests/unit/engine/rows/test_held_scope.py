# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With the key of one scope everything works there and below, and nothing above or beside it opens."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.context import Context
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.encoding import encode_fields
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.envelope import open_envelope
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.exported_key import read_key_text
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.scopekey import ScopeKey
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.held_scope import HeldScope, exported_key_of
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.opening import open_store
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Scope
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import keys_of
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    check,
    declare,
    error_of,
    exported,
    holding,
    in_session,
    read,
    shown,
    store_path,
)
from ansible_collections.scoped.secrets.tests.unit.engine.templates import made_once

API: dict[str, Any] = {"org": "payments", "project": "api"}
WEB: dict[str, Any] = {"org": "payments", "project": "web"}
OTHER: dict[str, Any] = {"org": "other", "project": "api"}
ORG: dict[str, Any] = {"org": "payments"}
SCOPES: tuple[dict[str, Any], ...] = ({}, ORG, API, WEB, {"org": "other"}, OTHER)


@pytest.fixture
def site(settings: Settings, engine: Engine) -> Settings:
    """A store where each scope has a secret and a connector of the same name."""
    fill(engine)
    return settings


@made_once
def fill(engine: Engine) -> None:
    for scope in SCOPES:
        if scope:
            declare(engine, "scope", **scope)
        declare(engine, "secret_text", **scope, identifier="same", value=value_of(scope))
        vault = "-".join(["account", *scope.values()])
        declare(engine, "connector_memory_vault", **scope, identifier="vault", token="good", vault=vault)
        declare(engine, "secret_text", **scope, identifier="kept", value=value_of(scope), secret_manager="vault")


def value_of(scope: dict[str, Any]) -> bytes:
    return ("of " + "/".join(["account", *scope.values()])).encode()


@pytest.fixture
def project(site: Settings) -> Engine:
    """An engine with the project's key and no other."""
    return holding(site, **API)


# Within


def test_values_of_the_scope_are_read(project: Engine) -> None:
    assert read(project, "same", **API) == value_of(API)
    assert read(project, "kept", **API) == value_of(API)


def test_everything_can_be_declared_in_the_scope(project: Engine, site: Settings) -> None:
    assert declare(project, "secret_text", **API, identifier="fresh", value=b"1").changed
    assert declare(project, "secret_text", **API, identifier="fresh", value=b"2").changed
    assert not declare(project, "secret_text", **API, identifier="fresh", value=b"2").changed
    assert check(project, "secret_text", **API, identifier="fresh", value=b"3").changed
    declare(project, "secret_file", **API, identifier="file", value=b"\xff")
    declare(project, "secret_ssh", **API, identifier="host", user="web", password="p")
    declare(project, "connector_memory_vault", **API, identifier="second", token="good", use_as_default=True)
    declare(project, "secret_text", **API, identifier="there", value=b"there")
    declare(project, "default_secret_manager", **API, secret_manager="builtin")
    declare(project, "scope", **API, description="by the team")
    declare(project, "secret_text", **API, identifier="kept", state="absent")
    owner = Engine(site)
    values = [read(owner, name, **API) for name in ("fresh@1", "fresh", "file", "there")]
    assert values == [b"1", b"2", b"\xff", b"there"]
    assert shown(owner, "scope_info", **API, verify=True)[0]["description"] == "by the team"


def test_the_scope_is_listed_and_checked(project: Engine) -> None:
    assert [one["identifier"] for one in shown(project, "secret_info", **API)] == ["kept", "same", "vault_token"]
    assert [one["identifier"] for one in shown(project, "connector_info", **API)] == ["builtin", "vault"]
    assert shown(project, "connector_check", **API, identifier="vault")["status"] == "ready"
    assert [one["project"] for one in shown(project, "scope_info", **API, recursive=True, verify=True)] == ["api"]


def test_with_an_organizations_key_projects_are_created_and_removed(site: Settings) -> None:
    org = holding(site, **ORG)
    assert declare(org, "scope", org="payments", project="later").changed
    declare(org, "secret_text", org="payments", project="later", identifier="a", value=b"a")
    assert read(org, "same", **WEB) == value_of(WEB)
    assert read(org, "org.same", **API) == value_of(ORG)
    names = [one["project"] for one in shown(org, "scope_info", **ORG, recursive=True, verify=True)]
    assert names == ["", "api", "later", "web"]
    assert declare(org, "scope", org="payments", project="later", state="absent", force=True).changed
    assert read(Engine(site), "same", **API) == value_of(API)


def test_the_accounts_key_opens_everything_but_is_not_a_root_key(site: Settings) -> None:
    account = holding(site)
    assert [read(account, "same", **scope) for scope in SCOPES] == [value_of(scope) for scope in SCOPES]
    assert declare(account, "scope", org="later").changed
    assert error_of(lambda: declare(account, "store_backup", dest="/tmp/never")).code == "root_key_needed"


def test_the_doctor_tells_what_the_key_opens(project: Engine) -> None:
    checks = {check["check"]: check for check in declare(project, "doctor").returned["checks"]}
    assert checks["scope key"]["verdict"] == "ok"
    assert "opens project 'payments/api' and everything below" in checks["scope key"]["message"]
    assert "root key" not in checks


# Above and beside


@pytest.mark.parametrize("scope", [scope for scope in SCOPES if scope != API], ids=str)
@pytest.mark.parametrize(
    "call",
    [
        lambda engine, scope: read(engine, "same", **scope),
        lambda engine, scope: read(engine, "kept", **scope),
        lambda engine, scope: read(engine, "no_such", **scope),
        lambda engine, scope: read(engine, "hashicorpvault://vault/same", **scope),
        lambda engine, scope: declare(engine, "secret_info", **scope),
        lambda engine, scope: declare(engine, "connector_info", **scope),
        lambda engine, scope: declare(engine, "connector_check", **scope, identifier="vault"),
        lambda engine, scope: declare(engine, "scope_info", **scope),
        lambda engine, scope: declare(engine, "scope", **scope, description="x"),
        lambda engine, scope: declare(engine, "secret_text", **scope, identifier="same", value=b"x"),
        lambda engine, scope: declare(engine, "secret_text", **scope, identifier="same", state="absent", force=True),
        lambda engine, scope: declare(engine, "secret_ssh", **scope, identifier="h", user="u", password="p"),
        lambda engine, scope: declare(engine, "default_secret_manager", **scope, secret_manager="vault"),
        lambda engine, scope: declare(engine, "connector_memory_vault", **scope, identifier="x", token="good"),
        lambda engine, scope: check(engine, "secret_text", **scope, identifier="x", value=b"x"),
    ],
    ids=lambda _call: "call",
)
def test_other_scopes_are_locked(
    project: Engine, scope: dict[str, Any], call: Callable[[Engine, dict[str, Any]], object]
) -> None:
    error = error_of(lambda: call(project, scope))
    assert (error.code, error.category) == ("scope_locked", "forbidden")
    assert "opens project 'payments/api'" in error.message
    assert "secret_share" in error.hint


@pytest.mark.parametrize("reference", ["org.same", "account.same", "org.nosuch", "account.hashicorpvault://vault/x"])
def test_references_upward_are_locked(project: Engine, reference: str) -> None:
    assert error_of(lambda: read(project, reference, **API)).code == "scope_locked"


@pytest.mark.parametrize("scope", [{"org": "payments", "project": "nosuch"}, {"org": "nosuch"}], ids=str)
def test_errors_do_not_reveal_what_exists_elsewhere(project: Engine, scope: dict[str, Any]) -> None:
    assert error_of(lambda: read(project, "same", **scope)).code == "scope_locked"
    assert error_of(lambda: declare(project, "scope", **scope)).code == "scope_locked"


def test_removing_a_locked_scope_changes_nothing(project: Engine, site: Settings) -> None:
    assert error_of(lambda: declare(project, "scope", **WEB, state="absent", force=True)).code == "scope_locked"
    assert read(Engine(site), "same", **WEB) == value_of(WEB)


@pytest.mark.parametrize("ask", [declare, check])
def test_a_scope_is_not_removed_with_its_own_key(project: Engine, ask: Callable[..., Any]) -> None:
    """The scope above signs what is in it."""
    error = error_of(lambda: ask(project, "scope", **API, state="absent", force=True))
    assert (error.code, "Organization 'payments' can't be opened" in error.message) == ("scope_locked", True)
    assert shown(project, "scope_info", **API)


def test_the_store_as_a_whole_is_locked(project: Engine, tmp_path: Path) -> None:
    assert error_of(lambda: declare(project, "store_info")).code == "scope_locked"
    assert error_of(lambda: declare(project, "store_backup", dest=str(tmp_path / "b"))).code == "root_key_needed"
    assert list(tmp_path.glob("b*")) == []


def test_a_restore_needs_the_root_key(site: Settings, tmp_path: Path) -> None:
    declare(Engine(site), "store_backup", dest=str(tmp_path / "b"))
    other = site._replace(store=f"sqlite:///{tmp_path}/other/store.db", scope_key=exported(site, **API))
    error = error_of(lambda: declare(Engine(other), "store_restore", src=str(tmp_path / "b")))
    assert error.code == "root_key_needed"


# Managers of a higher scope


@pytest.fixture
def inheriting(settings: Settings, engine: Engine) -> Settings:
    """A store whose project keeps a secret at its organization's connector, the project's default."""
    declare(engine, "scope", inherited_managers="allowed")
    declare(engine, "scope", **ORG)
    declare(engine, "scope", **API)
    declare(engine, "connector_memory_vault", **ORG, identifier="vault", token="good")
    declare(engine, "default_secret_manager", **API, secret_manager="org.vault")
    declare(engine, "secret_text", **API, identifier="above", value=b"above")
    declare(engine, "secret_text", **API, identifier="own", value=b"own", secret_manager="builtin")
    return settings


def test_a_manager_of_a_higher_scope_is_named_and_not_used(inheriting: Settings, cloud: Cloud) -> None:
    project = holding(inheriting, **API)
    secrets = {one["identifier"]: one["secret_manager"] for one in shown(project, "secret_info", **API)}
    assert secrets == {"above": "org.vault", "own": "builtin"}
    asked = len(cloud.asked)
    calls: tuple[Callable[[], object], ...] = (
        lambda: read(project, "above", **API),
        lambda: declare(project, "secret_text", **API, identifier="above", value=b"x"),
        lambda: declare(project, "secret_text", **API, identifier="above", state="absent"),
        lambda: declare(project, "secret_text", **API, identifier="above", state="absent", force=True),
        lambda: declare(project, "secret_text", **API, identifier="fresh", value=b"x"),
        lambda: check(project, "secret_text", **API, identifier="fresh", value=b"x"),
        lambda: declare(project, "secret_text", **API, identifier="fresh", value=b"x", secret_manager="org.vault"),
        lambda: declare(project, "default_secret_manager", **API, secret_manager="org.vault"),
    )
    for call in calls:
        error = error_of(call)
        assert (error.code, "Organization 'payments'" in error.message) == ("scope_locked", True)
    assert len(cloud.asked) == asked
    assert declare(project, "secret_text", **API, identifier="fresh", value=b"x", secret_manager="builtin").changed
    only_the_row = declare(project, "secret_text", **API, identifier="above", description="only the row")
    assert (only_the_row.changed, "keeps its description" in only_the_row.warnings[-1]) == (True, True)
    assert len(cloud.asked) == asked
    assert read(Engine(inheriting), "above", **API) == b"above"


def test_rows_of_higher_scopes_are_not_trusted(inheriting: Settings, cloud: Cloud) -> None:
    """Somebody who can write to the database can't redirect a project's secrets with a row of a higher scope."""
    key = exported(inheriting, **API)
    with sqlite3.connect(store_path(inheriting)) as database:
        database.execute("UPDATE connector SET options = '{}', digest = zeroblob(32)")
        database.execute("UPDATE scope SET inherits_managers = 1, tag = zeroblob(36) WHERE level <> 'project'")
    project = holding_text(inheriting, key)
    assert read(project, "own", **API) == b"own"
    assert error_of(lambda: read(project, "above", **API)).code == "scope_locked"


def holding_text(settings: Settings, text: str) -> Engine:
    return Engine(settings._replace(root_key_file="/none", scope_key=text))


# With access to the database


def test_no_row_of_another_scope_opens_with_the_key(site: Settings) -> None:
    """What a thief of the project's key can do with a copy of the database, without the code of the engine."""
    held = read_key_text(exported(site, **API), "the test")
    with closing(sqlite3.connect(store_path(site))) as database:
        database.row_factory = sqlite3.Row
        scopes = {row["id"]: row for row in database.execute("SELECT * FROM scope")}
        versions = database.execute(
            "SELECT * FROM secret_version JOIN secret ON secret.id = secret_id WHERE connector_id IS NULL"
        ).fetchall()
        wrapped = database.execute("SELECT * FROM scope_key").fetchall()
    opened = [scopes[row["scope_id"]]["id"] for row in versions if opens(held.store_id, held.key, scopes, row)]
    assert set(opened) == {held.key.scope_id}
    assert len(versions) > len(opened) == 2
    for row in wrapped:
        scope = scopes[row["scope_id"]]
        context = encode_fields("scope key", held.store_id, scope["level"], scope["id"], scope["parent_id"], 1)
        with pytest.raises(Damaged):
            held.key.unwrap_child(row["wrapped"], scope_id=row["scope_id"], generation=1, context=context)


def opens(store_id: str, key: ScopeKey, scopes: dict[str, Any], row: Any) -> bool:
    scope = scopes[row["scope_id"]]
    context = Context(store_id, scope["level"], scope["id"], row["secret_id"], row["kind"], "value", row["version"])
    # The key as it is, and relabeled as the other scope's.
    for candidate in (key, ScopeKey(scope["id"], 1, key.export())):
        try:
            open_envelope(row["envelope"], context, wrapper=candidate)
        except Damaged:
            continue
        return True
    return False


def test_rows_moved_from_another_scope_open_nothing(site: Settings) -> None:
    key = exported(site, **API)
    with sqlite3.connect(store_path(site)) as database:
        ids = {
            tuple(row[:2]): row[2]
            for row in database.execute(
                "SELECT parent.identifier || '/' || scope.identifier, secret.identifier, secret.id FROM secret "
                "JOIN scope ON scope.id = secret.scope_id JOIN scope AS parent ON parent.id = scope.parent_id"
            )
        }
        ours, theirs = ids["payments/api", "same"], ids["payments/web", "same"]
        (envelope,) = database.execute("SELECT envelope FROM secret_version WHERE secret_id = ?", (theirs,)).fetchone()
        database.execute("UPDATE secret_version SET envelope = ? WHERE secret_id = ?", (envelope, ours))
    assert error_of(lambda: read(holding_text(site, key), "same", **API)).code == "damaged_row"
    with sqlite3.connect(store_path(site)) as database:
        (scope_id,) = database.execute("SELECT scope_id FROM secret WHERE id = ?", (ours,)).fetchone()
        moved = (scope_id, "moved", theirs)
        database.execute("UPDATE secret SET scope_id = ?, identifier = ? WHERE id = ?", moved)
    assert error_of(lambda: read(holding_text(site, key), "moved", **API)).code == "rolled_back"


def test_edited_rows_of_keys_do_not_replace_the_held_key(site: Settings) -> None:
    """The held key is the one that counts, whatever the rows of keys contain."""
    key = exported(site, **API)
    with sqlite3.connect(store_path(site)) as database:
        database.execute("UPDATE scope_key SET wrapped = zeroblob(60)")
    assert read(holding_text(site, key), "same", **API) == value_of(API)


# Which keys are accepted


def test_a_key_of_another_store_is_refused(site: Settings, tmp_path: Path) -> None:
    other = site._replace(store=f"sqlite:///{tmp_path}/other/store.db")
    declare(Engine(other), "scope", **ORG)
    error = error_of(lambda: read(holding_text(site, exported(other, **ORG)), "same", **ORG))
    assert (error.code, "is for store" in error.message) == ("wrong_key", True)


def test_the_key_of_a_removed_scope_is_refused(site: Settings) -> None:
    key = exported(site, **API)
    declare(Engine(site), "scope", **API, state="absent", force=True)
    declare(Engine(site), "scope", **API)
    error = error_of(lambda: read(holding_text(site, key), "same", **API))
    assert (error.code, "opens nothing in the store" in error.message) == ("wrong_key", True)


def renew(settings: Settings) -> None:
    in_session(settings, lambda session: session.keyring.renew(session.tx, session.chain(ScopePath(**API))))


def test_a_newer_key_opens_what_is_sealed_with_older_ones(site: Settings) -> None:
    renew(site)
    declare(Engine(site), "secret_text", **API, identifier="second", value=b"second")
    renew(site)
    project = holding(site, **API)
    assert [read(project, name, **API) for name in ("same", "second")] == [value_of(API), b"second"]
    assert not declare(project, "secret_text", **API, identifier="same", value=value_of(API)).changed
    assert declare(project, "secret_text", **API, identifier="same", value=b"changed").changed
    assert read(project, "same@1", **API) == value_of(API)
    assert shown(project, "scope_info", **API, verify=True)[0]["secrets"] == 4


def test_an_older_key_opens_nothing_newer(site: Settings) -> None:
    key = exported(site, **API)
    assert read(holding_text(site, key), "same", **API) == value_of(API)
    renew(site)
    error = error_of(lambda: read(holding_text(site, key), "same", **API))
    assert (error.code, "generation 2 is needed" in error.message) == ("scope_key_outdated", True)


def test_a_newer_key_does_not_open_a_destroyed_generation(site: Settings) -> None:
    renew(site)

    def destroy(session: Session) -> list[bytes]:
        chain = session.chain(ScopePath(**API))
        before = [row.under_active for row in keys_of(session.tx, chain[-1].id)]
        session.keyring.destroy(session.tx, chain, 1)
        return [*before, *(row.under_active for row in keys_of(session.tx, chain[-1].id))]

    newest, older, *after = in_session(site, destroy)
    assert (newest, len(older), after) == (b"", 60, [b"", b""])


def test_a_worn_out_key_can_only_be_renewed_from_above(site: Settings) -> None:
    store = open_store(holding(site, **API).settings, create=False)
    store.keyring._max_wraps = 8

    def wrap(session: Session) -> None:
        chain = session.chain(ScopePath(**API))
        for _time in range(9):
            session.keyring.for_wrapping(session.tx, chain)

    error = error_of(lambda: store.database.write(lambda tx: wrap(Session(tx, store.store_id, store.keyring))))
    assert error.code == "scope_locked"


@pytest.mark.parametrize(
    ("text", "code"),
    [("sssk1:cut", "malformed_scope_key"), ("AAAA", "malformed_scope_key")],
)
def test_malformed_keys_are_refused(site: Settings, text: str, code: str) -> None:
    error = error_of(lambda: read(holding_text(site, text), "same", **API))
    assert (error.code, "SCOPED_SECRETS_SCOPE_KEY" in error.message) == (code, True)


def test_a_scope_key_takes_precedence_over_a_root_key(site: Settings) -> None:
    both = Engine(site._replace(scope_key=exported(site, **API)))
    assert error_of(lambda: read(both, "same")).code == "scope_locked"


def test_the_key_may_be_in_a_file(site: Settings, tmp_path: Path) -> None:
    file = tmp_path / "api.key"
    file.write_text(exported(site, **API) + "\n")
    file.chmod(0o600)
    engine = Engine(site._replace(root_key_file="/none", scope_key_file=str(file)))
    assert read(engine, "same", **API) == value_of(API)
    assert str(file) in error_of(lambda: read(engine, "same")).message


def test_a_scope_key_creates_no_store(site: Settings, tmp_path: Path) -> None:
    nowhere = site._replace(
        store=f"sqlite:///{tmp_path}/new/store.db", scope_key=exported(site, **API), is_local_default=True
    )
    assert error_of(lambda: read(Engine(nowhere), "same", **API)).code == "root_key_needed"
    assert error_of(lambda: declare(Engine(nowhere), "scope", **API)).code == "root_key_needed"
    assert not (tmp_path / "new").exists()


def test_unfinished_changes_of_other_scopes_are_left_alone(site: Settings, cloud: Cloud) -> None:
    def leave(session: Session) -> None:
        chain = session.chain(ACCOUNT)
        session.tx.insert(
            "intent", id="i", scope_id=chain[-1].id, connector_id="c", path="p", goal="present", process="",
            created_at="2020-01-01T00:00:00Z", tag=b"\0" * 36, about="",
        )  # fmt: skip

    in_session(site, leave)
    assert declare(holding(site, **API), "secret_text", **API, identifier="x", value=b"x").warnings == []
    assert declare(Engine(site), "secret_text", **API, identifier="y", value=b"x").warnings != []


def test_refusals_elsewhere_are_recorded_in_the_held_scope(site: Settings) -> None:
    project = holding(site, **API)
    error_of(lambda: read(project, "same", **WEB))
    error_of(lambda: declare(project, "secret_text", **WEB, identifier="same", value=b"x"))
    assert project.take_notices() == []
    events = declare(project, "audit_info", **API, verify=True).returned["events"]
    refused = [one for one in events if one["outcome"] == "scope_locked"]
    assert [one["action"] for one in refused] == ["read", "write"]
    assert error_of(lambda: declare(project, "audit_info", **WEB)).code == "scope_locked"


# The scope itself


CHAIN = [
    Scope("a", ACCOUNT, None, "n"),
    Scope("p", ScopePath("payments"), "a", "n"),
    Scope("i", ScopePath(**API), "p", "n"),
]


@pytest.mark.parametrize(("scope_id", "depth", "is_last"), [("a", 0, False), ("p", 1, False), ("i", 2, True)])
def test_where_the_held_scope_is_in_a_chain(scope_id: str, depth: int, is_last: bool) -> None:
    held = HeldScope(ScopeKey(scope_id, 1, bytes(32)), CHAIN[depth].path, "the test")
    assert (held.depth_in(CHAIN, ScopePath(**API)), held.is_last_of(CHAIN)) == (depth, is_last)
    assert held.is_last_of(CHAIN[: depth + 1])


@pytest.mark.parametrize(
    ("length", "scope"), [(1, "The account"), (2, "Organization 'payments'"), (3, "Project 'payments/api'")]
)
def test_a_chain_without_the_held_scope_is_locked(length: int, scope: str) -> None:
    held = HeldScope(ScopeKey("elsewhere", 1, bytes(32)), ScopePath("other"), "the test")
    error = error_of(lambda: held.is_last_of(CHAIN[:length]))
    assert error.code == "scope_locked"
    assert error.message.startswith(f"{scope} can't be opened: the scope key from the test opens organization 'other'")


def test_the_source_of_a_key_is_named(site: Settings, tmp_path: Path) -> None:
    key = exported(site, **API)
    file = tmp_path / "scope.key"
    file.write_text(f"{key}\n", encoding="utf-8")
    file.chmod(0o600)
    sources = {"SCOPED_SECRETS_SCOPE_KEY": {"scope_key": key}, f"the file {file}": {"scope_key_file": str(file)}}
    for source, given in sources.items():
        error = error_of(lambda given=given: read(Engine(site._replace(root_key_file="/none", **given)), "same"))  # type: ignore[misc]
        assert f"the scope key from {source} opens" in error.message
    assert exported_key_of(site) is None
