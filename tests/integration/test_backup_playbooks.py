# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups in real runs: from one machine to the next, with progress, and with the file that a run leaves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from site_of_runs import BROKER, ROOT, Site, Task

API = {"org": "payments", "project": "api"}
PASSPHRASE = "five words that nobody guesses"
DECLARED: list[Task] = [
    {"scoped.secrets.scope": {"org": "payments"}},
    {"scoped.secrets.scope": API},
    {"scoped.secrets.secret_text": {**API, "identifier": "text", "value": "one"}},
    {"scoped.secrets.secret_text": {**API, "identifier": "text", "value": "two"}},
    {"scoped.secrets.secret_ssh": {**API, "identifier": "host", "user": "web", "password": "by hand"}},
]
READ: list[Task] = [
    {
        "ansible.builtin.assert": {
            "that": [
                "lookup('scoped.secrets.secret', 'text', **scope) == 'two'",
                "lookup('scoped.secrets.secret', 'text@1', **scope) == 'one'",
                "lookup('scoped.secrets.secret', 'host', **scope).password == 'by hand'",
            ]
        }
    }
]


def backup(**options: object) -> Task:
    return {"scoped.secrets.store_backup": {"dest": "kept/secrets.backup", **options}}


def restore(**options: object) -> Task:
    return {"scoped.secrets.store_restore": {"src": "kept/secrets.backup", **options}}


@pytest.fixture
def kept(site: Site) -> Path:
    folder = site.folder / "kept"
    folder.mkdir()
    return folder


def test_a_machine_is_lost_and_there_are_only_backup_and_passphrase(site: Site, kept: Path) -> None:
    data = site.store.parents[1]
    site.run([*DECLARED, backup(recovery_passphrase=PASSPHRASE)], "--diff")
    shutil.rmtree(data)
    shutil.rmtree(site.folder / "config")
    for folder in ("data", "config"):
        (site.folder / folder).mkdir()
    refused = site.run([restore()], fails=True)
    assert refused.last["code"] == "wrong_backup_key"
    assert not site.key_file.exists()
    run = site.run([restore(recovery_passphrase=PASSPHRASE), *READ], variables={"scope": API})
    assert run.tasks[0]["result"]["backup"]["secrets"] == 3
    # ansible-core 2.18 folds what it warns of.
    assert f"Anewrootkeywaswrittento{site.key_file}" in "".join(run.output.split())
    again = site.run([restore(recovery_passphrase=PASSPHRASE), backup(recovery_passphrase=PASSPHRASE)])
    # The key is another one, so that the backup of before is not the one that is wanted.
    assert [task["result"]["changed"] for task in again.tasks] == [False, True]
    assert PASSPHRASE not in run.output + again.output + refused.output


@pytest.mark.inline
def test_within_one_run_a_lookup_sees_what_was_restored(site: Site, kept: Path) -> None:
    """The store exists, is open, and is empty before."""
    site.declare(*DECLARED, backup(dest=str(kept / "secrets.backup")))
    site.store.unlink()
    for leftover in site.store.parent.glob("store.db-*"):
        leftover.unlink()
    absent: Task = {"scoped.secrets.secret_text": {"identifier": "a", "state": "absent"}}
    made: Task = {"scoped.secrets.secret_text": {"identifier": "a", "value": "v"}}
    before: Task = {"ansible.builtin.assert": {"that": "query('scoped.secrets.secret', 'a') == ['v']"}}
    site.run([made, before, absent, restore(), *READ], variables={"scope": API})


def test_check_mode_and_diff(site: Site, kept: Path) -> None:
    first = site.run([*DECLARED, backup()], "--check", "--diff")
    assert "In check mode" in first.output
    site.declare(*DECLARED)
    run = site.run([backup()], "--check", "--diff")
    assert (run.last["changed"], run.last["backup"]["secrets"], run.last["backup"]["size"]) == (True, 3, None)
    assert '+    "secrets": 3' in run.output
    assert list(kept.iterdir()) == []
    site.run([backup(), restore(store=f"sqlite:///{site.folder}/new/store.db")], "--diff")
    trial = site.run([restore(store=f"sqlite:///{site.folder}/trial/store.db")], "--check")
    assert trial.last["changed"]
    assert not (site.folder / "trial").exists()


def test_progress_is_shown_while_it_lasts(site: Site, kept: Path) -> None:
    site.declare(*DECLARED)
    code = (
        "import sys; from ansible_collections.scoped.secrets.tests.unit.engine.full_store import many\n"
        "from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine\n"
        "from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings\n"
        "many(Engine(Settings(sys.argv[1], sys.argv[2])), 5000)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / ".work" / "tree")}
    command = [sys.executable, "-c", code, f"sqlite:///{site.store}", str(site.key_file)]
    subprocess.run(command, env=environment, check=True)
    target = f"sqlite:///{site.folder}/new/store.db"
    run = site.run([backup(), restore(store=target)])
    for line in (
        "store_backup: Backed up 5000 of 5003 secrets",
        "store_restore: Checked 5000 secrets",
        "store_restore: Restored 5000 of 5003 secrets",
        "store_restore: Read back 5000 of 5003 secrets",
    ):
        assert run.output.count(line) == 1, run.output


@pytest.mark.each_store
def test_what_the_store_is(site: Site) -> None:
    info: Task = {"scoped.secrets.store_info": {}}
    engine = "postgresql" if site.shared_store else "sqlite"
    before = site.run([info]).last["store"]
    assert (before["exists"], before["engine"], before["scopes"]) == (False, engine, [])
    assert site.shared_store or not site.store.exists()
    store = site.run([*DECLARED, info]).last["store"]
    assert (store["exists"], store["engine"]) == (True, engine)
    # User, password and options of a URL are not shown.
    shown = store["where"].removeprefix("postgresql://")
    assert shown in site.shared_store if site.shared_store else shown == f"sqlite:///{site.store}"
    assert (store["secrets"], store["versions"], store["secret_managers"]) == (3, 3, {"builtin": 2, "credentials": 1})
    assert [scope["scope"] for scope in store["scopes"]] == ["account", "payments", "payments/api"]
    assert store["size"] > 0


def test_after_a_run_the_file_of_the_store_has_everything(site: Site) -> None:
    site.run(DECLARED, environment=BROKER)
    _wait_until(lambda: not list(site.store.parent.glob("store.db-*")))
    copy = site.folder / "copy" / "store.db"
    copy.parent.mkdir(mode=0o700)
    shutil.copy(site.store, copy)
    site.run(READ, variables={"scope": {**API, "store": f"sqlite:///{copy}", "root_key_file": str(site.key_file)}})


def _wait_until(condition: Callable[[], bool]) -> None:
    for _look in range(12_000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come about")
