# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQLite: one file of the user's own, in WAL mode, written under BEGIN IMMEDIATE only."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from ..model.errors import Damaged, ScopedSecretsError, StoreRefused, Unavailable
from .database import Database, Dialect
from .drafts import new_draft, remove_draft, sync_folder
from .mounts import MOUNTS, mount_of

__all__ = ["SqliteDialect", "create_file", "memory_database", "unreachable"]

BUSY_TIMEOUT_MS = 60_000

# File systems whose locks or shared memory SQLite can't rely on (sqlite.org/wal.html, "All processes must be on the
# same host").
_NETWORK_TYPES = frozenset(
    [
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "fuse.ceph",
        "fuse.glusterfs",
        "fuse.s3fs",
        "fuse.sshfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
    ]
)

_FOREIGN = "It is no store of scoped.secrets."


class SqliteDialect(Dialect):
    """One database file that exists, or `:memory:`. `is_new`: it is being made, and set up for good."""

    types: ClassVar[Mapping[str, str]] = {"bytes": "BLOB", "integer": "INTEGER", "identifier": "TEXT"}

    def __init__(self, path: str, *, is_new: bool = False) -> None:
        self.path = path
        self._is_new = is_new
        self._opened: os.stat_result | None = None

    def connect(self) -> sqlite3.Connection:
        if self.path != ":memory:":
            check_file(Path(self.path))
        uri = self.path if self.path == ":memory:" else Path(self.path).absolute().as_uri() + "?mode=rw"
        connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        self._opened = self._file()
        for pragma in ("synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
        if self._is_new:
            # The file remembers it. One that exists may not be ours, and then must stay as it is.
            connection.execute("PRAGMA journal_mode = WAL")
        return connection

    def begin(self, connection: Any, *, write: bool, scope: str) -> None:
        connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")

    def table_names(self, connection: Any) -> set[str]:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def engine(self, connection: Any) -> str:
        return f"SQLite {sqlite3.sqlite_version}"

    def state(self, connection: Any) -> object:
        return connection.execute("PRAGMA data_version").fetchone()[0]

    def size(self, connection: Any) -> int:
        pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        return int(pages * size)

    def is_replaced(self) -> bool:
        now = self._file()
        return self._opened is not None and (now is None or not os.path.samestat(now, self._opened))

    def _file(self) -> os.stat_result | None:
        try:
            return os.stat(self.path)
        except OSError:
            return None

    def must_retry(self, error: Exception) -> bool:
        return False

    def translate(self, error: Exception) -> ScopedSecretsError | None:
        if isinstance(error, OSError):
            return unreachable(self.path, error)
        if not isinstance(error, sqlite3.Error):
            return None
        name = getattr(error, "sqlite_errorname", None) or ""
        for prefix, make in _ERRORS.items():
            if name.startswith(prefix):
                return make(self.path, name)
        return StoreRefused(
            "store_failed",
            f"The store {self.path} failed: {name or type(error).__name__}.",
            hint="Check the disk that it lies on and its free space.",
        )


def unreachable(path: str, error: OSError) -> StoreRefused:
    """Return our error for a path that the operating system does not let us see."""
    return StoreRefused(
        "store_unreachable",
        f"The store {path} can't be reached: {error.strerror or type(error).__name__}.",
        hint="Check the path in 'store', and that the user who runs Ansible may enter all its folders.",
    )


def _full(path: str, _name: str) -> ScopedSecretsError:
    return StoreRefused(
        "store_full",
        f"There is no room to write the store {path}. Nothing of this change was kept.",
        hint="Free space on that disk, or raise the quota, and run it again.",
    )


def _read_only(path: str, _name: str) -> ScopedSecretsError:
    return StoreRefused(
        "store_read_only",
        f"The store {path} can't be written.",
        hint="Make the disk and the folder writable for the user that runs Ansible, or set 'store' to another place.",
    )


def _foreign(path: str, _name: str) -> ScopedSecretsError:
    return StoreRefused(
        "foreign_database",
        f"{path}: {_FOREIGN}",
        hint="Set 'store' to another file; a new one is made where none exists.",
    )


def _damaged(path: str, _name: str) -> ScopedSecretsError:
    return Damaged(
        "damaged_store",
        f"The database file {path} is damaged.",
        hint="Move it away, keep it, and restore the newest backup with scoped.secrets.store_restore.",
    )


def _busy(path: str, _name: str) -> ScopedSecretsError:
    return Unavailable(
        "store_busy",
        f"The store {path} stayed locked for {BUSY_TIMEOUT_MS // 1000} seconds.",
        hint="Find the process that holds it (fuser), and run it again.",
        retryable=True,
    )


_ERRORS: dict[str, Callable[[str, str], ScopedSecretsError]] = {
    "SQLITE_FULL": _full,
    "SQLITE_IOERR_WRITE": _full,
    "SQLITE_IOERR_SHMSIZE": _full,
    "SQLITE_READONLY": _read_only,
    "SQLITE_CANTOPEN": _read_only,
    "SQLITE_NOTADB": _foreign,
    "SQLITE_CORRUPT": _damaged,
    "SQLITE_BUSY": _busy,
    "SQLITE_LOCKED": _busy,
}


def check_file(path: Path) -> None:
    """Raise StoreRefused where others could read or replace the file, or it lies on a network file system."""
    check_file_system(path)
    info, folder = path.stat(), path.parent.stat()
    if not stat.S_ISREG(info.st_mode):
        raise _foreign(str(path), "")
    if info.st_uid != os.geteuid():
        raise StoreRefused(
            "foreign_store_file",
            f"The store {path} belongs to user id {info.st_uid}, not to the one that runs Ansible ({os.geteuid()}).",
            hint=f"Run as its owner, or: chown {os.geteuid()} '{path}'",
        )
    if info.st_mode & 0o077:
        raise StoreRefused(
            "exposed_store_file",
            f"The store {path} has mode {stat.S_IMODE(info.st_mode):04o}; others may not have access to it.",
            hint=f"Mend it with: chmod 600 '{path}'",
        )
    if folder.st_mode & 0o022 and not folder.st_mode & stat.S_ISVTX:
        raise StoreRefused(
            "exposed_store_folder",
            f"The folder {path.parent} of the store can be written by others.",
            hint=f"Mend it with: chmod go-w '{path.parent}'",
        )


def check_file_system(path: Path, mounts: str = MOUNTS) -> None:
    """Raise StoreRefused if `path` lies on a network file system (told on Linux only)."""
    kind = mount_of(path.parent, mounts).kind
    if kind in _NETWORK_TYPES:
        raise StoreRefused(
            "store_on_network",
            f"The store {path} lies on a network file system ({kind}), where SQLite can lose writes.",
            hint="Put it on a local disk, or use a PostgreSQL store for several control nodes.",
        )


def create_file(path: Path, initialise: Callable[[Database], None]) -> bool:
    """Make the store file, whole or not at all. One that another process made meanwhile is left as it is.

    Return whether it is the one made here.
    """
    draft = new_draft(path)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_file_system(path)
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        database = Database(SqliteDialect(str(draft), is_new=True))
        try:
            initialise(database)
        finally:
            database.close()
        is_ours = _link(draft, path)
        sync_folder(path.parent)
        return is_ours
    except OSError as error:
        raise StoreRefused(
            "store_not_created",
            f"The store {path} can't be created: {error.strerror}.",
            hint="Make its folder writable for the user that runs Ansible, or set 'store' to another place.",
        ) from None
    finally:
        remove_draft(draft)


def _link(draft: Path, path: Path) -> bool:
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    return True


def memory_database() -> Database:
    """Return an empty database that lives and dies with this process."""
    return Database(SqliteDialect(":memory:"))
