# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A place to run playbooks in: a home, a store and a temp folder of its own."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from declaring import declare

ROOT = Path(__file__).resolve().parents[2]
CALLBACKS = Path(__file__).parent / "callback_plugins"
INVENTORY = """\
localhost ansible_connection=local
other ansible_connection=local
[all:vars]
ansible_python_interpreter="{{ ansible_playbook_python }}"
"""

# For what only a run with a broker shows: each thing asked for once. Tests marked `inline` also run without one.
BROKER = {"SCOPED_SECRETS_BROKER": "on"}

Task = dict[str, Any]


@dataclass
class Run:
    """What a playbook run left behind. `tasks` has one entry per task result, loop items included."""

    rc: int
    output: str
    tasks: list[dict[str, Any]] = field(default_factory=list)

    def result(self, name: str) -> dict[str, Any]:
        """Return the last result of the task with this name."""
        found = [task["result"] for task in self.tasks if task["task"] == name]
        assert found, f"no task named {name!r} ran:\n{self.output}"
        return dict(found[-1])

    @property
    def last(self) -> dict[str, Any]:
        return dict(self.tasks[-1]["result"])


class Site:
    """A control node's user, as far as Ansible can tell."""

    def __init__(self, folder: Path, venv: Path, collections: Path, shared_store: str = "") -> None:
        """Take the URL of a place on PostgreSQL for the store; the plain one of a user without it."""
        self.folder = folder
        self.venv = venv
        self.collections = collections
        self.shared_store = shared_store
        self.key_file = folder / "config" / "scoped_secrets" / "root.key"
        self.runs = 0
        for name in ("home", "tmp", "data", "config"):
            (folder / name).mkdir()
        # Comes before the ansible.cfg of the system, and after that of the playbook's folder.
        (folder / "home" / ".ansible.cfg").touch()
        # A short way to the temp folder: core 2.21 puts a socket there, whose path must be short.
        self._short = tempfile.TemporaryDirectory(prefix="ss-", dir="/tmp", ignore_cleanup_errors=True)
        self.temp = Path(self._short.name) / "t"
        self.temp.symlink_to(folder / "tmp")
        (folder / "inventory.ini").write_text(INVENTORY)
        if shared_store:
            self.make_key()

    def make_key(self) -> None:
        """Write the root key that a store of ones own needs."""
        self.key_file.parent.mkdir(exist_ok=True)
        self.key_file.write_bytes(base64.b64encode(os.urandom(32)))
        self.key_file.chmod(0o600)

    @property
    def store(self) -> Path:
        """The file of the store. Tests that look at it, or at how it comes to be, have nothing to see elsewhere."""
        if self.shared_store:
            pytest.skip("looks at the file of SQLite")
        return self.folder / "data" / "scoped_secrets" / "store.db"

    def environment(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        passed_on = ("LANG", "LC_ALL", "SSL_CERT_FILE")
        # `make coverage` measures the runs too.
        plain = {name: os.environ[name] for name in os.environ if name in passed_on or name.startswith("COVERAGE_")}
        broker = os.environ.get("SCOPED_SECRETS_TEST_BROKER")
        return {
            **plain,
            **({"SCOPED_SECRETS_BROKER": broker} if broker else {}),
            "PATH": f"{self.venv / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.temp),
            "XDG_DATA_HOME": str(self.folder / "data"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "ANSIBLE_HOME": str(self.folder / "home" / ".ansible"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_INVENTORY": str(self.folder / "inventory.ini"),
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "record",
            "ANSIBLE_NOCOLOR": "1",
            "RECORD_FILE": str(self.folder / "record.jsonl"),
            **({"SCOPED_SECRETS_STORE": self.shared_store} if self.shared_store else {}),
            **(extra or {}),
        }

    def run(
        self,
        tasks: Sequence[Task] | Path,
        *arguments: str,
        variables: dict[str, Any] | None = None,
        environment: dict[str, str] | None = None,
        fails: bool = False,
        under: Sequence[str] = (),
        **play: Any,
    ) -> Run:
        """Run tasks, or a playbook file, and return what came of it.

        `fails`: whether that is expected; `under`: the command that runs ansible-playbook.
        """
        playbook = tasks if isinstance(tasks, Path) else self._playbook(tasks, variables or {}, play)
        record = self.folder / "record.jsonl"
        record.unlink(missing_ok=True)
        done = subprocess.run(
            [*under, str(self.venv / "bin" / "ansible-playbook"), str(playbook), *arguments],
            env=self.environment(environment),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = record.read_text().splitlines() if record.exists() else []
        run = Run(done.returncode, _plain(done.stdout + done.stderr), [json.loads(_plain(line)) for line in lines])
        assert (run.rc != 0) == fails, run.output
        return run

    def declare(self, *tasks: Task) -> list[dict[str, Any]]:
        """Do what tasks of our modules say without a run, and return their results: for what a test begins with."""
        return declare(tasks, self.environment())

    def quiet_store(self) -> bytes:
        """Return the file of the store once no broker of the site is left, which closes it at its end."""
        home = f"HOME={self.folder / 'home'}\0".encode()
        while any(home in _content(broker / "environ") for broker in _brokers()):
            time.sleep(0.02)
        return self.store.read_bytes()

    def _playbook(self, tasks: Sequence[Task], variables: dict[str, Any], play: dict[str, Any]) -> Path:
        self.runs += 1
        path = self.folder / f"playbook_{self.runs}.yml"
        content = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": list(tasks), **play}
        path.write_text(yaml.safe_dump([content], sort_keys=False))
        return path


def _plain(text: str) -> str:
    """Return output with one mark for what is hidden. ansible-core 2.22 has another one, for what modules are given."""
    return text.replace("$REDACTED$", "********")


def _brokers() -> list[Path]:
    found = Path("/proc").glob("[0-9]*")
    return [process for process in found if b"module_utils.broker.main" in _content(process / "cmdline")]


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
