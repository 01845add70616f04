# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys from outside the store: the permissions their files need, and a check that a key can be random."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from typing import NamedTuple

from ..model.errors import KeyRefused
from ..processes.folders import exposure_of, foreign_link

__all__ = ["KEY_BYTES", "KeyFile", "check_way", "read_guarded", "weakness"]

KEY_BYTES = 32
MIN_DISTINCT = 16  # 32 random bytes have fewer distinct values with a probability of 3 in 10^17
MAX_FILE = 4096


class KeyFile(NamedTuple):
    """A kind of key file, for messages: its name, the option with its path, its format, and how to get one."""

    what: str
    option: str
    form: str
    origin: str


def weakness(material: bytes) -> str:
    """Return why these bytes can't be a random key, or an empty string."""
    if len(material) != KEY_BYTES:
        return f"it has {len(material)} bytes, not {KEY_BYTES}"
    # With so many distinct bytes, nothing shorter than half of the key can repeat.
    if len(set(material)) < MIN_DISTINCT or material[:MIN_DISTINCT] == material[MIN_DISTINCT:]:
        return "its bytes repeat"
    if all(32 <= byte < 127 for byte in material):
        return "it is printable text, not random bytes"
    return ""


def read_guarded(path: str, kind: KeyFile) -> str:
    """Return the text of a file that only its owner, the current user, can read and replace; raise KeyRefused."""
    try:
        content = _read(path, kind)
        _check_folder(os.path.dirname(os.path.abspath(path)), kind)
        return content.decode("ascii", "replace")
    except FileNotFoundError:
        raise KeyRefused("missing_key_file", f"The {kind.what} file {path} does not exist.", hint=kind.origin) from None
    except OSError as error:
        raise _unreadable(path, kind, error) from None


def _read(path: str, kind: KeyFile) -> bytes:
    """Check and read the same open descriptor, so that the file can't be swapped in between."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        _check_guard(path, kind, os.fstat(descriptor))
        return os.read(descriptor, MAX_FILE)
    finally:
        os.close(descriptor)


def check_way(folder: str, kind: KeyFile) -> None:
    """Raise KeyRefused if another user's symbolic link leads to a folder, which need not exist yet."""
    link = foreign_link(folder)
    if link:
        raise KeyRefused(
            "exposed_key_folder",
            f"The folder {folder} of the {kind.what} file is reached through {link}, a symbolic link of another user.",
            hint=f"Set '{kind.option}' to a path without that link.",
        )


def _check_folder(folder: str, kind: KeyFile) -> None:
    check_way(folder, kind)
    exposure = exposure_of(folder)
    if exposure:
        raise KeyRefused(
            "exposed_key_folder",
            f"The folder {folder} of the {kind.what} file {exposure}.",
            hint=f"Run: chown {os.geteuid()} {shlex.quote(folder)}; chmod go-w {shlex.quote(folder)}",
        )


def _unreadable(path: str, kind: KeyFile, error: OSError) -> KeyRefused:
    if error.errno == errno.ELOOP:
        reason = "it is a symbolic link"
        hint = f"Set '{kind.option}' to the file itself: {os.path.realpath(path)}"
    else:
        reason = str(error.strerror)
        hint = f"Check its permissions: ls -ld {shlex.quote(path)}"
    return KeyRefused("unreadable_key_file", f"The {kind.what} file {path} can't be read: {reason}.", hint=hint)


def _check_guard(path: str, kind: KeyFile, info: os.stat_result) -> None:
    """Raise KeyRefused unless it is a regular file that only the current user can access."""
    if not stat.S_ISREG(info.st_mode) or info.st_size > MAX_FILE:
        raise KeyRefused(
            "unreadable_key_file",
            f"The {kind.what} file {path} is not a regular file of at most {MAX_FILE} bytes.",
            hint=f"Set '{kind.option}' to a file with {kind.form}.",
        )
    if not info.st_size:
        raise KeyRefused(
            "empty_key_file",
            f"The {kind.what} file {path} is empty.",
            hint="Restore it from its backup, because no other key opens the store. If there is no store yet, remove "
            "the empty file.",
        )
    if info.st_uid != os.geteuid():
        raise KeyRefused(
            "foreign_key_file",
            f"The {kind.what} file {path} belongs to user id {info.st_uid}, but Ansible runs as user id "
            f"{os.geteuid()}.",
            hint=f"If it is yours, run: chown {os.geteuid()} {shlex.quote(path)}",
        )
    if info.st_mode & 0o077:
        raise KeyRefused(
            "exposed_key_file",
            f"The {kind.what} file {path} has mode {stat.S_IMODE(info.st_mode):04o}: other users can access it.",
            hint=f"Replace the key if somebody may have read it. To fix the mode: chmod 600 {shlex.quote(path)}",
        )
