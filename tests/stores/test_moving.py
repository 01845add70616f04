# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup goes from either engine to either engine, and nothing of it is lost on the way."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.full_store import PASSPHRASE, all_of, back_up, fill, restore
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import install
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, error_of, read

if TYPE_CHECKING:
    from servers.postgresql import Postgresql

ENGINES = ["sqlite", "postgresql"]
NewStore = Callable[[str], Settings]


@pytest.fixture
def new_store(postgresql: Postgresql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NewStore:
    """Call it for the settings of a place on an engine where nothing is yet; all have the same root key."""
    install(monkeypatch)
    key = base64.b64encode(os.urandom(32)).decode()

    def make(engine: str) -> Settings:
        name = os.urandom(4).hex()
        url = postgresql.new_store() if engine == "postgresql" else f"sqlite:///{tmp_path}/{name}/store.db"
        return Settings(url, "/none", root_key=key)

    return make


@pytest.mark.parametrize("source", ENGINES)
@pytest.mark.parametrize("target", ENGINES)
def test_everything_arrives(new_store: NewStore, tmp_path: Path, source: str, target: str) -> None:
    first, second = Engine(new_store(source)), Engine(new_store(target))
    fill(first)
    before = all_of(first)
    path = tmp_path / "secrets.backup"
    back_up(first, path, recovery_passphrase=PASSPHRASE)
    restore(second, path)
    assert all_of(second) == before
    # The same rows make the same backup, whichever engine has them.
    assert not declare(second, "store_restore", src=str(path)).changed
    assert not declare(second, "store_backup", dest=str(path), recovery_passphrase=PASSPHRASE).changed
    declare(second, "secret_text", identifier="text", value=b"goes on from here")
    assert read(second, "text") == b"goes on from here"


@pytest.mark.parametrize("is_there", [False, True])
def test_a_restore_to_postgresql_that_fails_leaves_nothing(
    new_store: NewStore, postgresql: Postgresql, tmp_path: Path, is_there: bool
) -> None:
    first, settings = Engine(new_store("sqlite")), new_store("postgresql")
    fill(first)
    path = tmp_path / "secrets.backup"
    back_up(first, path)
    second = Engine(settings)
    if is_there:
        declare(second, "secret_text", identifier="a", value=b"v")
        assert error_of(lambda: restore(second, path)).code == "store_not_empty"
        assert read(second, "a") == b"v"
        declare(second, "secret_text", identifier="a", state="absent")
    path.write_bytes(path.read_bytes()[:-1])
    assert error_of(lambda: restore(second, path)).code == "damaged_backup"
    tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()"
    assert bool(postgresql.run(tables, url=settings.store)[0][0]) == is_there
    back_up(first, path, force=True)
    restore(Engine(settings), path)
    assert read(Engine(settings), "text") == b"of the account"
