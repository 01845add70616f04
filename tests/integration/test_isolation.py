# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two projects keep secrets of the same names: no road shows one of them anything of the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from connector_rows import SERVED, isolation_rows
from entry_points import entry_points
from site_of_runs import Run, Site, Task

OURS = {"org": "payments", "project": "ours"}
THEIRS = {"org": "payments", "project": "theirs"}
SIBLING = {"org": "elsewhere", "project": "ours"}
# Every way to write a name that somebody might hope leads sideways or down.
SIDEWAYS = (
    "theirs.text",
    "payments.theirs.text",
    "project.text",
    "org.theirs.text",
    "org.text",
    "account.text",
    "account.payments.theirs.text",
    "../theirs/text",
    "text@2",
    "only_theirs",
    "only_theirs_host",
    "only_theirs_host#user",
    "only_theirs_host_password",
    "account.hashicorpvault://vault/theirs#text",
    "org.hashicorpvault://vault/theirs#text",
    "hashicorpvault://only_theirs_vault/theirs#text",
    "hashicorpvault://theirs.vault/theirs#text",
)
# One for each scope that a name may mean.
NAMED = ("only_theirs_host", "theirs.only_theirs_host", "org.theirs.text", "account.payments.theirs.text", "text@2")
# What somebody might name as a credential of their own.
REFERENCES = (
    "only_theirs",
    "theirs.text",
    "org.only_theirs",
    "account.text",
    "../theirs/text",
    "hashicorpvault://only_theirs_vault/a#b",
    "org.hashicorpvault://vault/a#b",
)
# Nobody is there: see test_isolation_connectors.py for where there is somebody.
VAULT = {"url": "http://127.0.0.1:1", "retries": 0, "check": False}
DATABASE = {
    "admin_url": "postgresql://postgres@127.0.0.1:1/postgres",
    "owner_url": "postgresql://scoped_secrets_owner@127.0.0.1:1/secrets",
    "store": "postgresql://scoped_secrets_app@127.0.0.1:1/secrets",
}


def of(module: str, **options: Any) -> Task:
    return {f"scoped.secrets.{module}": options}


def lookups(*references: str, **options: Any) -> list[Task]:
    shown = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return [
        {"ansible.builtin.debug": {"msg": f"{{{{ query('scoped.secrets.secret', '{reference}', {shown}) }}}}"}}
        for reference in references
    ]


def elsewhere(module: str, *fields: str, **options: Any) -> list[Task]:
    """Return tasks that declare something whose credential is somebody else's; a manifest tries all REFERENCES."""
    declared = {**OURS, "identifier": "b", **options}
    return [of(module, **declared, **{f"{field}_ref": text}) for field in fields for text in REFERENCES[:2]]


def logins(*references: str, **scope: str) -> list[Task]:
    """Return tasks that log in at a host with credentials that are somebody else's, or none."""
    where = {f"scoped_secrets_{name}": value for name, value in scope.items()}
    host = {"ansible_connection": "scoped.secrets.ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    return [
        {
            "ansible.builtin.raw": "true",
            "vars": {**host, **where, "ansible_ssh_credential": reference},
            "ignore_unreachable": True,
        }
        for reference in references
    ]


DECLARING = ("scope", "connector_", "default_secret_manager", "secret_")

# By entry point: what somebody in project `ours` may try.
TABLE: dict[str, list[Task]] = {
    "modules/scope": [
        of("scope", **OURS, description="changed"),
        of("scope", org="payments", state="absent"),
        of("scope", **OURS, name="theirs"),
    ],
    "modules/scope_info": [of("scope_info", **OURS, recursive=True, verify=True)],
    "modules/scope_key": [
        of("scope_key", **OURS, dest="key_of_ours"),
        of("scope_key", **OURS, secret={"identifier": "text", **OURS}),
        of("scope_key", **OURS, secret={"identifier": "b", **OURS, "secret_manager": "only_theirs_vault"}),
    ],
    # Nothing listens there, and there are no scopes before it has made any.
    "modules/store_database": [of("store_database", **DATABASE)],
    "modules/root_key": [of("root_key"), of("root_key", **OURS, root_key_file="new.key")],
    "modules/secret_text": [
        of("secret_text", **OURS, identifier="text"),
        of("secret_text", **OURS, identifier="only_theirs"),
        of("secret_text", **OURS, identifier="theirs.text", value="x"),
        of("secret_text", **OURS, identifier="only_theirs", state="absent"),
        *(
            of("secret_text", **OURS, identifier="b", value="x", secret_manager=name)
            for name in ("only_theirs_vault", "theirs.vault", "org.only_theirs_vault", "account.vault")
        ),
        of("secret_text", **OURS, identifier="b", reference="theirs#text", secret_manager="only_theirs_vault"),
    ],
    "modules/secret_file": [
        of("secret_file", **OURS, identifier="file"),
        of("secret_file", **OURS, identifier="text", content="x"),
        of("secret_file", **OURS, identifier="only_theirs"),
    ],
    "modules/secret_share": [
        of("secret_share", **OURS, identifier="text", to_project="theirs"),
        of("secret_share", org="payments", identifier="text", to_project="ours"),
        of("secret_share", org="payments", identifier="only_theirs", to_project="ours"),
        of("secret_share", org="payments", identifier="theirs.text", to_project="ours"),
        of("secret_share", identifier="text", to_org="payments", to_project="ours", state="absent"),
    ],
    "modules/secret_ssh": [
        of("secret_ssh", **OURS, identifier="host", user="changed"),
        of("secret_ssh", **OURS, identifier="only_theirs", user="changed"),
        of("secret_ssh", **OURS, identifier="only_theirs_host", user="changed"),
        of("secret_ssh", **OURS, identifier="only_theirs_host", state="absent"),
        of("secret_ssh", **OURS, identifier="b", user="b", password="b", secret_manager="only_theirs_vault"),
        *elsewhere("secret_ssh", "password", "private_key", user="b"),
        *elsewhere("secret_ssh", "keytab", principal="b", realm="B"),
    ],
    "modules/secret_winrm": [
        of("secret_winrm", **OURS, identifier="only_theirs_host", state="absent"),
        *elsewhere("secret_winrm", "password", user="b"),
    ],
    "modules/secret_info": [
        of("secret_info", **OURS),
        of("secret_info", **OURS, identifier="only_theirs"),
        of("secret_info", **OURS, identifier="theirs.text"),
        of("secret_info", **OURS, tags={"whose": "theirs"}),
    ],
    "modules/doctor": [of("doctor", **OURS)],
    "modules/key_rotation": [
        of("key_rotation", **OURS, target="scope"),
        of("key_rotation", **OURS, target="scope", destroy_generation=1),
        *(
            of("key_rotation", **OURS, target="provider", connector=name)
            for name in ("vault", "only_theirs_vault", "theirs.vault", "org.only_theirs_vault")
        ),
    ],
    "modules/store_info": [of("store_info", **OURS)],
    "modules/audit_archive": [
        of("audit_archive", **OURS, dest="{{ playbook_dir }}/ours.jsonl", before="2999-01-01"),
        of("audit_archive", **OURS, dest="{{ playbook_dir }}/theirs.jsonl", before="2999-01-01", chain="theirs"),
        of("audit_info", **OURS, archives=["{{ playbook_dir }}/ours.jsonl", "{{ playbook_dir }}/theirs.jsonl"]),
    ],
    "modules/audit_info": [
        of("audit_info", **OURS, verify=True),
        *(of("audit_info", **OURS, secret=name) for name in ("text", "only_theirs", "theirs")),
        of("audit_info", **OURS, chain="theirs"),
    ],
    "modules/store_backup": [of("store_backup", **OURS, dest="store.backup", recovery_passphrase="x" * 12)],
    "modules/store_restore": [
        of("store_restore", **OURS, src="store.backup"),
        of("store_restore", **OURS, src="store.backup", store="sqlite:///{{ playbook_dir }}/restored/store.db"),
    ],
    "callback/usage": [of("secret_info", **OURS)],
    # Enabled, it would hide here what others show: see the test of guesses.
    "callback/mask": [of("secret_text", **OURS, identifier="text", value="first-text-of-ours")],
    "modules/connector_info": [
        of("connector_info", **OURS),
        of("connector_info", **OURS, identifier="only_theirs_vault"),
        of("connector_info", **OURS, identifier="theirs.vault"),
        of("connector_info", org="payments"),
    ],
    "modules/connector_check": [
        of("connector_check", **OURS, identifier=name, **right)
        for name in ("vault", "only_theirs_vault", "theirs.vault", "org.only_theirs_vault")
        for right in ({}, {"check": "write"})
    ],
    **{
        f"modules/connector_{kind}": [
            of(f"connector_{kind}", **OURS, identifier="only_theirs_vault", state="absent", force=True),
            *(task for option, rest in isolation_rows(kind) for task in elsewhere(f"connector_{kind}", option, **rest)),
        ]
        for kind in SERVED
    },
    "modules/connector_custom": [
        of("connector_custom", **OURS, identifier="only_theirs_vault", state="absent"),
        *elsewhere("connector_custom", "credential", command=["cat"]),
    ],
    "modules/connector_lookup": [
        of("connector_lookup", **OURS, identifier="vault", plugin="ansible.builtin.env"),
        *elsewhere("connector_lookup", "credential", plugin="ansible.builtin.env", credential_option="a"),
        *(
            of("connector_lookup", **OURS, identifier="b", plugin="ansible.builtin.env", option_refs={"default": one})
            for one in ("only_theirs", "theirs.text", "org.hashicorpvault://vault/a#b")
        ),
    ],
    "modules/default_secret_manager": [
        of("default_secret_manager", **OURS, secret_manager=name)
        for name in ("theirs", "only_theirs_vault", "theirs.vault", "org.only_theirs_vault")
    ],
    "lookup/secret": [
        *lookups(*SIDEWAYS, **OURS),
        *lookups(*SIDEWAYS, org="payments"),
        *lookups(*NAMED, **OURS, on_missing="skip", on_denied="skip"),
        *lookups(*NAMED, **OURS, preload=True),
    ],
    "connection/ssh": [
        *logins(*SIDEWAYS, "org.only_theirs_host", "theirs.only_theirs_host", "text", **OURS),
        *logins(*NAMED, org="payments"),
        *logins(*NAMED, **SIBLING),
    ],
    # What it makes is an item of a manifest, which goes all ways: see below.
    "filter/manifest_items": [],
    "filter/resolve": [
        {
            "ansible.builtin.debug": {
                "msg": f"{{{{ '<+secrets.getValue(\"{reference}\")>' "
                "| scoped.secrets.resolve(org='payments', project='ours') }}"
            }
        }
        for reference in SIDEWAYS
    ],
}


TABLE["modules/connector_hashicorp_vault"] += [
    of("connector_hashicorp_vault", **OURS, identifier="vault", tags={"a": "b"}, check=False),
    of("connector_hashicorp_vault", **OURS, identifier="only_theirs_vault", check=False),
    of("connector_hashicorp_vault", org="payments", identifier="vault", state="absent", force=True),
]


def tried_by_manifests() -> Iterator[Task]:
    """Yield tasks that try each of the tasks above that declares something as an item of a manifest.

    Those that name a credential are in one, with each of REFERENCES; the others alone, as what fails keeps what may
    need it from being tried.
    """
    referring: list[dict[str, Any]] = []
    for entry, tasks in TABLE.items():
        if not entry.removeprefix("modules/").startswith(DECLARING) or entry.endswith(("_info", "_check", "_key")):
            continue
        for task in tasks:
            ((name, options),) = task.items()
            module, field = name.removeprefix("scoped.secrets."), next(filter(is_reference, options), None)
            if field is None:
                yield of("manifest", resources=[{module: options}])
            elif options[field] == REFERENCES[0]:
                referring += [{module: {**options, field: text}} for text in REFERENCES]
    for number, item in enumerate(referring):
        for options in item.values():
            options["identifier"] = f"b{number}"
    yield of("manifest", resources=referring, on_error="continue")


def is_reference(option: str) -> bool:
    return option.endswith("_ref")


TABLE["modules/manifest"] = list(tried_by_manifests())


def declared(scope: dict[str, str], word: str) -> list[Task]:
    text = {**scope, "identifier": "text", "description": f"about-{word}", "tags": {"whose": f"tag-{word}"}}
    return [
        of("secret_text", **text, value=f"first-text-{word}"),
        of("secret_file", **scope, identifier="file", content=f"content-{word}"),
    ]


def connected(scope: dict[str, str], word: str, identifier: str = "vault") -> Task:
    names = {"identifier": identifier, "description": f"about-{word}", "base_path": f"path-{word}"}
    return of("connector_hashicorp_vault", **scope, **names, **VAULT, token=f"token-{word}")


@pytest.fixture
def two_projects(site: Site) -> tuple[Site, list[str]]:
    """The site, and words that only belong to others."""
    *_made, of_theirs, of_sibling, audit_of_theirs = site.declare(
        *(of("scope", **scope) for scope in ({"org": "payments"}, {"org": "elsewhere"}, OURS, SIBLING)),
        of("scope", **THEIRS, description="about-of-theirs"),
        *declared(OURS, "of-ours"),
        *declared(THEIRS, "of-theirs"),
        *declared(SIBLING, "of-sibling"),
        connected(OURS, "of-ours"),
        connected(THEIRS, "of-theirs"),
        connected(SIBLING, "of-sibling"),
        connected(THEIRS, "of-theirs", "only_theirs_vault"),
        of("secret_text", **THEIRS, identifier="text", value="second-text-of-theirs"),
        of("secret_text", **THEIRS, identifier="only_theirs", value="value-of-theirs"),
        of("secret_ssh", **OURS, identifier="host", user="user-of-ours", password="password-of-ours"),
        of("secret_ssh", **THEIRS, identifier="only_theirs_host", user="user-of-theirs", password="pw-of-theirs"),
        of("secret_info", **THEIRS),
        of("secret_info", **SIBLING),
        of("audit_info", **THEIRS),
    )
    found = [*of_theirs["secrets"], *of_sibling["secrets"]]
    recorded = [event["mac"] for event in audit_of_theirs["events"]]
    assert recorded
    prints = [one["fingerprint"] for one in found if "fingerprint" in one]
    return site, ["of-theirs", "of-sibling", *prints, *recorded]


def check_shows_nothing(run: Run, words: list[str]) -> None:
    results = json.dumps([task["result"] for task in run.tasks])
    for word in words:
        assert word not in run.output
        assert word not in results


def test_the_table_covers_every_entry_point() -> None:
    assert set(TABLE) == entry_points()


def test_nothing_of_another_project_is_shown(two_projects: tuple[Site, list[str]]) -> None:
    site, words = two_projects
    tried = [
        {**task, "name": f"{entry} {number}", "ignore_errors": True}
        for entry, tasks in TABLE.items()
        for number, task in enumerate(tasks)
    ]
    run = site.run(tried, "-vvv", "--diff", environment={"ANSIBLE_CALLBACKS_ENABLED": "record,scoped.secrets.usage"})
    assert [task["task"] for task in run.tasks] == [task["name"] for task in tried]
    assert {task["status"] for task in run.tasks} == {"ok", "failed", "unreachable"}
    counts = run.result(f"modules/manifest {len(TABLE['modules/manifest']) - 1}")["counts"]
    assert (counts["failed"] > 100, counts["skipped"]) == (True, 0)
    check_shows_nothing(run, words)
    left = site.run([of("secret_info", **THEIRS)]).last["secrets"]
    assert [(secret["identifier"], secret.get("version")) for secret in left] == [
        ("file", 1),
        ("only_theirs", 1),
        ("only_theirs_host", None),
        ("only_theirs_host_password", 1),
        ("only_theirs_vault_token", 1),
        ("text", 2),
        ("vault_token", 1),
    ]


def test_the_mask_confirms_no_guess(two_projects: tuple[Site, list[str]]) -> None:
    """It hides what this run read. Of what others have it knows nothing that it could tell by hiding it."""
    site, _words = two_projects
    guesses = "second-text-of-theirs value-of-theirs pw-of-theirs first-text-of-ours"
    tasks = [{**task, "ignore_errors": True} for task in lookups(*SIDEWAYS, **OURS)]
    shown: list[Task] = [
        {"ansible.builtin.debug": {"msg": "{{ lookup('scoped.secrets.secret', 'text', **scope) }}"}},
        {"ansible.builtin.debug": {"msg": guesses}},
    ]
    enabled = {"ANSIBLE_CALLBACKS_ENABLED": "record,scoped.secrets.mask"}
    run = site.run([*tasks, *shown], variables={"scope": OURS}, environment=enabled)
    assert run.last["msg"] == guesses.replace("first-text-of-ours", "********")


def test_the_same_name_is_another_secret_in_each_scope(two_projects: tuple[Site, list[str]]) -> None:
    site, _words = two_projects
    target = site.folder / "read.txt"
    lookup = "{{ lookup('scoped.secrets.secret', 'text', org=item.org, project=item.project) }}"
    run = site.run(
        [
            {
                "ansible.builtin.copy": {"content": lookup, "dest": f"{target}.{{{{ item.n }}}}", "mode": "0600"},
                "loop": [{**scope, "n": number} for number, scope in enumerate((OURS, THEIRS, SIBLING))],
            }
        ]
    )
    assert run.rc == 0
    read = [(site.folder / f"read.txt.{number}").read_text() for number in range(3)]
    assert read == ["first-text-of-ours", "second-text-of-theirs", "first-text-of-sibling"]
