# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scope's key is marked as handed out before it is, and nobody who holds it can remove the mark."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged, ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import keys_of
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    check,
    declare,
    error_of,
    holding,
    in_session,
    read,
    rows_of,
    shown,
)

ACCOUNT: dict[str, Any] = {}
ORG: dict[str, Any] = {"org": "payments"}
API: dict[str, Any] = {"org": "payments", "project": "api"}
WEB: dict[str, Any] = {"org": "payments", "project": "web"}


@pytest.fixture
def site(settings: Settings, engine: Engine) -> Settings:
    for scope in (ORG, API, WEB):
        declare(engine, "scope", **scope)
        declare(engine, "secret_text", **scope, identifier="a", value=b"value")
    return settings


def marked(engine: Engine) -> list[str]:
    """Return the scopes whose key was handed out."""
    scopes = shown(engine, "scope_info", recursive=True)
    return [scope["project"] or scope["org"] or "account" for scope in scopes if scope["key_handed_out"]]


@pytest.mark.parametrize(
    ("scope", "name"), [(ACCOUNT, "account"), (ORG, "payments"), (API, "api")], ids=["account", "org", "project"]
)
def test_exporting_a_key_marks_its_scope(
    engine: Engine, site: Settings, tmp_path: Path, scope: dict[str, Any], name: str
) -> None:
    assert marked(engine) == []
    declare(engine, "scope_key", **scope, dest=str(tmp_path / "key"))
    assert marked(engine) == marked(Engine(site)) == [name]
    assert declare(engine, "scope", **scope).returned["scope"]["key_handed_out"]
    assert [read(Engine(site), "a", **one) for one in (ORG, API, WEB)] == [b"value"] * 3


def test_a_key_that_is_kept_as_a_secret_is_marked(engine: Engine, site: Settings) -> None:
    declare(engine, "scope_key", **API, secret={"identifier": "key_of_api", **ORG})
    assert marked(engine) == ["api"]


def test_the_mark_is_set_before_the_key_leaves(engine: Engine, site: Settings, cloud: Cloud, tmp_path: Path) -> None:
    seen: list[list[str]] = []
    cloud.before["write"] = lambda _path: seen.append(marked(Engine(site)))
    declare(engine, "connector_memory_vault", **API, identifier="vault")
    there = {"identifier": "key", "secret_manager": "vault", **API}
    declare(engine, "scope_key", **API, secret=there)
    assert seen == [["api"]]
    missing = tmp_path / "missing" / "key"
    assert error_of(lambda: declare(engine, "scope_key", **WEB, dest=str(missing))).code == "scope_key_not_written"
    assert marked(engine) == ["api"]


def test_no_mark_without_a_key_that_leaves(engine: Engine, site: Settings, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("something else")
    check(engine, "scope_key", **API, dest=str(tmp_path / "key"))
    check(engine, "scope_key", **API, secret={"identifier": "key", **ORG})
    check(engine, "scope_key", **API, dest=str(tmp_path / "key"), rotate=True)
    for where, code in (
        ({"dest": str(taken)}, "dest_taken"),
        ({"secret": {"identifier": "key", **API}}, "key_in_its_own_scope"),
        ({}, "key_destination"),
    ):
        assert error_of(lambda where=where: declare(engine, "scope_key", **API, **where)).code == code  # type: ignore[misc]
    assert marked(engine) == []


def test_the_holder_of_a_higher_scopes_key_marks_those_below(engine: Engine, site: Settings, tmp_path: Path) -> None:
    org = holding(site, **ORG)
    declare(org, "scope_key", **API, dest=str(tmp_path / "api.key"))
    assert marked(Engine(site)) == ["api"]
    scopes = shown(org, "scope_info", **ORG, recursive=True)
    assert [scope["key_handed_out"] for scope in scopes] == [True, True, False]
    declare(org, "scope_key", **ORG, dest=str(tmp_path / "own.key"))
    assert read(Engine(site), "a", **API) == b"value"


def test_a_second_export_writes_nothing(engine: Engine, site: Settings, tmp_path: Path) -> None:
    declare(engine, "scope_key", **API, dest=str(tmp_path / "one"))

    def wrapped() -> list[bytes]:
        return in_session(site, lambda s: [key.wrapped for key in keys_of(s.tx, s.chain(ScopePath(**API))[-1].id)])

    before = wrapped()
    declare(engine, "scope_key", **API, dest=str(tmp_path / "two"))
    assert wrapped() == before


# It stays


def rotate_and_destroy(engine: Engine, settings: Settings, tmp_path: Path) -> Engine:
    declare(engine, "key_rotation", target="scope", **API)
    declare(engine, "key_rotation", target="scope", **API, destroy_generation=1)
    return engine


def rotate_above(engine: Engine, settings: Settings, tmp_path: Path) -> Engine:
    declare(engine, "key_rotation", target="scope", **ORG)
    declare(engine, "key_rotation", target="scope")
    return engine


def rotate_root(engine: Engine, settings: Settings, tmp_path: Path) -> Engine:
    new = base64.b64encode(os.urandom(32)).decode()
    declare(engine, "key_rotation", target="root", new_root_key=new)
    return Engine(settings._replace(root_key=new))


@pytest.mark.parametrize("change", [rotate_and_destroy, rotate_above, rotate_root])
def test_rotation_keeps_the_marks(
    engine: Engine, site: Settings, tmp_path: Path, change: Callable[[Engine, Settings, Path], Engine]
) -> None:
    declare(engine, "scope_key", dest=str(tmp_path / "account.key"))
    declare(engine, "scope_key", **API, dest=str(tmp_path / "api.key"))
    after = change(engine, site, tmp_path)
    assert marked(after) == marked(Engine(after.settings)) == ["account", "api"]
    assert [read(after, "a", **one) for one in (ORG, API, WEB)] == [b"value"] * 3


def test_a_restored_store_has_the_marks(
    engine: Engine, site: Settings, tmp_path: Path, elsewhere: Callable[[], Settings]
) -> None:
    declare(engine, "scope_key", dest=str(tmp_path / "account.key"))
    declare(engine, "scope_key", **API, dest=str(tmp_path / "api.key"))
    declare(engine, "store_backup", dest=str(tmp_path / "backup"))
    other = elsewhere()
    declare(Engine(other), "store_restore", src=str(tmp_path / "backup"))
    assert marked(Engine(other)) == ["account", "api"]
    assert read(Engine(other), "a", **API) == b"value"


def test_a_scope_that_is_made_again_has_no_mark(engine: Engine, site: Settings, tmp_path: Path) -> None:
    declare(engine, "scope_key", **API, dest=str(tmp_path / "api.key"))
    declare(engine, "scope", **API, state="absent", force=True)
    declare(engine, "scope", **API)
    assert marked(engine) == []


# Those who can write to the database, and may hold the key


def scope_id(settings: Settings, scope: dict[str, Any]) -> str:
    return in_session(settings, lambda session: session.chain(ScopePath(**scope))[-1].id)


TAMPERS: dict[str, tuple[str, ...]] = {
    "mark removed": ("UPDATE scope_key SET is_handed_out = 0 WHERE scope_id = :id",),
    "mark of the active generation removed": (
        "UPDATE scope_key SET is_handed_out = 0 WHERE scope_id = :id AND state = 'active'",
    ),
    "active generation removed": ("DELETE FROM scope_key WHERE scope_id = :id AND state = 'active'",),
    "older generation put in its place, unmarked": (
        "DELETE FROM scope_key WHERE scope_id = :id AND state = 'active'",
        "UPDATE scope_key SET is_handed_out = 0, state = 'active' WHERE scope_id = :id",
    ),
    "key of another scope put in its place": (
        "DELETE FROM scope_key WHERE scope_id = :id",
        "UPDATE scope_key SET scope_id = :id WHERE scope_id = :other AND is_handed_out = 0",
    ),
}


@pytest.mark.parametrize("statements", TAMPERS.values(), ids=TAMPERS)
@pytest.mark.parametrize("scope", [API, ACCOUNT], ids=["project", "account"])
def test_a_mark_that_was_tampered_with_never_counts_as_none(
    engine: Engine, site: Settings, tmp_path: Path, scope: dict[str, Any], statements: tuple[str, ...]
) -> None:
    declare(engine, "scope_key", **scope, dest=str(tmp_path / "key"))
    in_session(site, lambda session: renew(session, scope))
    read(engine, "a", **API)
    given = {"id": scope_id(site, scope), "other": scope_id(site, WEB)}
    with rows_of(site) as tx:
        for statement in statements:
            names = [name for name in given if f":{name}" in statement]
            tx.run(statement, **{name: given[name] for name in names})
        # So that a running engine looks at the rows again.
        tx.run("UPDATE store SET revision = revision + 1")
    assert was_handed_out(engine, scope)
    assert was_handed_out(Engine(site), scope)


def was_handed_out(engine: Engine, scope: dict[str, Any]) -> bool:
    """Tell whether a key counts as handed out, or nothing can be read at all."""
    try:
        return bool(shown(engine, "scope_info", **scope)[0]["key_handed_out"])
    except ScopedSecretsError as error:
        return error.code in ("damaged_scope_key", "damaged_row", "rolled_back", "wrong_key")


def test_a_running_engine_does_not_rely_on_what_it_opened_before(
    engine: Engine, site: Settings, tmp_path: Path
) -> None:
    assert marked(engine) == []
    declare(Engine(site), "scope_key", **API, dest=str(tmp_path / "key"))
    with rows_of(site) as tx:
        tx.run("UPDATE scope_key SET is_handed_out = 0")
    with pytest.raises(Damaged):
        marked(engine)


def renew(session: Session, scope: dict[str, Any]) -> None:
    session.keyring.renew(session.tx, session.chain(ScopePath(**scope)))


@pytest.mark.parametrize("change", [rotate_above, rotate_root])
def test_a_rotation_does_not_sign_a_mark_that_was_removed(
    engine: Engine, site: Settings, tmp_path: Path, change: Callable[[Engine, Settings, Path], Engine]
) -> None:
    """A running engine has the keys open already."""
    declare(engine, "scope_key", dest=str(tmp_path / "account.key"))
    declare(engine, "scope_key", **API, dest=str(tmp_path / "api.key"))
    assert marked(engine) == ["account", "api"]
    with rows_of(site) as tx:
        tx.run("UPDATE scope_key SET is_handed_out = 0")
    with pytest.raises(Damaged):
        change(engine, site, tmp_path)


def test_a_mark_that_was_added_counts_or_is_refused(engine: Engine, site: Settings) -> None:
    with rows_of(site) as tx:
        tx.run("UPDATE scope_key SET is_handed_out = 1 WHERE scope_id = :id", id=scope_id(site, API))
    assert error_of(lambda: read(Engine(site), "a", **API)).code == "damaged_scope_key"
