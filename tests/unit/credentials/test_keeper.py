# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a process with tickets in it goes with the process or its run, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.host_logins import HostLogins
from servers.process import until

CODE = """\
import multiprocessing, os, signal, sys, time
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.host_logins import HostLogins

def log_in():
    logins = HostLogins()
    print(logins.folder, os.getpid(), flush=True)
    open(logins.folder + "/ticket", "w").close()
    return logins

def work():
    log_in()
    time.sleep(600)

how, number = sys.argv[1], int(sys.argv[2])
handlers = {"exits": lambda *_given: os._exit(7), "ignored": signal.SIG_IGN}  # a worker of ansible-core exits
if number != signal.SIGKILL:
    signal.signal(number, handlers.get(how, signal.SIG_DFL))
if how == "worker":
    worker = multiprocessing.get_context("fork").Process(target=work)
    worker.start()
    sys.stdin.readline()
else:
    logins = log_in()
if how == "locked":
    logins._lock.acquire()
if how == "forked":
    pid = os.fork()
    if not pid:
        time.sleep(600)
    print(pid, flush=True)
os.kill(os.getpid(), number)
print(os.path.exists(logins.folder))
"""


def started(how: str, number: int) -> subprocess.Popen[str]:
    """Return a process that sends itself a signal once it has a folder, whose path and owner it prints."""
    command = [sys.executable, "-c", CODE, how, str(int(number))]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("how", ["exits", "default", "locked"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_ends_the_process_leaves_no_folder(how: str, number: int) -> None:
    process = started(how, number)
    folder = process.communicate()[0].split()[0]
    assert process.returncode == (7 if how == "exits" and number != signal.SIGKILL else -number)
    until(lambda: not Path(folder).exists())


def test_a_signal_that_is_ignored_changes_nothing() -> None:
    process = started("ignored", signal.SIGTERM)
    folder, _pid, existed = process.communicate()[0].split()
    assert (process.returncode, existed) == (0, "True")
    assert not Path(folder).exists()


def test_a_fork_that_goes_on_does_not_keep_the_folder() -> None:
    process = started("forked", signal.SIGKILL)
    assert process.stdout
    folder, pid = process.stdout.readline().split()[0], process.stdout.readline()
    until(lambda: not Path(folder).exists())
    os.kill(int(pid), signal.SIGKILL)
    process.communicate()


def test_a_worker_that_goes_on_after_its_run_has_no_folder() -> None:
    process = started("worker", signal.SIGKILL)
    assert process.stdout
    folder, pid = process.stdout.readline().split()
    assert Path(folder).exists()
    process.kill()
    until(lambda: not Path(folder).exists())
    os.kill(int(pid), signal.SIGKILL)
    process.communicate()


def test_each_login_after_a_close_has_a_new_folder() -> None:
    logins = HostLogins()
    folders = []
    for _time in range(2):
        folders.append(Path(logins.folder))
        assert logins.folder == logins.folder
        logins.close()
    assert len(set(folders)) == 2
    assert not any(folder.exists() for folder in folders)


@pytest.mark.parametrize("given", [False, True])
def test_the_folder_is_closed_to_other_users(tmp_path: Path, given: bool) -> None:
    before = os.umask(0)
    logins = HostLogins(str(tmp_path / "own") if given else "")
    try:
        assert Path(logins.folder).stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)
        logins.close()
