# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backup: writes all rows of one consistent view of the store to one sealed file, verifying them on the way."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...crypto.backup import BackupHeader, BackupReader, BackupWriter, damaged_backup, new_header
from ...model.errors import NotFound, ScopedSecretsError
from ...model.messages import Result, Tell, View, tell_nobody
from ...model.settings import Settings
from ...model.version import VERSION
from ...store.copying import count_rows
from ...store.database import Transaction
from ...store.schema import now
from ..rows.high_water import Mark
from ..rows.opening import OpenStore, kdf_of, open_store
from ..rows.session import Session
from .files import Draft, check_dest, opened, resolved_dest
from .proof import StoreProof
from .rows import Progress, RowReader, RowWriter, portable_rows

__all__ = ["back_up", "backup_view"]


COUNTED = {"scopes": "scope", "connectors": "connector", "secrets": "secret", "versions": "secret_version"}


@dataclass(frozen=True, slots=True)
class _Written:
    """A backup just written: its header, file key and row digests, and the size of its file (None: there is none)."""

    header: BackupHeader
    key: bytes = field(repr=False)
    rows: RowWriter
    size: int | None = None


def back_up(settings: Settings, params: dict[str, Any], *, check_mode: bool, tell: Tell) -> Result:
    """Back up the store to `dest` and return the result.

    Uses a database connection of its own, so that others read and write meanwhile. Raises ScopedSecretsError.
    """
    store = open_store(settings, create=False)
    with contextlib.closing(store.database):
        if store.is_pretended:
            return _without_store(check_mode)
        return _Backup(settings, store, params, tell).run(check_mode)


def _without_store(check_mode: bool) -> Result:
    error = NotFound(
        "no_store",
        "There is no store yet, so there is nothing to back up.",
        hint="Check 'store'. The first task that declares something creates the store.",
    )
    if not check_mode:
        raise error
    warning = f"{error.message} In check mode, an earlier task of this run is assumed to create it."
    return Result(changed=True, returned={"backup": {}}, warnings=[warning])


class _Backup:
    def __init__(self, settings: Settings, store: OpenStore, params: dict[str, Any], tell: Tell) -> None:
        self._settings = settings
        self._store = store
        self._dest = resolved_dest(params["dest"])
        self._force = bool(params.get("force"))
        self._passphrase: str | None = params.get("recovery_passphrase")
        self._verifies = bool(params.get("verify", True))
        self._tell = tell

    def run(self, check_mode: bool) -> Result:
        old = None
        if check_dest(self._dest, self._settings, self._store.store_id, force=self._force):
            # Read without writing: a disk need not have room for a second file that says the same.
            old = self._existing(self._made(is_written=False, tell=tell_nobody))
            if old and old.is_same:
                return Result(returned={"backup": old.view})
        made = self._made(is_written=not check_mode, tell=self._tell)
        view = backup_view(self._dest, made.header, made.rows.counts, made.size)
        return Result(True, {"backup": view}, old.view if old else {}, view)

    def _made(self, *, is_written: bool, tell: Tell) -> _Written:
        """Back up to `dest`, or with `is_written` false to nowhere, and return what was made."""
        seen = self._store.marks.seen()
        with Draft(self._dest, is_written=is_written) as draft:
            made = self._store.database.read(lambda tx: self._write(tx, draft, seen, tell))
            if not is_written:
                return made
            self._read_back(draft.path, made)
            size = draft.path.stat().st_size
            draft.move()
        return replace(made, size=size)

    def _write(self, tx: Transaction, draft: Draft, seen: Mapping[str, Mark], tell: Tell) -> _Written:
        """Write the whole file; starts over whenever the transaction is retried."""
        session = Session(tx, self._store.store_id, self._store.keyring, seen)
        header, key = self._header(tx)
        proof = StoreProof(session, opens_values=self._verifies)
        progress = Progress(tell, "Backed up", count_rows(tx)["secrets"])
        with draft.opened() as file:
            writer = BackupWriter(file, header, key)
            rows = RowWriter(writer.write)
            for table, row in portable_rows(session):
                proof.take(table, row)
                rows.put(table, row)
                progress.count(table, row)
            proof.finish()
            rows.finish()
            writer.finish()
        return _Written(header, key, rows)

    def _header(self, tx: Transaction) -> tuple[BackupHeader, bytes]:
        self._store.keyring.check_in_force(tx)
        row = tx.one("SELECT schema_version, kdf FROM store") or {}
        return new_header(
            store_id=self._store.store_id,
            created_at=now(),
            schema_version=row["schema_version"],
            collection=VERSION,
            root=self._store.keyring.root,
            kdf=kdf_of(row),
            recovery_passphrase=self._passphrase,
        )

    def _read_back(self, path: Path, made: _Written) -> None:
        """Raise Damaged unless the file reads back as it was written."""
        with opened(path, self._settings) as reader:
            reader.unlock(made.key)
            if _digest_of(reader).digest != made.rows.digest:
                raise damaged_backup()

    def _existing(self, made: _Written) -> _Existing | None:
        """Return the backup that is already at the destination, None if it can't be opened."""
        try:
            with opened(self._dest, self._settings) as reader:
                reader.unlock(reader.header.open_with_root(self._store.keyring.root))
                rows = _digest_of(reader)
        except ScopedSecretsError:
            return None
        is_same = rows.declared == made.rows.declared and self._opens_as_wanted(reader.header)
        return _Existing(is_same, backup_view(self._dest, reader.header, rows.counts, self._dest.stat().st_size))

    def _opens_as_wanted(self, header: BackupHeader) -> bool:
        """Tell whether the given recovery passphrase opens a file, or neither the file nor the task has one."""
        if header.recovery is None or self._passphrase is None:
            return header.recovery is None and self._passphrase is None
        try:
            header.open_with_passphrase(self._passphrase)
        except ScopedSecretsError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class _Existing:
    """A backup already at the destination: whether it holds the same as the new one, and its view."""

    is_same: bool
    view: View


def _digest_of(reader: BackupReader) -> RowReader:
    """Read an unlocked file to its end, and return the reader with its counts and digests."""
    rows = RowReader()
    for _row in rows.rows(reader.chunks()):
        pass
    return rows


def backup_view(path: Path, header: BackupHeader, counts: dict[str, int], size: int | None) -> View:
    """Return a backup as users see it. `size`: of the file in bytes, None if it was not written."""
    return {
        "path": str(path),
        "store_id": header.store_id,
        "created_at": header.created_at,
        "collection": header.collection,
        "schema_version": header.schema_version,
        "root_key_id": header.root.shown_id,
        "has_recovery_passphrase": header.recovery is not None,
        "size": size,
        **{name: counts.get(table, 0) for name, table in COUNTED.items()},
    }
