# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection without a host: options and their precedence, command lines, environment, errors."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible import constants as C
from ansible.errors import AnsibleAuthenticationFailure, AnsibleConnectionFailure
from ansible.playbook.play_context import PlayContext
from ansible.plugins.connection.ssh import Connection as BuiltinConnection
from ansible.plugins.loader import connection_loader
from ansible.utils.display import Display
from ansible_collections.scoped.secrets.plugins.connection import ssh
from ansible_collections.scoped.secrets.plugins.connection.ssh import Connection
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Forbidden, Unavailable
from ansible_collections.scoped.secrets.plugins.module_utils.model.host_login import HostLogin
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query

KEY = HostLogin("ssh_key", "deploy", "mark", port=2222, agent="/run/agent", public_key_file="/run/key.pub")
PASSWORD = HostLogin("password", "deploy", "other", password="correct horse", folder="/nowhere")
CREDENTIAL = {"ansible_ssh_credential": "account.deploy"}


class Engine:
    """A fake engine that returns a login and counts the calls."""

    def __init__(self, login: HostLogin) -> None:
        self.login, self.asked = login, 0

    def open_host_login(self) -> HostLogin:
        self.asked += 1
        return self.login


@pytest.fixture(autouse=True)
def _control_path_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANSIBLE_SSH_CONTROL_PATH_DIR", str(tmp_path / "sockets"))


@pytest.fixture(autouse=True)
def _without_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Core's collection loader is not set up here; without it, the built-in plugin only has its short name."""
    find = connection_loader.get
    monkeypatch.setattr(connection_loader, "get", lambda name, **options: find(name.rpartition(".")[2], **options))


def connection(password: str = "") -> Any:
    """Return a connection as core's loader creates it for a task."""
    one = object.__new__(Connection)
    one._load_name = "scoped.secrets.ssh"
    Connection.__init__(one, context(password), task_uuid="1")
    return one


def builtin_connection() -> Any:
    builtin = connection_loader.get("ansible.builtin.ssh", class_only=True)
    return builtin(context(""))


def context(password: str) -> PlayContext:
    found = PlayContext()
    found.remote_addr, found.password = "host", password
    return found


def connected(
    monkeypatch: pytest.MonkeyPatch, login: HostLogin, keys: dict[str, Any] | None = None, **given: Any
) -> Any:
    """Return a connection with a credential, and its engine."""
    engine = Engine(login)
    monkeypatch.setattr(Connection, "_ask_engine", lambda _self: engine.open_host_login())
    one = connection(password="from the command line")
    one.set_options(task_keys=keys or {}, var_options={**CREDENTIAL, **given})
    one.host = "host"
    return one, engine


def definitions(name: str) -> dict[str, Any]:
    return dict(C.config.get_configuration_definitions("connection", name))


def test_it_adds_options_without_changing_the_built_in_connection() -> None:
    ours = connection()
    builtin = builtin_connection()
    added = {"ssh_credential", "store", "root_key_file", "org", "project", "audit", "audit_sink"}
    added |= {"ansible_facts", "inventory_hostname"}
    assert isinstance(ours, BuiltinConnection)
    assert definitions(ours._load_name).keys() - definitions(builtin._load_name).keys() == added
    assert not added & definitions(builtin._load_name).keys()
    assert {name: definitions(ours._load_name)[name] for name in definitions(builtin._load_name)} == definitions(
        builtin._load_name
    )


def test_without_a_credential_every_option_is_as_in_the_built_in_connection() -> None:
    both = connection(), builtin_connection()
    for one in both:
        given = {"ansible_password": "x", "ansible_user": "u", "ansible_port": 1, "ansible_control_path": "p"}
        one.set_options(task_keys={}, var_options=given)
        one.host = "host"
    ours, builtin = both
    assert {name: ours.get_option(name) for name in definitions(builtin._load_name)} == builtin.get_options()
    assert ours._create_control_path("h", 1, "u") == builtin._create_control_path("h", 1, "u")
    assert ours._create_control_path("h", 1, "u", "c", 2) == builtin._create_control_path("h", 1, "u", "c", 2)


def test_the_engine_is_asked_once_and_only_for_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    one, engine = connected(monkeypatch, KEY)
    one.update_vars({})
    one.get_option("password")
    assert engine.asked == 0
    for _command in range(2):
        one._build_command("ssh", "ssh", "host", "true")
    assert engine.asked == 1
    one.set_options(task_keys={}, var_options=CREDENTIAL)
    one._build_command("ssh", "ssh", "host", "true")
    assert engine.asked == 2


@pytest.mark.parametrize(
    ("keys", "given", "wanted"),
    [
        ({}, {}, ("deploy", 2222)),
        ({"remote_user": "root", "port": 22}, {}, ("deploy", 2222)),
        ({"remote_user": "root"}, {"ansible_user": "root", "ansible_port": 22}, ("root", 22)),
        ({}, {"ansible_ssh_user": "root", "ansible_ssh_port": 22}, ("root", 22)),
        # For a delegated task, core copies defaults into variables; other values are the host's own.
        ({"remote_user": "root", "delegate_to": "host"}, {"ansible_user": "root"}, ("deploy", 2222)),
        ({"remote_user": "root", "delegate_to": "host"}, {"ansible_user": "admin"}, ("admin", 2222)),
        ({"delegate_to": "host"}, {"ansible_user": None, "ansible_port": None}, ("deploy", 2222)),
    ],
)
def test_user_and_port(
    monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any], given: dict[str, Any], wanted: tuple[str, int]
) -> None:
    one, _engine = connected(monkeypatch, KEY, keys, **given)
    assert (one.get_option("remote_user"), one.get_option("port")) == wanted
    words = [word.decode().replace('"', "") for word in one._build_command("ssh", "ssh", "host", "true")]
    assert [word for word in words if word.startswith(("User=", "Port="))][:2] == [
        f"User={wanted[0]}",
        f"Port={wanted[1]}",
    ]


def test_core_sets_what_the_credential_leaves_open(monkeypatch: pytest.MonkeyPatch) -> None:
    one, _engine = connected(monkeypatch, KEY._replace(user="", port=0), {"remote_user": "root", "port": 22})
    assert (one.get_option("remote_user"), one.get_option("port")) == ("root", 22)


@pytest.mark.parametrize("binary", ["ssh", "scp", "sftp"])
@pytest.mark.parametrize("login", [KEY, PASSWORD])
def test_own_arguments_come_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, login: HostLogin, binary: str
) -> None:
    given = {
        "ansible_password": "nonsense",
        "ansible_ssh_private_key_file": "/own/key",
        "ansible_control_path": "/x/%%h",
    }
    one, _engine = connected(monkeypatch, login, {}, **given, ansible_control_path_dir=str(tmp_path / "cp"))
    words = [word.decode() for word in one._build_command(binary, binary, "host")]
    values = {}
    for word in words:
        values.setdefault(word.partition("=")[0], word.partition("=")[2])
    assert words[:2] == [binary, "-o"]
    assert values["PubkeyAuthentication"] == ("yes" if login is KEY else "no")
    assert values["PasswordAuthentication"] == ("no" if login is KEY else "yes")
    assert values.get("BatchMode") == (None if login is KEY else "no")
    assert values["ControlPath"].startswith(f'"{tmp_path}/cp/')
    assert not [
        word for word in words if "/own/key" in word or "nonsense" in word or "correct" in word or "/x/" in word
    ]


def test_the_control_socket_differs_by_credential_or_is_turned_off(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sockets = []
    for login, args in ((KEY, None), (KEY, None), (KEY._replace(mark="changed"), None), (KEY, "-C")):
        given = {"ansible_control_path_dir": str(tmp_path), **({"ansible_ssh_args": args} if args else {})}
        one, _engine = connected(monkeypatch, login, {}, **given)
        sockets.append(next(w for w in one._build_command("ssh", "ssh", "host") if w.startswith(b"ControlPath=")))
    assert sockets[0] == sockets[1] != sockets[2]
    assert sockets[3] == b'ControlPath="none"'


@pytest.mark.parametrize("given", ["-A", "-vA -C", "-S /own -A"])
def test_flags_that_override_options_do_not_override_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str
) -> None:
    options = {"ansible_control_path_dir": str(tmp_path), "ansible_ssh_common_args": given}
    one, _engine = connected(monkeypatch, KEY, {}, **options)
    words = [word.decode() for word in one._build_command("ssh", "ssh", "host", "-A -S /of/the/command")]
    path = next(word for word in words if word.startswith("ControlPath=")).split('"')[1]
    assert words[-5:] == ["-a", "-S", path, "host", "-A -S /of/the/command"]
    for binary in ("scp", "sftp"):
        words = [word.decode() for word in one._build_command(binary, binary, "[-A]")]
        assert not [word for word in words if word.startswith("-") and "A" in word]
        assert words[-1] == "[-A]"
        assert ("-" in words) == (binary == "sftp")  # of -b -, core's own
    one, _engine = connected(monkeypatch, PASSWORD, {}, **options)
    assert any("A" in word.decode() for word in one._build_command("sftp", "sftp", "host") if word.startswith(b"-"))


def test_the_password_of_core_is_dropped_in_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    one, _engine = connected(monkeypatch, KEY, {"password": "from the command line"})
    original = one._play_context
    one._build_command("ssh", "ssh", "host")
    assert (one._play_context.password, one.get_option("password")) == ("", None)
    assert original.password == "from the command line"


def test_a_password_of_several_lines_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    login = PASSWORD._replace(password="correct\nhorse", folder=str(tmp_path))
    one, _engine = connected(monkeypatch, login)
    with pytest.raises(AnsibleAuthenticationFailure, match=r"\[secret_of_lines\]") as caught:
        one._bare_run(one._build_command("ssh", "ssh", "host"), None)
    assert "horse" not in str(caught.value)


def test_the_environment_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOPED_TEST_A", "before")
    before = dict(os.environ)
    with contextlib.suppress(KeyError), ssh._environment({"SCOPED_TEST_A": "now", "SCOPED_TEST_B": "new"}):
        assert (os.environ["SCOPED_TEST_A"], os.environ["SCOPED_TEST_B"]) == ("now", "new")
        raise KeyError
    assert dict(os.environ) == before


def test_a_ticket_does_not_change_the_locale() -> None:
    login = HostLogin("kerberos", "deploy", "mark", ticket_cache="FILE:/run/ticket", krb5_config="/etc/other.conf")
    assert ssh._ticket(login) == {"KRB5CCNAME": "FILE:/run/ticket", "KRB5_CONFIG": "/etc/other.conf"}
    assert ssh._ticket(KEY) == {}


def test_only_retryable_errors_are_retried_by_core() -> None:
    wrong, away = Forbidden("a", "No.", hint="Do."), Unavailable("b", "Not now.", hint="Later.", retryable=True)
    assert isinstance(ssh._failure(wrong), AnsibleAuthenticationFailure)
    assert not isinstance(ssh._failure(away), AnsibleAuthenticationFailure)
    assert "No. [a] Do. ssh said: Permission denied" in str(ssh._failure(wrong, "Permission denied"))


@pytest.mark.parametrize(
    ("reference", "seconds", "is_reported"), [("deploy", 0.2, True), ("deploy", 60, False), ("", 0.2, False)]
)
def test_an_ssh_that_stops_reading_may_report_why(
    reference: str, seconds: float, is_reported: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "_EXIT_TIMEOUT", 1.0)
    one = connection()
    one._reference = reference
    closed = ["sh", "-c", f"exec <&-; sleep {seconds}"]
    with subprocess.Popen(closed, stdin=subprocess.PIPE) as process:
        try:
            with contextlib.nullcontext() if is_reported else pytest.raises(AnsibleConnectionFailure):
                one._send_initial_data(process.stdin, b"x" * 1_000_000, process)
        finally:
            process.kill()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()  # type: ignore[union-attr]


def test_notices_of_the_engine_are_shown_as_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        def open_host_login(self, query: Query) -> HostLogin:
            assert query == Query("account.deploy")
            return KEY

        def take_notices(self) -> list[str]:
            return ["It is old.", "It is slow."]

    shown: list[str] = []
    monkeypatch.setattr(ssh, "connect", lambda _settings: Client())
    monkeypatch.setattr(Display(), "warning", shown.append)
    one = connection()
    one.set_options(task_keys={}, var_options=CREDENTIAL)
    assert one._host_login() == KEY
    assert shown == ["It is old.", "It is slow."]
