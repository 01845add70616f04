# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The holder of a project's key declares a command. It runs for the team, and for an administrator only if listed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from connector_tasks import API, SCOPES, ignored, named, of, read
from site_of_runs import Site, Task

PIPE = "ansible.builtin.pipe"
SETTING = "SCOPED_SECRETS_ALLOWED_COMMANDS"


class Project:
    """A project whose key was handed out, with connectors of its team that record whose run starts them."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.ran = site.folder / "ran"
        self.program = site.folder / "program"
        self.program.write_text(
            f"#!/bin/sh\nread -r request\necho program >> {self.ran}\ncase $request in\n"
            """  *'"capabilities"'*) echo '{"verbs": ["get", "put", "delete"]}' ;;\n"""
            """  *) echo '{"value": "of the program"}' ;;\nesac\n"""
        )
        self.program.chmod(0o755)
        key = site.folder / "api.key"
        self.team = {"SCOPED_SECRETS_SCOPE_KEY_FILE": str(key)}
        site.declare(*SCOPES, of("scope_key", **API, dest=str(key)))

    @property
    def connectors(self) -> list[Task]:
        pipe = {"plugin": PIPE, "term_template": f"echo pipe >> {self.ran}; echo of the pipe {{path}}"}
        return [
            of("connector_custom", **API, identifier="own", command=[str(self.program), "x"]),
            of("connector_lookup", **API, identifier="pipe", **pipe),
            of("secret_text", **API, identifier="a", value="v", secret_manager="own"),
            of("secret_text", **API, identifier="b", reference="x", secret_manager="pipe"),
        ]

    def starts(self) -> list[str]:
        """Return what was started since the last call."""
        lines = self.ran.read_text().split() if self.ran.exists() else []
        self.ran.unlink(missing_ok=True)
        return sorted(set(lines))


@pytest.fixture
def project(site: Site) -> Project:
    return Project(site)


READS = [
    ignored("program", read("a", name="program", **API)),
    ignored("pipe", read("b", name="pipe", **API)),
]


@pytest.mark.inline
@pytest.mark.each_store
def test_a_teams_commands_run_with_its_key_and_not_with_the_root_key(project: Project) -> None:
    team = project.site.run([*project.connectors, *READS], environment=project.team)
    assert [team.result(name)["msg"] for name in ("program", "pipe")] == [["of the program"], ["of the pipe x"]]
    assert project.starts() == ["pipe", "program"]
    tries = {
        "update": of("secret_text", **API, identifier="a", value="new"),
        "remove": of("secret_text", **API, identifier="a", state="absent"),
        "manifest": of("manifest", resources=[{"secret_text": {**API, "identifier": "a", "value": "new"}}]),
        "connector": of("connector_custom", **API, identifier="own", timeout=3),
        "preload": read("a", name="preload", preload=True, **API),
    }
    checked = named("check", of("connector_check", **API, identifier="pipe"))
    tasks = [*READS, checked, *(ignored(name, task) for name, task in tries.items())]
    admin = project.site.run(tasks, "-vvv", "--diff")
    for name in ("program", "pipe", *tries):
        assert "command_not_allowed" in json.dumps(admin.result(name)), name
    assert admin.result("check")["connector"]["code"] == "command_not_allowed"
    assert f"If {PIPE} can do no harm" in admin.result("check")["connector"]["hint"]
    assert project.starts() == []


@pytest.mark.inline
def test_the_list_of_the_machine_decides(project: Project) -> None:
    project.site.run(project.connectors, environment=project.team)
    project.starts()
    config = project.site.folder / "ansible.cfg"
    config.write_text(f"[scoped_secrets]\nallowed_commands = {project.program}, {PIPE}\n")
    run = project.site.run(READS)
    assert [run.result(name)["msg"] for name in ("program", "pipe")] == [["of the program"], ["of the pipe x"]]
    assert project.starts() == ["pipe", "program"]
    # The environment takes precedence.
    run = project.site.run(READS, environment={SETTING: PIPE})
    assert "command_not_allowed" in json.dumps(run.result("program"))
    assert run.result("pipe")["msg"] == ["of the pipe x"]
    assert project.starts() == ["pipe"]
    run = project.site.run(READS, environment={**project.team, SETTING: "none"})
    assert [json.dumps(task["result"]).count("[command_not_allowed]") for task in run.tasks] == [1, 1]
    assert project.starts() == []


def test_neither_variables_nor_hosts_nor_tasks_allow_a_command(project: Project) -> None:
    project.site.run(project.connectors, environment=project.team)
    project.starts()
    listed = f"{project.program},{PIPE}"
    variables = {"scoped_secrets_allowed_commands": listed, "allowed_commands": listed}
    interpreter = project.site.folder / "host.sh"
    reply = json.dumps({"changed": False, "ansible_facts": variables})
    interpreter.write_text(f"#!/bin/sh\ncat > /dev/null\necho '{reply}'\n")
    interpreter.chmod(0o755)
    line = f"host ansible_connection=local ansible_python_interpreter={interpreter}\n"
    (project.site.folder / "inventory.ini").write_text(line)
    update = of("secret_text", **API, identifier="a", value="new")
    tasks: list[Task] = [
        named("facts", {"ansible.builtin.ping": None}),
        named("set", {"ansible.builtin.set_fact": {**variables, "cacheable": True}}),
        *READS,
        ignored("module", update),
        ignored("environment", {**update, "environment": {SETTING: listed}}),
        ignored("lookup option", read("a", name="lookup option", allowed_commands=listed, **API)),
        ignored("module option", of("secret_text", **API, identifier="a", value="n", allowed_commands=listed)),
    ]
    run = project.site.run(tasks, "-e", json.dumps(variables), hosts="host", variables=variables)
    for name in ("program", "pipe", "module", "environment"):
        assert "command_not_allowed" in json.dumps(run.result(name)), name
    assert "unknown_option" in json.dumps(run.result("lookup option"))
    assert run.result("module option")["code"] == "invalid_options"
    assert project.starts() == []


@pytest.mark.inline
def test_a_key_that_is_handed_out_in_a_run_counts_at_once(site: Site, tmp_path: Path) -> None:
    site.declare(*SCOPES, of("connector_lookup", **API, identifier="pipe", plugin=PIPE))
    first = read("lookup://pipe/echo 1", name="first", **API)
    export = of("scope_key", **API, dest=str(tmp_path / "api.key"))
    tasks = [
        first,
        {**export, "check_mode": True},
        read("lookup://pipe/echo 2", name="predicted", **API),
        export,
        ignored("after", read("lookup://pipe/echo 3", name="after", **API)),
        named("shown", of("scope_info", org="payments", recursive=True)),
    ]
    run = site.run(tasks)
    assert [run.result(name)["msg"] for name in ("first", "predicted")] == [["1"], ["2"]]
    assert "command_not_allowed" in json.dumps(run.result("after"))
    shown: list[dict[str, Any]] = run.result("shown")["scopes"]
    assert [(scope["project"], scope["key_handed_out"]) for scope in shown] == [("", False), ("api", True)]


# What a path can do in a term


@pytest.mark.inline
def test_a_path_does_not_leave_its_template(site: Site) -> None:
    public = site.folder / "pub"
    public.mkdir()
    (public / "a b.txt").write_text("public")
    (public / "; id").write_text("named so")
    (site.folder / "private.txt").write_text("private")
    templates = {
        "file": ("file", f"{public}/{{path}}"),
        "pipe": ("pipe", f"cat {public}/{{path}}"),
        "lines": ("lines", f"cat {public}/{{path}}"),
        "env": ("env", "PUB_{path}"),
    }
    connectors = [
        of("connector_lookup", identifier=name, plugin=f"ansible.builtin.{plugin}", term_template=template)
        for name, (plugin, template) in templates.items()
    ]
    quoted = of("connector_lookup", identifier="quoted", plugin=PIPE, term_template="cat '{path}'")
    files = ("file", "pipe", "lines")
    inside = {
        **{f"{name} blank": f"lookup://{name}/a b.txt" for name in files},
        **{f"{name} command": f"lookup://{name}/; id" for name in files},
        "env inside": "lookup://env/WORD",
    }
    outside = [
        f"lookup://{name}/{path}"
        for name in templates
        for path in ("../private.txt", "x/../../private.txt", f"/{site.folder}/private.txt", "./a b.txt")
    ]
    tasks = [
        *connectors,
        *(read(reference, name=name) for name, reference in inside.items()),
        ignored("quoted", quoted),
        *(ignored(reference, read(reference, name=reference)) for reference in outside),
    ]
    run = site.run(tasks, environment={"PUB_WORD": "of the environment"})
    found = {name: run.result(name)["msg"] for name in inside}
    assert found == {
        **{f"{name} blank": ["public"] for name in files},
        **{f"{name} command": ["named so"] for name in files},
        "env inside": ["of the environment"],
    }
    assert run.result("quoted")["code"] == "invalid_option"
    for reference in outside:
        assert "name_not_allowed" in json.dumps(run.result(reference)), reference
    assert "uid=" not in run.output
