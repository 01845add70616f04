# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks with a store on PostgreSQL: several at once, through a pooler, and nothing of its password anywhere."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from canaries import check_output
from live_runs import Live, live_in
from servers.postgresql import PASSWORD, url_of
from site_of_runs import Site, Task

if TYPE_CHECKING:
    from servers.postgresql import Postgresql

SCOPE = {"org": "payments", "project": "api"}
NAMES = [f"item_{number}" for number in range(8)]
TREE: list[Task] = [
    {"name": "org", "scoped.secrets.scope": {"org": "payments"}},
    {"name": "project", "scoped.secrets.scope": SCOPE},
    *(
        {"name": name, "scoped.secrets.secret_text": {**SCOPE, "identifier": name, "generate": {"length": 20}}}
        for name in NAMES
    ),
]
READ: Task = {"ansible.builtin.debug": {"msg": "{{ lookup('scoped.secrets.secret', 'item_1', **scope) | length }}"}}


@pytest.fixture
def shared(tmp_path: Path, venv: Path, collections: Path, postgresql: Postgresql) -> Site:
    return Site(tmp_path, venv, collections, postgresql.new_store())


@pytest.fixture
def live(shared: Site) -> Iterator[Live]:
    with live_in(shared) as live:
        yield live


def test_two_playbooks_that_declare_the_same_tree_at_once(shared: Site) -> None:
    playbook = shared.folder / "tree.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": TREE}]))
    records = [shared.folder / f"record-{number}.jsonl" for number in range(2)]
    runs = [
        subprocess.Popen(
            [str(shared.venv / "bin" / "ansible-playbook"), str(playbook)],
            env=shared.environment({"RECORD_FILE": str(record)}),
            cwd=shared.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for record in records
    ]
    for run in runs:
        output, _errors = run.communicate()
        assert run.returncode == 0, output
    changed = [
        {task["task"]: task["result"]["changed"] for task in map(json.loads, record.read_text().splitlines())}
        for record in records
    ]
    for name in ("org", "project", *NAMES):
        assert sorted(one[name] for one in changed) == [False, True], name


@pytest.mark.inline
def test_a_run_through_a_pooler_that_gives_each_transaction_another_connection(
    tmp_path: Path, venv: Path, collections: Path, postgresql: Postgresql, pgbouncer: int
) -> None:
    site = Site(tmp_path, venv, collections, url_of(pgbouncer, postgresql.new_database()))
    run = site.run([*TREE, *TREE, READ], variables={"scope": SCOPE})
    changed = [task["result"]["changed"] for task in run.tasks[: 2 * len(TREE)]]
    assert changed == [True] * len(TREE) + [False] * len(TREE)
    assert int(run.last["msg"]) == 20


# How a store is named, by what is added to the environment, the variables, and ansible.cfg.
WAYS = ("environment", "variable", "configuration", "option", "PGPASSWORD")


def named(site: Site, way: str) -> tuple[dict[str, str], dict[str, Any], dict[str, str]]:
    """Return the environment, the variables and the module defaults that name the store in one way."""
    url = site.shared_store
    if way == "configuration":
        (site.folder / "meant" / "ansible.cfg").write_text(f"[scoped_secrets]\nstore = {url}\n")
        return {"ANSIBLE_CONFIG": str(site.folder / "meant" / "ansible.cfg"), "SCOPED_SECRETS_STORE": ""}, {}, {}
    if way == "PGPASSWORD":
        plain = url.replace(f":{quote(PASSWORD, safe='')}@", "@")
        return {"PGPASSWORD": PASSWORD, "SCOPED_SECRETS_STORE": plain}, {}, {}
    if way == "environment":
        return {}, {}, {}
    if way == "variable":
        (site.folder / "meant" / "vars.json").write_text(json.dumps({"scoped_secrets_store": url}))
        return {"SCOPED_SECRETS_STORE": ""}, {}, {}
    (site.folder / "meant" / "vars.json").write_text(json.dumps({"store_url": url}))
    return {"SCOPED_SECRETS_STORE": ""}, {"store": "{{ store_url }}"}, {"store": "{{ store_url }}"}


@pytest.mark.parametrize("way", WAYS)
def test_the_password_of_the_store_is_seen_nowhere(shared: Site, way: str) -> None:
    (shared.folder / "meant").mkdir()
    environment, direct, defaults = named(shared, way)
    wrong = {**direct, "identifier": "a", "value": "v", "root_key": "wrong"}
    tasks: list[Task] = [
        *TREE[:4],
        {"scoped.secrets.doctor": {}},
        {"scoped.secrets.scope_info": {"recursive": True, "verify": True}},
        {"scoped.secrets.secret_text": wrong, "ignore_errors": True},
        {"scoped.secrets.secret_text": {**wrong, "nonsense": True}, "ignore_errors": True},
        {**READ, "vars": {"scope": {**SCOPE, **direct}}},
        {"scoped.secrets.secret_info": SCOPE, "delegate_to": "other", "when": way != "PGPASSWORD"},
    ]
    variables = shared.folder / "meant" / "vars.json"
    arguments = ["-e", f"@{variables}"] if variables.exists() else []
    words = {PASSWORD.encode(), quote(PASSWORD, safe="").encode(), json.dumps(PASSWORD).strip('"').encode()}
    logs = {"ANSIBLE_LOG_PATH": str(shared.folder / "ansible.log"), "ANSIBLE_DEBUG": "1", **environment}
    run = shared.run(
        tasks,
        "-vvvvv",
        "--diff",
        *arguments,
        environment=logs,
        module_defaults={"group/scoped.secrets.all": defaults},
    )
    assert "postgresql://127.0.0.1" in run.output
    assert [task["status"] for task in run.tasks].count("failed") == 2
    check_output(shared, run, words)


def test_the_broker_has_the_password_in_no_argument_and_no_variable(live: Live) -> None:
    running = live.begin([*TREE[:3], live.pause()])
    with live.paused(1, running):
        process = Path(f"/proc/{live.broker()}")
        for name in ("cmdline", "environ") if os.geteuid() == 0 else ("cmdline",):
            assert b"Canary" not in (process / name).read_bytes()
        assert not [name for name in live.files() if "Canary" in name]
    running.result()


def test_a_login_that_is_refused_says_so_without_the_password(shared: Site) -> None:
    url = shared.shared_store.replace(":Canary", ":wrong-Canary")
    run = shared.run(
        [{"scoped.secrets.scope": {"org": "payments"}, "ignore_errors": True}, READ],
        "-vvvvv",
        variables={"scope": SCOPE},
        environment={"SCOPED_SECRETS_STORE": url},
        fails=True,
    )
    assert (run.tasks[0]["result"]["code"], "login: authentication failed." in run.tasks[0]["result"]["msg"]) == (
        "store_denied",
        True,
    )
    assert "Canary" not in run.output
