# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sink that appends to a file, one line of JSON per record. Opens it for each batch, so that it can be rotated."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Sequence

from .base import Sink, check_way, not_written

__all__ = ["JsonLines", "make"]

# Doesn't follow symbolic links, and doesn't block on a pipe without a reader.
_FLAGS = os.O_APPEND | os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class JsonLines(Sink):
    def write(self, lines: Sequence[str]) -> None:
        try:
            check_way(self.where)
            descriptor = os.open(self.where, _FLAGS, 0o600)
            try:
                _append(descriptor, "".join(f"{line}\n" for line in lines).encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            raise not_written(f"the file {self.where}", error) from None


def _append(descriptor: int, content: bytes) -> None:
    """Append all of it and sync it to the disk, or append nothing."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    before = os.fstat(descriptor).st_size
    try:
        while content:
            content = content[os.write(descriptor, content) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, before)
        raise


def make(where: str) -> JsonLines:
    return JsonLines(where)
