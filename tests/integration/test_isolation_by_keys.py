# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds nothing but the key of project `ours`: no road opens anything of another scope."""

from __future__ import annotations

import json
from typing import Any

import pytest
from entry_points import entry_points
from site_of_runs import Run, Site, Task
from test_isolation import DATABASE, OURS, TABLE, THEIRS, check_shows_nothing, logins, of, two_projects

__all__ = ["two_projects"]

ORG = {"org": "payments"}
LOCKED = ("scope_locked", "root_key_needed")
# Not shared with `ours`, which has `org.shared` of the organization.
UPWARD = (
    *("org.of_org", "account.of_account", "account.shared", "org.text", "account.text"),
    *("org.hashicorpvault://vault/a#b", "account.nosuch@2"),
)
# They tell of the run and its installation, and read no scope.
OF_NO_SCOPE = {"callback/mask", "callback/usage", "filter/manifest_items", "modules/doctor"}


def shown(reference: str, **options: object) -> Task:
    given = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return {"ansible.builtin.debug": {"msg": f"{{{{ lookup('scoped.secrets.secret', '{reference}', {given}) }}}}"}}


def resolved(reference: str, **scope: str) -> Task:
    given = ", ".join(f"{name}={value!r}" for name, value in scope.items())
    expression = f"'<+secrets.getValue(\"{reference}\")>' | scoped.secrets.resolve({given})"
    return {"ansible.builtin.debug": {"msg": f"{{{{ {expression} }}}}"}}


def connector(entry: str) -> list[Task]:
    """Return tasks about connectors of one kind in other scopes; with the root key each does something."""
    module = entry.removeprefix("modules/")
    return [
        of(module, **THEIRS, identifier="only_theirs_vault", state="absent", force=True),
        of(module, **ORG, identifier="b", state="absent"),
    ]


# By entry point: what the root key allows, and the key of `ours` must not.
BEYOND: dict[str, list[Task]] = {
    "modules/scope": [
        of("scope", **THEIRS, description="changed"),
        of("scope", **THEIRS, state="absent", force=True),
        of("scope", org="payments", project="another"),
        of("scope", **ORG, description="changed"),
        of("scope", org="another"),
        of("scope", inherited_managers="allowed"),
    ],
    "modules/scope_info": [
        of("scope_info", **THEIRS),
        of("scope_info", **ORG, recursive=True),
        of("scope_info", recursive=True, verify=True),
    ],
    "modules/scope_key": [
        of("scope_key", **THEIRS, dest="theirs.key"),
        of("scope_key", **ORG, dest="payments.key"),
        of("scope_key", dest="account.key"),
        of("scope_key", **OURS, secret={"identifier": "k", **ORG}),
        of("scope_key", **OURS, secret={"identifier": "k", **THEIRS}),
    ],
    "modules/store_database": [
        of("store_database", **{name: url for name, url in DATABASE.items() if name != "store"}),
    ],
    "modules/root_key": [of("root_key"), of("root_key", root_key_file="new.key")],
    "modules/key_rotation": [
        of("key_rotation", **THEIRS, target="scope"),
        of("key_rotation", **ORG, target="scope", destroy_generation=1),
        of("key_rotation", target="scope"),
        of("key_rotation", target="root", new_root_key_file="new.key"),
        of("key_rotation", **THEIRS, target="provider", connector="only_theirs_vault"),
    ],
    "modules/secret_text": [
        of("secret_text", **THEIRS, identifier="text", value="changed"),
        of("secret_text", **THEIRS, identifier="fresh", value="x"),
        of("secret_text", **THEIRS, identifier="only_theirs", state="absent"),
        of("secret_text", **ORG, identifier="fresh", value="x"),
        of("secret_text", identifier="fresh", value="x"),
    ],
    "modules/secret_file": [
        of("secret_file", **THEIRS, identifier="file", content="x"),
        of("secret_file", **ORG, identifier="file", content="x"),
    ],
    "modules/secret_share": [
        of("secret_share", identifier="of_account", to_org="payments", to_project="ours"),
        of("secret_share", **ORG, identifier="of_org", to_project="ours"),
        of("secret_share", **ORG, identifier="shared", to_project="ours", state="absent"),
    ],
    "modules/secret_ssh": [
        of("secret_ssh", **THEIRS, identifier="only_theirs_host", user="x"),
        of("secret_ssh", **THEIRS, identifier="only_theirs_host", state="absent"),
        of("secret_ssh", **OURS, identifier="fresh", user="x", password_ref="org.text"),
        of("secret_ssh", **OURS, identifier="fresh", user="x", private_key_ref="account.text"),
    ],
    "modules/secret_winrm": [
        of("secret_winrm", **THEIRS, identifier="fresh", user="x", password="x"),
        of("secret_winrm", **OURS, identifier="fresh", user="x", password_ref="account.text"),
    ],
    "modules/manifest": [
        of("manifest", defaults=THEIRS, resources=[{"secret_text": {"identifier": "text", "value": "changed"}}]),
        of("manifest", resources=[{"scope": {"org": "payments", "project": "another"}}]),
        of("manifest", defaults=THEIRS, resources=[{"scope": THEIRS}], prune=True),
        of("manifest", resources=[{"secret_text": {**ORG, "identifier": "fresh", "value": "x"}}], on_error="continue"),
    ],
    "modules/secret_info": [of("secret_info", **THEIRS), of("secret_info", **ORG), of("secret_info")],
    "modules/store_info": [of("store_info")],
    "modules/store_backup": [of("store_backup", dest="store.backup", recovery_passphrase="x" * 12)],
    "modules/store_restore": [
        of("store_restore", src="before.backup", recovery_passphrase="x" * 12),
        of(
            "store_restore",
            src="before.backup",
            recovery_passphrase="x" * 12,
            store="sqlite:///{{ playbook_dir }}/restored/store.db",
        ),
    ],
    "modules/audit_archive": [
        of("audit_archive", **scope, dest="{{ playbook_dir }}/archive.jsonl", before="2999-01-01")
        for scope in (THEIRS, ORG, OURS, {})
    ],
    "modules/audit_info": [of("audit_info", **THEIRS), of("audit_info", **ORG, verify=True), of("audit_info")],
    "modules/connector_info": [of("connector_info", **THEIRS), of("connector_info", **ORG), of("connector_info")],
    "modules/connector_check": [of("connector_check", **THEIRS, identifier="only_theirs_vault")],
    "modules/default_secret_manager": [
        of("default_secret_manager", **THEIRS, secret_manager="only_theirs_vault"),
        of("default_secret_manager", **ORG, secret_manager="builtin"),
    ],
    "lookup/secret": [
        *(shown(name, **THEIRS) for name in ("text", "text@1", "only_theirs", "only_theirs_host", "nosuch")),
        *(shown(reference, **OURS) for reference in UPWARD),
        shown("text", org="payments"),
        shown("text", **THEIRS, preload=True),
    ],
    "filter/resolve": [resolved("text", **THEIRS), *(resolved(reference, **OURS) for reference in UPWARD)],
    "connection/ssh": logins("text", **THEIRS),
    **{
        entry: connector(entry)
        for entry in entry_points()
        if entry.startswith("modules/connector_") and entry not in ("modules/connector_check", "modules/connector_info")
    },
}


@pytest.fixture
def holder(two_projects: tuple[Site, list[str]]) -> tuple[Site, list[str], dict[str, str]]:
    """The site without its root key, words that only belong to others, and the environment that has the key."""
    site, words = two_projects
    site.declare(
        of("secret_text", identifier="of_account", value="value-of-theirs-above"),
        of("secret_text", identifier="shared", value="value-of-theirs-above"),
        of("secret_text", **ORG, identifier="of_org", value="value-of-theirs-above"),
        of("secret_text", **ORG, identifier="shared", value="shared-with-ours"),
        of("secret_share", **ORG, identifier="shared", to_project="ours"),
        of("secret_share", identifier="shared", to_org="payments", to_project="theirs"),
        of("scope_key", **OURS, dest=str(site.folder / "ours.key")),
        of("store_backup", dest=str(site.folder / "before.backup"), recovery_passphrase="x" * 12),
    )
    site.key_file.rename(site.folder / "root.key.away")
    return site, words, {"SCOPED_SECRETS_SCOPE_KEY_FILE": str(site.folder / "ours.key")}


def tried(table: dict[str, list[Task]]) -> list[Task]:
    return [
        {**task, "name": f"{entry} {number}", "ignore_errors": True}
        for entry, tasks in table.items()
        for number, task in enumerate(tasks)
    ]


def test_what_is_shared_is_read_and_nothing_more(holder: tuple[Site, list[str], dict[str, str]]) -> None:
    site, _words, environment = holder
    tasks = [{**shown("org.shared", **OURS), "name": "read"}, {**shown("org.shared@1", **OURS), "name": "pinned"}]
    denied = [{**shown(reference, **OURS), "ignore_errors": True} for reference in UPWARD]
    run = site.run([*tasks, *denied], environment=environment)
    assert (run.result("read")["msg"], run.result("pinned")["msg"]) == ("shared-with-ours",) * 2
    assert [_is_locked(task) for task in run.tasks[2:]] == [True] * len(denied)


def of_others(site: Site) -> list[Any]:
    """Return what the root key shows of the other scopes."""
    site.key_file.parent.mkdir(exist_ok=True)
    (site.folder / "root.key.away").rename(site.key_file)
    lists = [of("secret_info", **THEIRS), of("connector_info", **THEIRS), of("scope_info", recursive=True, verify=True)]
    return [task["result"] for task in site.run(lists).tasks]


def test_the_table_covers_every_entry_point() -> None:
    assert set(BEYOND) | OF_NO_SCOPE == entry_points()
    assert all(BEYOND.values())


def test_what_the_root_key_allows_elsewhere_is_locked(holder: tuple[Site, list[str], dict[str, str]]) -> None:
    site, words, environment = holder
    run = site.run(tried(BEYOND), "-vvv", "--diff", environment=environment)
    assert len(run.tasks) == sum(map(len, BEYOND.values()))
    allowed = [task["task"] for task in run.tasks if not _is_locked(task)]
    assert allowed == []
    check_shows_nothing(run, words)
    secrets, connectors, scopes = of_others(site)
    assert {"text", "only_theirs", "only_theirs_host"} <= {one["identifier"] for one in secrets["secrets"]}
    assert {"vault", "only_theirs_vault"} <= {one["identifier"] for one in connectors["connectors"]}
    assert "another" not in json.dumps(scopes)


def _is_locked(task: dict[str, Any]) -> bool:
    return task["status"] in ("failed", "unreachable") and any(code in json.dumps(task["result"]) for code in LOCKED)


def test_nothing_of_another_project_is_shown_by_any_way_in(holder: tuple[Site, list[str], dict[str, str]]) -> None:
    site, words, environment = holder
    loud = {"ANSIBLE_CALLBACKS_ENABLED": "record,scoped.secrets.usage", **environment}
    run: Run = site.run(tried(TABLE), "-vvv", "--diff", environment=loud)
    assert len(run.tasks) == sum(map(len, TABLE.values()))
    check_shows_nothing(run, words)
    checks = {check["check"]: check for check in run.result("modules/doctor 0")["checks"]}
    assert "opens project 'payments/ours'" in checks["scope key"]["message"]
