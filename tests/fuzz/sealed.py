# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sealed: envelopes, and the files of backups. Nothing but the original may open. And archives of the audit."""

from __future__ import annotations

import hashlib
import io
import json
from functools import cache
from pathlib import Path

from ansible_collections.scoped.secrets.plugins.module_utils.crypto.backup import (
    BackupReader,
    BackupWriter,
    new_header,
)
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.context import Context
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.envelope import open_envelope, seal
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.rootkey import RootKey
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.scopekey import ScopeKey
from ansible_collections.scoped.secrets.plugins.module_utils.engine.audit.archives import (
    Archive,
    ArchiveHeader,
    line_of,
)
from ansible_collections.scoped.secrets.plugins.module_utils.engine.backup.rows import RowReader, RowWriter
from ansible_collections.scoped.secrets.plugins.module_utils.store.audit import StoredEvent
from fuzz.target import Target

_PLACE = Context("store-1", "project", "scope-1", "secret-1", "text", "value", 1)
_KEY = ScopeKey("scope-1", 1, hashlib.sha256(b"a scope key").digest())
_ROOT = RootKey(hashlib.sha256(b"a root key").digest(), "a test")
_ROWS = (("store", {"id": "store-1", "schema_version": 1}), ("secret", {"id": "secret-1", "tag": b"\0\1"}))


@cache
def _envelopes() -> list[bytes]:
    return [seal(value, _PLACE, wrapper=_KEY) for value in (b"", b"a value", bytes(65 * 1024))]


def _envelope(data: bytes) -> None:
    open_envelope(data, _PLACE, wrapper=_KEY)
    if data not in _envelopes():
        raise AssertionError("an envelope opens that nobody sealed")


@cache
def _backups() -> list[bytes]:
    header, key = new_header(
        store_id="store-1", created_at="2026-01-01", schema_version=1, collection="0.1.0", root=_ROOT, kdf={}
    )
    file = io.BytesIO()
    writer = BackupWriter(file, header, key)
    rows = RowWriter(writer.write)
    for table, row in _ROWS:
        rows.put(table, row)
    rows.finish()
    writer.finish()
    return [file.getvalue()]


def _backup(data: bytes) -> None:
    reader = BackupReader(io.BytesIO(data))
    reader.unlock(reader.header.open_with_root(_ROOT))
    rows = list(RowReader().rows(reader.chunks()))
    if data not in _backups() or rows != list(_ROWS):
        raise AssertionError("a backup opens that nobody made")


def _records() -> list[bytes]:
    written: list[bytes] = []
    rows = RowWriter(written.append)
    rows.put("secret", {"id": "secret-1", "tag": b"\0\1"})
    rows.finish()
    return [b"".join(written), _framed("[" * 2000), _framed('["secret", {"tag": []}]')]


def _framed(text: str) -> bytes:
    return len(text).to_bytes(4, "big") + text.encode()


def _rows(data: bytes) -> None:
    """What a file with a right key may bring, if somebody else than `store_backup` wrote it."""
    json.dumps([table for table, _row in RowReader().rows([data[:40], data[40:]])])


def _archives() -> list[bytes]:
    record = StoredEvent("id", 1, *["x"] * 13, key_generation=1, link=b"link", mac=b"mac")
    header = ArchiveHeader("store-1", "id", "account", 1, 2, bytes(32))
    return [header.line + line_of(record) + line_of(record._replace(sequence=2)), header.line]


def _archive(data: bytes) -> None:
    """What `audit_info` reads before it verifies anything."""
    archive = Archive(Path("archive"), io.BytesIO(data))
    assert all(isinstance(record.mac, bytes) for record in archive.records())


TARGETS = (
    Target("envelope", _envelopes, _envelope),
    Target("backup", _backups, _backup),
    Target("rows_of_a_backup", _records, _rows),
    Target("audit_archive", _archives, _archive),
)
