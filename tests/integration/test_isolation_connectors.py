# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two projects whose connectors, secrets and paths all have the same names: neither gets anything of the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from connector_tasks import Connector, ignored, named, of, place, read
from site_of_runs import BROKER, Site, Task

if TYPE_CHECKING:
    from servers.aws import Aws
    from servers.openbao import OpenBao

OURS = {"org": "payments", "project": "ours"}
THEIRS = {"org": "payments", "project": "theirs"}
REGIONS = {"ours": "eu-central-1", "theirs": "us-east-1"}
# One process has the logins of both, and what was fetched through them.


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
    site.run([of("scope", org="payments"), *setup])
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
