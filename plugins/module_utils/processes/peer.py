# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identifies the user and the process at the other end of a Unix socket, and the programs that started it."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator

__all__ = ["ancestors", "peer_process", "peer_user"]


def peer_user(connection: socket.socket) -> int:
    """Return the user id of the process at the other end."""
    if hasattr(socket, "SO_PEERCRED"):
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[1])
    # macOS and the BSDs: struct xucred begins with version and user id; SOL_LOCAL is 0, LOCAL_PEERCRED is 1 (unix(4)).
    return int(struct.unpack_from("=II", connection.getsockopt(0, 1, 76))[1])


def peer_process(connection: socket.socket) -> int:
    """Return the id of the process at the other end, 0 if the operating system doesn't tell (macOS, the BSDs)."""
    if not hasattr(socket, "SO_PEERCRED"):  # pragma: no cover -- only systems other than Linux
        return 0
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[0])


def ancestors(process: int) -> Iterator[str]:
    """Yield the names of the programs above a process, up to ours; none if the operating system doesn't tell."""
    while process not in (0, 1, os.getpid()):
        try:
            with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
                # proc_pid_stat(5): the name is in parentheses and may contain any character; state and parent follow.
                before, _mark, after = file.read().rpartition(")")
        except OSError:
            return
        yield before.partition("(")[2]
        process = int(after.split()[1])
