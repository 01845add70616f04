# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks whose secrets AWS seals or keeps, at a stand-in for AWS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from servers.aws import Aws
from servers.faults import FaultProxy
from site_of_runs import BROKER, Run, Site, Task

OURS = {"org": "payments", "project": "api"}
SCOPES: list[Task] = [{"scoped.secrets.scope": {"org": "payments"}}, {"scoped.secrets.scope": OURS}]
Runs = Callable[..., Run]


@pytest.fixture
def proxy(moto: Aws, fault_proxy: Callable[..., FaultProxy]) -> FaultProxy:
    """What counts the requests to AWS."""
    return fault_proxy(moto.url)


@pytest.fixture
def run(site: Site, moto: Aws) -> Runs:
    """What runs tasks with an access key of the stand-in in the environment."""
    variables = {name: value for name, value in moto.variables().items() if name != "AWS_ENDPOINT_URL"}
    return lambda tasks, **options: site.run(tasks, environment=variables, **options)


@pytest.fixture
def counted(site: Site, moto: Aws) -> Runs:
    """The same, where requests are counted."""
    variables = {**moto.variables(), **BROKER}
    return lambda tasks, **options: site.run(tasks, environment=variables, **options)


def connector(kind: str, **options: Any) -> Task:
    return {"name": "connector", f"scoped.secrets.connector_{kind}": {**OURS, "identifier": "aws", **options}}


def secrets(number: int, value: str = "value") -> Task:
    """Declare so many secrets at the connector."""
    module = {**OURS, "identifier": "s{{ item }}", "value": f"{value} {{{{ item }}}}", "secret_manager": "aws"}
    return {"name": "secrets", "scoped.secrets.secret_text": module, "loop": list(range(number))}


def read(*terms: str) -> Task:
    """Return what reads secrets and shows them."""
    names = ", ".join(f"'{term}'" for term in terms)
    text = f"{{{{ query('scoped.secrets.secret', {names}, org='payments', project='api') | join(',') }}}}"
    return {"name": "read", "ansible.builtin.debug": {"msg": text}}


def changed(run: Run) -> list[str]:
    return [task["task"] for task in run.tasks if task["result"].get("changed")]


def kms_key(server: Aws) -> str:
    arn: str = server.client("kms").create_key(KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"]
    return arn


@pytest.mark.parametrize(("reuse", "sealing", "opening"), [("none", 12, 12), ("run", 1, 1), ("5", 3, 3)])
def test_kms_seals_and_opens(
    counted: Runs, moto: Aws, proxy: FaultProxy, reuse: str, sealing: int, opening: int
) -> None:
    options = {"key_arn": kms_key(moto), "endpoint_url": proxy.url, "data_key_reuse": reuse}
    declared = [*SCOPES, connector("aws_kms", **options)]
    first = counted([*declared, secrets(12)])
    assert len(first.result("connector")["connector"]) > 3
    # Two more are the check's.
    assert (proxy.count(target="Encrypt"), proxy.count(target="Decrypt")) == (sealing + 1, 1)
    assert changed(counted([*declared, secrets(12)])) == []
    proxy.clear()
    values = counted([read(*(f"s{number}" for number in range(12))), read("s3")])
    assert values.tasks[0]["result"]["msg"] == ",".join(f"value {number}" for number in range(12))
    assert (proxy.count(target="Encrypt"), proxy.count(target="Decrypt")) == (0, opening)


def test_kms_keeps_to_the_key_that_an_alias_led_to(run: Runs, moto: Aws) -> None:
    first, second, client = kms_key(moto), kms_key(moto), moto.client("kms")
    client.create_alias(AliasName="alias/moves", TargetKeyId=first)
    declared = [*SCOPES, connector("aws_kms", key_arn="alias/moves", endpoint_url=moto.url, description="one")]
    run([*declared, secrets(1)])
    client.update_alias(AliasName="alias/moves", TargetKeyId=second)
    declared[-1] = connector("aws_kms", key_arn="alias/moves", endpoint_url=moto.url, description="two")
    assert set(changed(run([*declared, secrets(2)]))) == {"connector", "secrets"}
    client.disable_key(KeyId=second)
    assert run([read("s0", "s1")]).last["msg"] == "value 0,value 1"
    client.disable_key(KeyId=first)
    assert "can't be used: it is disabled" in run([read("s0")], fails=True).output


def test_secrets_manager_keeps_reads_and_deletes(counted: Runs, moto: Aws, proxy: FaultProxy) -> None:
    client = moto.client("secretsmanager")
    client.create_secret(Name="theirs", SecretString='{"token": "a token"}')
    reference = {**OURS, "identifier": "theirs", "reference": "theirs#token", "secret_manager": "aws"}
    declared = [*SCOPES, connector("aws_secrets_manager", endpoint_url=proxy.url, prefix="e2e")]
    counted([*declared, secrets(25), {"scoped.secrets.secret_text": reference}])
    # One more is the check's.
    assert proxy.count(target="CreateSecret") == 25 + 1
    assert client.get_secret_value(SecretId="e2e/s7")["SecretString"] == "value 7"
    proxy.clear()
    values = counted([read(*(f"s{number}" for number in range(25)), "theirs"), read("s7")])
    assert values.tasks[0]["result"]["msg"].endswith("value 24,a token")
    assert proxy.count(target="BatchGetSecretValue") + proxy.count(target="GetSecretValue") <= 2
    again = [*declared, secrets(25), {"name": "reference", "scoped.secrets.secret_text": reference}]
    assert changed(counted(again)) == []
    counted([secrets(1, "another")])
    gone = [
        {"scoped.secrets.secret_text": {**OURS, "identifier": name, "state": "absent"}} for name in ("s0", "theirs")
    ]
    assert counted([read("s0"), *gone]).tasks[0]["result"]["msg"] == "another 0"
    assert "DeletedDate" in client.describe_secret(SecretId="e2e/s0")
    assert "DeletedDate" not in client.describe_secret(SecretId="theirs")


def test_a_run_logs_in_once(run: Runs, site: Site, moto: Aws, proxy: FaultProxy) -> None:
    keys = {"access_key_id": "test", "secret_access_key": "a key of theirs"}
    role = {"role_arn": "arn:aws:iam::123456789012:role/ansible"}
    environment = {"AWS_ENDPOINT_URL_STS": proxy.url, "AWS_REGION": moto.region, **BROKER}
    options = {"endpoint_url": proxy.url, "prefix": "once", **keys, **role}
    site.run([*SCOPES, connector("aws_secrets_manager", **options), secrets(3)], environment=environment)
    proxy.clear()
    hosts = [read("s0"), read("s1"), read("s2"), read("s0")]
    site.run(hosts, environment=environment, hosts="all")
    assert [(seen.method, seen.target) for seen in proxy.seen].count(("POST", "")) == 1
    assert proxy.count(target="GetSecretValue") == 3
    output = site.run([{"scoped.secrets.connector_info": OURS}], "-vvv", environment=environment).output
    assert "a key of theirs" not in output


def test_what_aws_says_is_an_error_with_code_and_hint(run: Runs, moto: Aws) -> None:
    failed = run([*SCOPES, connector("aws_kms", key_arn=kms_key(moto)[:-1] + "x", endpoint_url=moto.url)], fails=True)
    assert failed.last["code"] == "unknown_master_key"
    assert failed.last["hint"]
