# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection scoped.secrets.ssh at a real server: what it logs in with, and what it leaves as it is."""

from __future__ import annotations

import base64
import json
import re
import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from canaries import LOUD, Watch, check_output
from servers.process import until
from servers.sshd import HOSTS
from site_of_runs import BROKER, Run, Site, Task
from ssh_hosts import BUILTIN, WHO, WHO_BY_MODULE, SshSite, declaring, key_pair, user_agent

if TYPE_CHECKING:
    from servers.kerberos import Kerberos
    from servers.sshd import Sshd

PASSPHRASE = "correct horse"
CREDENTIAL = {"ansible_ssh_credential": "deploy"}


@pytest.fixture
def ssh(site: Site, sshd: Sshd) -> SshSite:
    return SshSite(site, sshd)


@pytest.fixture
def key(ssh: SshSite, tmp_path: Path) -> str:
    """A key that the server takes."""
    return key_pair(tmp_path, ssh.sshd.key)


@pytest.fixture
def with_key(ssh: SshSite, key: str) -> dict[str, Any]:
    """A host whose credential is such a key."""
    ssh.declare("deploy", user=ssh.sshd.key.name, private_key=key)
    return ssh.host(**CREDENTIAL)


def refusal(run: Run) -> str:
    """Return why a host is unreachable, which it is for core too."""
    assert run.last["unreachable"]
    return str(run.last["msg"])


# What it logs in with


@pytest.mark.parametrize("arguments", ["-A", "-vA", "-o ForwardAgent=yes"])
def test_the_agent_of_the_run_is_never_forwarded(ssh: SshSite, with_key: dict[str, Any], arguments: str) -> None:
    """The host could use its key for other hosts."""
    host = {**with_key, "ansible_ssh_common_args": f"{with_key['ansible_ssh_common_args']} {arguments}"}
    task: Task = {"name": "who", "ansible.builtin.raw": 'printf %s "[$SSH_AUTH_SOCK]"'}
    assert ssh.who(host=host, task=task).result("who")["stdout"] == "[]"


@pytest.mark.inline
@pytest.mark.each_core
def test_a_key(ssh: SshSite, with_key: dict[str, Any]) -> None:
    before = ssh.logins(ssh.sshd.key)
    run = ssh.who(host=with_key, task=WHO_BY_MODULE)
    assert run.result("who")["stdout"] == ssh.sshd.key.name
    assert ssh.sshd.accepted(ssh.sshd.key)[before:] == ["publickey"]


def test_a_key_with_a_passphrase(ssh: SshSite, key: str, tmp_path: Path) -> None:
    sealed = ssh.sealed(key, PASSPHRASE)
    assert sealed != key
    ssh.declare("deploy", user=ssh.sshd.key.name, private_key=sealed, passphrase=PASSPHRASE)
    run = ssh.who(host=ssh.host(**CREDENTIAL))
    assert run.result("who")["stdout"] == ssh.sshd.key.name


@pytest.mark.inline
@pytest.mark.each_core
def test_a_password(ssh: SshSite) -> None:
    account = ssh.sshd.password
    ssh.declare("deploy", user=account.name, password=account.password)
    before = ssh.logins(account)
    run = ssh.who(host=ssh.host(**CREDENTIAL), task=WHO_BY_MODULE)
    assert run.result("who")["stdout"] == account.name
    assert ssh.sshd.accepted(account)[before:] == ["password"]


@pytest.mark.inline
@pytest.mark.parametrize("proof", ["keytab", "password"])
def test_a_ticket(ssh: SshSite, kerberos: Kerberos, tmp_path: Path, proof: str, broker: str) -> None:
    principal = kerberos.add(f"by-{proof}", "secret")
    ssh.sshd.ticket.welcome(principal)
    keytab = base64.b64encode(kerberos.keytab(principal)).decode()
    ssh.site.declare({"scoped.secrets.secret_file": {"identifier": "keytab", "content_b64": keytab}})
    how = {"keytab_ref": "account.keytab"} if proof == "keytab" else {"password": "secret"}
    config = str(kerberos.config)
    ssh.declare("deploy", user=ssh.sshd.ticket.name, principal=principal, krb5_config=config, **how)
    before = ssh.logins(ssh.sshd.ticket)
    hosts = {f"host{n}": ssh.host(address=HOSTS[n], **CREDENTIAL) for n in range(3)}
    run = ssh.run([WHO, WHO], hosts=hosts)
    assert {task["result"]["stdout"] for task in run.tasks} == {ssh.sshd.ticket.name}
    assert ssh.sshd.accepted(ssh.sshd.ticket)[before:] == ["gssapi-with-mic"] * 3
    if broker == "on":
        assert kerberos.issued(principal) == 1


def test_a_credential_of_a_project(ssh: SshSite, key: str) -> None:
    for project in ("", "api"):
        ssh.site.declare({"scoped.secrets.scope": {"org": "payments", "project": project}})
    ssh.declare("deploy", user=ssh.sshd.key.name, private_key=key, org="payments", project="api")
    scope = {"scoped_secrets_org": "payments", "scoped_secrets_project": "api"}
    assert ssh.who(host=ssh.host(**CREDENTIAL, **scope)).result("who")["stdout"] == ssh.sshd.key.name
    environment = {"SCOPED_SECRETS_ORG": "payments"}
    run = ssh.who(host=ssh.host(**CREDENTIAL), environment=environment, fails=True)
    assert "[unknown_secret]" in refusal(run)


# Nothing but that


def test_a_wrong_key_is_refused_whatever_other_keys_there_are(
    ssh: SshSite, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh.declare("deploy", user=ssh.sshd.key.name, private_key=key_pair(tmp_path))
    (tmp_path / "good").touch(mode=0o600)
    (tmp_path / "good").write_text(key)
    with user_agent(tmp_path, key.encode()) as agent:
        environment = {"SSH_AUTH_SOCK": agent, "ANSIBLE_PRIVATE_KEY_FILE": str(tmp_path / "good")}
        plain = ssh.host(ssh.sshd.key, ansible_connection=BUILTIN)
        assert ssh.who(host=plain, environment={"SSH_AUTH_SOCK": agent}).result("who")["stdout"] == ssh.sshd.key.name
        before = ssh.logins(ssh.sshd.key)
        run = ssh.who(host=ssh.host(**CREDENTIAL), environment=environment, fails=True)
    assert "[host_refused_key]" in refusal(run)
    assert ssh.logins(ssh.sshd.key) == before


@pytest.mark.each_core
def test_two_credentials_for_one_host_never_share_a_connection(
    ssh: SshSite, with_key: dict[str, Any], tmp_path: Path
) -> None:
    ssh.declare("other", user=ssh.sshd.key.name, private_key=key_pair(tmp_path, ssh.sshd.key))
    ssh.declare("wrong", user=ssh.sshd.key.name, private_key=key_pair(tmp_path))
    hosts = {name: ssh.host(ansible_ssh_credential=name) for name in ("deploy", "other", "wrong")}
    before = ssh.logins(ssh.sshd.key)
    run = ssh.run([WHO, WHO], hosts=hosts, fails=True)
    assert ssh.logins(ssh.sshd.key) - before == 2
    unreachable = [task["host"] for task in run.tasks if task["result"].get("unreachable")]
    assert unreachable == ["wrong"]


def test_nor_when_the_path_of_the_socket_is_given(ssh: SshSite, with_key: dict[str, Any], tmp_path: Path) -> None:
    ssh.declare("wrong", user=ssh.sshd.key.name, private_key=key_pair(tmp_path))
    path, lasting = f"-o ControlPath={ssh.site.temp}/cp/%h", "-o ControlPersist=60s"
    given = [
        {"ansible_control_path": "%(directory)s/%%h"},
        {"ansible_ssh_args": f"-o ControlMaster=auto {lasting} {path}"},
        {"ansible_ssh_args": f"-o ControlMaster=auto {path} {lasting}"},
        {"ansible_ssh_args": f"-o ControlMaster=auto {lasting} -S {ssh.site.temp}/cp/%h"},
    ]
    hosts = {
        f"{name} {number}": ssh.host(address=HOSTS[number], ansible_ssh_credential=name, **own)
        for name in ("deploy", "wrong")
        for number, own in enumerate(given)
    }
    # All that may log in come first.
    run = ssh.run([WHO], hosts=hosts, fails=True, serial=len(given))
    unreachable = {task["host"]: bool(task["result"].get("unreachable")) for task in run.tasks}
    assert unreachable == {host: host.startswith("wrong") for host in hosts}


@pytest.mark.inline
def test_a_credential_that_changes_in_a_run(ssh: SshSite, key: str, tmp_path: Path) -> None:
    user, wrong = ssh.sshd.key.name, key_pair(tmp_path)
    tasks: list[Task] = []
    for number, private in enumerate((key, wrong, key)):
        tasks.append(declaring("deploy", user=user, private_key=private))
        tasks.append({**WHO, "name": f"who {number}", "ignore_unreachable": True})
    run = ssh.run(tasks, hosts={"one": ssh.host(**CREDENTIAL)})
    assert run.result("who 0")["stdout"] == user
    assert "[host_refused_key]" in run.result("who 1")["msg"]
    assert run.result("who 2")["stdout"] == user


def test_a_password_or_key_beside_it_is_not_used_and_that_is_said(ssh: SshSite, with_key: dict[str, Any]) -> None:
    beside = {"ansible_password": "nonsense", "ansible_ssh_private_key_file": "/nowhere"}
    run = ssh.who(host={**with_key, **beside})
    assert run.result("who")["stdout"] == ssh.sshd.key.name
    said = " ".join(run.output.split())
    assert "ansible_password and ansible_ssh_private_key_file: ignored for a host with" in said
    assert "ignored for a host" not in ssh.who("-k", host=with_key, under=["sh", "-c", 'echo pw | "$@"', "sh"]).output


# User and port


@pytest.mark.each_core
def test_variables_of_the_host_win_over_the_credential(ssh: SshSite, key: str) -> None:
    ssh.declare("deploy", user="nobody-of-this-name", port=1, private_key=key)
    user = ssh.sshd.key.name
    own = (
        {"ansible_user": user},
        {"ansible_ssh_user": user},
        {"ansible_user": user, "ansible_ssh_port": ssh.sshd.port},
    )
    hosts = {f"host {n}": ssh.host(address=HOSTS[n], **variables, **CREDENTIAL) for n, variables in enumerate(own)}
    del hosts["host 2"]["ansible_port"]
    run = ssh.run([WHO], hosts=hosts)
    assert {task["host"]: task["result"]["stdout"] for task in run.tasks} == dict.fromkeys(hosts, user)


@pytest.mark.each_core
def test_the_credential_wins_over_keywords_command_line_and_configuration(ssh: SshSite, key: str) -> None:
    ssh.declare("deploy", user=ssh.sshd.key.name, port=ssh.sshd.port, private_key=key)
    host = ssh.host(**CREDENTIAL)
    del host["ansible_port"]
    environment = {"ANSIBLE_REMOTE_USER": "nobody", "ANSIBLE_REMOTE_PORT": "1"}
    assert ssh.who(host=host, environment=environment).result("who")["stdout"] == ssh.sshd.key.name
    assert ssh.who("-u", "nobody", host=host).result("who")["stdout"] == ssh.sshd.key.name
    assert ssh.who(host=host, remote_user="nobody", port=1).result("who")["stdout"] == ssh.sshd.key.name


@pytest.mark.each_core
def test_so_they_do_for_a_delegated_task(ssh: SshSite, key: str) -> None:
    ssh.declare("deploy", user=ssh.sshd.key.name, port=ssh.sshd.port, private_key=key)
    host = ssh.host(**CREDENTIAL)
    del host["ansible_port"]
    delegated = [{**WHO, "delegate_to": "one", "run_once": True}]
    local = {"ansible_connection": "local"}
    run = ssh.run(
        delegated, "-u", "nobody", hosts={"other": local, "one": host}, environment={"ANSIBLE_REMOTE_PORT": "1"}
    )
    assert run.result("who")["stdout"] == ssh.sshd.key.name


# As the built-in connection


def commands(run: Run) -> list[str]:
    """Return the command lines of ssh, without what differs in each run."""
    lines = [line.split("SSH: EXEC ")[1] for line in run.output.splitlines() if "SSH: EXEC " in line]
    return [re.sub(r"ansible-tmp-[\d.-]+|ansible-local-\w+/tmp\w+|BECOME-SUCCESS-\w+", "…", line) for line in lines]


@pytest.mark.each_core
def test_without_a_credential_it_is_the_builtin_one(ssh: SshSite, key: str, tmp_path: Path) -> None:
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").write_text(key)
    host = ssh.host(ssh.sshd.key, ansible_ssh_private_key_file=str(tmp_path / "key"))
    connections = (BUILTIN, "scoped.secrets.ssh")
    runs = [
        ssh.who("-vvv", host={**host, "ansible_connection": connection}, task=WHO_BY_MODULE)
        for connection in connections
    ]
    builtin, ours = map(commands, runs)
    assert len(builtin) > 4
    assert ours == builtin
    assert len({line.split()[0] for line in ours}) == 2


def test_files_go_there_and_back(ssh: SshSite, with_key: dict[str, Any], key: str) -> None:
    account = ssh.sshd.password
    ssh.declare("password", user=ssh.sshd.key.name, private_key=key)
    ssh.declare("password", auth_scheme="password", user=account.name, password=account.password)
    ways = [("deploy", "sftp"), ("deploy", "smart"), *(("password", method) for method in ("scp", "piped", "smart"))]
    homes = {"deploy": ssh.sshd.key.home, "password": account.home}
    hosts = {
        f"{credential}-{method}": ssh.host(
            ansible_ssh_credential=credential,
            ansible_ssh_transfer_method=method,
            # No shared connection: each program logs in by itself.
            ansible_ssh_args="-o ControlMaster=no",
            there=f"{homes[credential]}/{method}",
        )
        for credential, method in ways
    }
    content, back = "one\ntwo\n" * 500, ssh.site.folder / "back"
    tasks: list[Task] = [
        {"ansible.builtin.copy": {"content": content, "dest": "~/{{ there | basename }}"}},
        {"ansible.builtin.fetch": {"src": "{{ there }}", "dest": f"{back}/{{{{ inventory_hostname }}}}", "flat": True}},
    ]
    ssh.run(tasks, hosts=hosts)
    assert {host: (back / host).read_text() for host in hosts} == dict.fromkeys(hosts, content)


@pytest.mark.each_core
def test_pipelining(ssh: SshSite, with_key: dict[str, Any]) -> None:
    run = ssh.who("-vvv", host={**with_key, "ansible_pipelining": True}, task=WHO_BY_MODULE)
    assert run.result("who")["stdout"] == ssh.sshd.key.name
    assert len(commands(run)) == 1


def test_become(ssh: SshSite) -> None:
    account = ssh.sshd.password
    ssh.declare("deploy", user=account.name, password=account.password)
    become = {"become": True, "become_method": "ansible.builtin.su", "become_user": account.name}
    own = {"ansible_become_password": account.password, **CREDENTIAL}
    hosts = {
        name: ssh.host(address=address, ansible_pipelining=pipelining, **own)
        for name, address, pipelining in (("pipelined", HOSTS[0], True), ("plain", HOSTS[1], False))
    }
    run = ssh.run([WHO_BY_MODULE], hosts=hosts, **become)
    assert {task["host"]: task["result"]["stdout"] for task in run.tasks} == dict.fromkeys(hosts, account.name)


@pytest.mark.each_core
def test_one_login_serves_all_tasks_until_it_is_reset(ssh: SshSite, with_key: dict[str, Any]) -> None:
    before = ssh.logins(ssh.sshd.key)
    ssh.run([WHO, WHO], hosts={"one": with_key})
    ssh.run([WHO], hosts={"one": with_key})
    assert ssh.logins(ssh.sshd.key) - before == 1
    ssh.run([WHO, {"ansible.builtin.meta": "reset_connection"}, WHO], hosts={"one": with_key})
    assert ssh.logins(ssh.sshd.key) - before == 2
    ssh.run([{"ansible.builtin.meta": "reset_connection"}, WHO], "-u", "nobody", hosts={"one": with_key})
    assert ssh.logins(ssh.sshd.key) - before == 3


def test_a_reset_without_its_credential_does_not_end_the_play(ssh: SshSite) -> None:
    local = {"ansible.builtin.debug": {"msg": "on"}, "name": "on"}
    run = ssh.run([{"ansible.builtin.meta": "reset_connection"}, local], hosts={"one": ssh.host(**CREDENTIAL)})
    assert run.result("on")["msg"] == "on"
    assert "[unknown_secret]" in run.output


def test_waiting_for_a_connection(ssh: SshSite, with_key: dict[str, Any]) -> None:
    tasks: list[Task] = [{"ansible.builtin.wait_for_connection": {"timeout": 60}}, WHO]
    assert ssh.run(tasks, hosts={"one": with_key}).result("who")["stdout"] == ssh.sshd.key.name


@pytest.mark.parametrize("scheme", ["key", "password"])
def test_a_jump_host_lets_in_who_it_always_does(ssh: SshSite, key: str, tmp_path: Path, scheme: str) -> None:
    """The jump host knows a key of the user's agent; the credential is for the host behind it, and goes there only."""
    jumper = ssh.sshd.key
    if scheme == "key":
        account = ssh.sshd.key
        ssh.declare("deploy", user=account.name, private_key=key)
    else:
        account = ssh.sshd.password
        ssh.declare("deploy", user=account.name, password=account.password)
    config = tmp_path / "ssh_config"
    config.write_text(f"UserKnownHostsFile {ssh.sshd.known_hosts}\n")
    jump = f"-F {config} -J {jumper.name}@{HOSTS[1]}:{ssh.sshd.port}"
    host = ssh.host(ansible_ssh_common_args=jump, **CREDENTIAL)
    with user_agent(tmp_path, key_pair(tmp_path, jumper).encode()) as agent:
        run = ssh.who(host=host, environment={"SSH_AUTH_SOCK": agent})
        assert run.result("who")["stdout"] == account.name
    assert "Permission denied" in refusal(ssh.who(host={**host, "ansible_ssh_args": ""}, fails=True))


def test_a_jump_host_gets_no_password_of_the_host_behind_it(ssh: SshSite, tmp_path: Path) -> None:
    """The jump host asks for the password of a user with the same name, once under the name of the host itself."""
    account = ssh.sshd.password
    ssh.declare("deploy", user=account.name, password=account.password)
    config = tmp_path / "ssh_config"
    config.write_text(f"UserKnownHostsFile {ssh.sshd.known_hosts}\n")
    before = ssh.logins(account)
    jumps = {
        "another": f"-J {account.name}@{HOSTS[1]}:{ssh.sshd.port}",
        "of the same name": f"-J {account.name}@{HOSTS[0]}:{ssh.sshd.port}",
        "by a command": f"-o 'ProxyCommand=ssh -F {config} -p {ssh.sshd.port} -W %h:%p {account.name}@{HOSTS[1]}'",
    }
    hosts = {
        name: ssh.host(ansible_ssh_common_args=f"-F {config} {jump}", **CREDENTIAL) for name, jump in jumps.items()
    }
    run = ssh.run([WHO], "-vvvvv", hosts=hosts, fails=True, strategy="free", environment={"ANSIBLE_DEBUG": "1"})
    assert [task["status"] for task in run.tasks] == ["unreachable"] * len(jumps)
    check_output(ssh.site, run, {account.password.encode()})
    # It would have been let in with the password, which is that of its user too.
    assert ssh.logins(account) == before


def test_the_environment_of_the_user_reaches_the_host_as_before(ssh: SshSite, with_key: dict[str, Any]) -> None:
    """What ssh finds in its environment is what a proxy command sees."""
    seen = ssh.site.folder / "seen"
    proxy = f"env > {seen}; exec nc %h %p"
    host = {**with_key, "ansible_ssh_extra_args": f"-o 'ProxyCommand=sh -c \"{proxy}\"'"}
    ssh.who(host=host, environment={"LC_ALL": "C.UTF-8"}, fails=True)
    environment = dict(line.split("=", 1) for line in seen.read_text().splitlines() if "=" in line)
    assert environment["LC_ALL"] == "C.UTF-8"
    assert not [name for name in environment if "ASKPASS" in name]


# What fails


@pytest.mark.each_core
def test_a_wrong_password_is_tried_once(ssh: SshSite) -> None:
    account = ssh.sshd.password
    ssh.declare("deploy", user=account.name, password="nonsense")
    before = len(ssh.sshd.refused(account))
    host = ssh.host(ansible_ssh_retries=3, **CREDENTIAL)
    message = refusal(ssh.who(host=host, fails=True))
    assert "[host_refused_password]" in message
    assert "Permission denied" in message
    assert len(ssh.sshd.refused(account)) - before == 1
    copy: Task = {"ansible.builtin.fetch": {"src": "/etc/hostname", "dest": str(ssh.site.folder / "x")}}
    ssh.run([copy], hosts={"one": {**host, "ansible_pipelining": True}}, fails=True)
    assert len(ssh.sshd.refused(account)) - before == 2


BY_KEYBOARD = ("UsePAM=yes", "KbdInteractiveAuthentication=yes", "AuthenticationMethods=keyboard-interactive:pam")
SERVERS = {
    "one_try": ("MaxAuthTries=1",),
    "pam": ("UsePAM=yes", "KbdInteractiveAuthentication=yes", "MaxAuthTries=2"),
    "keyboard": (*BY_KEYBOARD, "MaxAuthTries=1"),
}


def test_a_wrong_password_counts_once_whatever_the_host_allows(ssh: SshSite) -> None:
    account = ssh.sshd.password
    ssh.declare("deploy", user=account.name, password="nonsense")
    with ExitStack() as exits:
        servers = {name: exits.enter_context(ssh.sshd.with_options(*more)) for name, more in SERVERS.items()}
        hosts = {name: on(ssh, server, ansible_ssh_retries=3) for name, server in servers.items()}
        results = by_host(ssh.run([WHO], hosts=hosts, fails=True))
        for name, server in servers.items():
            assert "[host_refused_password]" in results[name]["msg"], name
            until(server.has_no_clients)
            assert len(server.refused(account)) == 1, name


def test_the_prompt_of_a_host_can_be_named(ssh: SshSite) -> None:
    account = ssh.sshd.password
    ssh.declare("deploy", user=account.name, password=account.password)
    with ssh.sshd.with_options(*BY_KEYBOARD) as server:
        hosts = {name: on(ssh, server, ansible_sshpass_prompt=name) for name in ("assword", "other")}
        results = by_host(ssh.run([WHO], hosts=hosts, fails=True))
        assert results["assword"]["stdout"].split() == [account.name]
        assert "[prompt_not_understood]" in results["other"]["msg"]
        assert server.refused(account) == []


def by_host(run: Run) -> dict[str, Any]:
    return {task["host"]: task["result"] for task in run.tasks}


def on(ssh: SshSite, server: Sshd, **variables: Any) -> dict[str, Any]:
    """Return the variables of a host at another server, with the credential."""
    known = f"-o UserKnownHostsFile={server.known_hosts}"
    return ssh.host(ansible_port=server.port, ansible_ssh_common_args=known, **CREDENTIAL, **variables)


@pytest.mark.each_core
def test_what_may_go_well_later_is_tried_again(ssh: SshSite, with_key: dict[str, Any]) -> None:
    host = {**with_key, "ansible_port": 1, "ansible_ssh_retries": 1}
    run = ssh.who("-vv", host=host, fails=True)
    assert "[host_refuses_connections]" in refusal(run)
    assert run.output.count("ssh_retry: attempt:") == 1


def test_credentials_that_can_not_be_had(ssh: SshSite) -> None:
    ssh.site.declare(
        {"scoped.secrets.secret_text": {"identifier": "text", "value": "any text"}},
        {"scoped.secrets.secret_winrm": {"identifier": "windows", "user": "u", "password": "a password"}},
    )
    codes = {
        "missing": "unknown_secret",
        "no.such.form": "invalid_reference",
        "text": "not_for_ssh",
        "windows": "not_for_ssh",
    }
    run = ssh.run([WHO], hosts={one: ssh.host(ansible_ssh_credential=one) for one in codes}, fails=True)
    found = {host: re.findall(r"\[(\w+)\]", result["msg"]) for host, result in by_host(run).items()}
    assert found == {host: [code] for host, code in codes.items()}


def test_no_log_hides_what_ssh_says(ssh: SshSite, tmp_path: Path) -> None:
    ssh.declare("deploy", user=ssh.sshd.key.name, private_key=key_pair(tmp_path))
    run = ssh.run([{**WHO, "no_log": True}], hosts={"one": ssh.host(**CREDENTIAL)}, fails=True)
    assert "Permission denied" not in run.output


def test_tasks_that_do_not_connect_ask_for_nothing(ssh: SshSite) -> None:
    local = {"ansible.builtin.debug": {"msg": "on"}, "name": "on"}
    run = ssh.run([local], hosts={"one": ssh.host(ansible_ssh_credential="missing")})
    assert run.result("on")["msg"] == "on"


# What is seen, what it costs, and what is left


def test_no_secret_is_seen(ssh: SshSite, kerberos: Kerberos, key: str) -> None:
    password, word = f"pw-{secrets.token_hex(12)}", f"pp-{secrets.token_hex(12)}"
    principal = kerberos.add("canary", password)
    ssh.sshd.ticket.welcome(principal)
    values = {"key": key, "sealed": ssh.sealed(key, word), "word": word, "password": password}
    values["own"] = ssh.sshd.password.password
    (ssh.site.folder / "meant").mkdir()
    (ssh.site.folder / "meant" / "vars.json").write_text(json.dumps(values))
    ticket = {"principal": principal, "krb5_config": str(kerberos.config), "user": ssh.sshd.ticket.name}
    declare: list[Task] = [
        declaring("plain", user=ssh.sshd.key.name, private_key="{{ key }}"),
        declaring("sealed", user=ssh.sshd.key.name, private_key="{{ sealed }}", passphrase="{{ word }}"),
        declaring("word", user=ssh.sshd.password.name, password="{{ own }}"),
        declaring("wrong", user=ssh.sshd.password.name, password="{{ password }}"),
        declaring("ticket", password="{{ password }}", **ticket),
    ]
    hosts = {one: ssh.host(ansible_ssh_credential=one) for one in ("plain", "sealed", "word", "wrong", "ticket")}
    wanted = {line.encode() for value in values.values() for line in value.splitlines() if "-----" not in line}
    assert len(wanted) > 10
    environment = {"ANSIBLE_DEBUG": "1", **LOUD}
    copy: Task = {"ansible.builtin.copy": {"content": "x", "dest": "~/x"}}
    with Watch(wanted) as watch:
        run = ssh.run(
            [*declare, WHO, copy],
            "-vvvvv",
            hosts=hosts,
            vars_files=["meant/vars.json"],
            environment=environment,
            fails=True,
        )
    unreachable = {task["host"] for task in run.tasks if task["status"] == "unreachable"}
    assert unreachable == {"wrong"}
    check_output(ssh.site, run, wanted)
    assert not watch.seen
    assert watch.looks > 10


def test_a_credential_is_put_together_once_for_all_hosts(ssh: SshSite, with_key: dict[str, Any]) -> None:
    hosts = {f"host{n}": {**with_key, "ansible_host": address} for n, address in enumerate(HOSTS)}
    environment = {**BROKER, "ANSIBLE_FORKS": "20", "ANSIBLE_CALLBACKS_ENABLED": "record,scoped.secrets.usage"}
    before = ssh.logins(ssh.sshd.key)
    run = ssh.run([WHO, WHO], "-vv", hosts=hosts, environment=environment)
    assert {task["result"]["stdout"] for task in run.tasks} == {ssh.sshd.key.name}
    assert ssh.logins(ssh.sshd.key) - before == len(HOSTS)
    assert re.search(r"scoped.secrets: 40 calls, \d+ secrets read, \d+ of them from the cache, 1 opened", run.output)


@pytest.mark.inline
def test_nothing_is_left_of_a_run(ssh: SshSite, with_key: dict[str, Any]) -> None:
    ssh.who(host=with_key, task=WHO_BY_MODULE)
    left = [path for path in (ssh.site.folder / "tmp").rglob("*") if "cp" not in path.parts]
    assert left == []
