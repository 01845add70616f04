# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two projects keep secrets of the same names: no road shows one of them anything of the other."""

from __future__ import annotations

import json
from typing import Any

import pytest
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
    "account.hashicorpvault://vault/theirs#text",
)


def of(module: str, **options: Any) -> Task:
    return {f"scoped.secrets.{module}": options}


def vault(**options: Any) -> Task:
    return of("connector_hashicorp_vault", **{**OURS, "identifier": "vault", "url": "https://localhost:9", **options})


def lookups(**options: Any) -> list[Task]:
    shown = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return [
        {"ansible.builtin.debug": {"msg": f"{{{{ query('scoped.secrets.secret', '{reference}', {shown}) }}}}"}}
        for reference in SIDEWAYS
    ]


def connectors(kind: str, **options: Any) -> list[Task]:
    """Try to have a connector of AWS log in with what is another project's."""
    given = {**OURS, "identifier": "theirs", "region": "eu-central-1", "access_key_id": "x", "check": False, **options}
    return [of(f"connector_{kind}", **given, secret_access_key_ref=reference) for reference in SIDEWAYS]


KMS_KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


# By entry point: what somebody in project `ours` may try.
TABLE: dict[str, list[Task]] = {
    "modules/scope": [
        of("scope", **OURS, description="changed"),
        of("scope", org="payments", state="absent"),
        of("scope", **OURS, name="theirs"),
    ],
    "modules/scope_info": [of("scope_info", **OURS, recursive=True, verify=True)],
    "modules/secret_text": [
        of("secret_text", **OURS, identifier="text"),
        of("secret_text", **OURS, identifier="only_theirs"),
        of("secret_text", **OURS, identifier="theirs.text", value="x"),
        of("secret_text", **OURS, identifier="only_theirs", state="absent"),
    ],
    "modules/secret_file": [
        of("secret_file", **OURS, identifier="file"),
        of("secret_file", **OURS, identifier="text", content="x"),
        of("secret_file", **OURS, identifier="only_theirs"),
    ],
    "modules/secret_info": [
        of("secret_info", **OURS),
        of("secret_info", **OURS, identifier="only_theirs"),
        of("secret_info", **OURS, identifier="theirs.text"),
        of("secret_info", **OURS, tags={"whose": "theirs"}),
    ],
    "modules/doctor": [of("doctor", **OURS)],
    "callback/usage": [of("secret_info", **OURS)],
    "modules/connector_aws_kms": [
        *connectors("aws_kms", key_arn=KMS_KEY),
        of("connector_aws_kms", **OURS, identifier="theirs", key_arn_ref="theirs.text", check=False),
    ],
    "modules/connector_aws_secrets_manager": connectors("aws_secrets_manager"),
    "modules/connector_info": [of("connector_info", **OURS), of("connector_info", **OURS, identifier="theirs")],
    "modules/connector_hashicorp_vault": [
        vault(token_ref="theirs.text"),
        vault(token_ref="payments.theirs.text"),
        vault(token_ref="only_theirs"),
        vault(token_ref="org.text"),
        vault(token="x", ca_cert_ref="theirs.text"),
        vault(identifier="theirs", state="absent"),
        # Its answers, if there were any, would hold nothing of theirs; what it sends is of this scope.
        vault(token_ref="text", retries=0),
    ],
    "modules/default_secret_manager": [of("default_secret_manager", **OURS, secret_manager="theirs")],
    "lookup/secret": [
        *lookups(**OURS),
        *lookups(**OURS, on_missing="skip", on_denied="skip"),
        *lookups(org="payments"),
    ],
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


def declared(scope: dict[str, str], word: str) -> list[Task]:
    text = {**scope, "identifier": "text", "description": f"about-{word}", "tags": {"whose": f"tag-{word}"}}
    return [
        of("secret_text", **text, value=f"first-text-{word}"),
        of("secret_file", **scope, identifier="file", content=f"content-{word}"),
    ]


@pytest.fixture
def two_projects(site: Site) -> tuple[Site, list[str]]:
    """The site, and words that only belong to others."""
    run = site.run(
        [
            *(of("scope", **scope) for scope in ({"org": "payments"}, {"org": "elsewhere"}, OURS, SIBLING)),
            of("scope", **THEIRS, description="about-of-theirs"),
            *declared(OURS, "of-ours"),
            *declared(THEIRS, "of-theirs"),
            *declared(SIBLING, "of-sibling"),
            of("secret_text", **THEIRS, identifier="text", value="second-text-of-theirs"),
            of("secret_text", **THEIRS, identifier="only_theirs", value="value-of-theirs"),
            {**of("secret_info", **THEIRS), "name": "theirs"},
            {**of("secret_info", **SIBLING), "name": "sibling"},
        ]
    )
    found = [*run.result("theirs")["secrets"], *run.result("sibling")["secrets"]]
    return site, ["of-theirs", "of-sibling", *(secret["fingerprint"] for secret in found)]


def check_shows_nothing(run: Run, words: list[str]) -> None:
    results = json.dumps([task["result"] for task in run.tasks])
    for word in words:
        assert word not in run.output
        assert word not in results


def test_the_table_covers_every_entry_point() -> None:
    assert set(TABLE) == entry_points()


@pytest.mark.parametrize("entry", TABLE)
def test_nothing_of_another_project_is_shown(two_projects: tuple[Site, list[str]], entry: str) -> None:
    site, words = two_projects
    tried = [{**task, "ignore_errors": True} for task in TABLE[entry]]
    run = site.run(tried, "-vvv", "--diff", environment={"ANSIBLE_CALLBACKS_ENABLED": "record,scoped.secrets.usage"})
    assert len([task for task in run.tasks if task["status"] in ("ok", "failed")]) == len(tried)
    check_shows_nothing(run, words)
    left = site.run([of("secret_info", **THEIRS)]).last["secrets"]
    assert [(secret["identifier"], secret["version"]) for secret in left] == [
        ("file", 1),
        ("only_theirs", 1),
        ("text", 2),
    ]


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
