# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks whose secrets are in HashiCorp Vault: one login and one read a run, and nothing shown of what fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from canaries import LOUD, canaries, check_output, spellings
from servers.faults import Fault, FaultProxy
from site_of_runs import BROKER, Site, Task

if TYPE_CHECKING:
    from servers.openbao import OpenBao


ORG = {"org": "payments"}
HOSTS = 10
TASKS = 3
POLICY = {
    "secret/data/ansible/*": ["create", "read", "update", "delete"],
    "secret/metadata/ansible/*": ["create", "read", "update"],
    "secret/data/shared/*": ["read"],
}


@pytest.fixture
def proxy(openbao: OpenBao, fault_proxy: Callable[[str], FaultProxy]) -> FaultProxy:
    return fault_proxy(openbao.url)


@pytest.fixture
def login(openbao: OpenBao) -> dict[str, str]:
    role = openbao.add_approle("playbooks", openbao.write_policy("playbooks", POLICY))
    return {"role_id": role.role_id, "secret_id": role.secret_id}


@pytest.fixture(autouse=True)
def _empty(openbao: OpenBao) -> None:
    """Each test has a store of its own, for which secrets of another's are those of others."""
    for name in ("password", "one", "two"):
        openbao.request("DELETE", f"secret/metadata/ansible/{name}")


def connector(proxy: FaultProxy, **options: Any) -> Task:
    vault = {**ORG, "identifier": "vault", "url": proxy.url, "base_path": "ansible", "use_as_default": True}
    return {"name": "connector", "scoped.secrets.connector_hashicorp_vault": {**vault, **options}}


def text(identifier: str, **options: Any) -> Task:
    return {"name": identifier, "scoped.secrets.secret_text": {**ORG, "identifier": identifier, **options}}


SCOPE: Task = {"scoped.secrets.scope": ORG}


@pytest.mark.inline
def test_what_is_declared_lies_in_vault(site: Site, openbao: OpenBao, proxy: FaultProxy, login: dict[str, str]) -> None:
    openbao.request("POST", "secret/data/shared/app", {"data": {"token": "theirs"}})
    declared = [
        SCOPE,
        connector(proxy, **login),
        text("password", value="ours"),
        text("token", secret_manager="vault", reference="shared/app#token"),
    ]
    assert all(task["result"]["changed"] for task in site.run(declared).tasks)
    assert openbao.request("GET", "secret/data/ansible/password")["data"]["data"] == {"value": "ours"}
    again = site.run(declared)
    assert not any(task["result"].get("changed") for task in again.tasks)
    asked = "lookup('scoped.secrets.secret', '{}', org='payments')"
    read = f"{{{{ [{asked.format('password')}, {asked.format('token')}, {asked.format('password@1')}] }}}}"
    assert site.run([{"ansible.builtin.debug": {"msg": read}}]).last["msg"] == ["ours", "theirs", "ours"]
    # What somebody changed in Vault is put right by the next run that declares it.
    openbao.request("POST", "secret/data/ansible/password", {"data": {"other": "field"}})
    assert site.run(declared).result("password")["changed"]
    assert openbao.request("GET", "secret/data/ansible/password")["data"]["data"] == {"value": "ours"}
    site.run([text("password", state="absent"), text("token", state="absent")])
    assert openbao.request("GET", "secret/data/shared/app")["data"]["data"] == {"token": "theirs"}


def test_a_run_logs_in_once_and_reads_each_secret_once(site: Site, proxy: FaultProxy, login: dict[str, str]) -> None:
    site.declare(SCOPE, connector(proxy, **login), text("one", value="1"), text("two", value="2"))
    hosts = "".join(f"host{number} ansible_connection=local\n" for number in range(HOSTS))
    (site.folder / "inventory.ini").write_text(hosts)
    words = "{{ query('scoped.secrets.secret', 'one', 'two', org='payments') }}"
    task: Task = {"ansible.builtin.assert": {"that": "words == ['1', '2']", "quiet": True}, "vars": {"words": words}}
    proxy.clear()
    site.run([task] * TASKS, "--forks", str(HOSTS), hosts="all", environment=BROKER)
    assert proxy.count(path="approle/login") == 1
    assert proxy.count(path="/secret/data/ansible/one") == 1
    assert proxy.count(path="/secret/data/ansible/two") == 1
    assert proxy.count() - proxy.count(path="revoke-self") == 3


@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_server_that_repeats_secrets_shows_none_through_us(
    site: Site, proxy: FaultProxy, login: dict[str, str], status: int
) -> None:
    canary = canaries()
    wanted = spellings(canary)
    site.declare(SCOPE, connector(proxy, **login, retries=0), text("password", value="first"))
    (site.folder / "meant").mkdir()
    (site.folder / "meant" / "text").write_text(canary["text"])
    value = "{{ lookup('ansible.builtin.file', 'meant/text') }}"
    proxy.add(Fault.echo(canary["text"], status), times=None)
    asked = "{{ lookup('scoped.secrets.secret', 'password', org='payments') }}"
    tasks: list[Task] = [
        text("password", value=value),
        text("another", value=value),
        {"ansible.builtin.debug": {"msg": asked}},
        connector(proxy, token=value),
        text("password", state="absent"),
    ]
    run = site.run(
        [{**task, "ignore_errors": True} for task in tasks],
        "-vvvvv",
        "--diff",
        environment={**LOUD, "ANSIBLE_DEBUG": "1"},
    )
    assert [task["status"] for task in run.tasks] == ["failed"] * len(tasks)
    check_output(site, run, wanted)
