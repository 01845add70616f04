# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting the broker of a run, once, whoever comes first."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

from ..broker import protocol
from ..broker.meeting import Meeting, Run
from ..model.settings import Settings

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
    try:
        with _locked(meeting.lock):
            try:
                return connect()
            except (FileNotFoundError, ConnectionRefusedError):
                _launch({"meeting": meeting, "run": run, "settings": settings})
                return connect()
    except OSError as error:
        raise NotStarted(f"its process can't be started ({error.strerror or type(error).__name__})") from None


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _launch(order: dict[str, object]) -> None:
    """Start the process and wait until it listens. It lives on when this one ends."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        subprocess.Popen(
            # -P: no module comes out of the folder where the run happens to be.
            [sys.executable, "-P", "-c", _CODE, _ROOT],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        ours.settimeout(PATIENCE)
        protocol.send(ours, order)
        try:
            reply = protocol.receive(ours) or {}
        except protocol.ProtocolError:
            reply = {}
    if "ready" not in reply:
        raise NotStarted(f"its process ends at once ({reply.get('failed', 'without a reason')})")
