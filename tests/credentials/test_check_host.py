# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ssh logs in with one credential and nothing else, and every reason why it can't has a code of its own."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.credentials import programs
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.agent import Agent
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.check_host import check_host
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.tickets import TicketRequest, Tickets
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.host_login import HostLogin
from servers.clocks import with_clock
from servers.kerberos import Kerberos
from servers.process import free_port, until
from servers.sshd import HOSTS, STRANGE_HOST, Sshd, new_key

Check = Callable[..., str]
ANY_KEY = "StrictHostKeyChecking no\n UserKnownHostsFile /dev/null"


@pytest.fixture
def agent(folder: Path) -> Iterator[Agent]:
    agent = Agent(str(folder))
    yield agent
    agent.close()


@pytest.fixture
def tickets(folder: Path) -> Iterator[Tickets]:
    tickets = Tickets(str(folder))
    yield tickets
    tickets.close()


@pytest.fixture
def check(sshd: Sshd, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Check a host and return the code of what comes of it; nobody's own configuration matters unless it is given."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)

    def check(login: HostLogin, host: str = "localhost", known: Path = sshd.known_hosts, **more: Any) -> str:
        options = ["-o", f'UserKnownHostsFile="{str(known).replace("%", "%%")}"', *more.pop("options", ["-F", "none"])]
        try:
            check_host(login, host, folder=str(folder), options=options, **more)
        except ScopedSecretsError as raised:
            error = raised
        else:
            return "logged in"
        shown = f"{error} {error.to_dict()}"
        assert host in shown or error.code in ("agent_not_usable", "askpass_not_usable")
        assert "canary" not in shown
        return error.code

    return check


@pytest.fixture
def key_login(sshd: Sshd, agent: Agent, folder: Path) -> HostLogin:
    """A login by a key that the host knows."""
    private, public = new_key(folder)
    sshd.key.authorize(public)
    socket, file = agent.add(private, public)
    return HostLogin("ssh_key", sshd.key.name, "m", port=sshd.port, agent=socket, public_key_file=file)


@pytest.fixture
def password_login(sshd: Sshd) -> HostLogin:
    return HostLogin("password", sshd.password.name, "m", port=sshd.port, password=sshd.password.password)


@pytest.fixture
def ticket_login(sshd: Sshd, kerberos: Kerberos, tickets: Tickets, request: pytest.FixtureRequest) -> HostLogin:
    """A login by the ticket of a principal of this test, which may use the account."""
    principal = kerberos.add(request.node.name[:60].replace("[", "-").replace("]", ""), "canary")
    sshd.ticket.welcome(principal)
    return login_of(principal, sshd, kerberos, tickets)


def login_of(principal: str, sshd: Sshd, kerberos: Kerberos, tickets: Tickets) -> HostLogin:
    config = str(kerberos.config)
    cache = tickets.cache(TicketRequest(principal, config, password="canary"))
    ticket = {"ticket_cache": cache, "krb5_config": config, "principal": principal}
    return HostLogin("kerberos", sshd.ticket.name, "m", port=sshd.port, **ticket)


def test_each_scheme_logs_in(
    sshd: Sshd, check: Check, key_login: HostLogin, password_login: HostLogin, ticket_login: HostLogin
) -> None:
    accounts = {"publickey": sshd.key, "password": sshd.password, "gssapi-with-mic": sshd.ticket}
    before = {method: len(sshd.accepted(account)) for method, account in accounts.items()}
    for login in (key_login, password_login, ticket_login):
        assert check(login) == check(login, HOSTS[-1]) == "logged in"
    for method, account in accounts.items():
        assert sshd.accepted(account)[before[method] :] == [method] * 2


def test_a_login_is_one_process_and_those_that_it_needs(
    check: Check, key_login: HostLogin, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, process = [], programs.Process

    def counted(command: list[str], **more: Any) -> programs.Process:
        started.append(Path(command[0]).name)
        return process(command, **more)

    monkeypatch.setattr(programs, "Process", counted)
    assert check(key_login) == "logged in"
    assert started == ["ssh"]


def test_a_credential_that_is_wrong(
    sshd: Sshd,
    kerberos: Kerberos,
    check: Check,
    agent: Agent,
    tickets: Tickets,
    folder: Path,
    password_login: HostLogin,
) -> None:
    socket, file = agent.add(*new_key(folder))
    key = HostLogin("ssh_key", sshd.key.name, "m", port=sshd.port, agent=socket, public_key_file=file)
    assert check(key) == "host_refused_key"
    before = len(sshd.refused(sshd.password))
    assert check(password_login._replace(password="canary")) == "host_refused_password"
    assert len(sshd.refused(sshd.password)) == before + 1
    assert check(login_of(kerberos.add("stranger", "canary"), sshd, kerberos, tickets)) == "host_refused_ticket"


def test_what_the_host_does_not_offer(
    sshd: Sshd, check: Check, key_login: HostLogin, password_login: HostLogin
) -> None:
    assert check(key_login._replace(user=sshd.password.name)) == "login_method_not_offered"
    assert check(password_login._replace(user=sshd.key.name)) == "login_method_not_offered"
    assert check(password_login._replace(user=sshd.ticket.name)) == "login_method_not_offered"


def test_no_other_key_makes_a_wrong_one_look_right(
    sshd: Sshd, check: Check, agent: Agent, key_login: HostLogin, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private, public = new_key(folder)
    sshd.key.authorize(public)
    own = folder / "own_key"
    own.touch(mode=0o600)
    own.write_bytes(private)
    config = folder / "config"
    config.write_text(f'Host *\n IdentityFile "{str(own).replace("%", "%%")}"\n', encoding="utf-8")
    config.chmod(0o600)
    other_socket, wrong = agent.add(*new_key(folder))
    # The agent has the key of key_login too, which is right, and the user's agent is the same.
    monkeypatch.setenv("SSH_AUTH_SOCK", other_socket)
    login = key_login._replace(public_key_file=wrong)
    assert check(login) == "host_refused_key"
    assert check(login, options=["-F", str(config)]) == "host_refused_key"
    assert check(key_login, options=["-F", str(config)]) == "logged in"


def test_no_open_connection_makes_a_wrong_one_look_right(
    sshd: Sshd, check: Check, key_login: HostLogin, password_login: HostLogin, folder: Path
) -> None:
    config = folder / "config"
    config.write_text(
        "Host *\n ControlMaster auto\n ControlPersist 600\n ControlPath /tmp/never-%C\n", encoding="utf-8"
    )
    config.chmod(0o600)
    assert check(password_login, options=["-F", str(config)]) == "logged in"
    assert not list(Path("/tmp").glob("never-*"))
    assert check(password_login._replace(password="canary"), options=["-F", str(config)]) == "host_refused_password"


def test_no_ticket_of_the_user_makes_a_missing_one_look_right(
    check: Check, ticket_login: HostLogin, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("KRB5CCNAME", ticket_login.ticket_cache)
    assert check(ticket_login._replace(ticket_cache=f"FILE:{folder}/none")) == "no_ticket"
    assert check(ticket_login._replace(ticket_cache="")) == "logged in"


def test_the_key_of_the_host(
    sshd: Sshd, check: Check, key_login: HostLogin, password_login: HostLogin, folder: Path
) -> None:
    known = folder / "known"
    known.write_text("", encoding="utf-8")
    assert check(key_login, known=known) == check(password_login, known=known) == "unknown_host_key"
    before = len(sshd.accepted(sshd.key))
    assert check(key_login, known=known, check_host_key=False) == "logged in"
    assert len(sshd.accepted(sshd.key)) == before + 1
    assert known.read_text(encoding="utf-8") == ""
    known.write_text(sshd.known_as(new_key(folder)[1]), encoding="utf-8")
    assert check(key_login, known=known) == check(password_login, known=known) == "changed_host_key"
    known.write_text(f"@revoked {sshd.known_hosts.read_text(encoding='utf-8')}", encoding="utf-8")
    assert check(key_login, known=known) == "revoked_host_key"


@contextlib.contextmanager
def listening(*, hangs_up: bool) -> Iterator[int]:
    """Give the port of somebody who takes one connection and hangs up, or never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            listener.accept()[0].close()

        if hangs_up:
            threading.Thread(target=hang_up, daemon=True).start()
        yield listener.getsockname()[1]


def test_the_network(check: Check, key_login: HostLogin) -> None:
    assert check(key_login._replace(port=free_port())) == "host_refuses_connections"
    assert check(key_login, "no.such.host.invalid") == "unknown_host_name"
    with listening(hangs_up=False) as port:
        assert check(key_login._replace(port=port), timeout=1) == "host_timeout"
    with listening(hangs_up=True) as port:
        assert check(key_login._replace(port=port)) == "host_closes_connection"


def test_through_a_jump_host_that_the_user_has_another_key_for(
    sshd: Sshd, check: Check, agent: Agent, key_login: HostLogin, password_login: HostLogin, tmp_path: Path
) -> None:
    private, public = new_key(tmp_path)
    sshd.key.authorize(public)
    own, config = tmp_path / "own_key", tmp_path / "config"
    own.touch(mode=0o600)
    own.write_bytes(private)
    jump = f"Host jump\n HostName {HOSTS[1]}\n Port {sshd.port}\n {ANY_KEY}\n User"
    target = "Host localhost\n ProxyJump jump\n"
    config.write_text(f"{jump} {sshd.key.name}\n IdentityFile {own}\n{target}", encoding="utf-8")
    config.chmod(0o600)
    options, before = ["-F", str(config)], len(sshd.accepted(sshd.key))
    assert check(key_login, options=options) == check(password_login, options=options) == "logged in"
    assert len(sshd.accepted(sshd.key)) == before + 3
    _socket, wrong = agent.add(*new_key(tmp_path))
    assert check(key_login._replace(public_key_file=wrong), options=options) == "host_refused_key"


def test_a_jump_host_gets_no_password_of_another_user(
    sshd: Sshd, check: Check, password_login: HostLogin, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    jump = f"Host jump\n HostName {HOSTS[1]}\n Port {sshd.port}\n {ANY_KEY}\n"
    config.write_text(f"{jump} User {sshd.password.name}\nHost localhost\n ProxyJump jump\n", encoding="utf-8")
    config.chmod(0o600)
    before = sshd.accepted(sshd.password), sshd.refused(sshd.password)
    # The password is right for the user of the jump host, which ssh would log in with it.
    login = password_login._replace(user="somebody")
    assert check(login, options=["-F", str(config)]) == "other_account_asked"
    assert (sshd.accepted(sshd.password), sshd.refused(sshd.password)) == before


PAM = ("UsePAM=yes", "KbdInteractiveAuthentication=yes")
BY_KEYBOARD = (*PAM, "AuthenticationMethods=keyboard-interactive:pam")


@pytest.mark.parametrize("tries", [1, 2, 6])
@pytest.mark.parametrize("options", [(), PAM, BY_KEYBOARD], ids=["plain", "PAM", "only by keyboard"])
def test_a_password_counts_once(
    sshd: Sshd, check: Check, password_login: HostLogin, options: tuple[str, ...], tries: int
) -> None:
    with sshd.with_options(*options, f"MaxAuthTries={tries}") as server:
        login = password_login._replace(port=server.port)
        assert check(login, "127.0.0.1", check_host_key=False) == "logged in"
        wrong = login._replace(password="canary of a wrong one")
        assert check(wrong, "127.0.0.1", check_host_key=False) == "host_refused_password"
        # sshd writes some of this after ssh has ended.
        until(server.has_no_clients)
        assert len(server.refused(server.password)) == 1


@pytest.mark.parametrize("tries", [1, 2, 6])
def test_a_refused_key_is_named_so_however_many_a_host_takes(
    sshd: Sshd, check: Check, agent: Agent, key_login: HostLogin, folder: Path, tries: int
) -> None:
    _socket, file = agent.add(*new_key(folder))
    with sshd.with_options(f"MaxAuthTries={tries}") as server:
        login = key_login._replace(port=server.port, public_key_file=file)
        assert check(login, "127.0.0.1", check_host_key=False) == "host_refused_key"


def test_a_folder_that_allows_no_programs(check: Check, password_login: HostLogin, folder: Path) -> None:
    (folder / "askpass").touch(mode=0o600)
    assert check(password_login) == "askpass_not_usable"


def test_no_secret_is_in_arguments_and_environment(
    sshd: Sshd,
    kerberos: Kerberos,
    check: Check,
    agent: Agent,
    tickets: Tickets,
    folder: Path,
    password_login: HostLogin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started, process = [], programs.Process

    def noted(command: list[str], **more: Any) -> programs.Process:
        started.append((Path(command[0]).name, command, more["environment"]))
        return process(command, **more)

    monkeypatch.setattr(programs, "Process", noted)
    monkeypatch.setenv("SCOPED_SECRETS_PASSPHRASE", "ours")
    assert check(password_login) == "logged in"
    by_keytab, private = kerberos.add("unseen_keytab"), new_key(folder)
    tickets.cache(TicketRequest(by_keytab, str(kerberos.config), keytab=kerberos.keytab(by_keytab)))
    login_of(kerberos.add("unseen", "canary"), sshd, kerberos, tickets)
    agent.add(*private)
    assert [name for name, *_rest in started] == ["ssh", "ssh", "kinit", "klist", "kinit", "klist", "ssh-add"]
    shown = str(started)
    secrets = [password_login.password, "canary", private[0].splitlines()[2].decode(), "SCOPED_SECRETS_PASSPHRASE"]
    assert [secret for secret in secrets if secret in shown] == []


def test_algorithms_that_do_not_agree(check: Check, key_login: HostLogin) -> None:
    for option in ("KexAlgorithms=diffie-hellman-group1-sha1", "HostKeyAlgorithms=ssh-rsa", "Ciphers=aes128-cbc"):
        assert check(key_login, options=["-F", "none", "-o", option]) == "no_common_algorithm"


def test_an_agent_that_has_ended(check: Check, agent: Agent, key_login: HostLogin) -> None:
    agent.close()
    assert check(key_login) == "agent_not_usable"


def test_realms(kerberos: Kerberos, check: Check, ticket_login: HostLogin, folder: Path) -> None:
    text, config = kerberos.config.read_text(encoding="utf-8"), folder / "krb5.conf"
    login = ticket_login._replace(krb5_config=str(config))
    config.write_text(text.replace("localhost = ", "localhost = OTHER."), encoding="utf-8")
    assert check(login) == "host_in_other_realm"
    config.write_text(text.replace("kdc = 127", "none = 127"), encoding="utf-8")
    assert check(login) == "unknown_realm"
    assert check(ticket_login, STRANGE_HOST) == "host_without_principal"


def test_a_kdc_that_is_down(kerberos: Kerberos, check: Check, ticket_login: HostLogin) -> None:
    with kerberos.down():
        assert check(ticket_login) == "kdc_unreachable"
    assert check(ticket_login) == "logged in"


@pytest.mark.parametrize(("clock", "code"), [("-2h", "clock_skew"), ("+3d", "ticket_expired")])
def test_clocks(clock: str, code: str, check: Check, ticket_login: HostLogin, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in with_clock(clock).items():
        monkeypatch.setenv(name, value)
    assert check(ticket_login) == code


@pytest.mark.parametrize("options", [PAM, BY_KEYBOARD], ids=["PAM", "only by keyboard"])
def test_an_expired_password(sshd: Sshd, check: Check, password_login: HostLogin, options: tuple[str, ...]) -> None:
    account = sshd.password.name
    with sshd.with_options(*options) as server:
        subprocess.run(["chage", "-d", "0", account], check=True)
        try:
            login = password_login._replace(port=server.port)
            assert check(login, "127.0.0.1", check_host_key=False) == "host_password_expired"
        finally:
            subprocess.run(["chage", "-d", "-1", account], check=True)
