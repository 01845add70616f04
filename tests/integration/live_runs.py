# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that stop where a test wants to look, and the brokers that are there meanwhile."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from site_of_runs import Run, Site, Task

__all__ = ["Live", "children", "live_in", "processes", "wait_for"]

# Seconds for what happens at once on an idle machine.
BOUND = 120.0


def wait_for(condition: Callable[[], object]) -> None:
    """Return once something is true; fail where it does not become so in any time that would do."""
    end = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


class Live:
    """A site whose brokers meet in a folder of their own."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self.folder = folder
        self.environment = {
            "SCOPED_SECRETS_BROKER": "on",
            "XDG_RUNTIME_DIR": str(folder),
            "ANSIBLE_CALLBACKS_ENABLED": "record,scoped.secrets.usage",
            "ANSIBLE_LOOKUP_PLUGINS": str(Path(__file__).parent / "lookup_plugins"),
            "ANSIBLE_FORKS": "50",
        }
        self.pool = ThreadPoolExecutor()
        self.pauses = 0

    def run(self, tasks: list[Task], *arguments: str, **play: Any) -> Run:
        environment = {**self.environment, **play.pop("environment", {})}
        return self.site.run(tasks, *arguments, environment=environment, **play)

    def begin(self, tasks: list[Task], *arguments: str, **play: Any) -> Future[Run]:
        """Begin a run that goes on beside the test."""
        return self.pool.submit(self.run, tasks, *arguments, **play)

    def pause(self) -> Task:
        """Return a task that waits until the test lets the run go on."""
        self.pauses += 1
        there, go_on = (self.folder / f"{name}-{self.pauses}" for name in ("there", "go-on"))
        script = f"touch {there}; while [ -d {self.folder} ] && [ ! -e {go_on} ]; do sleep 0.02; done"
        return {"ansible.builtin.command": {"argv": ["sh", "-c", script]}, "run_once": True}

    @contextlib.contextmanager
    def paused(self, number: int, run: Future[Run] | None = None) -> Iterator[None]:
        """Look at a run while it stands in its pause of this number, which begin at 1."""
        wait_for(lambda: (self.folder / f"there-{number}").exists() or (run and run.done()))
        assert not (run and run.done()), run.result().output
        yield
        (self.folder / f"go-on-{number}").touch()

    def brokers(self) -> list[int]:
        """Return the process ids of all brokers of this site's collection."""
        plugins = os.fsencode(self.site.collections / "ansible_collections" / "scoped" / "secrets" / "plugins")
        return [pid for pid, arguments in processes() if plugins in arguments]

    def broker(self) -> int:
        (pid,) = self.brokers()
        return pid

    def ansible_playbook(self) -> int:
        """Return the process id of the run that goes on beside the test."""
        playbooks = os.fsencode(self.site.folder / "playbook_")
        found = {pid for pid, arguments in processes() if any(argument.startswith(playbooks) for argument in arguments)}
        # Its workers have the same arguments.
        (pid,) = (pid for pid in found if _parent(pid) not in found)
        return pid

    def files(self) -> list[str]:
        """Return what lies in the folder where brokers are met."""
        return sorted(path.name for path in self.folder.glob("scoped-secrets-*/*"))

    def is_clean(self) -> bool:
        return not self.brokers() and not self.files()

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.pool.shutdown()
        for pid in self.brokers():
            os.kill(pid, signal.SIGKILL)


def processes() -> Iterator[tuple[int, list[bytes]]]:
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield int(process.name), (process / "cmdline").read_bytes().split(b"\0")


def children(pid: int) -> list[int]:
    return [other for other, _arguments in processes() if _parent(other) == pid]


def _parent(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


@contextlib.contextmanager
def live_in(site: Site) -> Iterator[Live]:
    # Not in pytest's folder: a path to a socket must be short.
    live = Live(site, Path(tempfile.mkdtemp(prefix="ss-", dir="/tmp")))
    try:
        yield live
    finally:
        live.close()
