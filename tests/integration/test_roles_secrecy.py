# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles are ways in, like modules: they show no value and nothing of another project, and need its keys."""

from __future__ import annotations

import json

from canaries import LOUD, Watch, canaries, check_output, spellings
from entry_points import roles
from role_tasks import refused, role
from site_of_runs import Site, Task
from test_isolation import OURS, SIDEWAYS, THEIRS, check_shows_nothing, two_projects
from test_isolation_by_keys import LOCKED, UPWARD, holder

__all__ = ["holder", "two_projects"]

OWN = {
    "setup_store": "sqlite:///{{ playbook_dir }}/own/store.db",
    "setup_root_key_file": "{{ playbook_dir }}/meant/own.key",
}


def tree(project: str, **found: object) -> Task:
    """Return a run of the role about one project of payments."""
    return role("manifest", manifest_tree={"organizations": {"payments": {"projects": {project: found}}}})


# By role: what succeeds with canaries, and what fails with them.
CANARIES: dict[str, tuple[list[Task], list[Task]]] = {
    "setup": (
        [
            role("setup", **OWN, setup_root_key="{{ canary.root_key }}"),
            role("setup", **OWN, setup_root_key="{{ canary.root_key }}"),
        ],
        [
            role("setup", **OWN, setup_root_key="{{ canary.text }}"),
            role("setup", **OWN, setup_root_key="{{ other.root_key }}"),
            role("setup", **{**OWN, "setup_root_key_file": "no/key"}, setup_root_key="{{ other.root_key }}"),
            role("setup", setup_store="{{ canary.url }}", setup_root_key="{{ canary.root_key }}"),
            role("setup", setup_organizations="{{ canary.root_key }}"),
        ],
    ),
    "manifest": (
        [
            tree("api", secrets={"text": "{{ canary.text }}", "key": {"kind": "file", "content": "{{ canary.key }}"}}),
            tree(
                "api", secrets={"text": {"value": "{{ canary.changed }}"}, "fields": {"value": "{{ canary.fields }}"}}
            ),
            role("manifest", manifest_resources=[{"secret_text": {"identifier": "a", "value": "{{ canary.text }}"}}]),
        ],
        [
            tree("api", secrets={"text": {"vaule": "{{ canary.text }}"}}),
            tree("api", secrets="{{ canary.text }}"),
            tree("api", connectors={"vault": {"token": "{{ canary.text }}"}}),
            role("manifest", manifest_tree="{{ canary.text }}"),
            role("manifest", manifest_tree=["{{ canary.text }}"]),
            role("manifest", manifest_resources="{{ canary.text }}"),
            role("manifest", manifest_defaults="{{ canary.key }}"),
        ],
    ),
    # What it does at AWX: see test_awx.py. Here there is no awx.awx.
    "awx": (
        [],
        [
            role(
                "awx", awx_credentials=[{"name": "a", "store": "{{ canary.url }}", "root_key": "{{ canary.root_key }}"}]
            ),
            role("awx", awx_credentials=[{"name": "a", "scope_key": "{{ canary.text }}"}]),
            role("awx", awx_credentials=["{{ canary.text }}"]),
            role("awx", awx_credentials="{{ canary.text }}"),
        ],
    ),
    # It takes no value. What it does at hosts: see test_role_playbooks.py.
    "ssh_access": ([], [role("ssh_access", ssh_access_credential="nobody")]),
}
# By role: what somebody in project `ours` may try. Nothing of this may show anything of others.
ASIDE: dict[str, list[Task]] = {
    # It tells of the store, and declares scopes as module `scope` does.
    "setup": [role("setup", setup_organizations={"payments": {"state": "absent"}})],
    # It opens no store.
    "awx": [],
    "manifest": [
        tree("ours", secrets={"fresh": {"kind": "ssh", "user": "x", "password_ref": name}})
        for name in (
            "only_theirs",
            "org.only_theirs",
            "theirs.text",
            "../theirs/text",
            "org.hashicorpvault://vault/a#b",
        )
    ],
    "ssh_access": [
        role(
            "ssh_access", ssh_access_credential=reference, scoped_secrets_org="payments", scoped_secrets_project="ours"
        )
        for reference in (*SIDEWAYS, "org.only_theirs_host", "theirs.only_theirs_host", "text")
    ],
}
# By role: what the root key allows, and the key of `ours` must not.
BEYOND: dict[str, list[Task]] = {
    "setup": [role("setup"), role("setup", setup_organizations={"payments": {"projects": {"another": {}}}})],
    "awx": [],
    "manifest": [
        tree("theirs", secrets={"text": "changed"}),
        tree("another"),
        role("manifest", manifest_tree={"secrets": {"fresh": "x"}}),
        tree("ours", secrets={"fresh": {"kind": "ssh", "user": "x", "password_ref": "org.text"}}),
    ],
    "ssh_access": [
        role(
            "ssh_access",
            ssh_access_credential="only_theirs_host",
            **{f"scoped_secrets_{k}": v for k, v in THEIRS.items()},
        ),
        *(
            role("ssh_access", ssh_access_credential=reference, **{f"scoped_secrets_{k}": v for k, v in OURS.items()})
            for reference in UPWARD
            if "://" not in reference and "@" not in reference
        ),
    ],
}


def tried(table: dict[str, list[Task]]) -> dict[str, Task]:
    return {f"{name} {number}": task for name, tasks in table.items() for number, task in enumerate(tasks)}


def test_the_tables_cover_every_role() -> None:
    assert set(CANARIES) == set(ASIDE) == set(BEYOND) == roles()


def test_no_canary_is_seen(site: Site) -> None:
    canary, other = canaries(), canaries()
    wanted = spellings(canary) | spellings(other)
    (site.folder / "meant").mkdir()
    (site.folder / "meant" / "vars.json").write_text(json.dumps({"canary": canary, "other": other}))
    good = [task for tasks, _bad in CANARIES.values() for task in tasks]
    bad = tried({name: tasks for name, (_good, tasks) in CANARIES.items()})
    with Watch(wanted) as watch:
        run = site.run(
            [*good, *(refused(name, task) for name, task in bad.items())],
            "-vvvvv",
            "--diff",
            environment={**LOUD, "ANSIBLE_DEBUG": "1", "ANSIBLE_LOG_PATH": str(site.folder / "ansible.log")},
            vars_files=["meant/vars.json"],
        )
    check_output(site, run, wanted)
    assert not watch.seen
    assert [run.result(name)["msg"]["failed"] for name in bad] == [True] * len(bad)
    assert (site.folder / "meant" / "own.key").read_text().strip() == canary["root_key"]


def test_nothing_of_another_project_is_shown(two_projects: tuple[Site, list[str]]) -> None:
    site, words = two_projects
    attempts = tried(ASIDE)
    run = site.run([refused(name, task) for name, task in attempts.items()], "-vvv", "--diff")
    assert [name for name in attempts if not run.result(name)["msg"]["failed"]] == []
    check_shows_nothing(run, words)


def test_what_the_root_key_allows_elsewhere_is_locked(holder: tuple[Site, list[str], dict[str, str]]) -> None:
    site, words, environment = holder
    attempts = tried(BEYOND)
    run = site.run([refused(name, task) for name, task in attempts.items()], "-vvv", environment=environment)
    failures = {name: json.dumps(run.result(name)["msg"]) for name in attempts}
    assert {n: text for n, text in failures.items() if not any(word in text for word in LOCKED)} == {}
    check_shows_nothing(run, words)
