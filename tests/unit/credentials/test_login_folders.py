# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a process with tickets in it goes with the process, however that ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """\
import os, signal, sys
number, handler = int(sys.argv[1]), sys.argv[2]
if handler == "exits":  # as in a worker of ansible-core
    signal.signal(number, lambda *_given: os._exit(7))
elif handler == "default":
    signal.signal(number, signal.SIG_DFL)
elif handler == "ignored":
    signal.signal(number, signal.SIG_IGN)
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.host_logins import HostLogins
logins = HostLogins()
print(logins.folder, flush=True)
open(logins.folder + "/ticket", "w").close()
if handler == "locked":
    logins._lock.acquire()
os.kill(os.getpid(), number)
print(os.path.exists(logins.folder))
"""


def ended_by(number: int, handler: str) -> tuple[int, list[str]]:
    """Return the exit status and the output of a process that a signal reaches."""
    command = [sys.executable, "-c", CODE, str(int(number)), handler]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("handler", ["exits", "default"])
def test_a_signal_that_ends_the_process_leaves_no_folder(number: int, handler: str) -> None:
    status, lines = ended_by(number, handler)
    assert status == {"exits": 7, "default": -number}[handler]
    assert not Path(lines[0]).exists()
    assert len(lines) == 1


def test_a_lock_that_is_held_does_not_matter() -> None:
    status, lines = ended_by(signal.SIGTERM, "locked")
    assert status == -signal.SIGTERM
    assert not Path(lines[0]).exists()


def test_a_signal_that_is_ignored_changes_nothing() -> None:
    status, lines = ended_by(signal.SIGTERM, "ignored")
    assert (status, lines[1]) == (0, "True")
    assert not Path(lines[0]).exists()
