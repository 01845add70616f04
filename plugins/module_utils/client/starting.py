# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the broker of a run. A lock ensures that simultaneous callers start only one."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from typing import Any

from ..broker import protocol
from ..broker.meeting import Meeting, Run, locked
from ..model.settings import Settings
from ..processes.caller import this_caller
from ..processes.identity import is_running
from ..processes.programs import Process

__all__ = ["NotStarted", "start"]

# The plugins folder. The broker imports from it directly, because its Python has no collection loader.
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_CODE = "import sys; sys.path.insert(0, sys.argv[1]); from module_utils.broker.main import main; main()"
# Seconds that a new process has to get ready.
PATIENCE = 30.0


class NotStarted(Exception):
    """The process did not start. The message says why."""


def start(meeting: Meeting, run: Run, settings: Settings, connect: Callable[[], socket.socket]) -> socket.socket:
    """Start a broker unless another process has just done so; return a connection to it. Raises NotStarted."""
    if not is_running(*run):
        raise NotStarted("the run has ended")
    try:
        with locked(meeting.lock) as lock:
            try:
                return connect()
            except (FileNotFoundError, ConnectionRefusedError):
                caller = this_caller()
                _launch({"meeting": meeting, "run": run, "settings": settings, "caller": caller, "lock": lock})
                return connect()
    except OSError as error:
        raise NotStarted(f"its process can't be started ({error.strerror or type(error).__name__})") from None


def _launch(order: dict[str, Any]) -> None:
    """Start the process and wait until it listens. It outlives this process."""
    if not sys.executable:
        raise NotStarted("its process can't be started (sys.executable is empty)")
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            # The new process holds the lock until it listens, even if this one is killed before.
            process = _spawn(theirs.fileno(), order["lock"])
        failure = "interrupted"
        try:
            failure = _hand_over(ours, order)
        finally:
            if failure:
                process.kill()
                process.wait()
    if failure:
        raise NotStarted(f"its process did not start ({failure})")


def _hand_over(connection: socket.socket, order: dict[str, Any]) -> str:
    """Send a new process its order; return why it failed, or an empty string once it is ready."""
    connection.settimeout(PATIENCE)
    try:
        protocol.send(connection, order)
        reply = protocol.receive(connection) or {}
    except TimeoutError:
        return f"it was not ready within {PATIENCE:.0f} seconds"
    except (ConnectionError, protocol.ProtocolError):
        return "it exited at once"
    return "" if "ready" in reply else str(reply.get("failed", "it exited at once"))


def _spawn(orders: int, lock: int) -> Process:
    """Return a new process that reads its order from `orders` and inherits the lock."""
    # -P keeps the current folder out of sys.path.
    command = [sys.executable, "-P", "-c", _CODE, _ROOT]
    return Process(command, environment=_environment(), stdin=orders, inherited=[lock])


def _environment() -> dict[str, str]:
    """Return the environment of the process: ours, without the SCOPED_SECRETS_* variables, some of which are secret."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SCOPED_SECRETS_")}
    return {**kept, **_ansible_paths()}


def _ansible_paths() -> dict[str, str]:
    """Return the run's configuration file and collection paths, for lookup plugins that the broker calls.

    The broker runs in another folder and doesn't know the playbook. Empty outside of Ansible.
    """
    constants = sys.modules.get("ansible.constants")
    loader = sys.modules.get("ansible.utils.collection_loader")
    finder = loader and loader.AnsibleCollectionConfig.collection_finder
    file = getattr(constants, "CONFIG_FILE", None)
    found = {"ANSIBLE_CONFIG": os.path.abspath(file)} if file else {}
    if finder:
        paths = loader.AnsibleCollectionConfig.collection_paths  # type: ignore[union-attr]
        found["ANSIBLE_COLLECTIONS_PATH"] = os.pathsep.join(map(os.path.abspath, paths))
    return found
