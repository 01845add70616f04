# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that are delegated to another host: the real module runs there, on a store that both hosts reach."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from servers.postgresql import PASSWORD
from site_of_runs import Site, Task

if TYPE_CHECKING:
    from servers.postgresql import Postgresql

TEXT, SCOPE = "scoped.secrets.secret_text", "scoped.secrets.scope"
VALUE = "canary value of a delegated task"
ELSEWHERE = {"delegate_to": "other"}


@pytest.fixture
def shared(tmp_path: Path, venv: Path, collections: Path, postgresql: Postgresql) -> Site:
    return Site(tmp_path, venv, collections, postgresql.new_store())


def test_a_delegated_task_does_what_it_would_do_here(shared: Site) -> None:
    project = {"org": "payments", "project": "api"}
    tasks: list[Task] = [
        {SCOPE: {"org": "payments"}, **ELSEWHERE},
        {SCOPE: project, **ELSEWHERE},
        {TEXT: {"identifier": "a", "value": VALUE, **project}, **ELSEWHERE, "name": "made there"},
        {TEXT: {"identifier": "a", "value": VALUE, **project}, "name": "again here"},
        {TEXT: {"identifier": "a", "value": VALUE, **project}, **ELSEWHERE, "name": "again there"},
        {"scoped.secrets.secret_info": project, **ELSEWHERE, "name": "listed there"},
        {
            "ansible.builtin.debug": {"msg": "{{ lookup('scoped.secrets.secret', 'a', **project) | length }}"},
            "name": "read",
        },
        {TEXT: {"identifier": "a", "state": "absent", **project}, **ELSEWHERE, "name": "removed there"},
        {"scoped.secrets.audit_info": {"verify": True, **project}, **ELSEWHERE, "name": "recorded"},
    ]
    run = shared.run(tasks, "-vvvvv", "--diff", variables={"project": project}, environment={"ANSIBLE_DEBUG": "1"})
    changed = {
        name: run.result(name)["changed"] for name in ("made there", "again here", "again there", "removed there")
    }
    assert changed == {"made there": True, "again here": False, "again there": False, "removed there": True}
    assert [secret["version"] for secret in run.result("listed there")["secrets"]] == [1]
    assert int(run.result("read")["msg"]) == len(VALUE)
    recorded = run.result("recorded")["events"]
    assert [one["action"] for one in recorded if one["identifier"] == "a"] == ["create", "read", "delete"]
    assert len({one["run"] for one in recorded}) == 1
    assert VALUE not in run.output
    assert PASSWORD not in run.output


def test_what_is_written_there_is_masked_here(shared: Site) -> None:
    tasks: list[Task] = [
        {TEXT: {"identifier": "a", "value": VALUE}, **ELSEWHERE},
        {"ansible.builtin.debug": {"msg": f"it was {VALUE}"}},
    ]
    run = shared.run(tasks, environment={"ANSIBLE_CALLBACKS_ENABLED": "record,scoped.secrets.mask"})
    assert run.last["msg"] == "it was ********"


def test_every_kind_of_secret_manager_is_taken_along(shared: Site) -> None:
    """What a module ships is found by its imports; kinds are found by their names, when they are used."""
    run = shared.run([{"scoped.secrets.doctor": {}, **ELSEWHERE, "name": "there"}, {"scoped.secrets.doctor": {}}])
    there, here = ({check["check"] for check in task["result"]["checks"]} for task in run.tasks)
    assert there == here
    assert "library for hashicorp_vault" in there


def test_the_list_of_the_other_machine_decides_there(shared: Site) -> None:
    """Commands of a delegated task run on that machine, with what its own environment allows."""
    project = {"org": "payments", "project": "api"}
    program, ran = shared.folder / "program", shared.folder / "ran"
    program.write_text(f"#!/bin/sh\ntouch {ran}\necho '{{\"verbs\": []}}'\n")
    program.chmod(0o755)
    own = {"identifier": "own", "command": [str(program)], "check": False, **project}
    shared.declare({SCOPE: {"org": "payments"}}, {SCOPE: project}, {"scoped.secrets.connector_custom": own})
    there: Task = {"scoped.secrets.connector_check": {"identifier": "own", **project}, **ELSEWHERE, "name": "there"}
    key: Task = {"scoped.secrets.scope_key": {**project, "dest": str(shared.folder / "api.key")}}
    assert shared.run([there, key]).result("there")["connector"]["status"] == "ready"
    ran.unlink()
    (shared.folder / "ansible.cfg").write_text(f"[scoped_secrets]\nallowed_commands = {program}\n")
    here: Task = {"scoped.secrets.connector_check": {"identifier": "own", **project}, "name": "here"}
    assert shared.run([there]).result("there")["connector"]["code"] == "command_not_allowed"
    assert not ran.exists()
    assert shared.run([here]).result("here")["connector"]["status"] == "ready"
    of_that_machine = {"SCOPED_SECRETS_ALLOWED_COMMANDS": str(program)}
    assert shared.run([there], environment=of_that_machine).result("there")["connector"]["status"] == "ready"
