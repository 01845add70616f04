# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A place has a store or gets one, as a file or in a database. Real PostgreSQL servers: tests/stores."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.store import lasting
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Database
from ansible_collections.scoped.secrets.plugins.module_utils.store.mounts import Mount
from ansible_collections.scoped.secrets.plugins.module_utils.store.places import Place, place_at
from ansible_collections.scoped.secrets.plugins.module_utils.store.postgresql import dialect
from ansible_collections.scoped.secrets.plugins.module_utils.store.sqlite import SqliteDialect
from ansible_collections.scoped.secrets.tests.unit.store.rows import error_of, initialise


@pytest.fixture
def file(tmp_path: Path) -> Place:
    return place_at(f"sqlite:///{tmp_path}/folder/store.db")


def test_a_file_is_a_store_once_it_is_created(file: Place, tmp_path: Path) -> None:
    assert (str(file), file.has_store()) == (f"sqlite:///{tmp_path}/folder/store.db", False)
    assert file.create(initialise)
    assert file.has_store()
    database = file.open()
    file.hand_over()
    file.close()
    assert "store" in database.table_names()
    database.close()


def test_a_file_that_another_process_creates_is_left_alone(file: Place, tmp_path: Path) -> None:
    def overtaken(database: Database) -> None:
        initialise(database)
        (tmp_path / "folder" / "store.db").write_bytes(b"theirs")

    assert not file.create(overtaken)
    assert (tmp_path / "folder" / "store.db").read_bytes() == b"theirs"


def test_a_path_that_can_not_be_entered_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    error = error_of(place_at(f"sqlite:///{tmp_path}/file/store.db").has_store)
    assert (error.code, f"{tmp_path}/file/store.db" in error.message) == ("store_unreachable", True)


def test_a_new_file_must_outlast_its_job(file: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lasting, "mount_of", lambda *_arguments: Mount("/", "overlay"))
    monkeypatch.delenv("AWX_PRIVATE_DATA_DIR", raising=False)
    file.check_lasting()
    monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", "/job")
    assert error_of(file.check_lasting).code == "store_dies_with_job"
    place_at("postgresql://host/secrets").check_lasting()


@pytest.fixture
def connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The connections to a database that SQLite stands for, each as the state in which it was opened."""
    opened: list[str] = []
    (tmp_path / "database").touch(mode=0o600)

    class Dialect(SqliteDialect):
        def __init__(self, _location: object, *, is_new: bool = False) -> None:
            super().__init__(f"{tmp_path}/database")
            opened.append("new" if is_new else "existing")

    monkeypatch.setattr(dialect, "PostgresqlDialect", Dialect)
    return opened


def shared() -> Place:
    return place_at("postgresql://user:password@host/secrets")


def test_a_database_is_a_store_once_it_is_created(connections: list[str]) -> None:
    place = shared()
    assert (str(place), place.has_store()) == ("postgresql://host/secrets", False)
    assert place.create(initialise)
    assert place.has_store()
    assert place.open() is place.open()
    assert connections == ["existing", "new"]
    place.close()


@pytest.mark.parametrize("is_handed_over", [False, True])
def test_a_connection_is_closed_unless_it_is_handed_over(connections: list[str], is_handed_over: bool) -> None:
    place = shared()
    place.create(initialise)
    database = place.open()
    if is_handed_over:
        place.hand_over()
    for _time in range(2):
        place.close()
    if is_handed_over:
        assert "store" in database.table_names()
        database.close()
    else:
        assert error_of(database.table_names).code == "store_failed"


def test_a_database_that_another_process_fills_is_left_alone(
    connections: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Database] = []

    def overtaken(database: Database) -> None:
        made.append(database)
        raise dialect.AlreadyMade

    assert not shared().create(overtaken)
    assert error_of(made[0].table_names).code == "store_failed"


@pytest.mark.parametrize(
    ("tables", "taken"),
    [
        (["notes"], ""),
        (["scope"], "scope"),
        (["secret"], "secret"),
        (["connector"], "connector"),
        (["scope", "store"], ""),
    ],
)
def test_tables_of_another_application_are_not_mixed_with_ours(
    connections: list[str], tables: list[str], taken: str
) -> None:
    place = shared()
    for table in tables:
        place.open().write(lambda tx, table=table: tx.run(f"CREATE TABLE {table} (id TEXT)"))
    made: list[Database] = []
    if taken:
        error = error_of(lambda: place.create(made.append))
        assert (error.code, f"a table '{taken}'" in error.message, made) == ("foreign_database", True, [])
    else:
        assert place.create(made.append)
        assert len(made) == 1
    place.close()
