# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The root key file: created once, random or given, never with an unusable key, never overwritten."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.rootkey import from_base64
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.keys.root_keys import see_to_root_key
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare


@pytest.fixture
def elsewhere(settings: Settings, tmp_path: Path) -> Settings:
    """Settings whose key file does not exist."""
    return settings._replace(root_key_file=str(tmp_path / "keys" / "root.key"), is_local_default=False)


@pytest.fixture
def full(settings: Settings) -> Settings:
    """Settings of a store that exists."""
    declare(Engine(settings), "scope", org="payments")
    return settings


def new_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def code_of(settings: Settings, *, check_mode: bool = False) -> str:
    """Return the code of a refusal, which must not create a key file."""
    before = os.path.lexists(settings.root_key_file)
    with pytest.raises(ScopedSecretsError) as caught:
        see_to_root_key(settings, check_mode=check_mode)
    assert os.path.lexists(settings.root_key_file) == before
    return caught.value.code


def test_a_random_key_is_created_once(elsewhere: Settings) -> None:
    file = Path(elsewhere.root_key_file)
    planned = see_to_root_key(elsewhere, check_mode=True)
    assert (planned.changed, planned.returned["root_key"], file.exists()) == (
        True,
        {"file": str(file), "id": ""},
        False,
    )
    made, again = (see_to_root_key(elsewhere, check_mode=False) for _time in range(2))
    assert (made.changed, again.changed) == (True, False)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert made.returned == again.returned
    assert made.returned["root_key"]["id"] == from_base64(file.read_text(), "the test").key_id
    assert "Back it up" in made.warnings[0]
    assert not again.warnings


def test_a_given_key_is_written(elsewhere: Settings) -> None:
    given = elsewhere._replace(root_key=new_key())
    assert see_to_root_key(given, check_mode=True).returned["root_key"]["id"]
    assert see_to_root_key(given, check_mode=False).changed
    assert Path(given.root_key_file).read_text() == f"{given.root_key}\n"
    assert not see_to_root_key(given, check_mode=False).changed
    assert code_of(given._replace(root_key=new_key())) == "other_root_key"
    assert Path(given.root_key_file).read_text() == f"{given.root_key}\n"


@pytest.mark.parametrize("check_mode", [False, True])
def test_an_existing_store_accepts_only_its_own_key(full: Settings, elsewhere: Settings, check_mode: bool) -> None:
    assert code_of(elsewhere, check_mode=check_mode) == "missing_key_file"
    assert code_of(elsewhere._replace(root_key=new_key()), check_mode=check_mode) == "wrong_key"
    own = Path(full.root_key_file).read_text()
    assert see_to_root_key(elsewhere._replace(root_key=own), check_mode=check_mode).changed


def test_a_weak_key_or_a_scope_key_is_refused(elsewhere: Settings) -> None:
    assert code_of(elsewhere._replace(root_key="A" * 43 + "=")) == "weak_root_key"
    assert code_of(elsewhere._replace(root_key="no key")) == "malformed_root_key"
    assert code_of(elsewhere._replace(scope_key="x")) == "root_key_needed"


def test_a_file_that_others_can_read_is_refused(elsewhere: Settings) -> None:
    see_to_root_key(elsewhere, check_mode=False)
    Path(elsewhere.root_key_file).chmod(0o644)
    assert code_of(elsewhere) == "exposed_key_file"
