# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identifies the user at the other end of a Unix socket."""

from __future__ import annotations

import socket
import struct

__all__ = ["peer_user"]


def peer_user(connection: socket.socket) -> int:
    """Return the user id of the process at the other end."""
    if hasattr(socket, "SO_PEERCRED"):
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[1])
    # macOS and the BSDs: struct xucred begins with version and user id; SOL_LOCAL is 0, LOCAL_PEERCRED is 1 (unix(4)).
    return int(struct.unpack_from("=II", connection.getsockopt(0, 1, 76))[1])
