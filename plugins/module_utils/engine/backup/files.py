# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backup files on the control node: which may be read or replaced, and how a new one is written atomically."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from ...crypto.backup import BackupReader
from ...model.errors import Conflict, InvalidInput, ScopedSecretsError, StoreRefused
from ...model.settings import Settings
from ...processes.files import open_file
from ...processes.folders import foreign_link
from ...store.drafts import new_draft, remove_draft, sync_folder
from ..rows.own_files import belongs_to_store

__all__ = ["Draft", "check_dest", "opened", "resolved_dest"]


@contextlib.contextmanager
def opened(path: Path, settings: Settings) -> Iterator[BackupReader]:
    """Yield the reader of a backup; raise InvalidInput for a file that can't be read, and what BackupReader raises."""
    _check_apart(path, settings)
    try:
        file = open_file(str(path))
    except OSError as error:
        raise InvalidInput(
            "unreadable_backup",
            f"The backup {path} can't be read: {error.strerror}.",
            hint="Check 'src': it is a path on the control node, and a relative one starts in the playbook's folder.",
        ) from None
    with file:
        yield BackupReader(file)


def _check_apart(path: Path, settings: Settings) -> None:
    """Raise InvalidInput for a file of the store itself, or its root key."""
    if belongs_to_store(path, settings):
        raise InvalidInput(
            "not_a_backup", f"{path} belongs to the store itself.", hint="Use another file for the backup."
        )


def resolved_dest(dest: str, what: str = "backup") -> Path:
    """Return the path that `dest` leads to; raise Conflict if another user's symbolic link leads there."""
    link = foreign_link(dest)
    if link:
        raise Conflict(
            "dest_taken",
            f"The {what} is not written to {dest}: {link} is a symbolic link of another user.",
            hint="Set 'dest' to another path.",
        )
    return Path(dest).resolve()


def check_dest(path: Path, settings: Settings, store_id: str, *, force: bool) -> bool:
    """Tell whether `path` is a file that may be replaced: a backup of this store, or with `force` any regular file.

    Raises Conflict for any other file, InvalidInput for one of the store itself.
    """
    _check_apart(path, settings)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise not_written(path, error) from None
    is_file = stat.S_ISREG(mode)
    reason = "it is not a regular file" if not is_file else "" if force else _foreign(path, settings, store_id)
    if reason:
        raise Conflict(
            "dest_taken",
            f"The backup does not replace {path}: {reason}.",
            hint="Set 'dest' to another path, or set 'force: true' to replace any regular file.",
        )
    return True


def _foreign(path: Path, settings: Settings, store_id: str) -> str:
    try:
        with opened(path, settings) as reader:
            return "" if reader.header.store_id == store_id else "it is a backup of another store"
    except ScopedSecretsError:
        return "it is not a readable backup"


def not_written(path: Path, error: OSError) -> StoreRefused:
    return StoreRefused(
        "backup_not_written",
        f"The backup {path} can't be written: {error.strerror or type(error).__name__}.",
        hint="'dest' is a path on the control node. Create its folder, let the user who runs Ansible write there, and "
        "check that the disk has room.",
    )


class Draft:
    """A new file next to its destination, removed on exit unless moved there.

    With `is_written` false all output is discarded. `refusal` makes the error for a file that can't be written.
    """

    def __init__(
        self,
        dest: Path,
        *,
        is_written: bool = True,
        refusal: Callable[[Path, OSError], ScopedSecretsError] = not_written,
    ) -> None:
        self._dest = dest
        self._refusal = refusal
        self.path = new_draft(dest) if is_written else Path(os.devnull)
        self._is_written = is_written

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._is_written:
            remove_draft(self.path)

    @contextlib.contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Yield the empty file, mode 0600; its content is synced to disk afterwards. Raises the refusal."""
        try:
            descriptor = os.open(self.path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                if self._is_written:
                    os.fsync(descriptor)
        except OSError as error:
            raise self._refusal(self._dest, error) from None

    def move(self) -> None:
        """Move the file to its destination and sync the folder. Raises the refusal."""
        self._place(os.replace)

    def link(self) -> None:
        """Put the file at its destination, where none may be, and sync the folder. Raises the refusal."""
        self._place(os.link)

    def _place(self, place: Callable[[Path, Path], None]) -> None:
        try:
            place(self.path, self._dest)
            sync_folder(self._dest.parent)
        except OSError as error:
            raise self._refusal(self._dest, error) from None
