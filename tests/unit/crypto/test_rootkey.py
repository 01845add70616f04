"""The root key: which material is refused, which permissions its file needs, and its atomic creation."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import multiprocessing
import os
import re
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.rootkey import (
    DEFAULT_KDF,
    KDF_LIMITS,
    RootKey,
    check_root_key,
    create_key_file,
    from_base64,
    from_passphrase,
    read_key_file,
)
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.scopekey import ScopeKey
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged, KeyRefused
from ansible_collections.scoped.secrets.tests.unit.crypto import independent
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import given
from hypothesis import strategies as st

RAW = hashlib.sha256(b"a root key for tests").digest()
TEXT = base64.b64encode(RAW).decode()
CREATORS = 8
FAST = {"memory_kib": 64, "iterations": 1, "lanes": 1}


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "root.key"
    path.write_text(TEXT + "\n")
    path.chmod(0o600)
    return path


def refusal(call: Callable[[], object]) -> KeyRefused:
    with pytest.raises(KeyRefused) as caught:
        call()
    assert caught.value.hint
    assert TEXT not in str(caught.value)
    return caught.value


# Key material


@pytest.mark.parametrize(
    ("material", "reason"),
    [
        (b"", "0 bytes"),
        (RAW[:31], "31 bytes"),
        (RAW + b"\1", "33 bytes"),
        (RAW * 2, "64 bytes"),
        (bytes(32), "repeat"),
        (b"\xff" * 32, "repeat"),
        (bytes(range(8)) * 4, "repeat"),
        (bytes(range(200, 216)) * 2, "repeat"),
        (bytes(range(130, 143)) * 2 + bytes(range(130, 136)), "repeat"),
        (b"Correct horse battery staple 42!", "printable"),
        (b"0123456789abcdefghijklmnopqrstuv", "printable"),
    ],
)
def test_weak_material_is_refused(material: bytes, reason: str) -> None:
    error = refusal(lambda: check_root_key(material, "the file X"))
    assert error.code == "weak_root_key"
    assert "the file X" in error.message
    assert reason in error.message
    assert refusal(lambda: from_base64(base64.b64encode(material).decode(), "the file X")).code == "weak_root_key"


@given(st.binary(min_size=1, max_size=16))
def test_repeated_pattern_is_refused(pattern: bytes) -> None:
    assert refusal(lambda: check_root_key((pattern * 32)[:32], "X")).code == "weak_root_key"


def test_random_material_is_accepted() -> None:
    for _round in range(1000):
        material = os.urandom(32)
        assert check_root_key(material, "X") == material


@pytest.mark.parametrize(
    "text", ["!", TEXT[:-1], TEXT[:10] + " " + TEXT[10:], "é" * 44, TEXT + "=", "\ufffd", TEXT + TEXT]
)
def test_invalid_base64_is_refused(text: str) -> None:
    error = refusal(lambda: from_base64(text, "SCOPED_SECRETS_ROOT_KEY"))
    assert error.code == "malformed_root_key"
    assert "SCOPED_SECRETS_ROOT_KEY" in error.message


@given(st.text())
def test_any_text_is_refused_with_a_known_code(text: str) -> None:
    assert refusal(lambda: from_base64(text, "X")).code in {"malformed_root_key", "weak_root_key"}


def test_surrounding_white_space_is_ignored() -> None:
    assert from_base64(f" {TEXT}\r\n", "X").key_id == from_base64(TEXT, "Y").key_id


# Representation and wrapping


def test_repr_shows_source_and_id_only() -> None:
    key = RootKey(RAW, "the file X")
    assert repr(key) == f"RootKey(source='the file X', key_id='{key.key_id}')"
    assert (str(key), key.shown_id) == (f"the file X, key {key.key_id}", key.key_id)
    assert not {RAW.hex()[:8], TEXT[:8]} & {key.key_id[:8]}


def test_key_id_is_stable() -> None:
    expected = independent.derive(RAW, independent.fields("scoped.secrets root key", "id"), length=8).hex()
    assert RootKey(RAW, "X").key_id == expected
    assert RootKey(RAW[::-1], "X").key_id != expected


def test_account_key_round_trips_and_the_second_implementation_reads_it() -> None:
    child = ScopeKey.generate("account", 3)
    wrapped = RootKey(RAW, "X").wrap_account_key(child, b"context")
    found = RootKey(RAW, "Y").unwrap_account_key(wrapped, scope_id="account", generation=3, context=b"context")
    assert (found.scope_id, found.generation, found.export()) == ("account", 3, child.export())
    wrap_key = independent.derive(RAW, independent.fields("scoped.secrets root key", "wrap account key"))
    assert independent.unwrap(wrap_key, wrapped, b"context") == child.export()
    assert wrap_key not in (RAW, child.export())


def test_wrong_key_context_or_row_is_refused_and_the_source_named() -> None:
    wrapped = RootKey(RAW, "X").wrap_account_key(ScopeKey.generate("account", 1), b"context")
    flipped = bytes([wrapped[0] ^ 1]) + wrapped[1:]
    for raw, row, context in [
        (RAW[::-1], wrapped, b"context"),
        (RAW, wrapped, b"other"),
        (RAW, flipped, b"context"),
        (RAW, wrapped[:-1], b"context"),
        (RAW, b"", b"context"),
    ]:
        key = RootKey(raw, "the file Z")
        error = refusal(partial(key.unwrap_account_key, row, scope_id="a", generation=1, context=context))
        assert error.code == "wrong_key"
        assert "the file Z" in error.message


# The key file


def test_file_with_safe_permissions_is_read(key_file: Path) -> None:
    for mode in (0o600, 0o400):
        key_file.chmod(mode)
        key = read_key_file(str(key_file))
        assert key.key_id == RootKey(RAW, "X").key_id
        assert key.source == f"the file {key_file}"


@pytest.mark.parametrize("mode", [0o600 | 1 << bit for bit in range(6)] + [0o644, 0o777])
def test_file_that_others_can_access_is_refused_with_a_chmod_hint(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    error = refusal(lambda: read_key_file(str(key_file)))
    assert error.code == "exposed_key_file"
    assert f"{mode:04o}" in error.message
    assert error.hint.endswith(f"chmod 600 {key_file}")


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777])
def test_a_file_in_a_folder_that_others_can_write_is_refused(key_file: Path, mode: int) -> None:
    key_file.parent.chmod(mode)
    error = refusal(lambda: read_key_file(str(key_file)))
    assert (error.code, f"has mode {mode:04o}" in error.message) == ("exposed_key_folder", True)
    assert os.system(error.hint.removeprefix("Run: ")) == 0
    assert read_key_file(str(key_file)).key_id == RootKey(RAW, "X").key_id


def test_chmod_hint_can_be_pasted_for_any_path(tmp_path: Path) -> None:
    path = tmp_path / "it's mine; $(x)"
    path.write_text(TEXT)
    path.chmod(0o644)
    command = refusal(lambda: read_key_file(str(path))).hint.partition("To fix the mode: ")[2]
    assert os.system(command) == 0
    assert read_key_file(str(path)).key_id == RootKey(RAW, "X").key_id


def test_a_file_of_another_user_is_refused(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    error = refusal(lambda: read_key_file(str(key_file)))
    assert error.code == "foreign_key_file"
    assert f"user id {me}," in error.message
    assert f"chown {me + 1} {key_file}" in error.hint


def test_only_regular_files_are_read(key_file: Path, tmp_path: Path) -> None:
    link, pipe, large = tmp_path / "link", tmp_path / "pipe", tmp_path / "large"
    link.symlink_to(key_file)
    os.mkfifo(pipe, 0o600)
    large.write_text(TEXT + " " * 5000)
    large.chmod(0o600)
    for path in (link, pipe, large, tmp_path, key_file / "below"):
        assert refusal(partial(read_key_file, str(path))).code == "unreadable_key_file"
    assert "'root_key_file'" in refusal(lambda: read_key_file(str(large))).hint
    assert str(key_file) in refusal(lambda: read_key_file(str(link))).hint


def test_missing_file_has_its_own_code(tmp_path: Path) -> None:
    error = refusal(lambda: read_key_file(str(tmp_path / "none" / "root.key")))
    assert error.code == "missing_key_file"
    assert "root_key_file" in error.hint


def test_opened_file_is_the_one_checked(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the exposed file with a safe one right after it is opened."""
    really_open = os.open
    guarded = key_file.with_name("guarded")
    guarded.touch(0o600)
    key_file.chmod(0o644)

    def swap(path: str, flags: int) -> int:
        descriptor = really_open(path, flags)
        guarded.rename(key_file)
        return descriptor

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", swap)
        code = refusal(lambda: read_key_file(str(key_file))).code
    assert code == "exposed_key_file"


@pytest.mark.parametrize("content", [b"\n", b"\xff\xfe" * 30, b"no key at all\n", b"A" * 44])
def test_file_without_a_valid_key_is_named(key_file: Path, content: bytes) -> None:
    key_file.write_bytes(content)
    error = refusal(lambda: read_key_file(str(key_file)))
    assert error.code in {"malformed_root_key", "weak_root_key"}
    assert str(key_file) in error.message


def test_an_empty_file_may_be_what_is_left_of_a_key(key_file: Path) -> None:
    key_file.write_bytes(b"")
    error = refusal(lambda: read_key_file(str(key_file)))
    assert (error.code, "openssl" in error.hint, "Restore it" in error.hint) == ("empty_key_file", False, True)


# Creating a key file


def test_new_file_has_safe_permissions_under_any_umask(tmp_path: Path) -> None:
    path = tmp_path / "config" / "root.key"
    old = os.umask(0)
    try:
        key = create_key_file(str(path))
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.read_bytes().endswith(b"\n")
    assert len(base64.b64decode(path.read_bytes())) == 32
    assert key.key_id == read_key_file(str(path)).key_id
    assert os.listdir(path.parent) == ["root.key"]


def test_two_new_keys_differ(tmp_path: Path) -> None:
    assert create_key_file(str(tmp_path / "a")).key_id != create_key_file(str(tmp_path / "b")).key_id


def test_bare_file_name_is_created_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    create_key_file("root.key")
    assert os.listdir(tmp_path) == ["root.key"]


def test_existing_file_is_read_and_never_overwritten(key_file: Path) -> None:
    assert create_key_file(str(key_file)).key_id == RootKey(RAW, "X").key_id
    key_file.chmod(0o644)
    assert refusal(lambda: create_key_file(str(key_file))).code == "exposed_key_file"
    assert key_file.read_text() == TEXT + "\n"


def test_file_and_folder_are_synced_before_the_key_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really_sync = os.fsync
    synced: list[int | str] = []

    def note(descriptor: int) -> None:
        info = os.fstat(descriptor)
        synced.append("folder" if stat.S_ISDIR(info.st_mode) else info.st_size)
        really_sync(descriptor)

    before = os.listdir("/proc/self/fd")
    monkeypatch.setattr(os, "fsync", note)
    create_key_file(str(tmp_path / "root.key"))
    assert synced == [len(TEXT) + 1, "folder"]
    assert os.listdir("/proc/self/fd") == before


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    error = refusal(lambda: create_key_file(str(tmp_path / "root.key")))
    assert error.code == "key_not_written"
    assert "No space left" in error.message
    assert os.listdir(tmp_path) == []


def test_folder_that_can_not_be_created_is_named(key_file: Path) -> None:
    error = refusal(lambda: create_key_file(str(key_file / "root.key")))
    assert error.code == "key_not_written"
    assert str(key_file / "root.key") in error.message


def _die_before_the_link(path: str) -> None:
    os.link = lambda *_: os._exit(9)  # type: ignore[assignment]
    create_key_file(path)


def test_draft_is_made_in_the_folder_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another folder it might be on another disk, where no link can lead to, or in reach of other users."""
    drafts, link = [], os.link

    def note(draft: str, path: str) -> None:
        drafts.append(os.path.split(draft))
        link(draft, path)
        # Somebody cleans up meanwhile.
        os.unlink(draft)

    monkeypatch.setattr(os, "link", note)
    create_key_file(str(tmp_path / "config" / "root.key"))
    ((folder, name),) = drafts
    assert folder == str(tmp_path / "config")
    assert re.fullmatch(r"root\.key\.\w{8}\.new", name)


def test_killed_creator_does_not_block_the_next(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    child = multiprocessing.get_context("fork").Process(target=_die_before_the_link, args=(str(path),))
    child.start()
    child.join()
    assert child.exitcode == 9
    assert not path.exists()
    assert create_key_file(str(path)).key_id == read_key_file(str(path)).key_id


_barrier: Barrier


def _meet_at(barrier: Barrier) -> None:
    global _barrier
    _barrier = barrier


def _create(path: str) -> str:
    _barrier.wait()
    return create_key_file(path).key_id


def test_concurrent_processes_get_the_same_key(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    with fork.Pool(CREATORS, initializer=_meet_at, initargs=(fork.Barrier(CREATORS, timeout=60),)) as pool:
        for number in range(10):
            path = tmp_path / str(number) / "root.key"
            found = pool.map(_create, [str(path)] * CREATORS, chunksize=1)
            assert set(found) == {read_key_file(str(path)).key_id}
            assert os.listdir(path.parent) == ["root.key"]


def test_concurrent_threads_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(CREATORS) as pool:
        for number in range(10):
            path = str(tmp_path / str(number) / "root.key")
            assert len({key.key_id for key in pool.map(create_key_file, [path] * CREATORS)}) == 1


# Keys from a passphrase


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow cheap parameters."""
    for name in FAST:
        monkeypatch.setitem(KDF_LIMITS, name, (1, KDF_LIMITS[name][1]))


def test_key_from_passphrase_is_stable() -> None:
    raw = Argon2id(salt=b"s" * 16, length=32, iterations=3, lanes=4, memory_cost=65536).derive("pässphrase 12".encode())
    key = from_passphrase("pässphrase 12", salt=b"s" * 16, **json.loads(json.dumps(DEFAULT_KDF)))
    assert key.key_id == RootKey(raw, "X").key_id


def test_the_id_of_a_key_from_a_passphrase_is_not_shown(fast: None) -> None:
    key = from_passphrase("correct horse", salt=b"s" * 16, **FAST)
    assert (key.shown_id, str(key)) == ("", "the passphrase")
    assert repr(key) == "RootKey(source='the passphrase', key_id='')"


def test_passphrase_salt_and_parameters_all_change_the_key(fast: None) -> None:
    def key_id(text: str = "correct horse", salt: bytes = b"s" * 16, **changed: int) -> str:
        return from_passphrase(text, salt=salt, **{**FAST, **changed}).key_id

    others = [key_id("correct horsf"), key_id(salt=b"t" * 16), key_id(memory_kib=72), key_id(iterations=2)]
    assert len({key_id(), *others}) == 5
    assert key_id() == key_id()


def test_default_parameters_are_those_of_rfc_9106() -> None:
    assert DEFAULT_KDF == {"memory_kib": 65536, "iterations": 3, "lanes": 4}


@pytest.mark.parametrize("text", ["", "short", "elevenchars"])
def test_a_short_passphrase_is_refused(text: str) -> None:
    error = refusal(lambda: from_passphrase(text, salt=b"s" * 16, **FAST))
    assert error.code == "weak_passphrase"
    assert not text or text not in str(error)


def test_twelve_characters_and_non_utf8_bytes_are_accepted(fast: None) -> None:
    assert from_passphrase("twelve chars", salt=b"s" * 16, **FAST).key_id
    from_the_environment = os.fsdecode(b"not utf-8: \xff\xfe")
    assert from_passphrase(from_the_environment, salt=b"s" * 16, **FAST).key_id


@pytest.mark.parametrize(
    "wrong",
    [
        {"salt": b""},
        # Cheap to guess.
        {"memory_kib": 32},
        {"memory_kib": 64 * 1024 - 1},
        {"iterations": 2},
        # Would end in MemoryError, or not end at all.
        {"memory_kib": 100 * 1024 * 1024},
        {"memory_kib": 2**40},
        {"iterations": 4_000_000_000},
        {"lanes": 1000},
        {"iterations": 0},
        {"lanes": -1},
        {"memory_kib": "65536"},
    ],
)
def test_invalid_kdf_parameters_are_reported_as_damaged(wrong: dict[str, Any]) -> None:
    settings: dict[str, Any] = {**DEFAULT_KDF, **wrong}
    salt = settings.pop("salt", b"s" * 16)
    with pytest.raises(Damaged) as caught:
        from_passphrase("correct horse", salt=salt, **settings)
    assert caught.value.code == "damaged_kdf"
