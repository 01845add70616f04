# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQLite files: checked permissions, atomic creation, and a distinct error for every failure."""

from __future__ import annotations

import os
import resource
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import (
    Damaged,
    ScopedSecretsError,
    StoreRefused,
    Unavailable,
)
from ansible_collections.scoped.secrets.plugins.module_utils.store import sqlite
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Database
from ansible_collections.scoped.secrets.plugins.module_utils.store.mounts import Mount
from ansible_collections.scoped.secrets.plugins.module_utils.store.sqlite import (
    SqliteDialect,
    check_file,
    check_file_system,
    create_file,
    memory_database,
)
from ansible_collections.scoped.secrets.tests.unit.store.rows import error_of, initialise, new_store, open_file

NOBODY = 65534
LOCAL = "36 35 98:0 / / rw,noatime master:1 - ext4 /dev/root rw\n"


def count_scopes(database: Database) -> int:
    return int(database.read(lambda tx: tx.one("SELECT count(*) AS found FROM scope"))["found"])


@contextmanager
def ordinary_user() -> Iterator[Path]:
    """Become a user other than root, to whom file modes apply; yield a folder of that user."""
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:
        if user == 0:
            os.chown(folder, NOBODY, -1)
            os.seteuid(NOBODY)
        try:
            yield Path(folder)
        finally:
            os.seteuid(user)


# Permissions


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o777])
def test_file_that_others_can_access_is_refused(path: Path, database: Database, mode: int) -> None:
    path.chmod(mode)
    error = error_of(lambda: check_file(path))
    assert (error.code, str(path) in error.message, f"{mode:04o}" in error.message) == (
        "exposed_store_file",
        True,
        True,
    )
    assert f"chmod 600 '{path}'" in error.hint


def test_file_with_safe_permissions_is_accepted(path: Path, database: Database) -> None:
    for mode in (0o600, 0o400):
        path.chmod(mode)
        check_file(path)
    assert count_scopes(database) == 1


def test_folder_that_others_can_only_read_is_accepted(path: Path, database: Database) -> None:
    path.parent.chmod(0o755)
    check_file(path)


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_folder_that_others_can_write_is_refused(path: Path, database: Database, mode: int) -> None:
    path.parent.chmod(mode)
    assert error_of(lambda: check_file(path)).code == "exposed_store_folder"
    path.parent.chmod(mode | stat.S_ISVTX)
    check_file(path)


def test_file_of_another_user_is_refused(path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    error = error_of(lambda: check_file(path))
    assert error.code == "foreign_store_file"
    assert f"chown {path.stat().st_uid + 1} " in error.hint


def test_folder_is_not_a_store(tmp_path: Path) -> None:
    assert error_of(lambda: open_file(tmp_path)).code == "foreign_database"


def test_every_connection_checks_the_file(path: Path, database: Database) -> None:
    path.chmod(0o644)
    assert error_of(lambda: open_file(path)).code == "exposed_store_file"


# The file system


NETWORK_TYPES = """9p afs beegfs ceph cifs fuse.ceph fuse.glusterfs fuse.s3fs fuse.sshfs glusterfs gpfs lustre ncpfs
    nfs nfs4 smb3 smbfs"""


@pytest.mark.parametrize("kind", NETWORK_TYPES.split())
def test_network_file_system_is_refused(tmp_path: Path, kind: str) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"{LOCAL}37 36 0:45 / /srv/sha\\040red rw shared:7 master:2 - {kind} host:/export rw\n")
    error = error_of(lambda: check_file_system(Path("/srv/sha red/deep/store.db"), str(mounts)))
    assert (error.code, kind in error.message) == ("store_on_network", True)
    check_file_system(Path("/srv/sha red2/store.db"), str(mounts))
    check_file_system(Path("/srv/store.db"), str(mounts))


def test_unknown_file_system_is_accepted(tmp_path: Path) -> None:
    check_file_system(tmp_path / "store.db", str(tmp_path / "no-such-file"))


def test_no_file_is_made_or_opened_on_a_network_file_system(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new_store(path).close()
    other = path.with_name("other.db")
    monkeypatch.setattr(sqlite, "mount_of", lambda *_arguments: Mount("/", "nfs4"))
    for call in (lambda: open_file(path), lambda: create_file(other, initialise)):
        assert error_of(call).code == "store_on_network"
    assert not other.exists()


# Creating the file


def test_it_is_told_who_created_the_file_and_that_is_durable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(sqlite, "sync_folder", synced.append)
    deep = path.parent / "deep" / "er" / "store.db"
    assert [create_file(deep, initialise) for _time in range(2)] == [True, False]
    assert synced == [deep.parent] * 2


def test_new_store_is_private_and_in_wal_mode(path: Path) -> None:
    umask = os.umask(0)
    try:
        new_store(path).close()
    finally:
        os.umask(umask)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert os.listdir(path.parent) == [path.name]
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_connections_are_durable_and_enforce_foreign_keys(path: Path, database: Database) -> None:
    full = 2
    assert database._connection.execute("PRAGMA synchronous").fetchone()[0] == full
    orphan = {"user_kind": "secret", "user_id": "u", "field": "f", "secret_id": "none"}
    assert error_of(lambda: database.write(lambda tx: tx.insert("secret_reference", **orphan))).code == "store_failed"


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_failed_creation_leaves_no_files(path: Path, failure: type[BaseException]) -> None:
    def fail(database: Database) -> None:
        initialise(database)
        raise failure

    with pytest.raises(failure):
        create_file(path, fail)
    assert os.listdir(path.parent) == []


def test_store_created_by_another_process_is_kept(path: Path) -> None:
    def overtaken(database: Database) -> None:
        initialise(database)
        path.write_bytes(b"theirs")

    create_file(path, overtaken)
    assert path.read_bytes() == b"theirs"
    assert os.listdir(path.parent) == [path.name]


def test_store_whose_folder_can_not_be_created_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    error = error_of(lambda: create_file(tmp_path / "file" / "store.db", initialise))
    assert (error.code, os.listdir(tmp_path)) == ("store_not_created", ["file"])


def test_store_in_a_read_only_folder_is_not_created() -> None:
    with ordinary_user() as folder:
        folder.chmod(0o500)
        error = error_of(lambda: create_file(folder / "store.db", initialise))
        assert (error.code, os.listdir(folder)) == ("store_not_created", [])
        folder.chmod(0o700)


# Real failures


def test_foreign_file_is_refused_and_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no database\n" * 100)
    path.chmod(0o600)
    content = path.read_bytes()
    assert error_of(lambda: open_file(path).table_names()).code == "foreign_database"
    assert (path.read_bytes(), os.listdir(tmp_path)) == (content, ["notes.txt"])


def test_a_database_that_is_no_store_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("CREATE TABLE notes (text TEXT)")
    path.chmod(0o600)
    content = path.read_bytes()
    database = open_file(path)
    assert database.table_names() == {"notes"}
    database.close()
    assert (path.read_bytes(), os.listdir(tmp_path)) == (content, ["notes.db"])


def test_another_thread_may_use_a_connection(path: Path, database: Database) -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(count_scopes, database).result() == 1


def test_the_size_of_a_database_is_that_of_its_pages(path: Path, database: Database) -> None:
    pages, size = (database._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    assert database.size() == pages * size > 0
    assert database.engine == f"SQLite {sqlite3.sqlite_version}"


def test_damaged_file_is_distinguished_from_a_foreign_one(path: Path) -> None:
    new_store(path).close()
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    error = error_of(lambda: count_scopes(open_file(path)))
    assert (type(error), error.code) == (Damaged, "damaged_store")


def test_locked_store_is_busy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 20)
    database = new_store(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        error = error_of(lambda: database.write(lambda tx: tx.run("DELETE FROM secret")))
        assert count_scopes(database) == 1
    assert (type(error), error.code, error.retryable) == (Unavailable, "store_busy", True)


def test_existing_store_in_a_read_only_folder_is_read_only() -> None:
    with ordinary_user() as folder:
        path = folder / "store.db"
        new_store(path).close()
        folder.chmod(0o500)
        error = error_of(lambda: count_scopes(open_file(path)))
        folder.chmod(0o700)
        assert (error.code, count_scopes(open_file(path))) == ("store_read_only", 1)


def test_read_only_file_can_be_read_but_not_written() -> None:
    with ordinary_user() as folder:
        path = folder / "store.db"
        new_store(path).close()
        path.chmod(0o400)
        error = error_of(lambda: open_file(path).write(lambda tx: tx.run("UPDATE scope SET name = 'x'")))
        assert error.code == "store_read_only"


def test_change_is_rolled_back_on_a_full_disk(path: Path, database: Database) -> None:
    """A file size limit simulates a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    change = b"x" * 2_000_000
    before = database.read(lambda tx: tx.one("SELECT tag FROM scope"))["tag"]
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        error = error_of(lambda: database.write(lambda tx: tx.run("UPDATE scope SET tag = :tag", tag=change)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert error.code == "store_full"
    assert database.read(lambda tx: tx.one("SELECT tag FROM scope"))["tag"] == before


def test_change_is_rolled_back_in_a_full_database(path: Path, database: Database) -> None:
    database._connection.execute("PRAGMA max_page_count = 1")
    change = b"x" * 2_000_000
    assert error_of(lambda: database.write(lambda tx: tx.run("UPDATE scope SET tag = :tag", tag=change))).code == (
        "store_full"
    )


# Every error name


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("SQLITE_FULL", StoreRefused, "store_full"),
        ("SQLITE_IOERR_WRITE", StoreRefused, "store_full"),
        ("SQLITE_IOERR_SHMSIZE", StoreRefused, "store_full"),
        ("SQLITE_READONLY", StoreRefused, "store_read_only"),
        ("SQLITE_READONLY_DBMOVED", StoreRefused, "store_read_only"),
        ("SQLITE_READONLY_DIRECTORY", StoreRefused, "store_read_only"),
        ("SQLITE_CANTOPEN", StoreRefused, "store_read_only"),
        ("SQLITE_NOTADB", StoreRefused, "foreign_database"),
        ("SQLITE_CORRUPT", Damaged, "damaged_store"),
        ("SQLITE_CORRUPT_INDEX", Damaged, "damaged_store"),
        ("SQLITE_BUSY", Unavailable, "store_busy"),
        ("SQLITE_BUSY_SNAPSHOT", Unavailable, "store_busy"),
        ("SQLITE_LOCKED_SHAREDCACHE", Unavailable, "store_busy"),
        ("SQLITE_IOERR_READ", StoreRefused, "store_failed"),
        ("SQLITE_CONSTRAINT_UNIQUE", StoreRefused, "store_failed"),
    ],
)
def test_every_error_name_has_its_code(name: str, kind: type[ScopedSecretsError], code: str) -> None:
    driver = sqlite3.OperationalError("near secret text")
    driver.sqlite_errorname = name
    error = SqliteDialect("/the/store.db").translate(driver)
    assert error is not None
    assert (type(error), error.code, error.retryable) == (kind, code, kind is Unavailable)
    assert "/the/store.db" in error.message
    assert error.hint
    assert "secret text" not in str(error)


def test_errors_without_a_name_and_foreign_exceptions() -> None:
    dialect = SqliteDialect("/the/store.db")
    error = dialect.translate(sqlite3.ProgrammingError("x"))
    assert error is not None
    assert (error.code, "ProgrammingError" in error.message) == ("store_failed", True)
    assert dialect.translate(ValueError("x")) is None
    unreadable = dialect.translate(PermissionError(13, "Permission denied"))
    assert unreadable is not None
    assert (unreadable.code, "Permission denied" in unreadable.message) == ("store_unreachable", True)
    assert not dialect.must_retry(sqlite3.OperationalError("x"))


def test_memory_databases_share_nothing() -> None:
    first, second = memory_database(), memory_database()
    initialise(first)
    assert ("store" in first.table_names(), second.table_names()) == (True, set())


def test_failed_creation_with_special_characters_leaves_no_files(tmp_path: Path) -> None:
    def broken(_database: Database) -> None:
        raise InterruptedError

    with pytest.raises(StoreRefused):
        create_file(tmp_path / "a[b]*.db", broken)
    assert not list(tmp_path.iterdir())


def test_detects_a_removed_or_replaced_file(path: Path, database: Database) -> None:
    assert not database.dialect.is_replaced()
    database.write(lambda tx: tx.run("UPDATE scope SET name = 'new'"))
    assert not database.dialect.is_replaced()
    moved = path.with_name("moved.db")
    path.rename(moved)
    assert database.dialect.is_replaced()
    path.write_bytes(b"")
    assert database.dialect.is_replaced()
    moved.rename(path)
    assert not database.dialect.is_replaced()


def test_database_in_memory_is_never_replaced() -> None:
    assert not memory_database().dialect.is_replaced()
