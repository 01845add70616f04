# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore: checks the whole backup, writes it in one transaction, and reads it back before that commits."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...crypto.backup import BackupHeader, BackupReader, damaged_backup
from ...crypto.rootkey import RootKey
from ...model.errors import Conflict, KeyRefused, ScopedSecretsError, StoreRefused
from ...model.messages import Result, Tell
from ...model.settings import Settings
from ...store.copying import insert_row, is_empty, remove_all
from ...store.database import Database, Transaction
from ...store.places import place_at
from ...store.schema import STEPS, run_steps, upgrade
from ..rows.epochs import begin_epoch
from ..rows.index import build_indexes
from ..rows.keyring import Keyring
from ..rows.opening import check_new_place, makes_own_key, marks_of, new_kdf, open_database, open_store, root_key_of
from ..rows.session import Session
from .backup import backup_view
from .files import opened
from .proof import StoreProof
from .rows import Progress, RowReader, RowWriter, StoredRows, portable_rows

__all__ = ["restore"]


@dataclass(frozen=True, slots=True)
class _Root:
    """The root key of a restored store, and its key derivation settings (empty: no passphrase)."""

    key: RootKey
    kdf: dict[str, Any]


def restore(settings: Settings, params: dict[str, Any], *, check_mode: bool, tell: Tell) -> Result:
    """Restore the backup `src` to the store of the settings, and return the result.

    Raises ScopedSecretsError; the store is then unchanged.
    """
    path = Path(params["src"]).resolve()
    with opened(path, settings) as reader:
        return _Restore(settings, reader, params.get("recovery_passphrase"), tell).run(path, check_mode)


class _Restore:
    def __init__(self, settings: Settings, reader: BackupReader, passphrase: str | None, tell: Tell) -> None:
        self._settings = settings
        self._reader = reader
        self._header: BackupHeader = reader.header
        self._passphrase = passphrase
        self._place = place_at(settings.store, allows_plain=settings.allow_plain_postgresql)
        self._tell = tell
        self._notices: list[str] = []

    def run(self, path: Path, check_mode: bool) -> Result:
        self._check_schema()
        root = self._matching_root()
        self._unlock(root)
        root = root or self._replacement_root()
        rows = self._read_whole()
        backup = backup_view(path, self._header, rows.counts, path.stat().st_size)
        is_new = not self._place.has_store()
        if not is_new and not self._is_vacant():
            self._check_same(rows)
            return Result(returned={"backup": backup})
        if is_new:
            check_new_place(self._place, self._settings)
        if not check_mode:
            self._write(root or self._new_root(), rows, is_new=is_new)
            self._notices.append(f"The store {self._place} was restored from {path}.")
        return Result(True, {"backup": backup}, {}, backup, self._notices)

    def _check_schema(self) -> None:
        version, known = self._header.schema_version, STEPS[-1].number
        if version > known:
            raise StoreRefused(
                "backup_too_new",
                f"The backup was made by a newer scoped.secrets: it has schema {version}, this version knows {known}.",
                hint="Upgrade the collection: ansible-galaxy collection install scoped.secrets --upgrade",
            )

    def _matching_root(self) -> _Root | None:
        """Return the root key that the task names if the backup is sealed to it, else None."""
        kdf = dict(self._header.root.kdf)
        if self._settings.passphrase and not self._settings.root_key and not kdf:
            return None
        try:
            root = root_key_of(self._settings, kdf, [], may_create=False)
        except KeyRefused as error:
            if error.code != "missing_key_file":
                raise
            return None
        return _Root(root, kdf) if root.key_id == self._header.root.key_id else None

    def _unlock(self, root: _Root | None) -> None:
        if root:
            self._reader.unlock(self._header.open_with_root(root.key))
        elif self._passphrase is not None:
            self._reader.unlock(self._header.open_with_passphrase(self._passphrase))
        else:
            raise self._no_key()

    def _no_key(self) -> KeyRefused:
        other_way = "The backup has no recovery passphrase, so nothing else opens it."
        if self._header.recovery:
            other_way = "If that key is lost, set 'recovery_passphrase': the store is then sealed to this task's key."
        wanted = self._header.root.shown_id
        return KeyRefused(
            "wrong_backup_key",
            f"The backup is sealed to {f'root key {wanted}' if wanted else 'a root key'} that this task does not have.",
            hint=f"Set 'root_key_file' (or SCOPED_SECRETS_ROOT_KEY, or the passphrase) to that key. {other_way}",
        )

    def _replacement_root(self) -> _Root | None:
        """Return the root key that replaces the lost one, None if it is created later; raise KeyRefused."""
        settings = self._settings
        if makes_own_key(settings) and not os.path.exists(settings.root_key_file):
            return None
        return self._new_root()

    def _new_root(self) -> _Root:
        settings = self._settings
        kdf = new_kdf() if settings.passphrase and not settings.root_key else {}
        root = root_key_of(settings, kdf, self._notices)
        self._notices.append(
            f"The restored store is sealed to another root key, from {root}. The old key no longer opens it."
        )
        return _Root(root, kdf)

    def _read_whole(self) -> RowReader:
        """Read the file to its end and return its counts and digests; raise Damaged."""
        rows = RowReader()
        progress = Progress(self._tell, "Checked", 0)
        for table, row in rows.rows(self._reader.chunks()):
            progress.count(table, row)
        return rows

    def _is_vacant(self) -> bool:
        """Tell whether the existing store is empty."""
        with contextlib.closing(open_database(self._place, self._settings)) as database:
            return database.read(is_empty)

    def _check_same(self, rows: RowReader) -> None:
        """Raise Conflict unless the store holds just what the backup does: it was restored before, and not changed."""
        with contextlib.suppress(ScopedSecretsError):
            store = open_store(self._settings, create=False)
            with contextlib.closing(store.database):
                own = store.database.read(lambda tx: _declared(Session(tx, store.store_id, store.keyring)))
            if own == rows.declared:
                return
        raise self._not_empty()

    def _not_empty(self) -> Conflict:
        return Conflict(
            "store_not_empty",
            f"The store {self._place} is not empty. A backup is only restored to a new or an empty store.",
            hint="Set 'store' to a new place, or move all files of the old store away first.",
        )

    def _write(self, root: _Root, rows: RowReader, *, is_new: bool) -> None:
        if is_new:
            if not self._place.create(lambda database: self._fill(database, root, rows, is_new=True)):
                raise self._not_empty()
            return
        with contextlib.closing(open_database(self._place, self._settings)) as database:
            self._fill(database, root, rows, is_new=False)

    def _fill(self, database: Database, root: _Root, rows: RowReader, *, is_new: bool) -> None:
        """Write and verify all rows in one transaction."""
        keyring = Keyring(self._header.store_id, root.key)

        def work(tx: Transaction) -> None:
            steps = self._new_tables(database, tx) if is_new else self._cleared(tx)
            own = {"steps": steps, "root_key_id": root.key.key_id, "kdf": json.dumps(root.kdf)}
            self._copy(tx, StoredRows(keyring, own), rows)
            upgrade(database, tx)
            build_indexes(tx)
            self._prove(Session(tx, self._header.store_id, keyring), rows)
            begin_epoch(Session(tx, self._header.store_id, keyring), marks.seen())

        marks = marks_of(self._settings, self._header.store_id)
        database.write(work)

    def _new_tables(self, database: Database, tx: Transaction) -> str:
        return run_steps(database, tx, STEPS[: self._header.schema_version])

    def _cleared(self, tx: Transaction) -> str:
        """Delete the rows of an empty store, and return the record of its schema steps."""
        if not is_empty(tx):
            raise self._not_empty()
        if self._header.schema_version < STEPS[-1].number:
            raise StoreRefused(
                "backup_too_old",
                f"The backup has an older schema ({self._header.schema_version}) than the store {self._place}.",
                hint="Set 'store' to a place without a store: the backup is upgraded as it is restored there.",
            )
        row = tx.one("SELECT steps FROM store") or {}
        remove_all(tx)
        return str(row["steps"])

    def _copy(self, tx: Transaction, stored: StoredRows, known: RowReader) -> None:
        again = RowReader()
        progress = Progress(self._tell, "Restored", known.counts["secret"])
        for table, row in again.rows(self._reader.chunks()):
            try:
                insert_row(tx, table, stored.of(table, row))
            except (KeyError, ValueError):
                raise damaged_backup() from None
            progress.count(table, row)
        if again.digest != known.digest:
            raise damaged_backup()

    def _prove(self, session: Session, known: RowReader) -> None:
        """Read everything back and verify it. An upgrade changes columns, so digests are compared only without one."""
        proof = StoreProof(session)
        rows = RowWriter()
        progress = Progress(self._tell, "Read back", known.counts["secret"])
        for table, row in portable_rows(session):
            if table == "store" and row["id"] != session.store_id:
                raise damaged_backup()
            proof.take(table, row)
            rows.put(table, row)
            progress.count(table, row)
        proof.finish()
        is_upgraded = self._header.schema_version < STEPS[-1].number
        is_complete = all(rows.counts[table] == count for table, count in known.counts.items())
        if not is_complete or (rows.digest != known.digest and not is_upgraded):
            raise damaged_backup()


def _declared(session: Session) -> str:
    rows = RowWriter()
    for table, row in portable_rows(session):
        rows.put(table, row)
    return rows.declared
