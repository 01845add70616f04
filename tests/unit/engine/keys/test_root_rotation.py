# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root key rotation: the old key opens nothing, running engines keep reading, and no key file is lost."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.rootkey import from_base64
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.keys import root_rotation
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Conflict
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Result
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.full_store import API, PASSPHRASE, all_of, back_up, fill
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    check,
    declare,
    error_of,
    holding,
    in_session,
    read,
)


def new_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def rotate(engine: Engine, **new: Any) -> Result:
    return declare(engine, "key_rotation", target="root", **new)


@pytest.fixture
def new_file(tmp_path: Path) -> Path:
    return tmp_path / "new.key"


@pytest.mark.parametrize("form", ["new_root_key_file", "new_root_key", "new_passphrase"])
def test_the_new_key_opens_everything_and_the_old_one_nothing(
    engine: Engine, settings: Settings, new_file: Path, form: str
) -> None:
    fill(engine)
    before = all_of(engine)
    given = {"new_root_key_file": str(new_file), "new_root_key": new_key(), "new_passphrase": PASSPHRASE}[form]
    result = rotate(engine, **{form: given})
    rotation = result.returned["rotation"]
    assert (result.changed, rotation["left_total"], rotation["left"]) == (True, 0, {})
    assert rotation["root_key_id"] != rotation["old_root_key_id"]
    assert error_of(lambda: all_of(Engine(settings))).code == "wrong_key"
    afterwards = Engine(settings._replace(**{form.removeprefix("new_"): given}))
    assert all_of(afterwards) == before
    assert declare(afterwards, "store_info").returned["store"]["root_key_id"] == rotation["root_key_id"]
    assert not rotate(afterwards, **{form: given}).changed
    assert rotate(afterwards, new_root_key_file=settings.root_key_file).changed
    assert all_of(Engine(settings)) == before


def test_the_new_key_file_is_private_and_the_old_one_stays(engine: Engine, settings: Settings, new_file: Path) -> None:
    fill(engine)
    old = Path(settings.root_key_file).read_bytes()
    (warning,) = rotate(engine, new_root_key_file=str(new_file)).warnings
    assert (str(new_file) in warning, settings.root_key_file in warning) == (True, True)
    assert stat.S_IMODE(new_file.stat().st_mode) == 0o600
    assert Path(settings.root_key_file).read_bytes() == old
    made = new_file.read_bytes()
    assert rotate(Engine(settings._replace(root_key_file=str(new_file))), new_root_key=new_key()).changed
    assert new_file.read_bytes() == made


def test_only_one_row_is_rewrapped(engine: Engine, settings: Settings) -> None:
    def rows(session: Session) -> list[Any]:
        tables = ("scope_key", "scope", "connector", "secret", "secret_version")
        return [sorted(map(str, map(dict, session.tx.all(f"SELECT * FROM {table}")))) for table in tables]

    fill(engine)
    key = new_key()
    before = in_session(settings, rows)
    rotate(engine, new_root_key=key)
    after = in_session(settings._replace(root_key=key), rows)
    assert before[1:] == after[1:]
    assert len(set(before[0]) - set(after[0])) == 1


def test_all_generations_of_the_account_are_rewrapped(engine: Engine, settings: Settings) -> None:
    fill(engine)
    before = all_of(engine)["values"]
    declare(engine, "key_rotation", target="scope")
    in_session(settings, lambda session: session.keyring.renew(session.tx, session.chain(ACCOUNT)))
    declare(engine, "key_rotation", target="scope", destroy_generation=1)
    key = new_key()
    rotate(engine, new_root_key=key)
    assert all_of(Engine(settings._replace(root_key=key)))["values"] == before
    declare(Engine(settings._replace(root_key=key)), "key_rotation", target="scope")


def test_a_running_engine_keeps_reading_but_seals_nothing_to_the_old_key(
    engine: Engine, settings: Settings, tmp_path: Path
) -> None:
    fill(engine)
    key = new_key()
    running = Engine(settings)
    assert read(running, "text", **API)
    rotate(engine, new_root_key=key)
    for other in (running, engine):
        assert read(other, "account.text", **API) == b"of the account"
        declare(other, "secret_text", identifier="later", value=os.urandom(8))
        assert error_of(lambda other=other: declare(other, "key_rotation", target="scope")).code == "wrong_key"
        assert error_of(lambda other=other: back_up(other, tmp_path / "b")).code == "wrong_key"
        assert error_of(lambda other=other: rotate(other, new_root_key=new_key())).code == "wrong_key"
    afterwards = Engine(settings._replace(root_key=key))
    assert read(afterwards, "later") == read(running, "later")
    assert declare(afterwards, "key_rotation", target="scope").changed
    assert error_of(lambda: read(running, "text", **API)).code == "wrong_key"


def test_a_finished_rotation_is_told_from_a_wrong_key(engine: Engine, settings: Settings, new_file: Path) -> None:
    """As after a run that was killed just before it answered."""
    fill(engine)
    rotate(engine, new_root_key_file=str(new_file))
    again = rotate(Engine(settings), new_root_key_file=str(new_file))
    assert (again.changed, "already" in again.warnings[0]) == (False, True)
    assert error_of(lambda: rotate(Engine(settings), new_root_key=new_key())).code == "wrong_key"


def test_check_mode_changes_nothing(engine: Engine, settings: Settings, new_file: Path) -> None:
    fill(engine)
    planned = check(engine, "key_rotation", target="root", new_root_key_file=str(new_file))
    view = planned.returned["rotation"]
    assert (planned.changed, view["root_key_id"], view["left"]) == (True, None, {"account_keys": 1})
    assert not new_file.exists()
    key = new_key()
    planned = check(engine, "key_rotation", target="root", new_root_key=key)
    assert Engine(settings).read(lambda session: session.chain(ACCOUNT))
    done = rotate(engine, new_root_key=key)
    assert (planned.before, planned.after) == (done.before, done.after)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "new_root_key_needed"),
        ({"new_root_key": "x", "new_passphrase": "y"}, "new_root_key_needed"),
        ({"new_root_key": "x"}, "malformed_root_key"),
        ({"new_root_key": base64.b64encode(bytes(32)).decode()}, "weak_root_key"),
        ({"new_passphrase": "short"}, "weak_passphrase"),
        ({"new_root_key_file": "/proc/none/new.key"}, "key_not_written"),
        ({"new_root_key": "x", "destroy_generation": 1}, "option_of_other_target"),
        ({"new_root_key": "x", "connector": "kms"}, "option_of_other_target"),
    ],
)
def test_bad_input_changes_nothing(engine: Engine, settings: Settings, given: dict[str, Any], code: str) -> None:
    fill(engine)
    assert error_of(lambda: rotate(engine, **given)).code == code
    assert read(Engine(settings), "account.text") == b"of the account"


def test_an_exposed_key_file_is_refused(engine: Engine, settings: Settings, new_file: Path) -> None:
    fill(engine)
    new_file.write_text(new_key())
    new_file.chmod(0o644)
    assert error_of(lambda: rotate(engine, new_root_key_file=str(new_file))).code == "exposed_key_file"
    assert read(Engine(settings), "account.text")


def test_a_scope_key_is_not_enough(engine: Engine, settings: Settings) -> None:
    fill(engine)
    assert error_of(lambda: rotate(holding(settings, "pay"), new_root_key=new_key())).code == "root_key_needed"


def test_without_a_store_there_is_nothing_to_rotate(engine: Engine, new_file: Path) -> None:
    assert error_of(lambda: rotate(engine, new_root_key_file=str(new_file))).code == "no_store"
    assert not new_file.exists()


def test_a_failure_in_the_middle_leaves_the_old_key_in_force(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(engine)
    key = new_key()

    def fail(*_given: object) -> None:
        raise Conflict("full", "The disk is full.", hint="Free some.")

    where = "ansible_collections.scoped.secrets.plugins.module_utils.engine.keys.root_rotation.set_root_key"
    monkeypatch.setattr(where, fail)
    assert error_of(lambda: rotate(engine, new_root_key=key)).code == "full"
    assert read(Engine(settings), "account.text")
    assert error_of(lambda: read(Engine(settings._replace(root_key=key)), "account.text")).code == "wrong_key"


def test_account_keys_that_the_old_key_opens_are_counted(engine: Engine, settings: Settings) -> None:
    declare(engine, "scope", org="pay")
    declare(engine, "key_rotation", target="scope")
    root = engine.store(create=False).keyring.root
    assert in_session(settings, lambda session: root_rotation._left(session, root, root)) == 2
    other = from_base64(new_key(), "the test")
    assert error_of(lambda: in_session(settings, lambda session: root_rotation._left(session, root, other)))
