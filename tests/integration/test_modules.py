# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module that declares something: check, apply, again, change, absent."""

from __future__ import annotations

from typing import Any

import pytest
from site_of_runs import Site, Task

SCOPES = [{"scoped.secrets.scope": {"org": "payments", "project": project}} for project in ("", "api")]
API = {"org": "payments", "project": "api"}

# Module, options at first, options of a change, what the change shows in the returned noun.
DECLARED: list[tuple[str, str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("scope", "scope", {"org": "shop", "name": "Shop"}, {"org": "shop", "tags": {"a": 1}}, {"tags": {"a": "1"}}),
    (
        "scope",
        "scope",
        {"org": "payments", "project": "web"},
        {"org": "payments", "project": "web", "description": "it"},
        {"description": "it", "name": "web"},
    ),
    (
        "secret_text",
        "secret",
        {**API, "identifier": "a", "value": "first value"},
        {**API, "identifier": "a", "value": "second value"},
        {"version": 2, "kind": "text"},
    ),
    (
        "secret_text",
        "secret",
        {**API, "identifier": "a", "generate": {"length": 12}},
        {**API, "identifier": "a", "expires": "2099-01-01"},
        {"version": 1, "size": 12, "expires": "2099-01-01T00:00:00Z"},
    ),
    (
        "secret_file",
        "secret",
        {"org": "payments", "identifier": "f", "content": "some content"},
        {"org": "payments", "identifier": "f", "content_b64": "AAECAwQFBgc="},
        {"version": 2, "size": 8, "kind": "file", "reference": "org.f"},
    ),
    (
        "secret_file",
        "secret",
        {"identifier": "f", "src": "note.txt"},
        {"identifier": "f", "src": "note.txt", "name": "A note"},
        {"version": 1, "name": "A note", "reference": "account.f"},
    ),
]

# One scope and one secret: all others go the same way.
MARKS = [pytest.mark.each_core, pytest.mark.inline]


@pytest.mark.parametrize(
    ("module", "noun", "first", "change", "shown"),
    [pytest.param(*one, marks=MARKS if one in (DECLARED[0], DECLARED[2]) else ()) for one in DECLARED],
)
def test_declared_things(
    site: Site, module: str, noun: str, first: dict[str, Any], change: dict[str, Any], shown: dict[str, Any]
) -> None:
    (site.folder / "note.txt").write_text("a note of the control node")
    site.declare(*SCOPES)
    name = f"scoped.secrets.{module}"
    key = {k: v for k, v in first.items() if k in ("org", "project", "identifier")}

    before = site.quiet_store()
    foreseen = site.run([{name: first}], "--check", "--diff").last
    assert site.quiet_store() == before
    absent = {**key, "state": "absent"}
    steps: dict[str, Task] = {
        "created": {name: first},
        "again": {name: first},
        "foreseen change": {name: change, "check_mode": True},
        "changed": {name: change},
        "changed again": {name: change},
        "foreseen removal": {name: absent, "check_mode": True},
        "removed": {name: absent},
        "removed again": {name: absent},
    }
    run = site.run([{**task, "name": step} for step, task in steps.items()], "--diff")
    changes = {step: run.result(step)["changed"] for step in steps}
    assert changes == {step: not step.endswith("again") for step in steps}
    assert foreseen["changed"]
    assert foreseen[noun].items() <= run.result("created")[noun].items()
    assert run.result("foreseen change")["diff"] == run.result("changed")["diff"]
    assert shown.items() <= run.result("changed")[noun].items()


@pytest.mark.each_store
def test_default_secret_manager(site: Site) -> None:
    site.declare(*SCOPES)
    result = site.run([{"scoped.secrets.default_secret_manager": {**API, "secret_manager": "builtin"}}]).last
    assert not result["changed"]
    assert result["connector"]["is_default"]


@pytest.mark.inline
@pytest.mark.each_store
def test_what_is_left_out_is_left_alone(site: Site) -> None:
    text = {"identifier": "a", "value": "some value", "description": "why", "tags": {"t": "1"}}
    run = site.run(
        [
            {"scoped.secrets.secret_text": text},
            {"scoped.secrets.secret_text": {"identifier": "a"}},
            {"scoped.secrets.secret_text": {"identifier": "a", "value": "another", "update_value": "on_create"}},
            {"name": "last", "scoped.secrets.secret_text": {"identifier": "a", "tags": {}, "description": ""}},
        ]
    )
    assert [task["result"]["changed"] for task in run.tasks] == [True, False, False, True]
    secret = run.result("last")["secret"]
    assert (secret["version"], secret["tags"], secret["description"], secret["name"]) == (1, {}, "", "a")


@pytest.mark.inline
@pytest.mark.each_core
@pytest.mark.each_store
def test_infos(site: Site) -> None:
    run = site.run(
        [
            *SCOPES,
            {"scoped.secrets.secret_text": {**API, "identifier": "a", "value": "value a", "tags": {"k": "v"}}},
            {"scoped.secrets.secret_file": {**API, "identifier": "b", "content": "value b"}},
            {"name": "all", "scoped.secrets.secret_info": API},
            {"name": "one", "scoped.secrets.secret_info": {**API, "identifier": "a"}},
            {"name": "none", "scoped.secrets.secret_info": {**API, "identifier": "zzz"}},
            {"name": "files", "scoped.secrets.secret_info": {**API, "kind": "file", "secret_manager": "builtin"}},
            {"name": "tagged", "scoped.secrets.secret_info": {**API, "tags": {"k": "v"}}},
            {"name": "elsewhere", "scoped.secrets.secret_info": {}},
            {"name": "scopes", "scoped.secrets.scope_info": {"recursive": True, "verify": True}},
            {"name": "unknown", "scoped.secrets.scope_info": {"org": "zzz"}},
            {"name": "managers", "scoped.secrets.connector_info": API},
        ]
    )
    found = {name: [s["identifier"] for s in run.result(name)["secrets"]] for name in ("all", "one", "none", "files")}
    assert found == {"all": ["a", "b"], "one": ["a"], "none": [], "files": ["b"]}
    assert [s["identifier"] for s in run.result("tagged")["secrets"]] == ["a"]
    assert run.result("elsewhere")["secrets"] == []
    assert [(s["level"], s["secrets"]) for s in run.result("scopes")["scopes"]] == [
        ("account", 0),
        ("org", 0),
        ("project", 2),
    ]
    assert run.result("unknown")["scopes"] == []
    builtin = run.result("managers")["connectors"][0]
    assert (builtin["identifier"], builtin["secrets"], builtin["is_default"]) == ("builtin", 2, True)
    assert run.result("all")["secrets"][0] == run.result("one")["secrets"][0]


@pytest.mark.inline
@pytest.mark.each_store
def test_force_removes_a_scope_with_all_in_it(site: Site) -> None:
    run = site.run(
        [
            *SCOPES,
            {"scoped.secrets.secret_text": {**API, "identifier": "a", "value": "value a"}},
            {"name": "gone", "scoped.secrets.scope": {"org": "payments", "state": "absent", "force": True}},
            {"name": "left", "scoped.secrets.scope_info": {"recursive": True, "verify": True}},
        ]
    )
    assert "1 projects" in run.result("gone")["warnings"][0]
    assert [s["level"] for s in run.result("left")["scopes"]] == ["account"]


@pytest.mark.each_core
def test_defaults_by_group_variable_environment_and_file(site: Site) -> None:
    """Option beats variable beats environment beats ansible.cfg; an empty one means none."""
    for name in ("from_opt", "from_var", "from_env", "from_ini"):
        site.declare({"scoped.secrets.scope": {"org": name}})
    config = site.folder / "ansible.cfg"
    config.write_text("[scoped_secrets]\norg = from_ini\n")

    def org(module: dict[str, Any], environment: dict[str, str], **play: Any) -> str:
        task = {"scoped.secrets.scope_info": module}
        run = site.run([task], environment={"ANSIBLE_CONFIG": str(config), **environment}, **play)
        return str(run.last["scopes"][0]["org"])

    env = {"SCOPED_SECRETS_ORG": "from_env"}
    var = {"scoped_secrets_org": "{{ 'from' ~ '_var' }}"}
    defaults = {"group/scoped.secrets.all": {"org": "from_opt"}}
    assert org({}, {}) == "from_ini"
    assert org({}, env) == "from_env"
    assert org({}, env, variables=var) == "from_var"
    assert org({"org": "from_opt"}, env, variables=var) == "from_opt"
    assert org({}, env, variables=var, module_defaults=defaults) == "from_opt"
    assert org({"org": ""}, env, variables=var, module_defaults=defaults) == ""


@pytest.mark.each_core
def test_one_modules_defaults_are_not_another_ones(site: Site) -> None:
    """All modules share one action plugin, which bears the name of one of them."""
    run = site.run(
        [{"scoped.secrets.secret_text": {"identifier": "a", "value": "value a"}}],
        module_defaults={"scoped.secrets.scope": {"description": "of a scope"}},
    )
    assert run.last["secret"]["description"] == ""


@pytest.mark.each_core
def test_a_delegated_task_runs_there_and_needs_a_shared_store(site: Site) -> None:
    task = {"scoped.secrets.secret_text": {"identifier": "a", "value": "value a"}, "delegate_to": "other"}
    assert not site.store.exists()
    assert site.run([task], fails=True).last["code"] == "shared_store_needed"
    site.make_key()
    task["scoped.secrets.secret_text"]["store"] = "postgresql://u:hidden-pass@127.0.0.1:1/x"
    run = site.run([task], "-vvv", fails=True)
    assert run.last["code"] == "store_unavailable"
    assert "AnsiballZ_secret_text" in run.output
    shown = [line for line in run.output.splitlines() if "scoped.secrets.secret_text:" not in line]
    assert not [line for line in shown if "hidden-pass" in line and "store: postgresql" not in line]
