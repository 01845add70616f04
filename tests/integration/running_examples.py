# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How examples are run: as they stand, in a copy of their folder."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml
from entry_points import entry_points
from site_of_runs import ROOT, Run, Site

EXAMPLES = ROOT / "examples"
NEED_SERVERS = {path.name for path in EXAMPLES.glob("*.yml") if "scoped.secrets.connector_" in path.read_text()}
NEED_HOSTS = {path.name for path in EXAMPLES.glob("*.yml") if "scoped.secrets.ssh" in path.read_text()}
KINDS = {"modules": "module"}


def run_twice(site: Site, example: str, environment: dict[str, str] | None = None) -> Run:
    """Run a playbook twice, fail if the second run changes anything, and return the first."""
    shutil.copytree(EXAMPLES, site.folder / "examples")
    # examples/ansible.cfg, which is read in its folder only, with the callback of the tests.
    environment = {"ANSIBLE_CALLBACKS_ENABLED": "record,scoped.secrets.mask", **(environment or {})}
    targets = [f"-erendered_file={site.folder}/rendered.ini", f"-etarget_folder={site.folder}"]
    playbook = site.folder / "examples" / example
    first = site.run(playbook, *targets, environment=environment)
    assert "skipping: no hosts matched" not in first.output
    again = site.run(playbook, *targets, environment=environment)
    assert [task["task"] for task in again.tasks if task["result"].get("changed")] == []
    return first


def run_documentation(site: Site, entries: Collection[str], environment: dict[str, str] | None = None) -> Run:
    """Run the examples that `ansible-doc` shows for entry points, each with a store of its own; fail if any fails."""
    if not site.key_file.exists():
        site.make_key()
    plays = [_play(site, entry) for entry in sorted(entries)]
    playbook = site.folder / "documentation.yml"
    playbook.write_text(yaml.safe_dump(plays, sort_keys=False))
    run = site.run(playbook, "-i", ",".join(["localhost", *map(_host, entries), ""]), environment=environment)
    ran = {task["host"] for task in run.tasks}
    assert {_host(entry) for entry in entries} - ran == set()
    return run


def _host(entry: str) -> str:
    return entry.replace("/", ".")


def _play(site: Site, entry: str) -> dict[str, Any]:
    kind, name = entry.split("/")
    tasks = yaml.safe_load(_documentation(site.venv, site.collections, kind)[f"scoped.secrets.{name}"]["examples"])
    assert tasks
    store = {"scoped_secrets_store": f"sqlite:///{site.folder}/{_host(entry)}.db"}
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    return {"hosts": _host(entry), "gather_facts": False, "vars": {**store, **local}, "tasks": tasks}


@functools.cache
def _documentation(venv: Path, collections: Path, kind: str) -> dict[str, Any]:
    """Return what `ansible-doc` has of all entry points of a kind, by name: one start takes nearly as long as all."""
    names = [f"scoped.secrets.{entry.partition('/')[2]}" for entry in entry_points() if entry.startswith(f"{kind}/")]
    command = [str(venv / "bin" / "ansible-doc"), "-t", KINDS.get(kind, kind), "-j", *names]
    environment = {"HOME": str(collections.parent), "ANSIBLE_COLLECTIONS_PATH": str(collections)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))
