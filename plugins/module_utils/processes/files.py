# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that users and rows name: a pipe must not stop the engine, nor an endless device fill its memory."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO

__all__ = ["MAX_FILE", "open_file", "read_file"]

MAX_FILE = 1024 * 1024
"""The largest token, key or certificate that is read, in bytes."""


def open_file(path: str) -> BinaryIO:
    """Open a regular file for reading. Raises OSError, also for pipes, folders and devices."""
    # Without O_NONBLOCK, opening a pipe waits for somebody who writes to it.
    if "\0" in path:
        raise OSError(errno.EINVAL, "its path has a NUL character", path)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return open(descriptor, "rb")
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is not a regular file", path)


def read_file(path: str) -> bytes:
    """Return the content of a regular file of at most MAX_FILE bytes; raise OSError."""
    with open_file(path) as file:
        content = file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise OSError(errno.EFBIG, f"it has more than {MAX_FILE} bytes", path)
    return content
