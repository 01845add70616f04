# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup has everything of one moment, is verified, and never replaces a foreign file unasked."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.backup import backup as backup_module
from ansible_collections.scoped.secrets.plugins.module_utils.engine.backup import files as backup_files
from ansible_collections.scoped.secrets.plugins.module_utils.engine.backup import rows as backup_rows
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.backup.test_restore import rewritten
from ansible_collections.scoped.secrets.tests.unit.engine.full_store import (
    API,
    PASSPHRASE,
    all_of,
    back_up,
    fill,
    many,
    restore,
)
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    check,
    content_of,
    declare,
    error_of,
    is_made,
    read,
    rows_of,
    store_path,
)

Elsewhere = Callable[[], Settings]


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups" / "secrets.backup"


def test_a_backup_has_everything(engine: Engine, dest: Path, elsewhere: Elsewhere) -> None:
    fill(engine)
    before = all_of(engine)
    made = back_up(engine, dest)
    counts = {what: made[what] for what in ("scopes", "connectors", "secrets", "versions")}
    assert counts == {"scopes": 4, "connectors": 2, "secrets": 11, "versions": 11}
    assert (made["path"], made["size"]) == (str(dest), dest.stat().st_size)
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600
    other = Engine(elsewhere())
    assert restore(other, dest) == made
    assert all_of(other) == before


def test_a_backup_leaves_the_store_unchanged(engine: Engine, settings: Settings, dest: Path) -> None:
    fill(engine)
    before = content_of(settings)
    back_up(engine, dest, recovery_passphrase=PASSPHRASE)
    assert content_of(settings) == before
    assert [path.name for path in dest.parent.iterdir()] == [dest.name]


def test_a_backup_shows_no_value_and_no_name(engine: Engine, settings: Settings, dest: Path) -> None:
    declare(engine, "scope", org="canary_org", description="canary description")
    declare(engine, "secret_text", org="canary_org", identifier="canary_name", value=b"canary value")
    made = back_up(engine, dest, recovery_passphrase="canary passphrase")
    content = dest.read_bytes()
    assert b"canary" not in content
    assert Path(settings.root_key_file).read_bytes().strip() not in content
    assert made["root_key_id"].encode() in content


def test_an_equal_backup_is_left_alone(engine: Engine, dest: Path) -> None:
    fill(engine)
    made = back_up(engine, dest, recovery_passphrase=PASSPHRASE)
    before = dest.stat()
    again = declare(engine, "store_backup", dest=str(dest), recovery_passphrase=PASSPHRASE)
    assert (again.changed, again.returned["backup"]) == (False, made)
    assert (dest.stat().st_mtime_ns, dest.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_an_equal_backup_needs_no_room_for_a_second_one(
    engine: Engine, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(engine)
    back_up(engine, dest, recovery_passphrase=PASSPHRASE)
    opened: list[bool] = []
    real = backup_files.Draft.opened

    def counted(draft: backup_files.Draft) -> Any:
        opened.append(draft.path != Path(os.devnull))
        return real(draft)

    monkeypatch.setattr(backup_files.Draft, "opened", counted)
    assert not declare(engine, "store_backup", dest=str(dest), recovery_passphrase=PASSPHRASE).changed
    assert opened == [False]
    something_new(engine, dest)
    assert declare(engine, "store_backup", dest=str(dest), recovery_passphrase=PASSPHRASE).changed
    assert opened == [False, False, True]


def something_new(engine: Engine, _dest: Path) -> dict[str, str]:
    declare(engine, "secret_text", identifier="text", value=b"new")
    return {"recovery_passphrase": PASSPHRASE}


def a_damaged_file(_engine: Engine, dest: Path) -> dict[str, str]:
    data = bytearray(dest.read_bytes())
    data[-1] ^= 1
    dest.write_bytes(data)
    return {"recovery_passphrase": PASSPHRASE}


def another_passphrase(_engine: Engine, _dest: Path) -> dict[str, str]:
    return {"recovery_passphrase": PASSPHRASE + "!"}


def no_passphrase(_engine: Engine, _dest: Path) -> dict[str, str]:
    return {}


@pytest.mark.parametrize("change", [something_new, a_damaged_file, another_passphrase, no_passphrase])
def test_a_different_backup_is_replaced(
    engine: Engine, dest: Path, elsewhere: Elsewhere, change: Callable[[Engine, Path], dict[str, str]]
) -> None:
    fill(engine)
    back_up(engine, dest, recovery_passphrase=PASSPHRASE)
    params = change(engine, dest)
    changed = dest.read_bytes()
    assert check(engine, "store_backup", dest=str(dest), **params).changed
    assert dest.read_bytes() == changed
    made = back_up(engine, dest, **params)
    assert made["has_recovery_passphrase"] == bool(params)
    assert not declare(engine, "store_backup", dest=str(dest), **params).changed
    restore(Engine(elsewhere()), dest)


def test_check_mode_writes_nothing(engine: Engine, dest: Path) -> None:
    fill(engine)
    result = check(engine, "store_backup", dest=str(dest))
    assert (result.changed, result.returned["backup"]["secrets"], result.returned["backup"]["size"]) == (True, 11, None)
    assert list(dest.parent.iterdir()) == []
    assert (result.before, result.after["secrets"]) == ({}, 11)


def test_a_missing_store(engine: Engine, settings: Settings, dest: Path) -> None:
    assert error_of(lambda: back_up(engine, dest)).code == "no_store"
    result = check(engine, "store_backup", dest=str(dest))
    assert result.changed
    assert "In check mode" in result.warnings[0]
    assert not is_made(settings)
    assert list(dest.parent.iterdir()) == []


def a_text(_elsewhere: Elsewhere, dest: Path) -> None:
    dest.write_text("something of yours")


def another_backup(elsewhere: Elsewhere, dest: Path) -> None:
    other = Engine(elsewhere())
    declare(other, "secret_text", identifier="a", value=b"v")
    back_up(other, dest)


def an_empty_file(_elsewhere: Elsewhere, dest: Path) -> None:
    dest.touch()


def a_damaged_backup(elsewhere: Elsewhere, dest: Path) -> None:
    another_backup(elsewhere, dest)
    content = bytearray(dest.read_bytes())
    content[40] ^= 1
    dest.write_bytes(content)


@pytest.mark.parametrize("put", [a_text, another_backup, an_empty_file, a_damaged_backup])
def test_a_foreign_file_is_replaced_only_by_force(
    engine: Engine, elsewhere: Elsewhere, dest: Path, put: Callable[[Elsewhere, Path], None]
) -> None:
    fill(engine)
    put(elsewhere, dest)
    before = dest.read_bytes()
    for mode in (check, declare):
        assert error_of(lambda mode=mode: mode(engine, "store_backup", dest=str(dest))).code == "dest_taken"
    assert dest.read_bytes() == before
    back_up(engine, dest, force=True)
    restore(Engine(elsewhere()), dest)


def test_a_folder_is_never_replaced(engine: Engine, dest: Path) -> None:
    fill(engine)
    assert error_of(lambda: back_up(engine, dest.parent, force=True)).code == "dest_taken"


@pytest.mark.parametrize("name", ["store.db", "store.db-wal", "store.db-shm", "root.key", "link"])
def test_the_store_and_its_key_are_never_replaced(
    engine: Engine, settings: Settings, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(engine)
    folder = store_path(settings).parent
    (folder / "link").symlink_to(store_path(settings))
    target = Path(settings.root_key_file) if name == "root.key" else folder / name
    before = target.stat().st_ino
    monkeypatch.setattr(backup_files, "BackupReader", lambda _file: pytest.fail("its locks are lost when it is closed"))
    assert error_of(lambda: back_up(engine, target, force=True)).code == "not_a_backup"
    assert error_of(lambda: restore(engine, target)).code == "not_a_backup"
    assert target.stat().st_ino == before
    assert read(engine, "text") == b"of the account"


def test_a_missing_or_closed_folder_is_refused(engine: Engine, dest: Path) -> None:
    fill(engine)
    for path in (dest / "nowhere" / "x", Path(__file__) / "x", Path("/proc/x")):
        assert error_of(lambda path=path: back_up(engine, path)).code == "backup_not_written"


def test_a_full_disk(engine: Engine, dest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(engine)
    back_up(engine, dest)
    before = dest.read_bytes()
    declare(engine, "secret_text", identifier="text", value=b"new")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    error = error_of(lambda: back_up(engine, dest))
    assert (error.code, "No space" in error.message) == ("backup_not_written", True)
    assert dest.read_bytes() == before
    assert [path.name for path in dest.parent.iterdir()] == [dest.name]


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE secret SET expires_at = ''", "damaged_row"),
        ("UPDATE secret_version SET size = size + 1", "damaged_row"),
        ("UPDATE connector SET kind = 'memory_plain'", "damaged_row"),
        ("UPDATE scope SET inherits_managers = 1", "damaged_row"),
        ("DELETE FROM secret_version WHERE version = 2", "damaged_row"),
        ("DELETE FROM secret_version WHERE version = 3", "missing_version"),
        ("DELETE FROM secret_version", "missing_version"),
        (
            "INSERT INTO secret_version SELECT secret_id, 4, state, key_generation, fingerprint, "
            "fingerprint_generation, size, envelope, at_provider, created_at, digest FROM secret_version "
            "WHERE version = 3",
            "damaged_row",
        ),
        ("DELETE FROM connector WHERE kind = 'memory_kms'", "rolled_back"),
        (
            "UPDATE secret SET scope_id = (SELECT id FROM scope WHERE identifier = 'empty_one') WHERE kind = 'file'",
            "rolled_back",
        ),
        ("DELETE FROM scope WHERE level = 'project'", "rolled_back"),
        ("UPDATE scope_key SET wrapped = :zeros WHERE parent_generation = 0", "wrong_key"),
        ("UPDATE scope_key SET wrapped = :zeros WHERE parent_generation > 0", "damaged_scope_key"),
        ("DELETE FROM scope_key WHERE parent_generation > 0", "damaged_scope_key"),
        ("UPDATE scope SET parent_id = NULL", "rolled_back"),
    ],
)
def test_a_tampered_store_is_not_backed_up(
    engine: Engine, settings: Settings, dest: Path, statement: str, code: str
) -> None:
    fill(engine)
    back_up(engine, dest)
    before = dest.read_bytes()
    with rows_of(settings) as tx:
        tx.run(statement, zeros=bytes(60))
    assert error_of(lambda: back_up(Engine(settings), dest, verify=False)).code == code
    assert dest.read_bytes() == before
    assert [path.name for path in dest.parent.iterdir()] == [dest.name]


def test_an_unreadable_value_is_found_unless_verify_is_off(
    engine: Engine, dest: Path, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if a bit had flipped before the row was signed."""
    from ansible_collections.scoped.secrets.plugins.module_utils.managers import builtin

    keep = builtin.keep

    def flipped(*given: Any) -> bytes:
        sealed = keep(*given)
        return sealed[:-1] + bytes([sealed[-1] ^ 1])

    monkeypatch.setattr(builtin, "keep", flipped)
    declare(engine, "secret_text", identifier="a", value=b"v")
    assert error_of(lambda: back_up(engine, dest)).code == "damaged_value"
    assert list(dest.parent.iterdir()) == []
    back_up(engine, dest, verify=False)
    target = elsewhere()
    error = error_of(lambda: restore(Engine(target), dest))
    assert error.code == "damaged_value"
    assert not is_made(target)


def test_a_file_damaged_by_the_disk_is_noticed(engine: Engine, dest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(engine)
    opened = backup_module.opened

    def with_flipped_bit(path: Path, settings: Settings) -> object:
        data = bytearray(path.read_bytes())
        data[-20] ^= 1
        path.write_bytes(data)
        return opened(path, settings)

    monkeypatch.setattr(backup_module, "opened", with_flipped_bit)
    assert error_of(lambda: back_up(engine, dest)).code == "damaged_backup"
    assert list(dest.parent.iterdir()) == []


def test_a_backup_is_of_one_moment_while_others_write(
    engine: Engine, settings: Settings, dest: Path, elsewhere: Elsewhere
) -> None:
    """Another engine keeps declaring two related secrets while backups are made."""
    declare(engine, "secret_text", identifier="a", value=b"0")
    declare(engine, "secret_text", identifier="b", value=b"0")
    is_over, may_write, has_written = threading.Event(), threading.Event(), threading.Event()

    def write() -> None:
        other, number = Engine(settings), 0
        while not is_over.is_set():
            may_write.wait()
            number += 1
            declare(other, "secret_text", identifier="a", value=b"%d" % number)
            declare(other, "secret_text", identifier="b", value=b"%d" % number)
            has_written.set()

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for _turn in range(10):
            # Otherwise there may be nothing new to back up.
            has_written.clear()
            may_write.set()
            assert has_written.wait(60)
            back_up(engine, dest, force=True)
            may_write.clear()
            other = Engine(elsewhere())
            restore(other, dest)
            # `a` is written first.
            assert int(read(other, "a")) - int(read(other, "b")) in (0, 1)
    finally:
        is_over.set()
        may_write.set()
        writing.join()
    assert int(read(engine, "b")) > 1


def test_others_read_and_write_during_a_backup(
    engine: Engine, settings: Settings, dest: Path, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a backup, the same engine and others keep working."""
    many(engine, 20)
    monkeypatch.setattr(backup_rows, "_STEP", 10)
    seen: list[str] = []

    def work(line: str) -> None:
        seen.append(line)
        declare(engine, "secret_text", **API, identifier="item_1", value=b"meanwhile %d" % len(seen))
        declare(Engine(settings), "secret_text", **API, identifier="item_2", value=b"meanwhile %d" % len(seen))
        assert read(engine, "item_1", **API) == b"meanwhile %d" % len(seen)

    engine.handle(Request("store_backup", {"dest": str(dest)}), work)
    assert seen == ["Backed up 10 of 20 secrets", "Backed up 20 of 20 secrets"]
    other = Engine(elsewhere())
    restore(other, dest)
    assert read(other, "item_1", **API) == b"of 1"


def test_a_killed_backup_leaves_the_old_one_and_the_next_cleans_up(
    engine: Engine, settings: Settings, dest: Path
) -> None:
    many(engine, 20)
    back_up(engine, dest)
    before = dest.read_bytes()
    declare(engine, "secret_text", **API, identifier="item_1", value=b"new")
    code = (
        "import os, signal, sys\n"
        "from ansible_collections.scoped.secrets.plugins.module_utils.engine.backup import rows as backup_rows\n"
        "from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine\n"
        "from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request\n"
        "from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings\n"
        "backup_rows._STEP = 10\n"
        "kill = lambda line: os.kill(os.getpid(), signal.SIGKILL)\n"
        "Engine(Settings(sys.argv[1], sys.argv[2])).handle(Request('store_backup', {'dest': sys.argv[3]}), kill)\n"
    )
    command = [sys.executable, "-c", code, settings.store, settings.root_key_file, str(dest)]
    assert subprocess.run(command, check=False).returncode == -9
    assert dest.read_bytes() == before
    assert len(list(dest.parent.iterdir())) == 2
    back_up(engine, dest)
    assert [path.name for path in dest.parent.iterdir()] == [dest.name]


def test_a_file_that_was_exchanged_meanwhile_is_noticed(
    engine: Engine, settings: Settings, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By one with the same key and other rows, as somebody with the root key could make."""
    fill(engine)
    opened = backup_module.opened

    def exchanged(path: Path, settings: Settings) -> object:
        rewritten(path, settings, lambda table, row: None if table == "audit_event" else row)
        return opened(path, settings)

    monkeypatch.setattr(backup_module, "opened", exchanged)
    assert error_of(lambda: back_up(engine, dest)).code == "damaged_backup"
    assert list(dest.parent.iterdir()) == []


def test_a_file_that_can_not_be_moved_into_place_is_refused(
    engine: Engine, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(engine)

    def refuse(_old: object, _new: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "replace", refuse)
    error = error_of(lambda: back_up(engine, dest))
    assert (error.code, "cross-device" in error.message) == ("backup_not_written", True)
    assert list(dest.parent.iterdir()) == []
