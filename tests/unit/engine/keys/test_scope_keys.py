# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scope's key is exported to a file or a secret, and shown nowhere else."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.scopekey import ScopeKey
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Result
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import retire_keys
from ansible_collections.scoped.secrets.tests.unit.broker.brokers import OTHER_USER, needs_root
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    check,
    declare,
    error_of,
    exported,
    holding,
    in_session,
    read,
    store_path,
)

ORG: dict[str, Any] = {"org": "payments"}
API: dict[str, Any] = {"org": "payments", "project": "api"}


@pytest.fixture
def site(settings: Settings, engine: Engine) -> Settings:
    declare(engine, "scope", **ORG)
    declare(engine, "scope", **API)
    declare(engine, "scope", org="payments", project="web")
    declare(engine, "secret_text", **API, identifier="a", value=b"value of a")
    return settings


def shows_no_key(result: Result, settings: Settings, **scope: str) -> None:
    key = exported(settings, **scope)
    shown = json.dumps([result.returned, result.before, result.after, result.warnings])
    assert key not in shown
    assert key.split(":")[4] not in shown


def replace_key(settings: Settings, scope: dict[str, Any]) -> None:
    def work(session: Session) -> None:
        chain = session.chain(ScopePath(**scope))
        retire_keys(session.tx, chain[-1].id)
        session.keyring.keep(session.tx, chain, ScopeKey.generate(chain[-1].id, 2))

    in_session(settings, work)


# A file


def test_a_file_opens_the_scope(engine: Engine, site: Settings, tmp_path: Path) -> None:
    dest = tmp_path / "api.key"
    result = declare(engine, "scope_key", **API, dest=str(dest))
    assert (result.changed, result.before, stat.S_IMODE(dest.stat().st_mode)) == (True, {}, 0o600)
    assert dest.read_text() == exported(site, **API) + "\n"
    assert result.returned["scope_key"]["generation"] == 1
    shows_no_key(result, site, **API)
    holder = Engine(site._replace(root_key_file="/none", scope_key_file=str(dest)))
    assert read(holder, "a", **API) == b"value of a"
    assert error_of(lambda: read(holder, "a", org="payments", project="web")).code == "scope_locked"


def test_exporting_again_changes_nothing(engine: Engine, site: Settings, tmp_path: Path) -> None:
    dest = tmp_path / "api.key"
    declare(engine, "scope_key", **API, dest=str(dest))
    before = dest.stat()
    result = declare(engine, "scope_key", **API, dest=str(dest))
    assert (result.changed, result.before == result.after) == (False, True)
    assert (dest.stat().st_ino, dest.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert list(tmp_path.glob(".api*")) == []


def test_check_mode_predicts_the_result_and_writes_nothing(engine: Engine, site: Settings, tmp_path: Path) -> None:
    dest = tmp_path / "api.key"
    predicted = check(engine, "scope_key", **API, dest=str(dest))
    assert not dest.exists()
    done = declare(engine, "scope_key", **API, dest=str(dest))
    assert (predicted.changed, predicted.returned, predicted.after) == (True, done.returned, done.after)
    assert not check(engine, "scope_key", **API, dest=str(dest)).changed


def test_a_file_that_others_can_read_is_closed(engine: Engine, site: Settings, tmp_path: Path) -> None:
    dest = tmp_path / "api.key"
    declare(engine, "scope_key", **API, dest=str(dest))
    dest.chmod(0o644)
    result = declare(engine, "scope_key", **API, dest=str(dest))
    assert (result.changed, result.before["mode"], result.after["mode"]) == (True, "0644", "0600")
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600


def test_an_older_key_of_the_same_scope_is_replaced(engine: Engine, site: Settings, tmp_path: Path) -> None:
    dest = tmp_path / "api.key"
    declare(engine, "scope_key", **API, dest=str(dest))
    replace_key(site, API)
    result = declare(engine, "scope_key", **API, dest=str(dest))
    assert (result.changed, result.before["generation"], result.after["generation"]) == (True, 1, 2)
    assert dest.read_text() == exported(site, **API) + "\n"
    shows_no_key(result, site, **API)


@pytest.mark.parametrize("content", ["", "something\n", "sssk1:cut\n", "\xff\x00"])
def test_another_file_is_left_alone(engine: Engine, site: Settings, tmp_path: Path, content: str) -> None:
    dest = tmp_path / "mine"
    dest.write_text(content)
    assert error_of(lambda: declare(engine, "scope_key", **API, dest=str(dest))).code == "dest_taken"
    assert error_of(lambda: check(engine, "scope_key", **API, dest=str(dest))).code == "dest_taken"
    assert dest.read_text() == content


def test_the_key_of_another_scope_is_left_alone(engine: Engine, site: Settings, tmp_path: Path) -> None:
    dest = tmp_path / "mine"
    declare(engine, "scope_key", **ORG, dest=str(dest))
    assert error_of(lambda: declare(engine, "scope_key", **API, dest=str(dest))).code == "dest_taken"
    assert dest.read_text() == exported(site, **ORG) + "\n"


def test_the_stores_own_files_are_left_alone(engine: Engine, site: Settings) -> None:
    for own in (store_path(site), site.root_key_file):
        error = error_of(lambda own=own: declare(engine, "scope_key", **API, dest=str(own)))  # type: ignore[misc]
        assert (error.code, "belongs to the store" in error.message) == ("dest_taken", True)
    assert read(Engine(site), "a", **API) == b"value of a"


@needs_root
def test_a_link_of_another_user_is_not_followed(engine: Engine, site: Settings, tmp_path: Path) -> None:
    """Whoever can write to the folder could otherwise have the key written to a place of theirs."""
    (tmp_path / "theirs").mkdir()
    for link, target in (("link", "theirs"), ("api.key", "theirs/api.key")):
        (tmp_path / link).symlink_to(tmp_path / target)
        os.lchown(tmp_path / link, OTHER_USER, -1)
    for dest in ("link/api.key", "api.key"):
        where = str(tmp_path / dest)
        error = error_of(lambda where=where: declare(engine, "scope_key", **API, dest=where))  # type: ignore[misc]
        assert (error.code, "symbolic link of another user" in error.message) == ("dest_taken", True)
    assert list((tmp_path / "theirs").iterdir()) == []


def test_a_missing_folder_is_refused(engine: Engine, site: Settings, tmp_path: Path) -> None:
    error = error_of(lambda: declare(engine, "scope_key", **API, dest=str(tmp_path / "no" / "api.key")))
    assert error.code == "scope_key_not_written"
    assert error_of(lambda: declare(engine, "scope_key", **API, dest=str(tmp_path))).code == "dest_taken"
    below_a_file = str(Path(site.root_key_file) / "api.key")
    assert error_of(lambda: declare(engine, "scope_key", **API, dest=below_a_file)).code == "scope_key_not_written"


# A secret


def test_a_secret_of_a_higher_scope_holds_the_key(engine: Engine, site: Settings) -> None:
    secret = {"identifier": "api_key", **ORG, "project": None, "tags": {"team": "api"}, "description": "for CI"}
    result = declare(engine, "scope_key", **API, secret=secret)
    assert result.changed
    assert result.returned["scope_key"]["secret"]["reference"] == "org.api_key"
    shows_no_key(result, site, **API)
    assert read(engine, "api_key", **ORG).decode() == exported(site, **API)
    assert not declare(engine, "scope_key", **API, secret=secret).changed
    assert not check(engine, "scope_key", **API, secret=secret).changed
    replace_key(site, API)
    again = declare(engine, "scope_key", **API, secret=secret)
    assert (again.changed, again.after["version"]) == (True, 2)
    assert read(engine, "api_key", **ORG).decode() == exported(site, **API)


def test_another_manager_holds_the_key(engine: Engine, site: Settings, cloud: Cloud) -> None:
    declare(engine, "connector_memory_vault", **API, identifier="vault", token="good")
    secret = {"identifier": "team_key", **API, "secret_manager": "vault"}
    assert check(engine, "scope_key", **API, secret=secret).changed
    assert ("main", "app/team_key") not in cloud.values
    result = declare(engine, "scope_key", **API, secret=secret)
    assert result.changed
    assert exported(site, **API).encode() in cloud.values["main", "app/team_key"][-1].content
    assert not declare(engine, "scope_key", **API, secret=secret).changed
    shows_no_key(result, site, **API)


@pytest.mark.parametrize("scope", [API, ORG], ids=["itself", "below"])
@pytest.mark.parametrize("manager", ["builtin", "kms"])
def test_a_key_is_not_sealed_with_itself(engine: Engine, site: Settings, scope: dict[str, Any], manager: str) -> None:
    declare(engine, "connector_memory_kms", **API, identifier="kms")
    secret = {"identifier": "api_key", **API, "secret_manager": manager}
    assert error_of(lambda: declare(engine, "scope_key", **scope, secret=secret)).code == "key_in_its_own_scope"
    assert error_of(lambda: check(engine, "scope_key", **scope, secret=secret)).code == "key_in_its_own_scope"


# Rotation


def test_a_key_is_replaced_and_exported(engine: Engine, site: Settings, tmp_path: Path) -> None:
    dest = tmp_path / "api.key"
    declare(engine, "scope_key", **API, dest=str(dest))
    old = dest.read_text().strip()
    predicted = check(engine, "scope_key", **API, dest=str(dest), rotate=True)
    assert dest.read_text().strip() == old
    result = declare(engine, "scope_key", **API, dest=str(dest), rotate=True)
    assert (predicted.changed, predicted.returned, predicted.after) == (True, result.returned, result.after)
    assert (result.before["generation"], result.after["generation"]) == (1, 2)
    shows_no_key(result, site, **API)
    holder = site._replace(root_key_file="/none")
    assert read(Engine(holder._replace(scope_key_file=str(dest))), "a", **API) == b"value of a"
    assert error_of(lambda: read(Engine(holder._replace(scope_key=old)), "a", **API)).code == "scope_key_outdated"


def test_a_secret_gets_the_new_key(engine: Engine, site: Settings) -> None:
    secret = {"identifier": "api_key", **ORG}
    declare(engine, "scope_key", **API, secret=secret)
    result = declare(engine, "scope_key", **API, secret=secret, rotate=True)
    assert (result.changed, result.returned["scope_key"]["generation"]) == (True, 2)
    assert read(engine, "api_key", **ORG).decode() == exported(site, **API)


def test_a_key_that_can_not_be_exported_is_not_replaced(engine: Engine, site: Settings, tmp_path: Path) -> None:
    dest = tmp_path / "mine"
    dest.write_text("something")
    error = error_of(lambda: declare(engine, "scope_key", **API, dest=str(dest), rotate=True))
    assert error.code == "dest_taken"
    assert error_of(lambda: declare(engine, "scope_key", **API, rotate=True)).code == "key_destination"
    project = holding(site, **API)
    error = error_of(lambda: declare(project, "scope_key", **API, dest=str(tmp_path / "k"), rotate=True))
    assert error.code in ("scope_locked", "root_key_needed")
    assert not (tmp_path / "k").exists()
    assert exported(site, **API).split(":")[3] == "1"


# Destinations and permissions


@pytest.mark.parametrize("given", [{}, {"dest": "a", "secret": {"identifier": "a"}}], ids=["neither", "both"])
def test_exactly_one_destination_is_required(engine: Engine, site: Settings, given: dict[str, Any]) -> None:
    assert error_of(lambda: declare(engine, "scope_key", **API, **given)).code == "key_destination"


def test_only_keys_at_hand_are_exported(site: Settings, tmp_path: Path) -> None:
    org = holding(site, **ORG)
    assert declare(org, "scope_key", **API, dest=str(tmp_path / "api.key")).changed
    project = holding(site, **API)
    assert not declare(project, "scope_key", **API, dest=str(tmp_path / "api.key")).changed
    for scope in ({}, ORG, {"org": "payments", "project": "web"}):
        error = error_of(lambda scope=scope: declare(project, "scope_key", **scope, dest=str(tmp_path / "x")))  # type: ignore[misc]
        assert error.code == "scope_locked"
    assert not (tmp_path / "x").exists()


def test_a_scope_that_does_not_exist(engine: Engine, site: Settings, tmp_path: Path) -> None:
    scope = {"org": "payments", "project": "nosuch"}
    assert error_of(lambda: declare(engine, "scope_key", **scope, dest=str(tmp_path / "x"))).code == "unknown_scope"
    predicted = check(engine, "scope_key", **scope, dest=str(tmp_path / "x"))
    assert (predicted.changed, len(predicted.warnings)) == (True, 1)


def test_no_key_of_a_store_that_does_not_exist(engine: Engine, tmp_path: Path) -> None:
    assert error_of(lambda: declare(engine, "scope_key", dest=str(tmp_path / "x"))).code == "no_store"
    assert check(engine, "scope_key", dest=str(tmp_path / "x")).changed
    assert not (tmp_path / "x").exists()
