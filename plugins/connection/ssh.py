# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection plugin. Its documentation is in ssh.yml, so that workers don't have to read it.

It extends the ssh connection of the running ansible-core. With a credential, the engine loads the key into the run's
agent or gets a ticket; this plugin adds options to the command lines of ssh, scp and sftp, and variables to their
environment. Without a credential it changes nothing.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleAuthenticationFailure, AnsibleConnectionFailure
from ansible.plugins.connection.ssh import Connection as BuiltinConnection
from ansible.plugins.loader import connection_loader
from ansible.utils.display import Display
from ansible.utils.path import makedirs_safe, unfrackpath

from ..module_utils.processes import bytecode

bytecode.prefer()

from ..module_utils.client.connect import Client, connect
from ..module_utils.credentials.asked import NO_ANSWERS, Answers, Asked
from ..module_utils.credentials.ssh_client import last_ssh_options, ssh_environment, ssh_options, without_forwarding
from ..module_utils.face.facts import FACTS
from ..module_utils.face.options import OPTIONS, resolve_options, settings_of
from ..module_utils.model.errors import ScopedSecretsError
from ..module_utils.model.host_login import HostLogin
from ..module_utils.model.queries import Query

_TYPE = "connection"
_CREDENTIAL = "ssh_credential"
_OWN_OPTIONS: dict[str, dict[str, Any]] = {
    _CREDENTIAL: {"type": "str", "vars": [{"name": "ansible_ssh_credential"}]},
    **{option.name: {"type": "str", "vars": [{"name": option.var}]} for option in OPTIONS if option.var},
    # Core only passes variables that are options.
    **{name: {"type": "raw", "vars": [{"name": name}]} for name in (FACTS, "inventory_hostname")},
}
# Options of the built-in connection that a credential replaces. The running core may not have all of them.
_REPLACED = ("password", "pkcs11_provider", "private_key", "private_key_file", "private_key_passphrase")
# The control socket's name must differ by credential, so we always set our own.
_IGNORED = (*_REPLACED, "control_path")
# Exit status of ssh, scp and sftp if ssh itself failed.
_SSH_FAILED = 255
# Seconds that ssh has to exit once it takes no more input.
_EXIT_TIMEOUT = 2.0


class Connection(BuiltinConnection):
    """Logs in with the credential named by a variable of the host."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _define_options(self._load_name)
        # The strategy, which only resets connections, passes no task.
        self._is_for_task = "task_uuid" in kwargs
        self._explicit: frozenset[str] = frozenset()
        self._shared: dict[str, Any] = {}
        self._direct: Mapping[str, Any] = {}
        self._reference = ""
        self._login: HostLogin | None = None
        self._client: Client | None = None

    def set_options(
        self,
        task_keys: dict[str, Any] | None = None,
        var_options: dict[str, Any] | None = None,
        direct: dict[str, Any] | None = None,
    ) -> None:
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        self._login, self._reference = None, str(super().get_option(_CREDENTIAL) or "")
        if not self._reference:
            return
        self._shared, self._direct = var_options or {}, direct or {}
        self._explicit = self._set_by_variables(task_keys or {})
        self._warn_of_replaced()

    def _set_by_variables(self, task_keys: Mapping[str, Any]) -> frozenset[str]:
        """Return which of user and port are set by variables of the host, which override the credential.

        For a reset and for a delegated task, core copies the values of keywords, the command line and the configuration
        into variables. In these cases, variables with such a value don't count.
        """
        defaults = {"remote_user": task_keys.get("remote_user"), "port": task_keys.get("port") or C.DEFAULT_REMOTE_PORT}
        is_sure = self._is_for_task and not task_keys.get("delegate_to")
        return frozenset(
            option
            for option, default in defaults.items()
            for values in [self._values(option)]
            if values and (is_sure or str(values[0]) != str(default))
        )

    def _values(self, option: str) -> list[Any]:
        """Return the values that variables of the host give an option, highest precedence first."""
        found = [self._shared.get(name) for name in _variables(self._load_name, option)]
        return [value for value in found if value is not None]

    def _replace_password(self) -> None:
        """Drop a password that core passes outside of the options; some releases only do so after setting them."""
        if self._play_context.password:
            self._play_context = self._play_context.copy()
            self._play_context.password = ""

    def _warn_of_replaced(self) -> None:
        given = [var for name in _REPLACED for var in _variables(self._load_name, name) if self._shared.get(var)]
        if given and self._is_for_task:
            names = " and ".join(given)
            Display().warning(
                f"{names}: ignored for a host with 'ansible_ssh_credential', which logs in with that credential only."
            )

    def get_option(self, option: str, hostvars: dict[str, Any] | None = None) -> Any:
        if self._reference and option in _IGNORED:
            return None
        if self._reference and option in ("remote_user", "port") and option not in self._explicit:
            login = self._host_login()
            found = login.user if option == "remote_user" else login.port
            if found:
                return found
        return super().get_option(option, hostvars=hostvars)

    def update_vars(self, variables: dict[str, Any]) -> None:
        """Add the variables that core sets for every task, without asking the engine: not every task connects."""
        reference, self._reference = self._reference, ""
        try:
            super().update_vars(variables)
        finally:
            self._reference = reference

    def _host_login(self) -> HostLogin:
        """Return how to log in, asking the engine once per task; raise AnsibleConnectionFailure."""
        if self._login is None:
            try:
                self._login = self._ask_engine()
            except ScopedSecretsError as error:
                raise _failure(error) from None
        return self._login

    def _ask_engine(self) -> HostLogin:
        options = resolve_options(self._direct, self._shared, None, C.CONFIG_FILE)
        self._client = client = connect(settings_of(options))
        login = client.open_host_login(Query(self._reference, options["org"], options["project"]))
        for notice in client.take_notices():
            Display().warning(notice)
        return login

    def _build_command(self, binary: str, subsystem: str, *other_args: bytes | str) -> list[bytes]:
        if not self._reference:
            return list(super()._build_command(binary, subsystem, *other_args))
        self._replace_password()
        command: list[bytes] = super()._build_command(binary, subsystem, *other_args)
        control_path = self._control_socket() if any(self._persistence_controls(command)) else "none"
        own = self._own_arguments(control_path)
        Display().vvvvv(f"SSH: ansible_ssh_credential set: ({')('.join(own)})", host=self.host)
        end = len(command) - len(other_args)
        given, last = command[1:end], list[str]()
        if subsystem == "ssh":
            last = last_ssh_options(self._host_login(), control_path)
        else:
            given = without_forwarding(given, self._host_login())
        # ssh uses the first value of an option, so ours come before all others, but the last one of a flag.
        return [*command[:1], *map(os.fsencode, own), *given, *map(os.fsencode, last), *command[end:]]

    def _own_arguments(self, control_path: str) -> list[str]:
        """Return the arguments for the credential."""
        login = self._host_login()._replace(user=self.user or "", port=self.port or 0)
        batch = ["-o", "BatchMode=no"] if login.scheme == "password" else []
        # Always set ControlPath: one from ssh_config would not differ by credential.
        return [*ssh_options(login), *batch, "-o", f'ControlPath="{control_path}"']

    def _control_socket(self) -> str:
        """Return the path of the control socket for this credential and host; create its folder."""
        folder = unfrackpath(self.get_option("control_path_dir"))
        makedirs_safe(os.fsencode(folder), 0o700)
        path = self._create_control_path(self.host, self.port, self.user, self._host_login().mark)
        return str(path % {"directory": folder})

    def _bare_run(
        self, cmd: list[bytes], in_data: bytes | None, sudoable: bool = True, checkrc: bool = True
    ) -> tuple[int, bytes, bytes]:
        if not self._reference:
            return super()._bare_run(cmd, in_data, sudoable=sudoable, checkrc=checkrc)
        login = self._host_login()._replace(user=self.user or "")
        try:
            with self._answering(login) as answers, _environment({**_ticket(login), **answers.environment}):
                # With checkrc, core would raise an error of its own that hides ssh's message.
                ended: tuple[int, bytes, bytes] = super()._bare_run(cmd, in_data, sudoable=sudoable, checkrc=False)
        except ScopedSecretsError as error:
            raise _failure(error) from None
        if ended[0]:
            self._explain(ended, login, answers.asked(), is_transfer=not checkrc)
        return ended

    @contextmanager
    def _answering(self, login: HostLogin) -> Iterator[Answers]:
        """Answer ssh's password prompt during one attempt."""
        if login.scheme != "password":
            yield NO_ANSWERS
            return
        from ..module_utils.credentials.askpass import accounts_of, answering

        command = self._build_command(self.get_option("ssh_executable"), "ssh", self.host)
        prompt = str(super().get_option("sshpass_prompt") or "")
        with answering(login.folder, login.password, partial(accounts_of, command), prompt=prompt) as answers:
            yield answers

    def _send_initial_data(self, fh: Any, in_data: bytes, ssh_process: subprocess.Popen[bytes]) -> None:
        """Send input to the host; if ssh stops reading it, wait for ssh to report a refused login itself.

        Core gives such an ssh one millisecond to exit. If ssh takes longer, core retries, and a wrong password counts
        twice.
        """
        try:
            super()._send_initial_data(fh, in_data, ssh_process)
        except AnsibleConnectionFailure:
            if not self._reference or not _has_ended(ssh_process):
                raise

    def _explain(self, ended: tuple[int, bytes, bytes], login: HostLogin, asked: Asked, *, is_transfer: bool) -> None:
        """Raise the error that explains a failure. Leave retryable ones to core, which may transfer in another way."""
        if ended[0] != _SSH_FAILED and not asked.is_refused:
            return
        from ..module_utils.credentials.ssh_failures import explain

        said = ended[2].decode(errors="replace")
        error = explain(said, login, str(self.host), asked)
        if error and not (error.retryable and is_transfer):
            raise _failure(error, "" if self._play_context.no_log else said.strip())

    def reset(self) -> None:
        """Close the shared connection. If its credential can't be read, warn instead."""
        try:
            super().reset()
        except AnsibleConnectionFailure as error:
            Display().warning(f"The connection can't be reset: {error}")
            self.close()

    def close(self) -> None:
        """End the task's use of the connection. Core kills workers soon afterwards, so clean up now."""
        super().close()
        self._login = None
        if self._client:
            self._client.close_host_logins()


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    with suppress(subprocess.TimeoutExpired):
        process.wait(_EXIT_TIMEOUT)
    return process.returncode is not None


def _define_options(name: str) -> None:
    """Register this plugin's options in core: those of the running core's built-in connection, and our own."""
    if not C.config.has_configuration_definition(_TYPE, name):
        builtin = connection_loader.get("ansible.builtin.ssh", class_only=True)
        options = C.config.get_configuration_definitions(_TYPE, builtin._load_name)
        C.config.initialize_plugin_configuration_definitions(_TYPE, name, {**options, **_OWN_OPTIONS})


def _variables(name: str, option: str) -> list[str]:
    """Return the variables that may set an option, highest precedence first; none for an option that core lacks."""
    definition = C.config.get_configuration_definitions(_TYPE, name).get(option, {})
    return [str(entry["name"]) for entry in reversed(definition.get("vars", []))]


def _failure(error: ScopedSecretsError, said: str = "") -> AnsibleConnectionFailure:
    """Return the exception for an error: for a permanent one AnsibleAuthenticationFailure, which core doesn't retry."""
    kind = AnsibleConnectionFailure if error.retryable else AnsibleAuthenticationFailure
    message = f"{error.message} [{error.code}] {error.hint}"
    return kind(f"{message} ssh said: {said}" if said else message)


def _ticket(login: HostLogin) -> dict[str, str]:
    """Return the variables for a ticket. They leave the locale alone, which ssh may pass on to the host."""
    return {name: value for name, value in ssh_environment(login).items() if name != "LC_ALL"}


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables in this process's environment while it runs ssh, then restore it."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            with suppress(KeyError):
                del os.environ[name]
            if value is not None:
                os.environ[name] = value
