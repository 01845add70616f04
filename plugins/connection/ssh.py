# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection. Its documentation stands in ssh.yml, where workers don't read it.

It is ansible-core's own ssh connection, of whichever release runs. With a credential, the engine puts the key into the
agent of the run or gets a ticket; this adds options to the command lines of ssh, scp and sftp, and what their
environment must have while they run. Without one it does nothing.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
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
from ..module_utils.credentials.ssh_client import ssh_environment, ssh_options
from ..module_utils.face.options import ARGUMENTS, resolve_options, settings_of
from ..module_utils.model.errors import ScopedSecretsError
from ..module_utils.model.host_login import HostLogin
from ..module_utils.model.queries import Query

_TYPE = "connection"
_CREDENTIAL = "ssh_credential"
_OWN_OPTIONS: dict[str, dict[str, Any]] = {
    _CREDENTIAL: {"type": "str", "vars": [{"name": "ansible_ssh_credential"}]},
    **{option.name: {"type": "str", "vars": [{"name": option.var}]} for option in ARGUMENTS if option.var},
}
# Options of the built-in connection that a credential takes the place of, as far as the running core has them.
_REPLACED = ("password", "pkcs11_provider", "private_key", "private_key_file", "private_key_passphrase")
# The name of the control socket must differ by credential, so it is always ours.
_IGNORED = (*_REPLACED, "control_path")
# What ssh and its friends end with when ssh itself has failed.
_SSH_FAILED = 255
# Seconds that an ssh which takes no more input has to end.
_LAST_WORDS = 2.0


class Connection(BuiltinConnection):
    """Logs in with the credential that a host's variable names."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _define_options(self._load_name)
        # The strategy, which only resets connections, gives no task.
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
        """Return which of user and port variables of the host say, and so win over the credential.

        For a reset and for a delegated task, core makes variables of what a keyword, the command line or the
        configuration says: there, these don't count.
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
        """Return what variables of the host say of an option, the one that wins first."""
        found = [self._shared.get(name) for name in _variables(self._load_name, option)]
        return [value for value in found if value is not None]

    def _replace_password(self) -> None:
        """Drop a password that core hands on beside the options, some releases only after those were set."""
        if self._play_context.password:
            self._play_context = self._play_context.copy()
            self._play_context.password = ""

    def _warn_of_replaced(self) -> None:
        given = [var for name in _REPLACED for var in _variables(self._load_name, name) if self._shared.get(var)]
        if given and self._is_for_task:
            names = " and ".join(given)
            Display().warning(
                f"{names}: not used for a host with 'ansible_ssh_credential', which logs in with that alone."
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
        """Add what core adds for each task, also for those that don't connect and must ask for nothing."""
        reference, self._reference = self._reference, ""
        try:
            super().update_vars(variables)
        finally:
            self._reference = reference

    def _host_login(self) -> HostLogin:
        """Return how to log in, which the engine is asked for once a task; raise AnsibleConnectionFailure."""
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
        own = self._own_arguments(is_shared=any(self._persistence_controls(command)))
        Display().vvvvv(f"SSH: ansible_ssh_credential set: ({')('.join(own)})", host=self.host)
        # ssh takes the first value of an option, so ours come before all others.
        return [*command[:1], *(os.fsencode(word) for word in own), *command[1:]]

    def _own_arguments(self, *, is_shared: bool) -> list[str]:
        """Return what the credential adds; `is_shared`: whether the connection may be kept open for further use."""
        login = self._host_login()._replace(user=self.user or "", port=self.port or 0)
        batch = ["-o", "BatchMode=no"] if login.scheme == "password" else []
        # Set in any case, or else a path of ssh_config would hold, which does not differ by credential.
        return [*ssh_options(login), *batch, "-o", f"ControlPath={self._control_socket() if is_shared else 'none'}"]

    def _control_socket(self) -> str:
        """Return the path of the socket of this credential at this host, in a folder that exists."""
        folder = unfrackpath(self.get_option("control_path_dir"))
        makedirs_safe(os.fsencode(folder), 0o700)
        path = self._create_control_path(self.host, self.port, self.user, self._host_login().mark)
        return '"{}"'.format(path % {"directory": folder})

    def _bare_run(
        self, cmd: list[bytes], in_data: bytes | None, sudoable: bool = True, checkrc: bool = True
    ) -> tuple[int, bytes, bytes]:
        if not self._reference:
            return super()._bare_run(cmd, in_data, sudoable=sudoable, checkrc=checkrc)
        login = self._host_login()._replace(user=self.user or "")
        try:
            with _asked_for(login) as answers, _environment({**_ticket(login), **answers}):
                # Core would make an error of a failure, and hide what ssh says in it.
                ended: tuple[int, bytes, bytes] = super()._bare_run(cmd, in_data, sudoable=sudoable, checkrc=False)
        except ScopedSecretsError as error:
            raise _failure(error) from None
        if ended[0] == _SSH_FAILED:
            self._explain(ended[2].decode(errors="replace"), login, is_transfer=not checkrc)
        return ended

    def _send_initial_data(self, fh: Any, in_data: bytes, ssh_process: subprocess.Popen[bytes]) -> None:
        """Send what goes to the host's standard input; let a refused login be told by ssh itself.

        Core gives an ssh that takes no more a millisecond to end. Where it takes longer, core would try again, and a
        wrong password count twice.
        """
        try:
            super()._send_initial_data(fh, in_data, ssh_process)
        except AnsibleConnectionFailure:
            if not self._reference or not _has_ended(ssh_process):
                raise

    def _explain(self, said: str, login: HostLogin, *, is_transfer: bool) -> None:
        """Raise what is known about a failure. What may go well by another way of transfer is left to core."""
        from ..module_utils.credentials.ssh_failures import explain

        error = explain(said, login, str(self.host))
        if error and not (error.retryable and is_transfer):
            raise _failure(error, "" if self._play_context.no_log else said.strip())

    def reset(self) -> None:
        """End the shared connection. Without its credential nothing can be known of one."""
        try:
            super().reset()
        except AnsibleConnectionFailure as error:
            Display().warning(f"The connection can't be reset: {error}")
            self.close()

    def close(self) -> None:
        """End the task's use of the connection. Core kills workers soon after this: what is to be removed goes now."""
        super().close()
        self._login = None
        if self._client:
            self._client.close_host_logins()


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    with suppress(subprocess.TimeoutExpired):
        process.wait(_LAST_WORDS)
    return process.returncode is not None


def _define_options(name: str) -> None:
    """Have core know this plugin's options: those of the built-in connection of the running core, and its own."""
    if not C.config.has_configuration_definition(_TYPE, name):
        builtin = connection_loader.get("ansible.builtin.ssh", class_only=True)
        options = C.config.get_configuration_definitions(_TYPE, builtin._load_name)
        C.config.initialize_plugin_configuration_definitions(_TYPE, name, {**options, **_OWN_OPTIONS})


def _variables(name: str, option: str) -> list[str]:
    """Return the variables that may set an option, the one that wins first; none for an option that core lacks."""
    definition = C.config.get_configuration_definitions(_TYPE, name).get(option, {})
    return [str(entry["name"]) for entry in reversed(definition.get("vars", []))]


def _failure(error: ScopedSecretsError, said: str = "") -> AnsibleConnectionFailure:
    """Return the exception for an error; one that core tries no second time for what would be the same again."""
    kind = AnsibleConnectionFailure if error.retryable else AnsibleAuthenticationFailure
    message = f"{error.message} [{error.code}] {error.hint}"
    return kind(f"{message} ssh said: {said}" if said else message)


def _asked_for(login: HostLogin) -> Any:
    """Return what answers ssh's question for the password, for one attempt."""
    if login.scheme != "password":
        return nullcontext({})
    from ..module_utils.credentials.askpass import answering

    return answering(login.folder, login.password, account=f"{login.user}@")


def _ticket(login: HostLogin) -> dict[str, str]:
    """Return where a ticket lies. The locale stays as it is: ssh may take it along to the host."""
    return {name: value for name, value in ssh_environment(login).items() if name != "LC_ALL"}


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Have variables in this process's environment for a while, which is when it starts ssh."""
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
