# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret that is shared opens with the key of the scope that it is shared with; nothing else does."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.context import Context
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.envelope import open_envelope
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.exported_key import read_key_text
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows import signed_rows
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.sharing import (
    _Wrapping,
    mark_share,
    rewrap_shares,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.crypto import independent
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
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

ORG: dict[str, Any] = {"org": "payments"}
API: dict[str, Any] = {"org": "payments", "project": "api"}
WEB: dict[str, Any] = {"org": "payments", "project": "web"}
TO_API = {"to_org": "payments", "to_project": "api"}
SHARED = "SELECT id FROM secret WHERE identifier = 'shared'"
OTHER = "SELECT id FROM secret WHERE identifier = 'other'"


@pytest.fixture
def site(settings: Settings, engine: Engine) -> Settings:
    """A store where the account shares one of its secrets with a project, and keeps another to itself."""
    fill(engine)
    return settings


@made_once
def fill(engine: Engine) -> None:
    for scope in (ORG, API, WEB):
        declare(engine, "scope", **scope)
    declare(engine, "secret_text", identifier="shared", value=b"first")
    declare(engine, "secret_text", identifier="other", value=b"of the account")
    declare(engine, "secret_share", identifier="shared", **TO_API)


# Reading


def test_the_scope_reads_it_and_nothing_else(site: Settings) -> None:
    project = holding(site, **API)
    assert read(project, "account.shared", **API) == b"first"
    for reference, scope in (("account.other", API), ("org.shared", API), ("shared", {}), ("account.shared", WEB)):
        error = error_of(lambda reference=reference, scope=scope: read(project, reference, **scope))  # type: ignore[misc]
        assert error.code == "scope_locked"
    assert error_of(lambda: read(holding(site, **WEB), "account.shared", **WEB)).code == "scope_locked"
    assert error_of(lambda: read(holding(site, **ORG), "account.shared", **ORG)).code == "scope_locked"


def test_a_share_with_an_organization_holds_for_what_lies_below_it(site: Settings, engine: Engine) -> None:
    declare(engine, "secret_share", identifier="other", to_org="payments")
    org = holding(site, **ORG)
    assert [read(org, "account.other", **scope) for scope in (ORG, API, WEB)] == [b"of the account"] * 3
    assert error_of(lambda: read(holding(site, **API), "account.other", **API)).code == "scope_locked"


def test_new_versions_are_shared_and_only_the_newest(site: Settings, engine: Engine) -> None:
    for value in (b"second", b"third"):
        declare(engine, "secret_text", identifier="shared", value=value)
        assert read(holding(site, **API), "account.shared", **API) == value
    project = holding(site, **API)
    assert read(project, "account.shared@3", **API) == b"third"
    assert error_of(lambda: read(project, "account.shared@1", **API)).code == "version_not_shared"


def test_fields_and_files_are_read(site: Settings, engine: Engine) -> None:
    declare(engine, "secret_text", identifier="fields", value=b'{"a": {"b": "c"}}')
    declare(engine, "secret_file", identifier="large", value=b"\xff" * 200_000)
    for identifier in ("fields", "large"):
        declare(engine, "secret_share", identifier=identifier, **TO_API)
    project = holding(site, **API)
    assert read(project, "account.fields#/a/b", **API) == b"c"
    assert read(project, "account.large", **API) == b"\xff" * 200_000


def test_what_the_owner_says_of_it_holds(site: Settings, engine: Engine) -> None:
    declare(engine, "secret_text", identifier="shared", value=b"first", expires="2001-01-01")
    assert error_of(lambda: read(holding(site, **API), "account.shared", **API)).code == "secret_expired"
    declare(engine, "secret_text", identifier="shared", value=b"first", expires="")
    assert read(holding(site, **API), "account.shared", **API) == b"first"
    declare(engine, "secret_text", identifier="shared", state="absent")
    assert error_of(lambda: read(holding(site, **API), "account.shared", **API)).code == "scope_locked"
    declare(engine, "secret_text", identifier="shared", value=b"another one")
    assert error_of(lambda: read(holding(site, **API), "account.shared", **API)).code == "scope_locked"


def test_it_is_refused_once_it_expires(site: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answers that an engine caches must not outlive what it was given a share of."""
    declare(engine, "secret_text", identifier="shared", value=b"first", expires="2999-01-01")
    project = holding(site, **API)
    (answer,) = project.resolve([Query("account.shared", **API)])
    assert (answer.value, answer.expires_at) == (b"first", "2999-01-01T00:00:00Z")
    monkeypatch.setattr(signed_rows, "now", lambda: "2999-01-01T00:00:00Z")
    assert error_of(lambda: read(project, "account.shared", **API)).code == "secret_expired"


def test_what_uses_it_in_the_scope_works(site: Settings, engine: Engine, cloud: Cloud) -> None:
    declare(engine, "secret_text", identifier="token", value=b"good")
    declare(engine, "secret_share", identifier="token", **TO_API)
    project = holding(site, **API)
    declare(project, "connector_memory_vault", **API, identifier="vault", token_ref="account.token")
    declare(project, "secret_text", **API, identifier="there", value=b"x", secret_manager="vault")
    declare(project, "secret_ssh", **API, identifier="host", user="web", password_ref="account.shared")
    again = holding(site, **API)
    assert read(again, "there", **API) == b"x"
    assert read(again, "host#password", **API) == b"first"
    users = shown(engine, "secret_info", identifier="token")[0]["used_by"]
    assert users == [{"kind": "connector", "identifier": "vault", "field": "token_ref"}]
    error = error_of(
        lambda: declare(project, "secret_ssh", **API, identifier="h", user="w", password_ref="account.other")
    )
    assert error.code == "scope_locked"


def test_it_survives_a_new_key_of_the_scope_and_of_the_owner(site: Settings) -> None:
    for path in (ACCOUNT, ScopePath(**API)):
        in_session(site, lambda session, path=path: session.keyring.renew(session.tx, session.chain(path)))  # type: ignore[misc]
    assert read(holding(site, **API), "account.shared", **API) == b"first"
    declare(Engine(site), "secret_text", identifier="shared", value=b"second")
    assert read(holding(site, **API), "account.shared", **API) == b"second"


def test_a_rotation_moves_the_shares_of_its_scope_and_no_others(site: Settings, engine: Engine) -> None:
    declare(engine, "secret_text", identifier="more", value=b"more")
    for shared_with in ({"to_org": "payments"}, TO_API):
        declare(engine, "secret_share", identifier="more", **shared_with)
    assert in_session(site, lambda session: rewrap_shares(session, session.chain(ScopePath(**API)))) == 0
    declare(engine, "key_rotation", target="scope", **API)
    declare(engine, "key_rotation", target="scope", **API, destroy_generation=1)

    def generations() -> list[tuple[str, int, int]]:
        found = rows(site, "SELECT * FROM secret_share JOIN scope ON scope.id = scope_id ORDER BY identifier")
        return [(row["identifier"], row["key_generation"], row["tag"][3]) for row in found]

    def values() -> list[bytes]:
        return [read(holding(site, **API), f"account.{name}", **API) for name in ("shared", "more")]

    assert generations() == [("api", 2, 1), ("api", 2, 1), ("payments", 1, 1)]
    assert values() == [b"first", b"more"]
    # The key of the secret's scope signs, that of the scope which has the share wraps.
    declare(engine, "key_rotation", target="scope")
    declare(engine, "key_rotation", target="scope", destroy_generation=1)
    assert generations() == [("api", 2, 2), ("api", 2, 2), ("payments", 1, 2)]
    assert values() == [b"first", b"more"]
    declare(engine, "scope_info", recursive=True, verify=True)


def test_the_mark_of_a_manifest_stays_on_a_share(site: Settings, engine: Engine) -> None:
    def mark(session: Session, path: ScopePath) -> None:
        secret = session.secret(session.chain(ACCOUNT), "shared")
        assert secret
        mark_share(session, secret, session.chain(path), "the manifest")

    in_session(site, lambda session: mark(session, ScopePath(**WEB)))
    assert [row["made_by"] for row in rows(site, "SELECT made_by FROM secret_share")] == [""]
    in_session(site, lambda session: mark(session, ScopePath(**API)))
    declare(engine, "secret_text", identifier="shared", value=b"second")
    declare(engine, "key_rotation", target="scope", **API)
    assert [row["made_by"] for row in rows(site, "SELECT made_by FROM secret_share")] == ["the manifest"]
    assert read(holding(site, **API), "account.shared", **API) == b"second"
    declare(engine, "scope_info", recursive=True, verify=True)


def test_a_backup_has_the_shares(site: Settings, engine: Engine, tmp_path: Path) -> None:
    key = exported(site, **API)
    declare(engine, "store_backup", dest=str(tmp_path / "b"))
    there = site._replace(store=f"sqlite:///{tmp_path}/restored/store.db")
    declare(Engine(there), "store_restore", src=str(tmp_path / "b"))
    project = Engine(there._replace(root_key_file="/none", scope_key=key))
    assert read(project, "account.shared", **API) == b"first"
    declare(Engine(there), "store_backup", dest=str(tmp_path / "c"))


# Taken back


def test_what_was_taken_back_opens_nothing_any_more(site: Settings, engine: Engine) -> None:
    """Whoever kept the data key, or a copy of the row that has it, has nothing of the store as it is now."""
    held = read_key_text(exported(site, **API), "the test")
    before = rows(site, "SELECT * FROM secret_share")[0]
    assert opened(site, held, before) == b"first"
    result = declare(engine, "secret_share", identifier="shared", **TO_API, state="absent")
    assert rows(site, "SELECT * FROM secret_share") == []
    with pytest.raises(Damaged):
        opened(site, held, before)
    assert "Change the value at its source" in result.warnings[0]
    assert read(engine, "shared") == b"first"
    assert error_of(lambda: read(holding(site, **API), "account.shared", **API)).code == "scope_locked"
    declare(engine, "scope_info", recursive=True, verify=True)


def rows(settings: Settings, statement: str) -> list[Any]:
    with closing(sqlite3.connect(store_path(settings))) as database:
        database.row_factory = sqlite3.Row
        return database.execute(statement).fetchall()


def opened(settings: Settings, held: Any, share: Any, **elsewhere: str | int) -> bytes:
    """Return what a thief of the project's key and of the database gets; the format is written down here once more.

    `elsewhere` changes the place that the share's data key was wrapped for.
    """
    version = rows(settings, f"SELECT * FROM secret_version WHERE secret_id = '{share['secret_id']}'")[-1]
    account = rows(settings, "SELECT id FROM scope WHERE parent_id IS NULL")[0]["id"]
    place = {
        "store": held.store_id,
        "owner": account,
        "secret": share["secret_id"],
        "version": share["version"],
        "scope": share["scope_id"],
        **elsewhere,
    }
    context = Context(held.store_id, "account", account, share["secret_id"], "text", "value", share["version"])
    wrapped_for = independent.fields("secret share", *place.values())
    wrapper = _Wrapping(held.key, wrapped_for, share["wrapped"], version["key_generation"])
    return open_envelope(version["envelope"], context, wrapper=wrapper)


@pytest.mark.parametrize(
    "elsewhere", [{"store": "x"}, {"owner": "x"}, {"secret": "x"}, {"version": 2}, {"scope": "x"}], ids=str
)
def test_the_data_key_of_a_share_opens_in_its_place_only(site: Settings, elsewhere: dict[str, Any]) -> None:
    held = read_key_text(exported(site, **API), "the test")
    (share,) = rows(site, "SELECT * FROM secret_share")
    assert opened(site, held, share) == b"first"
    with pytest.raises(Damaged):
        opened(site, held, share, **elsewhere)


def test_older_versions_are_sealed_anew_too(site: Settings, engine: Engine) -> None:
    declare(engine, "secret_text", identifier="shared", value=b"second")
    before = [row["envelope"] for row in rows(site, "SELECT envelope FROM secret_version ORDER BY secret_id, version")]
    declare(engine, "secret_share", identifier="shared", **TO_API, state="absent")
    after = [row["envelope"] for row in rows(site, "SELECT envelope FROM secret_version ORDER BY secret_id, version")]
    assert len([1 for old, new in zip(before, after, strict=True) if old != new]) == 2
    assert [read(engine, f"shared@{number}") for number in (1, 2)] == [b"first", b"second"]


def test_others_keep_their_share(site: Settings, engine: Engine) -> None:
    declare(engine, "secret_share", identifier="shared", to_org="payments", to_project="web")
    declare(engine, "secret_share", identifier="shared", **TO_API, state="absent")
    assert read(holding(site, **WEB), "account.shared", **WEB) == b"first"
    declare(engine, "secret_text", identifier="shared", value=b"second")
    assert read(holding(site, **WEB), "account.shared", **WEB) == b"second"


def test_a_scope_that_goes_takes_its_shares_along(site: Settings, engine: Engine) -> None:
    declare(engine, "scope", **API, state="absent", force=True)
    assert rows(site, "SELECT * FROM secret_share") == []
    assert shown(engine, "secret_info", identifier="shared")[0]["shared_with"] == []
    declare(engine, "secret_text", identifier="shared", value=b"second")
    declare(engine, "scope", **API)
    assert error_of(lambda: read(holding(site, **API), "account.shared", **API)).code == "scope_locked"
    declare(engine, "scope_info", recursive=True, verify=True)


def test_a_secret_shared_with_a_scope_that_is_gone_can_be_shared_and_removed(site: Settings, engine: Engine) -> None:
    declare(engine, "scope", **API, state="absent", force=True)
    declare(engine, "secret_share", identifier="shared", to_org="payments", to_project="web")
    assert read(holding(site, **WEB), "account.shared", **WEB) == b"first"
    declare(engine, "secret_text", identifier="shared", state="absent")
    assert rows(site, "SELECT * FROM secret_share") == []
    declare(engine, "scope_info", recursive=True, verify=True)


def test_a_scope_with_shares_below_goes_whole(site: Settings, engine: Engine) -> None:
    declare(engine, "secret_text", **ORG, identifier="ours", value=b"x")
    declare(engine, "secret_share", **ORG, identifier="ours", to_project="api")
    declare(engine, "scope", **ORG, state="absent", force=True)
    assert rows(site, "SELECT * FROM secret_share") == []


# With the database in hand


@pytest.mark.parametrize(
    ("statement", "reference", "code"),
    [
        ("UPDATE secret_share SET version = 2", "account.shared", "damaged_row"),
        ("UPDATE secret_share SET wrapped = zeroblob(60)", "account.shared", "damaged_value"),
        ("UPDATE secret_share SET tag = zeroblob(36)", "account.shared", "rolled_back"),
        ("UPDATE secret_share SET made_by = 'a manifest'", "account.shared", "damaged_row"),
        (f"UPDATE secret_share SET secret_id = ({OTHER})", "account.other", "rolled_back"),
        (f"UPDATE secret SET expires_at = '2099-01-01' WHERE id = ({SHARED})", "account.shared", "damaged_row"),
        (f"UPDATE secret SET kind = 'file' WHERE id = ({SHARED})", "account.shared", "damaged_row"),
        (f"UPDATE secret SET identifier = 'renamed' WHERE id = ({SHARED})", "account.renamed", "damaged_row"),
        ("UPDATE secret_version SET envelope = zeroblob(300)", "account.shared", "damaged_row"),
        ("DELETE FROM secret_version", "account.shared", "missing_version"),
    ],
)
def test_an_edited_share_is_refused(site: Settings, statement: str, reference: str, code: str) -> None:
    project = holding(site, **API)
    with sqlite3.connect(store_path(site)) as database:
        assert database.execute(statement).rowcount
    assert error_of(lambda: read(project, reference, **API)).code == code


def test_a_share_moved_to_another_scope_is_refused(site: Settings) -> None:
    with sqlite3.connect(store_path(site)) as database:
        database.execute("UPDATE secret_share SET scope_id = (SELECT id FROM scope WHERE identifier = 'web')")
    assert error_of(lambda: read(holding(site, **WEB), "account.shared", **WEB)).code == "rolled_back"
    assert error_of(lambda: read(holding(site, **API), "account.shared", **API)).code == "rolled_back"


def test_a_share_put_back_is_found(site: Settings, engine: Engine, tmp_path: Path) -> None:
    """The project's head commits to what is shared with it: an older state of it shows."""
    (old,) = rows(site, "SELECT * FROM secret_share")
    declare(engine, "secret_text", identifier="shared", value=b"second")
    declare(holding(site, **API), "scope_info", **API, verify=True)
    with sqlite3.connect(store_path(site)) as database:
        database.execute("DELETE FROM secret_share")
        database.execute(f"INSERT INTO secret_share VALUES ({', '.join('?' * len(tuple(old)))})", tuple(old))
    assert error_of(lambda: read(holding(site, **API), "account.shared", **API)).code == "rolled_back"
    error = error_of(lambda: declare(holding(site, **API), "scope_info", **API, verify=True))
    assert error.code == "rolled_back"
    backup = tmp_path / "b"
    assert error_of(lambda: declare(Engine(site), "store_backup", dest=str(backup))).code == "rolled_back"
    assert not backup.exists()


def test_a_forged_share_is_not_given_new_versions(site: Settings, engine: Engine) -> None:
    """Who holds a project's key and writes to the database is not shared with for having said so itself."""
    (share,) = rows(site, "SELECT * FROM secret_share")
    with sqlite3.connect(store_path(site)) as database:
        other = database.execute("SELECT id FROM secret WHERE identifier = 'other'").fetchone()[0]
        values = {**dict(share), "secret_id": other}
        database.execute(f"INSERT INTO secret_share VALUES ({', '.join('?' * len(values))})", tuple(values.values()))
    declare(engine, "secret_text", identifier="other", value=b"second")
    (forged,) = rows(site, f"SELECT * FROM secret_share WHERE secret_id = '{other}'")
    assert forged["wrapped"] == share["wrapped"]
    assert error_of(lambda: read(holding(site, **API), "account.other", **API)).code == "rolled_back"
