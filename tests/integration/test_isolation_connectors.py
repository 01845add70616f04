# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two projects whose connectors, secrets and paths all have the same names: neither gets anything of the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from connector_tasks import (
    Connector,
    azure_at,
    ccp_at,
    conjur_at,
    ignored,
    named,
    of,
    place,
    plugin_at,
    program_at,
    read,
)
from site_of_runs import BROKER, Site, Task

if TYPE_CHECKING:
    from servers.aws import Aws
    from servers.azure_key_vault import Azure
    from servers.cyberark_ccp import Ccp
    from servers.cyberark_conjur import Conjur
    from servers.openbao import OpenBao

# One process has the logins of both, and what was fetched through them.
pytestmark = pytest.mark.broker

OURS = {"org": "payments", "project": "ours"}
THEIRS = {"org": "payments", "project": "theirs"}
REGIONS = {"ours": "eu-central-1", "theirs": "us-east-1"}


def declared(scope: dict[str, str], openbao: OpenBao, vault: Connector, aws: Connector, kms: Connector) -> list[Task]:
    """Return what one project declares; all it has in common with the other one are names."""
    word, mount = scope["project"], place()
    openbao.enable_kv(mount)
    policy = openbao.write_policy(mount, {f"{mount}/*": ["create", "read", "update", "delete", "list"]})
    token = openbao.create_token(policy, "default")
    openbao.request("POST", f"{mount}/data/app/json", {"data": {"field": f"field-of-{word}"}})
    managers = {"vault": "in_vault", "aws": "in_aws", "kms": "in_kms"}
    return [
        of("scope", **scope),
        vault.task(**scope, engine=mount, base_path="app", token=token, description=f"about-of-{word}"),
        aws.task(**scope, region=REGIONS[word]),
        kms.task(**scope, description=f"about-of-{word}"),
        *(
            of("secret_text", **scope, identifier=name, value=f"{name}-of-{word}", secret_manager=manager)
            for manager, name in managers.items()
        ),
        of("secret_text", **scope, identifier="referred", reference="app/json#field", secret_manager="vault"),
    ]


def readings(scope: dict[str, str], base: str) -> dict[str, tuple[Task, list[str]]]:
    """Return tasks that read by every road, and what each must give."""
    word = scope["project"]
    names = ["in_vault", "in_aws", "in_kms"]
    urls = {
        "hashicorpvault://vault/app/json#field": f"field-of-{word}",
        "hashicorpvault://vault/app/in_vault#value": f"in_vault-of-{word}",
        f"awssecretsmanager://aws/{base}/in_aws": f"in_aws-of-{word}",
    }
    values = [*(f"{name}-of-{word}" for name in names), f"field-of-{word}"]
    return {
        "names": (read(*names, "referred", **scope), values),
        "urls": (read(*urls, **scope), list(urls.values())),
        "again": (read(*names, "referred", cache_ttl=0, **scope), values),
    }


def each(scopes: dict[str, dict[str, str]], base: str) -> Iterator[tuple[str, Task, list[str]]]:
    for turn in ("first", "second"):
        for word, scope in scopes.items():
            for road, (task, values) in readings(scope, base).items():
                yield f"{turn} {word} {road}", task, values


def test_each_gets_its_own(
    site: Site, openbao: OpenBao, moto: Aws, vault: Connector, aws: Connector, kms: Connector
) -> None:
    """Also in one run, where one process has read what the other one asks for under the same name."""
    scopes = {"theirs": THEIRS, "ours": OURS}
    setup = [task for scope in scopes.values() for task in declared(scope, openbao, vault, aws, kms)]
    site.declare(of("scope", org="payments"), *setup)
    steps = list(each(scopes, aws.base))
    run = site.run([named(name, task) for name, task, _values in steps], environment=BROKER)
    assert {name: run.result(name)["msg"] for name, _task, _values in steps} == {
        name: values for name, _task, values in steps
    }
    check_no_road(site, aws, [task for name, task, _v in steps if name.startswith("first theirs")])


def check_no_road(site: Site, aws: Connector, theirs_first: list[Task]) -> None:
    """Try, from `ours`, to see anything of `theirs` in a run that has read it all."""
    run = site.run(
        [
            *(named(f"theirs {number}", task) for number, task in enumerate(theirs_first)),
            *(ignored(f"try {number}", task) for number, task in enumerate(attempts(aws))),
        ],
        "-vvv",
        "--diff",
        environment={**BROKER, "ANSIBLE_CALLBACKS_ENABLED": "record,scoped.secrets.usage"},
    )
    results = [task["result"] for task in run.tasks if task["task"].startswith("try")]
    assert len(results) == len(attempts(aws))
    assert "of-ours" in json.dumps(results)
    assert "of-theirs" not in json.dumps(results)
    shown = run.output[run.output.index("TASK [try 0]") :]
    assert "of-theirs" not in shown


def attempts(aws: Connector) -> list[Task]:
    connector: dict[str, Any] = {**OURS, "identifier": "fresh", "access_key_id": "x", "check": False}
    return [
        of("connector_info", **OURS),
        of("connector_check", **OURS, identifier="vault"),
        of("connector_check", **OURS, identifier="aws"),
        of("secret_info", **OURS),
        of("secret_info", **OURS, secret_manager="vault"),
        of("scope_info", **OURS, verify=True),
        of("doctor", **OURS),
        *(read(reference, **OURS) for reference in ("in_vault@2", "org.in_vault", "account.in_kms", "in_kms#field")),
        read("hashicorpvault://vault/../theirs", "hashicorpvault://vault/app/in_vault#other", **OURS),
        read(f"awssecretsmanager://vault/{aws.base}/in_aws", **OURS),
        of("secret_text", **OURS, identifier="in_vault", value="x", secret_manager="kms"),
        of("secret_text", **OURS, identifier="in_aws", reference="app/json#other"),
        of("secret_text", **OURS, identifier="referred", reference="app/json#other"),
        of("connector_aws_secrets_manager", **connector, secret_access_key_ref="in_vault"),
        of("connector_aws_kms", **OURS, identifier="kms", state="absent"),
        of("connector_hashicorp_vault", **OURS, identifier="vault", base_path="elsewhere"),
    ]


class Others:
    """What one project declares at the other secret managers; all that it has in common with another are names."""

    def __init__(self, scope: dict[str, str], site: Site, azure: Azure, conjur: Conjur, ccp: Ccp) -> None:
        self.scope = scope
        self.word = scope["project"]
        self.azure = azure_at(azure)
        self.conjur = conjur_at(conjur, "in_conjur", "shared")
        conjur.variables[f"{self.conjur.base}/shared"].add(self._value("shared"))
        self.ccp = ccp_at(ccp)
        ccp.add_account(self.ccp.base, "db", f"db-of-{self.word}", UserName=f"user-of-{self.word}")
        self.program = program_at(site.folder / "kept" / self.word)
        self.plugin = plugin_at(site.folder / f"{self.word}.ini", field=f"field-of-{self.word}")

    def _value(self, name: str) -> bytes:
        return f"{name}-of-{self.word}".encode()

    def declared(self) -> list[Task]:
        connectors = (self.azure, self.conjur, self.ccp, self.program, self.plugin)
        managers = {"azure": "in_azure", "conjur": "in_conjur", "program": "in_program"}
        references = {"ccp": "Object=db#UserName", "plugin": "field"}
        return [
            of("scope", **self.scope),
            *(connector.task(**self.scope) for connector in connectors),
            *(
                of("secret_text", **self.scope, identifier=name, value=f"{name}-of-{self.word}", secret_manager=one)
                for one, name in managers.items()
            ),
            *(
                of("secret_text", **self.scope, identifier=f"of_{one}", reference=reference, secret_manager=one)
                for one, reference in references.items()
            ),
        ]

    def readings(self) -> dict[str, str]:
        """Return what each reference must give."""
        return {
            **{name: f"{name}-of-{self.word}" for name in ("in_azure", "in_conjur", "in_program")},
            "of_ccp": f"user-of-{self.word}",
            "of_plugin": f"field-of-{self.word}",
            "azurevault://azure/in-az0ure": f"in_azure-of-{self.word}",
            f"conjur://conjur/{self.conjur.base}/in_conjur": f"in_conjur-of-{self.word}",
            f"conjur://conjur/{self.conjur.base}/shared": f"shared-of-{self.word}",
            "cyberark://ccp/Object=db": f"db-of-{self.word}",
            "custom://program/in_program": f"in_program-of-{self.word}",
            "lookup://plugin/field": f"field-of-{self.word}",
        }

    def attempts(self, theirs: Others) -> list[Task]:
        """Return what this project may try at what the other one has at the same servers."""
        base, safe = theirs.conjur.base, theirs.ccp.base
        return [
            *(of("connector_check", **self.scope, identifier=one) for one in ("azure", "conjur", "ccp", "program")),
            of("connector_check", **self.scope, identifier="azure", check="write"),
            of("secret_info", **self.scope),
            read("in_azure", "in_conjur", "in_program", **self.scope),
            *(
                read(reference, **self.scope)
                for reference in (
                    f"conjur://conjur/{base}/shared",
                    f"conjur://conjur/{base}/in_conjur",
                    f"cyberark://ccp/Safe={safe};Object=db",
                    "cyberark://ccp/Object=db#Safe",
                    "custom://program/../theirs",
                    "in_conjur@2",
                )
            ),
            of("secret_text", **self.scope, identifier="x", reference=f"{base}/shared", secret_manager="conjur"),
            of("connector_cyberark_ccp", **self.scope, identifier="ccp", safe=safe),
        ]


def test_each_gets_its_own_at_the_others(site: Site, azure: Azure, conjur: Conjur, ccp: Ccp) -> None:
    """As above, in one run for both projects."""
    ours, theirs = (Others(scope, site, azure, conjur, ccp) for scope in (OURS, THEIRS))
    site.declare(of("scope", org="payments"), *theirs.declared(), *ours.declared())
    reads = [(f"{turn} {one.word}", one) for turn in ("first", "second") for one in (theirs, ours)]
    tries = ours.attempts(theirs)
    run = site.run(
        [
            *(read(*one.readings(), name=name, **one.scope) for name, one in reads),
            *(ignored(f"try {number}", task) for number, task in enumerate(tries)),
        ],
        "-vvv",
        "--diff",
        environment=BROKER,
    )
    assert {name: run.result(name)["msg"] for name, _one in reads} == {
        name: list(one.readings().values()) for name, one in reads
    }
    results = [task["result"] for task in run.tasks if task["task"].startswith("try")]
    assert len(results) == len(tries)
    assert "of-ours" in json.dumps(results)
    assert "of-theirs" not in run.output[run.output.index("TASK [try 0]") :]
    assert "of-theirs" not in json.dumps(results)
