# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting the broker of a run, once, whoever comes first."""

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

# The plugins folder. The broker's Python has no loader for collections, and needs none.
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_CODE = "import sys; sys.path.insert(0, sys.argv[1]); from module_utils.broker.main import main; main()"
# Seconds until a starting process is given up.
PATIENCE = 30.0


class NotStarted(Exception):
    """The process did not come up, and why."""


def start(meeting: Meeting, run: Run, settings: Settings, connect: Callable[[], socket.socket]) -> socket.socket:
    """Return a connection to a broker that this process, or another one meanwhile, has started; raise NotStarted."""
    if not is_running(*run):
        raise NotStarted("its run has ended")
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
    """Start the process and wait until it listens. It lives on when this one ends."""
    if not sys.executable:
        raise NotStarted("its process can't be started (this Python does not know where it is)")
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            # It holds the lock until it listens, even if this process is killed before.
            process = _spawn(theirs.fileno(), order["lock"])
        failure = "cut short"
        try:
            failure = _hand_over(ours, order)
        finally:
            if failure:
                process.kill()
                process.wait()
    if failure:
        raise NotStarted(f"its process does not come up ({failure})")


def _hand_over(connection: socket.socket, order: dict[str, Any]) -> str:
    """Tell a new process what it is to serve, and return why it does not; empty once it does."""
    connection.settimeout(PATIENCE)
    try:
        protocol.send(connection, order)
        reply = protocol.receive(connection) or {}
    except TimeoutError:
        return f"not within {PATIENCE:.0f} seconds"
    except (ConnectionError, protocol.ProtocolError):
        return "it ends at once"
    return "" if "ready" in reply else str(reply.get("failed", "it ends at once"))


def _spawn(orders: int, lock: int) -> Process:
    """Return a new process, which reads its orders and holds the lock."""
    # -P: no module comes out of the folder where the run happens to be.
    command = [sys.executable, "-P", "-c", _CODE, _ROOT]
    return Process(command, environment=_environment(), stdin=orders, inherited=[lock])


def _environment() -> dict[str, str]:
    """Return what the process inherits: none of our own variables, some of which are secret."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("SCOPED_SECRETS_")}
    return {**ours, **_of_ansible()}


def _of_ansible() -> dict[str, str]:
    """Return where the run has its configuration and its collections, for lookup plugins that the process calls.

    It has another folder than the run, and does not know the playbook. Nothing where the run is no Ansible.
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
