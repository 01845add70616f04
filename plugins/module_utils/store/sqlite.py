# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQLite: one file that belongs to the user, in WAL mode, written only within BEGIN IMMEDIATE."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from ..model.errors import Damaged, ScopedSecretsError, StoreRefused, Unavailable
from ..processes.folders import exposure_of
from .database import Database, Dialect
from .drafts import new_draft, remove_draft, sync_folder
from .mounts import MOUNTS, mount_of

__all__ = ["SqliteDialect", "create_file", "memory_database", "unreachable"]

BUSY_TIMEOUT_MS = 60_000

# File systems on which SQLite can't rely on locks or shared memory (sqlite.org/wal.html, "All processes using a
# database must be on the same host computer").
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

_MakeError: TypeAlias = "Callable[[str], ScopedSecretsError]"

# What is written to see whether there is room.
_ROOM = 1024 * 1024
_MOST_FAULTS = 5


class SqliteDialect(Dialect):
    """An existing database file, or `:memory:`. `is_new`: the file is being created and gets its lasting settings."""

    types: ClassVar[Mapping[str, str]] = {"bytes": "BLOB", "integer": "INTEGER", "identifier": "TEXT"}

    def __init__(self, path: str, *, is_new: bool = False) -> None:
        self.path = path
        self._is_new = is_new
        self._opened: os.stat_result | None = None
        self._why_unwritable: _MakeError | None = None

    def connect(self) -> sqlite3.Connection:
        if self.path == ":memory:":
            return self._connected(self.path)
        check_file(Path(self.path))
        uri = Path(self.path).absolute().as_uri()
        try:
            return self._connected(f"{uri}?mode=rw")
        except sqlite3.Error as error:
            self._why_unwritable = self._reason_of_medium(error)
            if not self._why_unwritable:
                raise
        why = "its disk is full" if self._why_unwritable is _full else "its disk is read-only"
        self.notice = f"The store {self.path} is read as it is, and nothing can be changed: {why}."
        # Without the files beside it that SQLite would create.
        return self._connected(f"{uri}?mode=ro&immutable=1")

    def _reason_of_medium(self, error: sqlite3.Error) -> _MakeError | None:
        """Return what makes the error for a store on a medium that takes no writing by anybody, None for another one.

        With a log beside it, the file alone is not the whole store.
        """
        log = Path(f"{self.path}-wal")
        if log.exists() and log.stat().st_size:
            return None
        medium = os.statvfs(Path(self.path).parent)
        if medium.f_flag & os.ST_RDONLY:
            return _read_only
        make = _error_named(error)
        return make if make is _full else None

    def _connected(self, uri: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        self._opened = self._file()
        try:
            self._prepare(connection)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        for pragma in ("synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
        # Opens the file, which the pragmas may not have done.
        connection.execute("SELECT 1 FROM sqlite_schema")
        if self._is_new:
            # Stored in the file. Not set on an existing file, which may not be ours and must stay unchanged.
            connection.execute("PRAGMA journal_mode = WAL")

    def begin(self, connection: Any, *, write: bool, scope: str) -> None:
        connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")

    def table_names(self, connection: Any) -> set[str]:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def engine(self, connection: Any) -> str:
        return f"SQLite {sqlite3.sqlite_version}"

    def state(self, connection: Any) -> object:
        return connection.execute("PRAGMA data_version").fetchone()[0]

    def faults(self, connection: Any) -> list[str]:
        rows = connection.execute(f"PRAGMA quick_check({_MOST_FAULTS})").fetchall()
        return [str(row[0]) for row in rows if row[0] != "ok"]

    def size(self, connection: Any) -> int:
        pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        return int(pages * size)

    def is_replaced(self) -> bool:
        now, opened = self._file(), self._opened
        if opened is None:
            return False
        # What is read as it is shows no change that somebody made once the medium took writing again.
        is_changed = self._why_unwritable is not None and now is not None and now.st_mtime_ns != opened.st_mtime_ns
        return now is None or not os.path.samestat(now, opened) or is_changed

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
        make = _error_named(error)
        if make:
            return (self._why_unwritable if make is _read_only and self._why_unwritable else make)(self.path)
        return StoreRefused(
            "store_failed",
            f"The store {self.path} failed: {getattr(error, 'sqlite_errorname', None) or type(error).__name__}.",
            hint="Check the disk and its free space.",
        )


def check_room(path: Path) -> None:
    """Write a draft beside a store, and remove it: about what a task needs. Raises StoreRefused."""
    draft = new_draft(path)
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(bytes(_ROOM))
            os.fsync(descriptor)
    except OSError as error:
        make = {errno.ENOSPC: _full, errno.EDQUOT: _full, errno.EROFS: _read_only, errno.EACCES: _read_only}
        raise make[error.errno](str(path)) if error.errno in make else unreachable(str(path), error) from None
    finally:
        with contextlib.suppress(OSError):
            remove_draft(draft)


def unreachable(path: str, error: OSError) -> StoreRefused:
    """Return our error for a path that the operating system doesn't let us access."""
    return StoreRefused(
        "store_unreachable",
        f"The store {path} can't be reached: {error.strerror or type(error).__name__}.",
        hint="Check the path in 'store', and that the user who runs Ansible can enter all its folders.",
    )


def _full(path: str) -> ScopedSecretsError:
    return StoreRefused(
        "store_full",
        f"No space is left to write the store {path}. The change was rolled back.",
        hint="Free space on that disk or raise the quota, then run it again.",
    )


def _read_only(path: str) -> ScopedSecretsError:
    return StoreRefused(
        "store_read_only",
        f"The store {path} can't be written.",
        hint="Make disk and folder writable for the user who runs Ansible, or set 'store' to another location.",
    )


def _foreign(path: str) -> ScopedSecretsError:
    return StoreRefused(
        "foreign_database",
        f"{path} is not a store of scoped.secrets.",
        hint="Set 'store' to another file; a new store is created if it does not exist.",
    )


def _damaged(path: str) -> ScopedSecretsError:
    return Damaged(
        "damaged_store",
        f"The database file {path} is damaged.",
        hint="Move the file away but keep it, then restore the newest backup with scoped.secrets.store_restore.",
    )


def _busy(path: str) -> ScopedSecretsError:
    return Unavailable(
        "store_busy",
        f"The store {path} stayed locked for {BUSY_TIMEOUT_MS // 1000} seconds.",
        hint="Find the process that holds the lock (fuser), then run it again.",
        retryable=True,
    )


_ERRORS: dict[str, _MakeError] = {
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


def _error_named(error: sqlite3.Error) -> _MakeError | None:
    """Return what makes our error for one of SQLite, None for one without a meaning of its own."""
    name = getattr(error, "sqlite_errorname", None) or ""
    return next((make for prefix, make in _ERRORS.items() if name.startswith(prefix)), None)


def check_file(path: Path) -> None:
    """Raise StoreRefused if other users can read or replace the file, or it is on a network file system."""
    check_file_system(path)
    info = path.stat()
    if not stat.S_ISREG(info.st_mode):
        raise _foreign(str(path))
    if info.st_uid != os.geteuid():
        raise StoreRefused(
            "foreign_store_file",
            f"The store {path} belongs to user id {info.st_uid}, but Ansible runs as user id {os.geteuid()}.",
            hint=f"Run Ansible as its owner, or run: chown {os.geteuid()} '{path}'",
        )
    if info.st_mode & 0o077:
        raise StoreRefused(
            "exposed_store_file",
            f"The store {path} has mode {stat.S_IMODE(info.st_mode):04o}: other users can access it.",
            hint=f"To fix the mode: chmod 600 '{path}'",
        )
    exposure = exposure_of(str(path.parent))
    if exposure:
        raise StoreRefused(
            "exposed_store_folder",
            f"The store's folder {path.parent} {exposure}.",
            hint=f"Run: chown {os.geteuid()} '{path.parent}'; chmod go-w '{path.parent}'",
        )


def check_file_system(path: Path, mounts: str = MOUNTS) -> None:
    """Raise StoreRefused if `path` is on a network file system (detected on Linux only)."""
    kind = mount_of(path.parent, mounts).kind
    if kind in _NETWORK_TYPES:
        raise StoreRefused(
            "store_on_network",
            f"The store {path} is on a network file system ({kind}), where SQLite can lose writes.",
            hint="Move it to a local disk, or use a PostgreSQL store for several control nodes.",
        )


def create_file(path: Path, initialise: Callable[[Database], None]) -> bool:
    """Create the store file completely or not at all. Leaves a file alone that another process created meanwhile.

    Return whether this call created it.
    """
    draft = new_draft(path)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_file_system(path)
        draft.touch(mode=0o600, exist_ok=False)
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
            hint="Make its folder writable for the user who runs Ansible, or set 'store' to another location.",
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
    """Return an empty database in this process's memory."""
    return Database(SqliteDialect(":memory:"))
