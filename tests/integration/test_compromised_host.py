# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A managed host that someone has taken over reports settings as facts: no face takes them."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from connector_tasks import of
from site_of_runs import Site, Task
from ssh_hosts import WHO, SshSite, key_pair

if TYPE_CHECKING:
    from servers.sshd import Sshd

pytestmark = pytest.mark.each_core

# What such a host could gain: another project's value, no record of a read, a line in any file, a password.
SETTINGS: dict[str, Any] = {
    "scoped_secrets_store": "postgresql://ansible@127.0.0.1:1/secrets?hostaddr=127.0.0.2",
    "scoped_secrets_root_key_file": "/etc/hostname",
    "scoped_secrets_org": "payments",
    "scoped_secrets_project": "web",
    "scoped_secrets_audit": "off",
    "scoped_secrets_audit_sink": "file:///tmp/of_the_host",
}
SWITCHED_OFF = {"scoped_secrets_audit": False}
LOOKUP = "{{ lookup('scoped.secrets.secret', 'word') }}"
FILTER = """{{ '<+secrets.getValue("word")>' | scoped.secrets.resolve }}"""
SSH = {"ansible_connection": "scoped.secrets.ssh", "ansible_ssh_credential": "deploy", "ansible_host": "127.0.0.1"}
FACES: list[Task] = [
    {"ansible.builtin.debug": {"msg": LOOKUP}, "name": "lookup"},
    {"ansible.builtin.debug": {"msg": FILTER}, "name": "filter"},
    {**of("secret_text", identifier="word", value="mine"), "name": "module"},
    {**of("secret_info"), "name": "info"},
    {**of("manifest", resources=[{"secret_text": {"identifier": "word", "value": "mine"}}]), "name": "manifest"},
    {"ansible.builtin.raw": "true", "vars": SSH, "name": "connection", "ignore_unreachable": True},
]
WORD = "word of project web"


def compromised(site: Site, hosts: dict[str, dict[str, Any]]) -> None:
    """Make an inventory of hosts that answer every module with facts of their choice."""
    lines = []
    for name, facts in hosts.items():
        interpreter = site.folder / f"{name}.sh"
        reply = json.dumps({"changed": False, "ansible_facts": {"ansible_distribution": "Debian", **facts}})
        interpreter.write_text(f"#!/bin/sh\ncat > /dev/null\necho '{reply}'\n")
        interpreter.chmod(0o755)
        lines.append(f"{name} ansible_connection=local ansible_python_interpreter={interpreter}")
    (site.folder / "inventory.ini").write_text("\n".join(["[compromised]", *lines, ""]))


# Variables that decide where and how a task connects, and what it is.
CONNECTION: dict[str, Any] = {
    "ansible_ssh_credential": "other",
    "ansible_connection": "local",
    "ansible_host": "192.0.2.1",
    "ansible_ssh_host": "192.0.2.1",
    "ansible_port": 1,
    "ansible_ssh_port": 1,
    "ansible_user": "root",
    "ansible_ssh_user": "root",
    "ansible_ssh_common_args": "-o ProxyCommand=false",
    "ansible_ssh_executable": "/bin/false",
    "ansible_check_mode": True,
    "ansible_delegated_vars": {"localhost": {"ansible_ssh_credential": "other"}},
    "ansible_facts": {"ansible_ssh_credential": "other"},
    "delegate_to": "innocent",
    "inventory_hostname": "innocent",
    "inventory_hostname_short": "innocent",
}


def declared(site: Site) -> None:
    of_web = {"org": "payments", "project": "web"}
    site.declare(
        of("scope", org="payments"), of("scope", **of_web), of("secret_text", **of_web, identifier="word", value=WORD)
    )


@pytest.mark.inline
def test_no_face_takes_a_setting_from_a_host(site: Site, tmp_path: Path) -> None:
    declared(site)
    hosts = {f"h{number}": {name: value} for number, (name, value) in enumerate(SETTINGS.items())}
    compromised(site, {**hosts, "switched_off": SWITCHED_OFF})
    cache = {
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "facts"),
    }
    faces = [{**task, "ignore_errors": True} for task in FACES]
    seen: Task = {"ansible.builtin.ping": None, "name": "reports"}
    before = site.run([seen, *faces], hosts="compromised", environment=cache)
    after = site.run(faces, hosts="compromised", environment=cache)
    for run in (before, after):
        refused = [task for task in run.tasks if task["task"] != "reports"]
        assert len(refused) == len(FACES) * len(hosts | {"switched_off": {}})
        for task in refused:
            assert "setting_from_host" in json.dumps(task["result"]), task
    assert "is a fact of h3. Settings are never taken from a managed host" in before.output
    assert WORD not in before.output + after.output
    assert not Path("/tmp/of_the_host").exists()


def test_what_a_playbook_sets_counts_although_a_host_reports_it(site: Site) -> None:
    declared(site)
    compromised(site, {"host": {"scoped_secrets_project": "other"}})
    seen: Task = {"ansible.builtin.ping": None}
    of_web = {"scoped_secrets_org": "payments", "scoped_secrets_project": "web"}
    run = site.run([seen, FACES[0]], hosts="compromised", variables=of_web)
    assert run.last["msg"] == WORD


@pytest.mark.parametrize("cacheable", [True, False])
def test_a_literal_of_set_fact_is_a_setting(site: Site, cacheable: bool) -> None:
    declared(site)
    made: Task = {
        "ansible.builtin.set_fact": {
            "scoped_secrets_org": "payments",
            "scoped_secrets_project": "web",
            "cacheable": cacheable,
        }
    }
    read: Task = {"ansible.builtin.debug": {"msg": "{{ lookup('scoped.secrets.secret', 'word') }}"}}
    run = site.run([made, read])
    assert run.last["msg"] == WORD


@pytest.mark.inline
def test_a_host_decides_nothing_about_how_it_is_logged_in_at(site: Site, sshd: Sshd, tmp_path: Path) -> None:
    ssh = SshSite(site, sshd)
    ssh.declare("deploy", user=sshd.key.name, private_key=key_pair(tmp_path, sshd.key))
    ssh.declare("other", user=sshd.password.name, password=sshd.password.password)
    others = ssh.logins(sshd.password)
    reply = json.dumps({"changed": False, "ansible_facts": CONNECTION})
    interpreter = sshd.key.home / "reply.sh"
    interpreter.write_text(f"#!/bin/sh\necho '{reply}'\n")
    interpreter.chmod(0o755)
    host = ssh.host(ansible_ssh_credential="deploy", ansible_python_interpreter=str(interpreter))
    reports: Task = {"ansible.builtin.ping": None, "name": "reports"}
    write: Task = {**of("secret_text", identifier="word", value="mine"), "name": "write"}
    audit: Task = {**of("audit_info"), "name": "audit"}
    cache = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "facts")}
    plays = ([reports, WHO, write], [WHO, audit])
    runs = [ssh.run(tasks, hosts={"one": host}, environment=cache) for tasks in plays]
    assert runs[0].result("reports")["ansible_facts"]["inventory_hostname"] == "innocent"
    for run in runs:
        assert run.result("who")["stdout"] == sshd.key.name
    assert runs[0].result("write")["changed"]
    assert ssh.logins(sshd.password) == others
    records = runs[1].result("audit")["events"]
    assert {"connect", "create"} <= {record["action"] for record in records}
    assert "innocent" not in json.dumps(records)
    assert {record["host"] for record in records} == {socket.gethostname()}
