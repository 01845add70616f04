# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backup file: any file that differs from what was written is refused."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.backup import (
    CHUNK,
    BackupHeader,
    BackupReader,
    BackupWriter,
    new_header,
)
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.rootkey import DEFAULT_KDF, RootKey
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.tests.unit.crypto import independent

ROOT = hashlib.sha256(b"a root key for tests").digest()
PASSPHRASE = "correct horse battery staple"
LABEL: dict[str, Any] = {
    "store_id": "0b6f6d0e-6c7f-4f61-9d0c-0f0f6f1d7a11",
    "created_at": "2026-11-24T02:00:00Z",
    "schema_version": 1,
    "collection": "0.1.0",
}
VECTORS = json.loads((Path(__file__).parent / "vectors" / "backup_v1.json").read_text())["vectors"]
SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5]
COMMITMENT, TAG = 32, 16


def content_of(size: int) -> bytes:
    return (b"what a store has. " * (size // 18 + 1))[:size]


def written(size: int, passphrase: str | None = None) -> tuple[bytes, bytes]:
    """Return a backup file and its key."""
    header, key = new_header(**LABEL, root=RootKey(ROOT, "tests"), kdf={}, recovery_passphrase=passphrase)
    file = io.BytesIO()
    writer = BackupWriter(file, header, key)
    content = content_of(size)
    for start in range(0, size, 1000):
        writer.write(content[start : start + 1000])
    writer.finish()
    return file.getvalue(), key


def read(data: bytes, key: bytes | None = None) -> bytes:
    reader = BackupReader(io.BytesIO(data))
    reader.unlock(reader.header.open_with_root(RootKey(ROOT, "tests")) if key is None else key)
    return b"".join(reader.chunks())


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(ScopedSecretsError) as caught:
        call()
    assert caught.value.hint
    return caught.value.code


def body_at(data: bytes) -> int:
    return len(BackupReader(io.BytesIO(data))._bound) + COMMITMENT


def chunks_of(data: bytes) -> list[bytes]:
    start = body_at(data)
    return [data[at : at + CHUNK + TAG] for at in range(start, len(data), CHUNK + TAG)]


@pytest.mark.parametrize("size", SIZES)
def test_reads_what_was_written(size: int) -> None:
    data, _key = written(size)
    assert read(data) == content_of(size)
    assert len(chunks_of(data)) == max(1, -(-size // CHUNK))


def test_can_be_read_repeatedly() -> None:
    reader = BackupReader(io.BytesIO(written(CHUNK + 1)[0]))
    reader.unlock(reader.header.open_with_root(RootKey(ROOT, "tests")))
    next(reader.chunks())
    assert [b"".join(reader.chunks()) for _time in range(2)] == [content_of(CHUNK + 1)] * 2


def test_header_is_readable_and_content_is_not() -> None:
    data, key = written(500, PASSPHRASE)
    assert b'"store_id": "0b6f6d0e' in data
    header = BackupReader(io.BytesIO(data)).header
    assert (header.store_id, header.created_at) == (LABEL["store_id"], LABEL["created_at"])
    assert (header.schema_version, header.collection) == (1, "0.1.0")
    assert header.root.key_id == RootKey(ROOT, "tests").key_id
    for hidden in (ROOT, key, PASSPHRASE.encode(), b"what a store has"):
        assert hidden not in data


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_header_is_read_as_it_was_made(passphrase: str) -> None:
    options = {"recovery_passphrase": passphrase} if passphrase else {}
    header, key = new_header(**LABEL, root=RootKey(ROOT, "tests"), kdf={}, **options)
    file = io.BytesIO()
    BackupWriter(file, header, key)
    file.seek(0)
    assert BackupReader(file).header == header
    assert (header.recovery is None) is not bool(passphrase)
    if header.recovery:
        assert (header.recovery.key_id, len(bytes.fromhex(header.recovery.kdf["salt"]))) == ("", 16)


def test_same_content_gives_different_files() -> None:
    one, other = written(1000)[0], written(1000)[0]
    assert BackupReader(io.BytesIO(one)).header.salt != BackupReader(io.BytesIO(other)).header.salt
    assert one[body_at(one) :] != other[body_at(other) :]


def test_recovery_passphrase_opens_it() -> None:
    data, key = written(10, PASSPHRASE)
    reader = BackupReader(io.BytesIO(data))
    assert reader.header.open_with_passphrase(PASSPHRASE) == key
    assert code_of(lambda: reader.header.open_with_passphrase(PASSPHRASE + " ")) == "wrong_recovery_passphrase"
    assert code_of(lambda: reader.header.open_with_passphrase("short")) == "weak_passphrase"
    without = BackupReader(io.BytesIO(written(10)[0]))
    assert code_of(lambda: without.header.open_with_passphrase(PASSPHRASE)) == "no_recovery_passphrase"
    for weak in ("short", ""):
        assert code_of(lambda weak=weak: written(10, weak)) == "weak_passphrase"


def test_wrong_root_key_is_refused() -> None:
    header = BackupReader(io.BytesIO(written(10)[0])).header
    assert code_of(lambda: header.open_with_root(RootKey(bytes(32), "other"))) == "damaged_backup"


def test_key_of_another_file_is_refused() -> None:
    assert code_of(lambda: read(written(10)[0], written(10)[1])) == "damaged_backup"


def test_every_flipped_bit_is_refused() -> None:
    data, _key = written(20, PASSPHRASE)
    for at in range(len(data) * 8):
        changed = bytearray(data)
        changed[at // 8] ^= 1 << at % 8
        code = code_of(lambda changed=bytes(changed): read(changed))
        assert code in {"damaged_backup", "not_a_backup", "backup_too_new"}
        assert at < 5 * 8 or code == "damaged_backup"


def test_every_truncation_is_refused() -> None:
    data, _key = written(40)
    for length in range(len(data)):
        assert code_of(lambda length=length: read(data[:length])) in {"damaged_backup", "not_a_backup"}
    assert code_of(lambda: read(data + b"\0")) == "damaged_backup"


def shuffles(chunks: list[bytes], other: list[bytes]) -> Iterator[list[bytes]]:
    first, second, last = chunks
    yield [first, second]
    yield [first, last]
    yield [second, first, last]
    yield [first, first, second, last]
    yield [first, second, last, last]
    yield [first, second, second]
    yield [last]
    yield []
    yield [other[0], second, last]
    yield [first, second, other[2]]
    yield other


def test_dropped_moved_repeated_and_foreign_chunks_are_refused() -> None:
    data, other = written(2 * CHUNK + 5)[0], written(2 * CHUNK + 5)[0]
    head = data[: body_at(data)]
    assert read(head + b"".join(chunks_of(data))) == content_of(2 * CHUNK + 5)
    for chunks in shuffles(chunks_of(data), chunks_of(other)):
        assert code_of(lambda chunks=chunks: read(head + b"".join(chunks))) == "damaged_backup"


def test_other_files_are_not_backups() -> None:
    for content in (b"", b"SSB", b"SSE1" + bytes(100), b"SQLite format 3\0" + bytes(100), os.urandom(200)):
        assert code_of(lambda content=content: BackupReader(io.BytesIO(content))) == "not_a_backup"


def test_newer_format_is_refused_as_newer() -> None:
    data = bytearray(written(1)[0])
    data[4] = 2
    assert code_of(lambda: read(bytes(data))) == "backup_too_new"


@pytest.mark.parametrize(
    "change",
    [
        {"salt": "AAAA"},
        {"salt": base64.b64encode(bytes(32)).decode() + "\n"},
        {"nonce": None},
        {"store_id": ...},
        {"root_key": []},
        {"root_key": {"id": "x", "kdf": {"memory_kib": 1}, "wrapped": ""}},
        {"root_key": {"id": "x", "kdf": {}, "wrapped": "AA==*"}},
        {"recovery_passphrase": {"kdf": {**DEFAULT_KDF, "memory_kib": 1 << 30, "salt": "00" * 16}, "wrapped": ""}},
        {"recovery_passphrase": {"kdf": {**DEFAULT_KDF, "lanes": 0, "salt": "00" * 16}, "wrapped": ""}},
        {"recovery_passphrase": {"kdf": {**DEFAULT_KDF, "salt": "no hex"}, "wrapped": ""}},
        {"recovery_passphrase": "x"},
        {"schema_version": float("inf")},
    ],
)
def test_invalid_header_is_refused_before_any_kdf_runs(change: dict[str, Any]) -> None:
    header = json.loads(BackupReader(io.BytesIO(written(1)[0]))._bound[11:])
    merged = {name: value for name, value in {**header, **change}.items() if value is not ...}
    file = independent.Backup(bytes(32), bytes(32), bytes(7), merged).seal(b"")
    assert code_of(lambda: BackupReader(io.BytesIO(file))) == "damaged_backup"


LOWEST = {"memory_kib": 64 * 1024, "iterations": 3, "lanes": 1}
HIGHEST = {"memory_kib": 1 << 20, "iterations": 16, "lanes": 16}


@pytest.mark.parametrize("name", sorted(LOWEST))
@pytest.mark.parametrize(("costs", "step"), [(LOWEST, -1), (HIGHEST, 1)])
def test_costs_of_a_passphrase_are_limited(name: str, costs: dict[str, int], step: int) -> None:
    header = json.loads(BackupReader(io.BytesIO(written(1)[0]))._bound[11:])

    def file_with(kdf: dict[str, int]) -> io.BytesIO:
        recovery = {"kdf": {**kdf, "salt": "00" * 16}, "wrapped": ""}
        merged = {**header, "recovery_passphrase": recovery}
        return io.BytesIO(independent.Backup(bytes(32), bytes(32), bytes(7), merged).seal(b""))

    assert BackupReader(file_with(costs)).header.recovery
    assert code_of(lambda: BackupReader(file_with({**costs, name: costs[name] + step}))) == "damaged_backup"


@pytest.mark.parametrize(("length", "is_refused"), [(64 * 1024, False), (64 * 1024 + 1, True)])
def test_a_header_has_at_most_64_kib(length: int, is_refused: bool) -> None:
    data = written(1)[0]
    content = BackupReader(io.BytesIO(data))._bound[11:].ljust(length)
    file = io.BytesIO(data[:7] + length.to_bytes(4, "big") + content)
    if is_refused:
        assert code_of(lambda: BackupReader(file)) == "damaged_backup"
    else:
        assert BackupReader(file).header.store_id == LABEL["store_id"]


@pytest.mark.parametrize(("at", "number"), [(4, 0), (6, 0), (6, 2)], ids=["format 0", "suite 0", "suite 2"])
def test_other_formats_and_suites_are_refused_unread(at: int, number: int) -> None:
    data = bytearray(written(1)[0])
    data[at] = number
    assert code_of(lambda: BackupReader(io.BytesIO(data))) == "damaged_backup"


def test_more_chunks_than_there_are_nonces_are_refused() -> None:
    reader = BackupReader(io.BytesIO(written(1)[0]))
    assert code_of(lambda: reader._open(b"", 1 << 32, is_last=True)) == "damaged_backup"


def test_header_that_is_not_a_json_object_is_refused() -> None:
    for text in (b"[]", b"7", b"no JSON", b"\xff", b"{}", b"[" * 60_000):
        data = b"SSB1\x01\x00\x01" + len(text).to_bytes(4, "big") + text + bytes(100)
        assert code_of(lambda data=data: BackupReader(io.BytesIO(data))) == "damaged_backup"
    huge = b"SSB1\x01\x00\x01" + (1 << 31).to_bytes(4, "big")
    assert code_of(lambda: BackupReader(io.BytesIO(huge))) == "damaged_backup"


def from_vector(vector: dict[str, Any]) -> tuple[independent.Backup, bytes]:
    """Return a vector's backup, built by the second implementation, and its content."""
    random = {name: bytes.fromhex(value) for name, value in vector["random"].items()}
    file = independent.Backup(random["file_key"], random["salt"], random["nonce"], vector["header"])
    return file, content_of(vector["size"])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_known_file_opens_with_root_key_and_passphrase(vector: dict[str, Any]) -> None:
    file, content = from_vector(vector)
    data = file.seal(content)
    assert hashlib.sha256(data).hexdigest() == vector["sha256"]
    assert "file" not in vector or base64.b64decode("".join(vector["file"])) == data
    root = RootKey(bytes.fromhex(vector["root_key"]), "the vector")
    reader = BackupReader(io.BytesIO(data))
    for key in (
        reader.header.open_with_root(root),
        reader.header.open_with_passphrase(vector["recovery_passphrase"]),
    ):
        reader.unlock(key)
        assert b"".join(reader.chunks()) == content


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_writer_reproduces_a_known_file(vector: dict[str, Any]) -> None:
    file, content = from_vector(vector)
    header = BackupHeader.of(json.dumps(vector["header"]).encode())
    made = io.BytesIO()
    writer = BackupWriter(made, header, file.file_key)
    writer.write(content)
    writer.finish()
    assert made.getvalue() == file.seal(content)


def test_wrapped_keys_match_the_second_implementation() -> None:
    data, key = written(1, PASSPHRASE)
    header = BackupReader(io.BytesIO(data)).header
    assert header.recovery
    for opener, wrapped, root in (
        ("root key", header.root.wrapped, ROOT),
        (
            "recovery passphrase",
            header.recovery.wrapped,
            independent.passphrase_key(PASSPHRASE, dict(header.recovery.kdf)),
        ),
    ):
        context = independent.fields("scoped.secrets backup key", 1, opener, header.store_id, header.salt)
        assert independent.unwrap(independent.backup_key(root), wrapped, context) == key
