# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores and backups of earlier versions are upgraded, read value by value, and written to.

tests/fixtures/make_store.py made them.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store import schema
from ansible_collections.scoped.secrets.plugins.module_utils.store.schema import STEPS, SchemaStep
from ansible_collections.scoped.secrets.tests.unit.engine.full_store import back_up, restore
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, holding, read, shown, store_path

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "stores"
SCOPES: tuple[dict[str, str], ...] = ({}, {"org": "payments"}, {"org": "payments", "project": "api"})
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
LATER = (
    *STEPS,
    SchemaStep(len(STEPS) + 1, ("ALTER TABLE store ADD COLUMN later TEXT NOT NULL DEFAULT ''",)),
    SchemaStep(len(STEPS) + 2, ("CREATE TABLE later (id {integer}, content {bytes})",)),
    # Columns that a later version signs. Where they are at their default, old rows stay proved: test_canonical.py has
    # what makes it so.
    SchemaStep(
        len(STEPS) + 3,
        tuple(
            f"ALTER TABLE {table} ADD COLUMN later TEXT NOT NULL DEFAULT ''"
            for table in ("scope", "scope_key", "connector", "secret", "secret_version", "secret_share", "audit_head")
        ),
    ),
)


def known(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def old_store(name: str, folder: Path) -> Settings:
    """Put a store of an earlier version into a folder."""
    path = folder / "old" / "store.db"
    path.parent.mkdir(mode=0o700)
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as database:
        database.executescript((FOLDER / f"{name}.sql").read_text())
        # A dump does not include the journal mode.
        database.execute("PRAGMA journal_mode = WAL")
    return Settings(f"sqlite:///{path}", "/none", root_key=known(name)["root_key"])


def check_values(engine: Engine, name: str) -> None:
    values = known(name)["values"]
    assert len(values) >= 8
    for one in values:
        assert read(engine, one["reference"], **one["scope"]) == base64.b64decode(one["value"]), one["reference"]
    shown(engine, "scope_info", recursive=True, verify=True)
    for scope in SCOPES:
        (chain,) = declare(engine, "audit_info", verify=True, **scope).returned["chains"]
        assert (chain["last"] > 1, chain["key_destroyed"]) == (True, 0)


def version_of(settings: Settings) -> int:
    with closing(sqlite3.connect(store_path(settings))) as database:
        return int(database.execute("SELECT schema_version FROM store").fetchone()[0])


def test_the_first_schema_is_covered() -> None:
    assert "schema_1" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_an_older_store_is_upgraded_and_read(name: str, tmp_path: Path) -> None:
    settings = old_store(name, tmp_path)
    assert f"schema_{version_of(settings)}" == name
    engine = Engine(settings)
    check_values(engine, name)
    assert version_of(settings) == STEPS[-1].number
    declare(engine, "secret_text", identifier="text", value=b"new")
    assert (read(engine, "text"), read(engine, "text@1")) == (b"new", b"of the account")
    back_up(engine, tmp_path / "new.backup")


@pytest.mark.parametrize("name", NAMES)
def test_a_share_of_an_older_store_opens_with_the_key_of_its_scope(name: str, tmp_path: Path) -> None:
    settings = old_store(name, tmp_path)
    assert read(holding(settings, "payments", "api"), "account.text", "payments", "api") == b"of the account"


@pytest.mark.parametrize("name", NAMES)
def test_an_older_store_survives_future_schema_steps(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = old_store(name, tmp_path)
    monkeypatch.setattr(schema.open_schema, "__defaults__", (LATER,))
    check_values(Engine(settings), name)
    assert version_of(settings) == len(LATER)
    assert shown(Engine(settings), "scope_info", recursive=True, verify=True)
    # With a scope's key alone too, of what is shared with it also.
    team = holding(settings, "payments", "api")
    assert read(team, "account.text", "payments", "api") == b"of the account"
    assert shown(team, "scope_info", org="payments", project="api", verify=True)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("with_passphrase", [False, True])
def test_an_older_backup_is_restored_and_read(name: str, tmp_path: Path, with_passphrase: bool) -> None:
    keys = known(name)
    key = base64.b64encode(bytes(range(7, 39))).decode() if with_passphrase else keys["root_key"]
    settings = Settings(f"sqlite:///{tmp_path}/new/store.db", "/none", root_key=key)
    params = {"recovery_passphrase": keys["recovery_passphrase"]} if with_passphrase else {}
    restore(Engine(settings), FOLDER / f"{name}.backup", **params)
    check_values(Engine(settings), name)
    assert version_of(settings) == STEPS[-1].number
