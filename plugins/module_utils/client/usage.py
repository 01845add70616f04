# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects the usage counts of this run's brokers, without starting one."""

from __future__ import annotations

import os
import socket
from typing import Any

from ..broker import protocol
from ..broker.meeting import Meeting, folders, is_private, prefix_of, proof_of_run, this_run

__all__ = ["usage_of_run"]

PATIENCE = 2.0  # seconds


def usage_of_run() -> dict[str, Any]:
    """Return the summed counts of all brokers of this run; empty if there is none."""
    total: dict[str, Any] = {}
    for meeting in _meetings():
        total = _added(total, _ask(meeting))
    return total


def _added(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the sums of all numbers, in nested dictionaries too."""
    total = dict(one)
    for name, value in other.items():
        total[name] = _added(one.get(name, {}), value) if isinstance(value, dict) else one.get(name, 0) + value
    return total


def _meetings() -> list[Meeting]:
    prefix, end = prefix_of(this_run()), ".sock"
    found = []
    # One folder may have several names: on most systems XDG_RUNTIME_DIR is /run/user/UID.
    for folder in {os.path.realpath(folder): folder for folder in folders()}.values():
        names = os.listdir(folder) if is_private(folder) else []
        found += [
            Meeting(folder, name.removesuffix(end)) for name in names if name.startswith(prefix) and name.endswith(end)
        ]
    return found


def _ask(meeting: Meeting) -> dict[str, Any]:
    """Return the counts of one broker; empty if it does not answer."""
    try:
        with socket.socket(socket.AF_UNIX) as connection, open(meeting.token, "rb") as token:
            connection.settimeout(PATIENCE)
            connection.connect(meeting.socket)
            proof = proof_of_run(token.read())
            protocol.send(connection, {"protocol": protocol.PROTOCOL, "proof": proof, "call": "usage"})
            return dict((protocol.receive(connection) or {}).get("usage", {}))
    except (OSError, protocol.ProtocolError):
        return {}
