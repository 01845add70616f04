# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values go in and come out through every entry point, well and badly, and are seen nowhere else."""

from __future__ import annotations

import json
from shutil import which
from typing import Any

import pytest
from canaries import LOUD, Watch, canaries, check_output, spellings
from connector_rows import SERVED, canary_rows
from entry_points import entry_points
from servers.postgresql_hostile import hostile_server
from site_of_runs import Run, Site, Task

pytestmark = [pytest.mark.each_core, pytest.mark.inline]

API = {"org": "payments", "project": "api"}


def google(**options: Any) -> Task:
    """Return a task about a connector with a service account's key, whose token address answers nothing."""
    key = {"type": "service_account", "private_key": "{{ canary.key }}", "token_uri": "https://localhost:9/"}
    given = {**API, "identifier": "google", "gcp_project": "payments", "retries": 0, "credentials_json": key}
    return {"scoped.secrets.connector_gcp_secret_manager": {**given, **options}}


def program(*command: str, **options: Any) -> Task:
    given = {**API, "identifier": "program", "command": list(command), "credential": "{{ canary.password }}"}
    return {"scoped.secrets.connector_custom": {**given, **options}}


def plugin(**options: Any) -> Task:
    given = {**API, "identifier": "plugin", "plugin": "ansible.builtin.env", "credential_option": "default"}
    return {"scoped.secrets.connector_lookup": {**given, "credential": "{{ canary.text }}", **options}}


def ssh(**options: Any) -> Task:
    return {"scoped.secrets.secret_ssh": {**API, "identifier": "deploy", "user": "web", **options}}


def manifest(*items: Task) -> Task:
    return {"scoped.secrets.manifest": {**API, "resources": list(items), "on_error": "continue"}}


def logging_in(credential: str, **variables: str) -> Task:
    """Return a task that logs in where nothing listens."""
    host = {"ansible_connection": "scoped.secrets.ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    scope = {f"scoped_secrets_{name}": value for name, value in API.items()}
    return {
        "ansible.builtin.raw": "true",
        "vars": {**host, **scope, "ansible_ssh_credential": credential, **variables},
        "ignore_unreachable": True,
    }


def winrm(**options: Any) -> Task:
    return {"scoped.secrets.secret_winrm": {**API, "identifier": "windows", "user": "web", **options}}


# Nothing listens there.
DATABASE = {
    "admin_url": "postgresql://postgres:{{ canary.password | urlencode }}@127.0.0.1:1/postgres",
    "owner_url": "postgresql://scoped_secrets_owner:{{ canary.short }}@127.0.0.1:1/secrets",
    "store": "postgresql://scoped_secrets_app:{{ canary.short }}@127.0.0.1:1/secrets",
}
OWN_KEY = {"store": "sqlite:///{{ playbook_dir }}/own/store.db", "root_key_file": "meant/own.key"}
# By entry point: tasks that succeed, and tasks that fail. `canary` is a variable of values that nobody may see.
TABLE: dict[str, tuple[list[Task], list[Task]]] = {
    "modules/scope": (
        [{"scoped.secrets.scope": {"org": "payments"}}, {"scoped.secrets.scope": API}],
        [{"scoped.secrets.scope": {"org": "payments", "root_key": "{{ canary.text }}"}}],
    ),
    "modules/scope_info": (
        [{"scoped.secrets.scope_info": {"recursive": True, "verify": True}}],
        [{"scoped.secrets.scope_info": {"passphrase": "{{ canary.password }}"}}],
    ),
    # What it exports: see test_canary_scope_keys.py.
    "modules/scope_key": (
        [
            {"scoped.secrets.scope_key": {**API, "dest": "meant/api.key"}},
            {"scoped.secrets.scope_key": {**API, "secret": {"identifier": "api_key", "org": "payments"}}},
        ],
        [
            {"scoped.secrets.scope_key": {**API, "dest": "meant/key.pem"}},
            {"scoped.secrets.scope_key": {**API, "dest": "b", "scope_key": "{{ canary.text }}"}},
            {"scoped.secrets.scope_key": {**API, "dest": "b", "scope_kye": "{{ canary.text }}"}},
            {"scoped.secrets.scope_key": {**API, "secret": "{{ canary.text }}"}},
        ],
    ),
    "modules/root_key": (
        [
            {"scoped.secrets.root_key": {**OWN_KEY, "root_key": "{{ canary.root_key }}"}},
            {"scoped.secrets.root_key": {**OWN_KEY, "root_key": "{{ canary.root_key }}"}},
        ],
        [
            {"scoped.secrets.root_key": {**OWN_KEY, "root_key": "{{ canary.text }}"}},
            {"scoped.secrets.root_key": {"root_key": "{{ canary.root_key }}"}},
            {"scoped.secrets.root_key": {**OWN_KEY, "rootkey": "{{ canary.root_key }}"}},
            {"scoped.secrets.root_key": {"store": "{{ canary.url }}", "root_key_file": "none"}},
            {"scoped.secrets.root_key": {**OWN_KEY, "root_key_file": "meant", "root_key": "{{ canary.root_key }}"}},
        ],
    ),
    "modules/secret_text": (
        [
            {"scoped.secrets.secret_text": {**API, "identifier": "text", "value": "{{ canary.text }}"}},
            {"scoped.secrets.secret_text": {**API, "identifier": "text", "value": "{{ canary.changed }}"}},
            {"scoped.secrets.secret_text": {**API, "identifier": "fields", "value": "{{ canary.fields }}"}},
            {"scoped.secrets.secret_text": {**API, "identifier": "key", "value": "{{ canary.key }}"}},
            {"scoped.secrets.secret_text": {**API, "identifier": "short", "value": "{{ canary.short }}"}},
        ],
        [
            {"scoped.secrets.secret_text": {"org": "nobody", "identifier": "a", "value": "{{ canary.text }}"}},
            {"scoped.secrets.secret_text": {"identifier": "a", "value": "{{ canary.text }}", "generate": {}}},
            {"scoped.secrets.secret_text": {"identifier": "a", "vaule": "{{ canary.text }}"}},
            {"scoped.secrets.secret_text": {"identifier": "a", "generate": "{{ canary.text }}"}},
            {"scoped.secrets.secret_text": {"identifier": "a", "value": "{{ canary.key }}", "state": "here"}},
            {"scoped.secrets.secret_text": {"identifier": "{{ canary.key }}", "value": "{{ canary.key }}"}},
            {"scoped.secrets.secret_text": {"identifier": "a", "value": "{{ canary.fields }}", "expires": "soon"}},
            {
                "scoped.secrets.secret_text": {
                    "identifier": "a",
                    "value": "{{ canary.text }}",
                    "store": "{{ canary.url }}",
                }
            },
            {
                "scoped.secrets.secret_text": {
                    **API,
                    "identifier": "a",
                    "value": "{{ canary.text }}",
                    "secret_manager": "nobody",
                }
            },
            {"scoped.secrets.secret_text": {"identifier": "a", "value": "{{ canary.text }}", "reference": "a"}},
        ],
    ),
    "modules/manifest": (
        [
            manifest(
                {"scope": {}},
                {"secret_text": {"identifier": "listed", "value": "{{ canary.text }}"}},
                {"secret_file": {"identifier": "listed_file", "content": "{{ canary.key }}"}},
                {"secret_ssh": {"identifier": "listed_host", "user": "web", "password": "{{ canary.password }}"}},
            ),
            manifest({"secret_text": {"identifier": "listed", "value": "{{ canary.changed }}"}}),
        ],
        [
            manifest({"secret_text": {"identifier": "a", "vaule": "{{ canary.text }}"}}),
            manifest({"secret_txt": {"identifier": "a", "value": "{{ canary.text }}"}}),
            manifest({"secret_text": "{{ canary.text }}"}),
            manifest({"secret_text": {"identifier": "{{ canary.key }}", "value": "{{ canary.key }}"}}),
            manifest({"secret_text": {"identifier": "a", "value": "{{ canary.text }}", "secret_manager": "nobody"}}),
            manifest({"secret_text": {"identifier": "a", "value": "{{ canary.text }}"}, "scope": "{{ canary.key }}"}),
            {"scoped.secrets.manifest": {"resources": ["{{ canary.text }}"]}},
            {"scoped.secrets.manifest": {"resources": [{"scope": {}}], "defaults": {"token": "{{ canary.text }}"}}},
            {"scoped.secrets.manifest": {"resources": [{"scope": API}], "passphrase": "{{ canary.password }}"}},
        ],
    ),
    "modules/secret_file": (
        [
            {"scoped.secrets.secret_file": {**API, "identifier": "file", "src": "meant/key.pem"}},
            {"scoped.secrets.secret_file": {**API, "identifier": "file", "content": "{{ canary.key }}"}},
            {
                "scoped.secrets.secret_file": {
                    **API,
                    "identifier": "bytes",
                    "content_b64": "{{ canary.text | b64encode }}",
                }
            },
        ],
        [
            {"scoped.secrets.secret_file": {"identifier": "a", "content_b64": "{{ canary.text }}"}},
            {"scoped.secrets.secret_file": {"org": "nobody", "identifier": "a", "src": "meant/key.pem"}},
            {"scoped.secrets.secret_file": {"org": "nobody", "identifier": "a", "content": "{{ canary.key }}"}},
        ],
    ),
    "modules/secret_share": (
        [
            {"scoped.secrets.secret_text": {"org": "payments", "identifier": "shared", "value": "{{ canary.text }}"}},
            {"scoped.secrets.secret_share": {"org": "payments", "identifier": "shared", "to_project": "api"}},
            {"scoped.secrets.secret_text": {"org": "payments", "identifier": "shared", "value": "{{ canary.key }}"}},
            {
                "scoped.secrets.secret_share": {
                    "org": "payments",
                    "identifier": "shared",
                    "to_project": "api",
                    "state": "absent",
                }
            },
        ],
        [
            {"scoped.secrets.secret_share": {"org": "payments", "identifier": "shared", "to_project": "nobody"}},
            {"scoped.secrets.secret_share": {"identifier": "shared", "to_org": "a", "root_key": "{{ canary.text }}"}},
            {"scoped.secrets.secret_share": {"identifier": "shared", "value": "{{ canary.text }}"}},
        ],
    ),
    "modules/secret_ssh": (
        [
            ssh(private_key="{{ canary.ssh_key }}", passphrase="{{ canary.password }}"),
            ssh(private_key="{{ canary.ssh_key }}", port=2222),
            ssh(identifier="by_word", password="{{ canary.changed }}"),
            ssh(identifier="by_ticket", principal="web@EXAMPLE.COM", tgt="password", password="{{ canary.text }}"),
            ssh(identifier="made", generate={"type": "ed25519"}, passphrase="{{ canary.password }}"),
            ssh(identifier="by_ref", password_ref="text"),
        ],
        [
            ssh(identifier="other", private_key="{{ canary.key }}"),
            ssh(identifier="other", private_key="{{ canary.ssh_key[:200] }}"),
            ssh(identifier="other", private_key="{{ canary.ssh_key }}", private_key_ref="key"),
            ssh(identifier="other", private_key_ref="text", passphrase="{{ canary.password }}"),
            ssh(identifier="other", private_key_path="meant/key.pem", passphrase="{{ canary.password }}"),
            ssh(identifier="other", password="{{ canary.text }}", port="many"),
            ssh(identifier="other", password="{{ canary.text }}", check_host="localhost", port=1),
            ssh(identifier="other", private_key="{{ canary.ssh_key }}", check_host="localhost", port=1),
            ssh(identifier="other", principal="web@EXAMPLE.COM", password="{{ canary.text }}", check_host="localhost"),
            ssh(identifier="other", passwrd="{{ canary.text }}"),
            ssh(org="nobody", project="", password="{{ canary.text }}"),
        ],
    ),
    "modules/secret_winrm": (
        [
            winrm(domain="CORP", password="{{ canary.password }}"),
            winrm(domain="CORP", password="{{ canary.text }}"),
            winrm(identifier="windows_by_ref", password_ref="text"),
        ],
        [
            winrm(password="{{ canary.text }}", password_ref="text"),
            winrm(password=["{{ canary.text }}"], use_tls="perhaps"),
            winrm(identifier="other", principal="w eb", password="{{ canary.text }}"),
            winrm(org="nobody", project="", password="{{ canary.text }}"),
        ],
    ),
    "modules/secret_info": (
        [{"scoped.secrets.secret_info": API}],
        [{"scoped.secrets.secret_info": {"org": "nobody", "root_key": "{{ canary.text }}"}}],
    ),
    "modules/doctor": (
        [
            {"scoped.secrets.doctor": {}},
            {"ansible.builtin.set_fact": {"known": "of this host", "cacheable": True}},
            {"scoped.secrets.doctor": {"passphrase": "{{ canary.text }}"}},
        ],
        [{"scoped.secrets.doctor": {"pasphrase": "{{ canary.text }}"}}],
    ),
    "modules/store_backup": (
        [
            {"scoped.secrets.store_backup": {"dest": "store.backup", "recovery_passphrase": "{{ canary.password }}"}},
            {"scoped.secrets.store_backup": {"dest": "store.backup", "recovery_passphrase": "{{ canary.changed }}"}},
        ],
        [
            {"scoped.secrets.store_backup": {"dest": "meant/key.pem", "recovery_passphrase": "{{ canary.password }}"}},
            {"scoped.secrets.store_backup": {"dest": "none/b", "recovery_passphrase": "{{ canary.password }}"}},
            {"scoped.secrets.store_backup": {"dest": "b", "recovery_passphrase": "{{ canary.short }}"}},
            {"scoped.secrets.store_backup": {"dest": "b", "recoverypassphrase": "{{ canary.password }}"}},
            {"scoped.secrets.store_backup": {"dest": "b", "root_key": "{{ canary.text }}"}},
        ],
    ),
    "modules/store_restore": (
        [
            {
                "scoped.secrets.store_restore": {
                    "src": "store.backup",
                    "store": "sqlite:///{{ playbook_dir }}/restored/store.db",
                    "recovery_passphrase": "{{ canary.changed }}",
                }
            },
        ],
        [
            {"scoped.secrets.store_restore": {"src": "meant/key.pem", "recovery_passphrase": "{{ canary.password }}"}},
            {"scoped.secrets.store_restore": {"src": "none", "passphrase": "{{ canary.password }}"}},
            {
                "scoped.secrets.store_restore": {
                    "src": "store.backup",
                    "store": "sqlite:///{{ playbook_dir }}/other/store.db",
                    "recovery_passphrase": "{{ canary.password }}",
                    "passphrase": "{{ canary.text }}",
                }
            },
            {"scoped.secrets.store_restore": {"src": "store.backup", "store": "{{ canary.url }}"}},
        ],
    ),
    # With a server that is there: see test_role_playbooks.py.
    "modules/store_database": (
        [],
        [
            {"scoped.secrets.store_database": {**DATABASE, "admin_url": "{{ canary.url }}"}},
            {"scoped.secrets.store_database": {**DATABASE, "owner_url": "{{ canary.url }}"}},
            {"scoped.secrets.store_database": {**DATABASE, "store": "{{ canary.url }}"}},
            {"scoped.secrets.store_database": {**DATABASE, "admin_url": "{{ canary.password }}"}},
            {"scoped.secrets.store_database": {**DATABASE, "tables": "perhaps", "owner_url": ["{{ canary.text }}"]}},
        ],
    ),
    "modules/audit_archive": (
        [
            {
                "scoped.secrets.audit_archive": {
                    **API,
                    "dest": "{{ 'planned' if ansible_check_mode else 'api' }}.jsonl",
                    "before": "2999-01-01",
                }
            },
            {"scoped.secrets.audit_info": {**API, "archives": ["api.jsonl"]}},
        ],
        [
            {"scoped.secrets.audit_archive": {"dest": "meant/key.pem", "before": "2999-01-01"}},
            {"scoped.secrets.audit_info": {**API, "archives": ["meant/key.pem"]}},
            {"scoped.secrets.audit_archive": {"dest": "b", "before": "2999-01-01", "passphrase": "{{ canary.text }}"}},
            {"scoped.secrets.audit_archive": {"dest": "b", "before": "2999-01-01", "root_key": "{{ canary.text }}"}},
        ],
    ),
    "modules/audit_info": (
        [{"scoped.secrets.audit_info": {**API, "verify": True}}, {"scoped.secrets.audit_info": {"limit": 1000}}],
        [
            {"scoped.secrets.audit_info": {"passphrase": "{{ canary.password }}"}},
            {"scoped.secrets.audit_info": {"root_key": "{{ canary.text }}"}},
        ],
    ),
    "modules/key_rotation": (
        [
            {"scoped.secrets.key_rotation": {**API, "target": "scope"}},
            {
                "scoped.secrets.key_rotation": {"target": "root", "new_passphrase": "{{ canary.password }}"},
                "check_mode": True,
            },
        ],
        [
            {"scoped.secrets.key_rotation": {"target": "root", "new_root_key": "{{ canary.text }}"}},
            {"scoped.secrets.key_rotation": {"target": "root", "new_passphrase": "{{ canary.short }}"}},
            {
                "scoped.secrets.key_rotation": {
                    "target": "root",
                    "new_passphrase": "{{ canary.password }}",
                    "new_root_key": "{{ canary.text }}",
                }
            },
            {"scoped.secrets.key_rotation": {**API, "target": "scope", "new_passphrase": "{{ canary.password }}"}},
            {"scoped.secrets.key_rotation": {"target": "root", "new_root_key": ["{{ canary.password }}"]}},
            {"scoped.secrets.key_rotation": {"target": "root", "newpassphrase": "{{ canary.password }}"}},
        ],
    ),
    "modules/store_info": (
        [{"scoped.secrets.store_info": {}}],
        [
            {"scoped.secrets.store_info": {"root_key": "{{ canary.text }}"}},
            {"scoped.secrets.store_info": {"store": "{{ canary.url }}"}},
        ],
    ),
    # It is enabled in every way: see LOUD.
    "callback/usage": ([], []),
    # It would hide here what others show. With it values are shown on purpose: see test_mask.py.
    "callback/mask": ([], []),
    **{f"modules/connector_{kind}": canary_rows(kind, **API) for kind in SERVED},
    "modules/connector_custom": (
        [program("cat", check=False), program("cat", check=False, credential="{{ canary.key }}")],
        [
            # They say again what they got, in every way that there is.
            program("cat"),
            program("sh", "-c", "cat >&2; exit 3"),
            program("sh", "-c", "tr 'a-z' 'A-Z'; cat; exit 11"),
            program("sh", "-c", "head -c 60"),
            program("/nowhere/program", credential="{{ canary.key }}"),
            program("cat", credential=["{{ canary.text }}"], timeout="soon"),
            program("cat", credential_ref="text"),
            program("cat", org="nobody", project=""),
        ],
    ),
    "modules/connector_lookup": (
        [plugin(), plugin(credential="{{ canary.changed }}"), plugin(option_refs={"other": "text"}, check=False)],
        [
            plugin(plugin="nobody.nothing.none"),
            plugin(credential_ref="text"),
            plugin(identifier="{{ canary.text }}"),
            plugin(option_refs={"other": "none"}),
            plugin(check="{{ canary.text }}"),
            plugin(options={"default": "x"}),
            plugin(org="nobody", project=""),
        ],
    ),
    "modules/connector_info": (
        [{"scoped.secrets.connector_info": API}],
        [{"scoped.secrets.connector_info": {"org": "nobody", "passphrase": "{{ canary.text }}"}}],
    ),
    "modules/connector_check": (
        [
            {"scoped.secrets.connector_check": {**API, "identifier": kind, **right}}
            for kind in SERVED
            for right in ({}, {"check": "write"})
        ],
        [{"scoped.secrets.connector_check": {"identifier": "hashicorp_vault", "passphrase": "{{ canary.text }}"}}],
    ),
    "modules/default_secret_manager": (
        [{"scoped.secrets.default_secret_manager": {**API, "secret_manager": "builtin"}}],
        [{"scoped.secrets.default_secret_manager": {"secret_manager": "none", "passphrase": "{{ canary.text }}"}}],
    ),
    "lookup/secret": (
        [
            {
                "ansible.builtin.copy": {
                    "content": "{{ query('scoped.secrets.secret', 'text', 'file', 'fields#password', preload=true, "
                    "**scope) }}",
                    "dest": "meant/from_lookup.txt",
                    "mode": "0600",
                },
                "diff": False,
            },
            {
                "ansible.builtin.assert": {
                    "that": "lookup('scoped.secrets.secret', 'text', **scope) == canary.changed",
                    "quiet": True,
                }
            },
            {
                "ansible.builtin.assert": {
                    "that": "lookup('scoped.secrets.secret', 'deploy', **scope).private_key == canary.ssh_key",
                    "quiet": True,
                }
            },
        ],
        [
            {"ansible.builtin.debug": {"msg": "{{ lookup('scoped.secrets.secret', 'text#field', **scope) }}"}},
            {"ansible.builtin.debug": {"msg": "{{ lookup('scoped.secrets.secret', 'fields#other', **scope) }}"}},
            {"ansible.builtin.debug": {"msg": "{{ lookup('scoped.secrets.secret', 'deploy#nothing', **scope) }}"}},
            {"ansible.builtin.debug": {"msg": "{{ lookup('scoped.secrets.secret', 'by_ticket@2', **scope) }}"}},
            {"ansible.builtin.debug": {"msg": "{{ lookup('scoped.secrets.secret', 'text', passphrase=canary.text) }}"}},
            {"ansible.builtin.debug": {"msg": "{{ lookup('scoped.secrets.secret', 'text', root_key=canary.text) }}"}},
            {"ansible.builtin.debug": {"msg": "{{ lookup('scoped.secrets.secret', 'text', store=canary.url) }}"}},
            {"ansible.builtin.debug": {"msg": "{{ lookup('scoped.secrets.secret', 'text', encoding=canary.text) }}"}},
        ],
    ),
    # With a host that is there: see test_ssh_connection.py.
    "connection/ssh": (
        [],
        [
            logging_in("deploy"),
            logging_in("by_word"),
            logging_in("by_ticket"),
            logging_in(
                "made", ansible_password="{{ canary.password }}", ansible_ssh_private_key="{{ canary.ssh_key }}"
            ),
            logging_in("text"),
            logging_in("account.nobody", scoped_secrets_store="{{ canary.url }}"),
        ],
    ),
    "filter/resolve": (
        [
            {
                "ansible.builtin.copy": {
                    "content": "{{ template | scoped.secrets.resolve(**scope) }}",
                    "dest": "meant/from_filter.txt",
                    "mode": "0600",
                },
                "diff": False,
            }
        ],
        [
            {
                "ansible.builtin.debug": {
                    "msg": "{{ '<+secrets.getValue(\"deploy\")>' | scoped.secrets.resolve(**scope) }}"
                }
            },
            {"ansible.builtin.debug": {"msg": "{{ template | scoped.secrets.resolve(root_key=canary.text) }}"}},
            {
                "ansible.builtin.debug": {
                    "msg": "{{ (template ~ canary.text ~ '<+secrets.getValue(') | scoped.secrets.resolve }}"
                }
            },
        ],
    ),
    "filter/manifest_items": (
        [{"scoped.secrets.manifest": {"resources": "{{ tree | scoped.secrets.manifest_items }}"}}],
        [
            {"ansible.builtin.debug": {"msg": f"{{{{ {tree} | scoped.secrets.manifest_items }}}}"}}
            for tree in (
                "canary.text",
                "{'secrets': canary.text}",
                "{'secrets': {'a': {'kind': canary.password, 'value': canary.text}}}",
                "{'secrets': {'a': {'shared_with': [canary.text]}}}",
                "{'connectors': {'a': {'token': canary.text}}}",
                "{'organizations': {'payments': {'projects': [canary.key]}}}",
            )
        ],
    ),
}
TABLE["modules/connector_gcp_secret_manager"][0].append(google(check=False))
TABLE["modules/connector_gcp_secret_manager"][1].append(google(identifier="other"))
TREE = {
    "secrets": {"of_tree": "{{ canary.text }}", "file_of_tree": {"kind": "file", "content": "{{ canary.key }}"}},
    "organizations": {"payments": {"secrets": {"fields_of_tree": {"value": "{{ canary.fields }}"}}}},
}
# The key of the project is exported, and yet its connectors' commands must run, to repeat what they are given.
ALLOWED = ",".join(
    ["/nowhere/program", "ansible.builtin.env", *(str(which(name, path="/usr/bin:/bin")) for name in ("cat", "sh"))]
)
VARIABLES = {"scope": API, "tree": TREE, "template": 'x <+secrets.getValue("text")> y'}

FAILURES = ("failed", "unreachable")
EVERYTHING = ["-vvvvv", "--diff"]


def test_the_table_covers_every_entry_point() -> None:
    assert set(TABLE) == entry_points()


def test_no_canary_is_seen(site: Site) -> None:
    """Neither when it is all done, nor in check mode afterwards."""
    canary, heard = canaries(), list[bytes]()
    # A database that repeats the password in its error.
    port = hostile_server(b"SFATAL \0C28P01\0Mauthentication failed for -D-H", heard=heard)
    canary["url"] = canary["url"].replace("localhost:1/x", f"127.0.0.1:{port}/x?sslmode=disable&gssencmode=disable")
    meant = site.folder / "meant"
    meant.mkdir()
    (meant / "key.pem").write_text(canary["key"])
    (meant / "vars.json").write_text(json.dumps({"canary": canary}))
    good = [task for tasks, _bad in TABLE.values() for task in tasks]
    bad = [
        {**task, "name": f"bad {n}", "ignore_errors": True}
        for n, task in enumerate(t for _g, b in TABLE.values() for t in b)
    ]
    run = watched(site, [*good, *bad], *EVERYTHING, wanted=spellings(canary))
    assert [task["task"] for task in run.tasks if task["status"] in FAILURES] == [task["name"] for task in bad]
    assert canary["changed"] in (meant / "from_filter.txt").read_text()
    watched(site, [*good, *bad], *EVERYTHING, "--check", wanted=spellings(canary))
    assert canary["url"].partition(":url-")[2].partition("@")[0] in heard[0].decode()
    assert (site.folder / "fact-cache").is_dir()


def watched(site: Site, tasks: list[Task], *arguments: str, wanted: set[bytes]) -> Run:
    """Run tasks with all that Ansible can write about them, and look through what it wrote, and writes meanwhile."""
    logs = {"ANSIBLE_LOG_PATH": str(site.folder / "ansible.log"), "JUNIT_OUTPUT_DIR": str(site.folder / "junit")}
    tree = {"ANSIBLE_CALLBACK_TREE_DIR": str(site.folder / "tree"), "ANSIBLE_DEBUG": "1"}
    environment = {**LOUD, **logs, **tree, "SCOPED_SECRETS_ALLOWED_COMMANDS": ALLOWED}
    with Watch(wanted) as watch:
        run = site.run(tasks, *arguments, variables=VARIABLES, environment=environment, vars_files=["meant/vars.json"])
    check_output(site, run, wanted)
    assert not watch.seen
    assert watch.looks > 10
    return run
