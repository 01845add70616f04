# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One login and one read per secret and run, however many hosts, forks and tasks: counted at the server's door."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from connector_tasks import Connector, named, of, place, put_in_vault, read
from site_of_runs import Run, Site, Task

if TYPE_CHECKING:
    from servers.aws import Aws
    from servers.faults import FaultProxy
    from servers.openbao import OpenBao

pytestmark = pytest.mark.broker

PLUGINS = Path(__file__).parent / "connection_plugins"
HOSTS = 20
# The counts of one process.
BROKER = {"SCOPED_SECRETS_BROKER": "on", "ANSIBLE_CALLBACKS_ENABLED": "record,scoped.secrets.usage"}
LOGIN = "/v1/auth/token/lookup-self"


def many_hosts(site: Site, **variables: str) -> dict[str, str]:
    """Return the environment of a run with many hosts, whose variables are read lazily."""
    lines = [f"host{number:02}" for number in range(HOSTS)]
    content = {"ansible_python_interpreter": "{{ ansible_playbook_python }}", **variables}
    lines += ["[all:vars]", *(f"{name}={json.dumps(value)}" for name, value in content.items())]
    (site.folder / "many.ini").write_text("\n".join(lines))
    found = {"ANSIBLE_INVENTORY": str(site.folder / "many.ini"), "ANSIBLE_CONNECTION_PLUGINS": str(PLUGINS)}
    return {**BROKER, **found}


def lookup(reference: str) -> str:
    return f"{{{{ lookup('scoped.secrets.secret', '{reference}') }}}}"


def used(name: str, expression: str) -> Task:
    """Return a task that fails unless an expression is what it should be."""
    return {"name": name, "ansible.builtin.assert": {"that": expression, "quiet": True}}


def usage_of(run: Run, connector: str) -> dict[str, int]:
    """Return the numbers of a connector in the line of the callback."""
    found = re.findall(rf"; {connector}: ([^;\n]*)", run.output)
    assert len(found) == 1, run.output
    return {name: int(number) for number, name in (part.split(" ", 1) for part in found[0].split(", "))}


def test_many_hosts_share_one_login_and_one_read(
    site: Site, openbao: OpenBao, vault: Connector, fault_proxy: Callable[..., FaultProxy]
) -> None:
    """20 hosts x 5 tasks, each with a lookup, and with a password of the connection that is a lookup too."""
    proxy = fault_proxy(openbao.url)
    password, token = place(), place()
    site.declare(
        vault.task(url=proxy.url),
        of("secret_text", identifier="password", value=password, secret_manager="vault"),
        of("secret_text", identifier="token", value=token, secret_manager="vault"),
    )
    proxy.clear()
    proxy.delay = 0.2  # so that all forks ask while the first request is under way
    hosts = many_hosts(
        site,
        ansible_connection="local_with_password",
        ansible_password=lookup("password"),
        app_token=lookup("token"),
    )
    tasks = [used(f"task {n}", f"app_token == '{token}'") for n in range(4)]
    # One that connects.
    tasks.append({"name": "task 4", "ansible.builtin.raw": "test -n '{{ app_token }}'"})
    environment = {**hosts, "EXPECTED_PASSWORD": password}
    run = site.run(tasks, "-vv", "-f", "20", hosts="all", environment=environment)
    assert [task["status"] for task in run.tasks] == ["ok"] * 5 * HOSTS
    assert sorted((method, path) for method, path in proxy.counts.elements()) == [
        ("GET", LOGIN),
        ("GET", f"/v1/secret/data/{vault.base}/password"),
        ("GET", f"/v1/secret/data/{vault.base}/token"),
    ]
    assert usage_of(run, "vault") == {"requests": 3, "logins": 1, "renewals": 0}
    assert "2 opened" in run.output


def test_what_does_not_exist_is_asked_for_once(
    site: Site, openbao: OpenBao, vault: Connector, fault_proxy: Callable[..., FaultProxy]
) -> None:
    proxy = fault_proxy(openbao.url)
    site.declare(vault.task(url=proxy.url))
    proxy.clear()
    url = f"hashicorpvault://vault/{vault.base}/none#field"
    expression = f"lookup('scoped.secrets.secret', '{url}', default='else') == 'else'"
    hosts = many_hosts(site, ansible_connection="local")
    site.run([used(f"task {n}", expression) for n in range(2)], "-f", "10", hosts="all", environment=hosts)
    assert proxy.count(path="/none") == 1
    assert proxy.count(path=LOGIN) == 1


def test_many_references_to_one_path_are_one_read(
    site: Site, openbao: OpenBao, vault: Connector, fault_proxy: Callable[..., FaultProxy]
) -> None:
    proxy = fault_proxy(openbao.url)
    path = f"{vault.base}/fields"
    put_in_vault(openbao, path, **{f"f{n}": f"of f{n}" for n in range(100)})
    named_ones = [
        of("secret_text", identifier=f"s{n}", reference=f"{path}#f{n}", secret_manager="vault") for n in range(3)
    ]
    site.declare(vault.task(url=proxy.url), *named_ones)
    proxy.clear()
    urls = [f"hashicorpvault://vault/{path}#f{n}" for n in range(100)]
    run = site.run(
        [
            read(*urls, name="at once"),
            *(read(url, name=f"one {n}") for n, url in enumerate(urls[:3])),
            read("s0", "s1", "s2", name="by name"),
            read(f"hashicorpvault://vault/{path}", name="all of it"),
        ],
        "-vv",
        environment=BROKER,
    )
    assert run.result("at once")["msg"] == [f"of f{n}" for n in range(100)]
    assert run.result("by name")["msg"] == ["of f0", "of f1", "of f2"]
    assert proxy.count(path=f"/v1/secret/data/{path}$") == 1
    assert usage_of(run, "vault") == {"requests": 2, "logins": 1, "renewals": 0}


def test_many_secrets_of_aws_are_read_in_batches(
    site: Site, moto: Aws, aws: Connector, fault_proxy: Callable[..., FaultProxy]
) -> None:
    proxy = fault_proxy(moto.url)
    client = moto.client("secretsmanager")
    for number in range(30):
        client.create_secret(Name=f"{aws.base}/s{number}", SecretString=f"of s{number}")
    site.declare(aws.task(endpoint_url=proxy.url))
    proxy.clear()
    run = site.run(
        [read(*(f"awssecretsmanager://aws/{aws.base}/s{number}" for number in range(30)))], "-vv", environment=BROKER
    )
    assert run.result("read")["msg"] == [f"of s{number}" for number in range(30)]
    assert (proxy.count(target="BatchGetSecretValue"), len(proxy.seen)) == (2, 2)
    assert usage_of(run, "aws") == {"requests": 2, "logins": 1, "renewals": 0}


def test_what_was_fetched_ahead_is_asked_for_no_more(
    site: Site, openbao: OpenBao, moto: Aws, vault: Connector, aws: Connector, fault_proxy: Callable[..., FaultProxy]
) -> None:
    """25 secrets at each of two managers, fetched before the first task that reads one."""
    at_vault, at_aws = fault_proxy(openbao.url), fault_proxy(moto.url)
    items = [
        {"secret_text": {"identifier": f"{manager}_{n}", "value": f"{n} at {manager}", "secret_manager": manager}}
        for manager in ("vault", "aws")
        for n in range(25)
    ]
    site.run(
        [vault.task(url=at_vault.url), aws.task(endpoint_url=at_aws.url), of("manifest", resources=items)],
        environment=BROKER,
    )
    for proxy in (at_vault, at_aws):
        proxy.clear()
    run = site.run(
        [
            used("all", "query('scoped.secrets.secret', preload=true) == []"),
            read("vault_0", "aws_0", name="again", preload=True),
            *(read(f"vault_{n}", f"aws_{n}", name=f"task {n}") for n in (1, 23)),
            {"name": "audit", "scoped.secrets.audit_info": {"actions": ["preload", "read"]}},
        ],
        "-vv",
        environment=BROKER,
    )
    assert run.result("task 23")["msg"] == ["23 at vault", "23 at aws"]
    assert at_vault.count(path=f"/v1/secret/data/{vault.base}/") == 25
    assert (at_aws.count(target="BatchGetSecretValue"), len(at_aws.seen)) == (2, 2)
    assert usage_of(run, "vault") == {"requests": 26, "logins": 1, "renewals": 0}
    assert usage_of(run, "aws") == {"requests": 2, "logins": 1, "renewals": 0}
    recorded = [event["action"] for event in run.result("audit")["events"]]
    assert (recorded.count("preload"), recorded.count("read")) == (50, 6)


def sealed(kms: Connector, identifier: str, count: int, **options: Any) -> list[Task]:
    declared = kms.task(identifier=identifier, **options)
    texts = [
        of("secret_text", identifier=f"{identifier}_{n}", value=f"value {n}", secret_manager=identifier)
        for n in range(count)
    ]
    return [declared, *texts]


def test_sealed_values_share_calls_of_the_kms(
    site: Site, moto: Aws, kms: Connector, fault_proxy: Callable[..., FaultProxy]
) -> None:
    """One key for all that a run wrote is one call to read it; otherwise each value is one call, and only one."""
    proxy = fault_proxy(moto.url)
    run = site.run(
        [
            *sealed(kms, "each", 3, endpoint_url=proxy.url),
            *sealed(kms, "of_run", 5, endpoint_url=proxy.url, data_key_reuse="run"),
        ],
        environment=BROKER,
    )
    written = proxy.count(target="Encrypt") + proxy.count(target="GenerateDataKey")
    proxy.clear()
    of_run, each = [f"of_run_{n}" for n in range(5)], [f"each_{n}" for n in range(3)]
    run = site.run(
        [
            read(*of_run, *each, name="at once"),
            *(read(name, name=name) for name in (*of_run, *each)),
            named("unchanged", of("secret_text", identifier="each_0", value="value 0")),
        ],
        "-vv",
        environment=BROKER,
    )
    assert run.result("at once")["msg"] == [f"value {n}" for n in (*range(5), *range(3))]
    assert not run.result("unchanged")["changed"]
    assert proxy.count(target="Decrypt") == 1 + 3
    assert len(proxy.seen) == 4
    assert usage_of(run, "of_run") == {"requests": 1, "logins": 1, "renewals": 0}
    # Each connector tried its key once when it was declared.
    assert written == 2 + 1 + 3
