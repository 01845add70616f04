# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore is all or nothing, with the old root key or, if that is lost, with a new one."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.backup import BackupReader, BackupWriter
from ansible_collections.scoped.secrets.plugins.module_utils.engine.backup import restore as restore_module
from ansible_collections.scoped.secrets.plugins.module_utils.engine.backup import rows as backup_rows
from ansible_collections.scoped.secrets.plugins.module_utils.engine.backup.rows import RowReader, RowWriter
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine, Shared
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.opening import root_key_of
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store import schema
from ansible_collections.scoped.secrets.plugins.module_utils.store.location import Location
from ansible_collections.scoped.secrets.plugins.module_utils.store.places import Place, place_at
from ansible_collections.scoped.secrets.plugins.module_utils.store.schema import STEPS, SchemaStep
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
    leftovers,
    read,
    rows_of,
)

Elsewhere = Callable[[], Settings]


@pytest.fixture
def src(engine: Engine, tmp_path: Path) -> Path:
    """A backup of a full store, with a recovery passphrase."""
    fill(engine)
    path = tmp_path / "secrets.backup"
    back_up(engine, path, recovery_passphrase=PASSPHRASE)
    return path


@pytest.fixture
def target(elsewhere: Elsewhere) -> Settings:
    """The place to restore to: without a store, and with the same root key."""
    return elsewhere()


def new_key(folder: Path, name: str = "new.key") -> str:
    path = folder / name
    path.write_bytes(base64.b64encode(os.urandom(32)))
    path.chmod(0o600)
    return str(path)


def nothing_at(settings: Settings) -> bool:
    return not is_made(settings) and leftovers(settings) == []


def test_a_restored_store_has_everything(engine: Engine, src: Path, target: Settings) -> None:
    before = all_of(engine)
    other = Engine(target)
    result = declare(other, "store_restore", src=str(src))
    assert result.changed
    assert result.warnings == [f"The store {Location.parse(target.store)} was restored from {src}."]
    assert all_of(other) == before
    assert leftovers(target) == []
    # Its secrets take new versions.
    declare(other, "secret_text", **API, identifier="text", value=b"four")
    assert (read(other, "text", **API), read(other, "text@3", **API)) == (b"four", "drei \u20ac".encode())


def test_every_row_is_equal_except_the_account_key_and_the_signed_epochs(
    engine: Engine, settings: Settings, src: Path, target: Settings
) -> None:
    restore(Engine(target), src)
    before, after = content_of(settings), content_of(target)
    changed = [line for line in before if line not in after]
    assert len(before) == len(after)
    kinds = Counter(line.partition(":")[0] for line in changed if "applied_at" not in line)
    assert kinds == {"scope_key": 1, "scope": 4}


def test_restoring_again_changes_nothing(src: Path, target: Settings) -> None:
    made = restore(Engine(target), src)
    before = content_of(target)
    for engine in (Engine(target), Engine(target)):
        again = declare(engine, "store_restore", src=str(src))
        assert (again.changed, again.returned["backup"]) == (False, made)
    assert content_of(target) == before


def test_check_mode_reads_the_whole_file_and_creates_nothing(src: Path, target: Settings) -> None:
    result = check(Engine(target), "store_restore", src=str(src))
    assert (result.changed, result.returned["backup"]["secrets"], result.after["secrets"]) == (True, 11, 11)
    assert nothing_at(target)
    src.write_bytes(src.read_bytes()[:-1])
    assert error_of(lambda: check(Engine(target), "store_restore", src=str(src))).code == "damaged_backup"


def something(engine: Engine) -> None:
    declare(engine, "secret_text", identifier="a", value=b"v")


def a_scope(engine: Engine) -> None:
    declare(engine, "scope", org="pay")


def a_connector(engine: Engine) -> None:
    declare(engine, "connector_memory_kms", identifier="kms")


@pytest.mark.parametrize("put", [something, a_scope, a_connector])
def test_a_store_that_is_not_empty_is_left_alone(src: Path, target: Settings, put: Callable[[Engine], None]) -> None:
    engine = Engine(target)
    put(engine)
    before = content_of(target)
    for mode in (check, declare):
        error = error_of(lambda mode=mode: mode(engine, "store_restore", src=str(src)))
        assert (error.code, str(Location.parse(target.store)) in error.message) == ("store_not_empty", True)
    assert content_of(target) == before


def test_a_restored_store_that_was_changed_is_left_alone(src: Path, target: Settings) -> None:
    engine = Engine(target)
    restore(engine, src)
    something(engine)
    assert error_of(lambda: restore(engine, src)).code == "store_not_empty"
    assert read(engine, "a") == b"v"


def test_an_empty_store_with_another_key_is_filled_and_its_engines_follow(
    engine: Engine, src: Path, target: Settings, tmp_path: Path
) -> None:
    """The store has another root key and is empty again; two engines of one process have it open."""
    before = all_of(engine)
    of_other_key = Engine(target._replace(root_key_file=new_key(tmp_path)))
    something(of_other_key)
    declare(of_other_key, "secret_text", identifier="a", state="absent")
    shared = Shared()
    declaring, reading = Engine(target, shared=shared), Engine(target, shared=shared)
    assert error_of(lambda: read(reading, "text")).code == "wrong_key"
    restore(declaring, src)
    assert all_of(reading) == before
    assert all_of(declaring) == before
    # An engine that still has the empty store's key gets an error.
    assert error_of(lambda: read(of_other_key, "text")).code == "wrong_key"


def test_engines_with_the_empty_store_open_follow(engine: Engine, src: Path, target: Settings) -> None:
    before = all_of(engine)
    shared = Shared()
    declaring, reading = Engine(target, shared=shared), Engine(target, shared=shared)
    something(declaring)
    assert read(reading, "a") == b"v"
    declare(declaring, "secret_text", identifier="a", state="absent")
    assert error_of(lambda: read(reading, "a")).code == "unknown_secret"
    restore(declaring, src)
    assert all_of(reading) == all_of(declaring) == before


def cut(data: bytes) -> bytes:
    return data[:-100]


def cut_at_a_chunk(data: bytes) -> bytes:
    start = len(BackupReader(open_bytes(data))._bound) + 32
    return data[: start + 2 * (65536 + 16)]


def one_bit(data: bytes) -> bytes:
    return data[:70_000] + bytes([data[70_000] ^ 1]) + data[70_001:]


def swapped(data: bytes) -> bytes:
    start, size = len(BackupReader(open_bytes(data))._bound) + 32, 65536 + 16
    return data[:start] + data[start + size : start + 2 * size] + data[start : start + size] + data[start + 2 * size :]


def longer(data: bytes) -> bytes:
    return data + b"more"


def another_header(data: bytes) -> bytes:
    return data.replace(b"2026-", b"2025-", 1)


def nothing(_data: bytes) -> bytes:
    return b""


def a_database(_data: bytes) -> bytes:
    return b"SQLite format 3\0" + bytes(1000)


def newer(data: bytes) -> bytes:
    return data[:4] + b"\2" + data[5:]


def open_bytes(data: bytes) -> Any:
    import io

    return io.BytesIO(data)


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (cut, "damaged_backup"),
        (cut_at_a_chunk, "damaged_backup"),
        (one_bit, "damaged_backup"),
        (swapped, "damaged_backup"),
        (longer, "damaged_backup"),
        (another_header, "damaged_backup"),
        (nothing, "not_a_backup"),
        (a_database, "not_a_backup"),
        (newer, "backup_too_new"),
    ],
)
@pytest.mark.parametrize("is_there", [False, True])
def test_a_damaged_or_foreign_file_touches_nothing(
    src: Path, target: Settings, harm: Callable[[bytes], bytes], code: str, is_there: bool
) -> None:
    assert src.stat().st_size > 3 * 65536
    engine = Engine(target)
    if is_there:
        something(engine)
        declare(engine, "secret_text", identifier="a", state="absent")
    before = content_of(target) if is_there else []
    data = src.read_bytes()
    harmed = harm(data)
    assert harmed != data
    src.write_bytes(harmed)
    for mode in (check, declare):
        assert error_of(lambda mode=mode: mode(engine, "store_restore", src=str(src))).code == code
    if is_there:
        assert content_of(target) == before
    else:
        assert nothing_at(target)


def test_a_missing_file_is_refused(src: Path, target: Settings) -> None:
    for path in (src.with_name("none"), src.parent):
        assert error_of(lambda path=path: restore(Engine(target), path)).code == "unreadable_backup"


def test_a_backup_of_a_newer_schema(
    engine: Engine, src: Path, target: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = (*STEPS, SchemaStep(len(STEPS) + 1, ("CREATE TABLE later (id TEXT)",)))
    with monkeypatch.context() as patched:
        for module in (schema, restore_module):
            patched.setattr(module, "STEPS", newer)
        patched.setattr(schema.open_schema, "__defaults__", (newer,))
        upgrading = Engine(engine.settings._replace(may_upgrade=True))
        declare(upgrading, "store_backup", dest=str(src), recovery_passphrase=PASSPHRASE)
    assert error_of(lambda: restore(Engine(target), src)).code == "backup_too_new"
    assert nothing_at(target)


def test_a_backup_of_an_older_schema_is_upgraded(
    engine: Engine, src: Path, target: Settings, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = all_of(engine)
    newer = (*STEPS, SchemaStep(len(STEPS) + 1, ("CREATE TABLE later (id TEXT)", "INSERT INTO later VALUES ('x')")))
    for module in (schema, restore_module):
        monkeypatch.setattr(module, "STEPS", newer)
    for function in (schema.open_schema, schema.upgrade):
        monkeypatch.setattr(function, "__defaults__", (newer,))
    other = Engine(target)
    restore(other, src)
    assert all_of(other) == before
    with rows_of(target) as tx:
        found = tx.one("SELECT later.id, schema_version FROM later, store")
    assert found
    assert tuple(dict(found).values()) == ("x", len(newer))
    empty = elsewhere()._replace(may_upgrade=True)
    something(Engine(empty))
    declare(Engine(empty), "secret_text", identifier="a", state="absent")
    assert error_of(lambda: restore(Engine(empty), src)).code == "backup_too_old"
    assert read(Engine(target), "text") == b"of the account"


# The root key is lost.


def test_a_wrong_root_key_is_refused_and_the_right_one_named(
    settings: Settings, src: Path, target: Settings, tmp_path: Path
) -> None:
    other = target._replace(root_key_file=new_key(tmp_path))
    error = error_of(lambda: restore(Engine(other), src))
    assert error.code == "wrong_backup_key"
    assert root_key_of(settings, {}, []).key_id in error.message
    assert "'recovery_passphrase'" in error.hint
    assert nothing_at(other)


def test_a_backup_without_a_recovery_passphrase_says_so(
    engine: Engine, src: Path, target: Settings, tmp_path: Path
) -> None:
    back_up(engine, src)
    other = Engine(target._replace(root_key_file=new_key(tmp_path)))
    error = error_of(lambda: restore(other, src))
    assert (error.code, "nothing else opens it" in error.hint) == ("wrong_backup_key", True)
    assert error_of(lambda: restore(other, src, recovery_passphrase=PASSPHRASE)).code == "no_recovery_passphrase"


def test_with_the_recovery_passphrase_the_task_brings_the_new_key(
    engine: Engine, elsewhere: Elsewhere, src: Path, target: Settings, tmp_path: Path
) -> None:
    before = all_of(engine)
    other = Engine(target._replace(root_key_file=new_key(tmp_path)))
    result = declare(other, "store_restore", src=str(src), recovery_passphrase=PASSPHRASE)
    assert any("sealed to another root key" in warning for warning in result.warnings)
    assert all_of(other) == before
    assert not declare(other, "store_restore", src=str(src), recovery_passphrase=PASSPHRASE).changed
    # The lost key, which somebody may have found, no longer opens it.
    assert error_of(lambda: read(Engine(target), "text")).code == "wrong_key"
    declare(other, "secret_text", **API, identifier="text", value=b"four")
    back_up(other, src, recovery_passphrase=PASSPHRASE)
    assert error_of(lambda: restore(Engine(elsewhere()), src)).code == "wrong_backup_key"


@pytest.mark.parametrize("name", ["none.key", "old.key"])
def test_a_wrong_recovery_passphrase_touches_nothing(src: Path, target: Settings, tmp_path: Path, name: str) -> None:
    new_key(tmp_path, "old.key")
    other = Engine(target._replace(root_key_file=f"{tmp_path}/{name}"))
    error = error_of(lambda: restore(other, src, recovery_passphrase=PASSPHRASE + "!"))
    assert error.code == "wrong_recovery_passphrase"
    assert nothing_at(target)


def test_a_new_machine_with_nothing_but_backup_and_passphrase(engine: Engine, src: Path, tmp_path: Path) -> None:
    """Neither the default store nor its key exists: a key is created, as on first use."""
    before = all_of(engine)
    key = tmp_path / "config" / "root.key"
    machine = Settings(f"sqlite:///{tmp_path}/machine/store.db", str(key), is_local_default=True)
    assert error_of(lambda: restore(Engine(machine), src)).code == "wrong_backup_key"
    assert error_of(lambda: restore(Engine(machine), src, recovery_passphrase="x" * 20)).code == (
        "wrong_recovery_passphrase"
    )
    assert check(Engine(machine), "store_restore", src=str(src), recovery_passphrase=PASSPHRASE).changed
    whole = src.read_bytes()
    src.write_bytes(whole[:-1])
    assert error_of(lambda: restore(Engine(machine), src, recovery_passphrase=PASSPHRASE)).code == "damaged_backup"
    assert not key.exists()
    assert nothing_at(machine)
    src.write_bytes(whole)
    result = declare(Engine(machine), "store_restore", src=str(src), recovery_passphrase=PASSPHRASE)
    assert any(f"A new root key was written to {key}" in warning for warning in result.warnings)
    assert all_of(Engine(machine)) == before


def test_a_missing_key_file_is_refused(src: Path, target: Settings, tmp_path: Path) -> None:
    other = Engine(target._replace(root_key_file=f"{tmp_path}/none.key"))
    assert error_of(lambda: restore(other, src)).code == "wrong_backup_key"
    error = error_of(lambda: restore(other, src, recovery_passphrase=PASSPHRASE))
    assert (error.code, "openssl rand" in error.hint) == ("missing_key_file", True)
    assert nothing_at(target)


def test_a_key_that_others_can_read_is_refused(settings: Settings, src: Path, target: Settings) -> None:
    Path(settings.root_key_file).chmod(0o644)
    assert error_of(lambda: restore(Engine(target), src)).code == "exposed_key_file"


def test_restores_between_passphrases_and_keys(tmp_path: Path) -> None:
    def at(name: str, **key: str) -> Settings:
        return Settings(f"sqlite:///{tmp_path}/{name}/store.db", key.pop("file", "/none"), **key)

    path = tmp_path / "secrets.backup"
    first = Engine(at("first", passphrase="the first passphrase"))
    something(first)
    back_up(first, path, recovery_passphrase=PASSPHRASE)
    same = Engine(at("same", passphrase="the first passphrase"))
    restore(same, path)
    assert read(same, "a") == b"v"
    assert error_of(lambda: restore(Engine(at("x", passphrase="another passphrase")), path)).code == "wrong_backup_key"
    keyed = Engine(at("keyed", file=new_key(tmp_path)))
    restore(keyed, path, recovery_passphrase=PASSPHRASE)
    assert read(keyed, "a") == b"v"
    back_up(keyed, path, recovery_passphrase=PASSPHRASE)
    back_again = Engine(at("back", passphrase="the last passphrase"))
    assert error_of(lambda: restore(back_again, path)).code == "wrong_backup_key"
    restore(back_again, path, recovery_passphrase=PASSPHRASE)
    assert read(Engine(at("back", passphrase="the last passphrase")), "a") == b"v"
    in_environment = Engine(at("env", root_key=base64.b64encode(os.urandom(32)).decode()))
    restore(in_environment, path, recovery_passphrase=PASSPHRASE)
    assert read(in_environment, "a") == b"v"


# Genuine files with bad rows.


def rewritten(src: Path, settings: Settings, change: Callable[[str, dict[str, Any]], dict[str, Any] | None]) -> None:
    """Replace a backup by one with the same key and changed rows, as somebody with the root key could."""
    with src.open("rb") as file:
        reader = BackupReader(file)
        key = reader.header.open_with_root(root_key_of(settings, {}, []))
        reader.unlock(key)
        rows = [(table, change(table, row)) for table, row in RowReader().rows(reader.chunks())]
    with src.open("wb") as file:
        writer = BackupWriter(file, reader.header, key)
        made = RowWriter(writer.write)
        for table, row in rows:
            if row is not None:
                made.put(table, row)
        made.finish()
        writer.finish()


@pytest.mark.parametrize(
    ("table", "change", "code"),
    [
        ("secret_version", {"envelope": b"none"}, "damaged_row"),
        ("secret", {"expires_at": ""}, "damaged_row"),
        ("secret_version", None, "missing_version"),
        ("scope_key", None, "damaged_scope_key"),
        ("secret", {"id; DROP TABLE secret": "x"}, "damaged_backup"),
        ("store", {"id": "another"}, "damaged_backup"),
        ("secret_reference", {"secret_id": "nobody"}, "store_failed"),
        ("connector", {"no_such_column": 1}, "store_failed"),
    ],
)
def test_rows_that_fail_verification_are_not_restored(
    settings: Settings, src: Path, target: Settings, table: str, change: dict[str, Any] | None, code: str
) -> None:
    rewritten(src, settings, lambda name, row: row if name != table else (change and {**row, **change}))
    assert error_of(lambda: restore(Engine(target), src)).code == code
    assert nothing_at(target)


def test_a_dropped_secret_is_noticed(settings: Settings, src: Path, target: Settings) -> None:
    ids: list[str] = []

    def without_one(table: str, row: dict[str, Any]) -> dict[str, Any] | None:
        if table == "secret" and row["identifier"] == "large":
            ids.append(row["id"])
        return None if {row.get("id"), row.get("secret_id")} & set(ids) else row

    rewritten(src, settings, without_one)
    assert len(ids) == 1
    assert error_of(lambda: restore(Engine(target), src)).code == "rolled_back"
    assert nothing_at(target)


def test_malformed_records_are_refused(src: Path, settings: Settings, target: Settings) -> None:
    with src.open("rb") as file:
        reader = BackupReader(file)
        key = reader.header.open_with_root(root_key_of(settings, {}, []))
    end = b'["end", {"counts": {}, "digest": "of others"}]'
    false_end = len(end).to_bytes(4, "big") + end
    for content in (
        b"",
        false_end,
        b"\0\0\0",
        b"\0\0\0\x02[]",
        b"\0\0\0\x09" + b'["a", 1]x',
        b"\xff\xff\xff\xff",
        b"\0\0\0\x01x",
    ):
        with src.open("wb") as file:
            writer = BackupWriter(file, reader.header, key)
            writer.write(content)
            writer.finish()
        assert error_of(lambda: restore(Engine(target), src)).code == "damaged_backup"
    assert nothing_at(target)


# Concurrent writers and killed processes.


def test_a_store_created_meanwhile_stays(src: Path, target: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = type(place_at(target.store))
    has_store = kind.has_store

    def made_meanwhile(place: Place) -> bool:
        found = has_store(place)
        monkeypatch.setattr(kind, "has_store", has_store)
        something(Engine(target))
        return found

    monkeypatch.setattr(kind, "has_store", made_meanwhile)
    assert error_of(lambda: restore(Engine(target), src)).code == "store_not_empty"
    assert read(Engine(target), "a") == b"v"


def test_a_store_that_is_no_longer_empty_stays(src: Path, target: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody declares something between the check and the transaction."""
    something(Engine(target))
    before = content_of(target)
    monkeypatch.setattr(restore_module._Restore, "_is_vacant", lambda _restore: True)
    assert error_of(lambda: restore(Engine(target), src)).code == "store_not_empty"
    assert content_of(target) == before


@pytest.mark.parametrize("line", ["Checked 10", "Restored 10", "Restored 20", "Read back 20"])
@pytest.mark.parametrize("is_there", [False, True])
def test_a_killed_restore_leaves_nothing_and_can_be_repeated(
    engine: Engine, target: Settings, tmp_path: Path, line: str, is_there: bool
) -> None:
    many(engine, 20)
    src = tmp_path / "secrets.backup"
    back_up(engine, src)
    if is_there:
        something(Engine(target))
        declare(Engine(target), "secret_text", identifier="a", state="absent")
    before = content_of(target) if is_there else []
    code = (
        "import os, signal, sys\n"
        "from ansible_collections.scoped.secrets.plugins.module_utils.engine.backup import rows as backup_rows\n"
        "from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine\n"
        "from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request\n"
        "from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings\n"
        "backup_rows._STEP = 10\n"
        "kill = lambda line: line.startswith(sys.argv[4]) and os.kill(os.getpid(), signal.SIGKILL)\n"
        "Engine(Settings(sys.argv[1], sys.argv[2])).handle(Request('store_restore', {'src': sys.argv[3]}), kill)\n"
    )
    command = [sys.executable, "-c", code, target.store, target.root_key_file, str(src), line]
    assert subprocess.run(command, check=False).returncode == -9
    assert is_made(target) == is_there
    if is_there:
        assert content_of(target) == before
    restore(Engine(target), src)
    assert leftovers(target) == []
    assert read(Engine(target), "item_7", **API) == b"of 7"


def test_progress_is_reported(
    engine: Engine, target: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(engine, 20)
    src = tmp_path / "secrets.backup"
    back_up(engine, src)
    monkeypatch.setattr(backup_rows, "_STEP", 10)
    seen: list[str] = []
    Engine(target).handle(Request("store_restore", {"src": str(src)}), seen.append)
    assert seen == [
        "Checked 10 secrets",
        "Checked 20 secrets",
        "Restored 10 of 20 secrets",
        "Restored 20 of 20 secrets",
        "Read back 10 of 20 secrets",
        "Read back 20 of 20 secrets",
    ]


def test_large_values_count_as_progress(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        declare(engine, "secret_file", identifier=f"large_{number}", value=bytes(1000))
    monkeypatch.setattr(backup_rows, "_STEP_BYTES", 1500)
    seen: list[str] = []
    engine.handle(Request("store_backup", {"dest": str(tmp_path / "b")}), seen.append)
    assert seen == ["Backed up 2 of 3 secrets"]


def test_records_after_the_last_are_refused() -> None:
    records: list[bytes] = []
    writer = RowWriter(records.append)
    writer.put("scope", {"id": "a"})
    writer.finish()
    assert list(RowReader().rows(records)) == [("scope", {"id": "a"})]
    with pytest.raises(Damaged):
        list(RowReader().rows([*records, records[0]]))


def test_a_file_that_is_exchanged_after_the_check_is_noticed(
    settings: Settings, src: Path, target: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_steps = restore_module.run_steps

    def exchanged(*given: Any) -> str:
        rewritten(src, settings, lambda table, row: None if table == "audit_event" else row)
        return run_steps(*given)

    monkeypatch.setattr(restore_module, "run_steps", exchanged)
    assert error_of(lambda: restore(Engine(target), src)).code == "damaged_backup"
    assert nothing_at(target)


def test_a_row_that_the_database_loses_is_noticed(src: Path, target: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    insert_row = restore_module.insert_row

    def lossy(tx: Any, table: str, row: Any) -> None:
        if table != "audit_event":
            insert_row(tx, table, row)

    monkeypatch.setattr(restore_module, "insert_row", lossy)
    assert error_of(lambda: restore(Engine(target), src)).code == "damaged_backup"
    assert nothing_at(target)
