# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host logins of a run: an ssh-agent for each key, and the Kerberos tickets."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping
from functools import lru_cache
from multiprocessing.util import Finalize
from typing import Any

from ..model.host_login import HostLogin
from ..processes.identity import run_process
from . import keys
from .agent import Agent
from .keeper import Keeper, keeper_of
from .krb5_config import krb5_config_of
from .tickets import TicketRequest, Tickets

__all__ = ["HostLogins", "full_principal", "handed_out", "read_key"]

# Decrypting a key takes a tenth of a second by design; 20 hosts should not wait for it 20 times.
read_key = lru_cache(maxsize=64)(keys.read_key)
handed_out = lru_cache(maxsize=64)(keys.handed_out)

# Seconds between looks at whether the run of a worker has ended.
_INTERVAL = 0.5


class HostLogins:
    """The agents and the tickets of one process, in a private folder. Thread-safe.

    They go with the process or its run, whichever ends first: a keeper removes them if the process is killed.
    """

    def __init__(self, folder: str = "") -> None:
        """Take the path of the folder, which is created when needed; empty means a new temporary folder."""
        self._wanted = folder
        self._folder = ""
        self._keeper: Keeper | None = None
        self._agents: dict[bytes, Agent] = {}
        self._tickets: Tickets | None = None
        self._lock = threading.Lock()

    def open_host_login(
        self, settings: Mapping[str, Any], parts: Mapping[str, bytes], mark: str, what: str
    ) -> HostLogin:
        """Return how to log in with an SSH credential, after loading its key or fetching its ticket.

        `mark` is passed on in the login; `what` names the credential in errors. Raises ScopedSecretsError.
        """
        login = HostLogin(
            settings["auth_scheme"],
            settings.get("user") or settings.get("principal", "").partition("@")[0],
            mark,
            port=settings.get("port") or 0,
            folder=self.folder,
        )
        return _BY_SCHEME[login.scheme](self, login, settings, parts, what)

    def _with_key(
        self, login: HostLogin, settings: Mapping[str, Any], parts: Mapping[str, bytes], what: str
    ) -> HostLogin:
        key = read_key(parts["private_key"], parts.get("passphrase"), what)
        agent, public = self._agent_of(key.openssh).add(key.openssh, key.public_line)
        return login._replace(agent=agent, public_key_file=public)

    def _with_password(
        self, login: HostLogin, settings: Mapping[str, Any], parts: Mapping[str, bytes], what: str
    ) -> HostLogin:
        return login._replace(password=parts["password"].decode())

    def _with_ticket(
        self, login: HostLogin, settings: Mapping[str, Any], parts: Mapping[str, bytes], what: str
    ) -> HostLogin:
        return login._replace(
            principal=full_principal(settings),
            krb5_config=krb5_config_of(settings),
            ticket_cache=self.ticket_cache(settings, parts),
        )

    def ticket_cache(self, settings: Mapping[str, Any], parts: Mapping[str, bytes]) -> str:
        """Return a cache with the credential's ticket, as KRB5CCNAME takes it; empty if the user provides a ticket."""
        if settings["tgt"] == "none":
            return ""
        return self.tickets.cache(
            TicketRequest(
                full_principal(settings),
                krb5_config_of(settings),
                keytab=parts.get("keytab", b""),
                keytab_path=settings.get("keytab_path", ""),
                password=parts.get("password", b"").decode(),
            )
        )

    @property
    def folder(self) -> str:
        with self._lock:
            if not self._folder:
                self._folder = self._made_folder()
                self._keeper = keeper_of(self._folder)
                self._end_with_run(self._folder)
            return self._folder

    def _made_folder(self) -> str:
        if self._wanted:
            os.makedirs(self._wanted, mode=0o700, exist_ok=True)
            return self._wanted
        # Workers skip atexit but run multiprocessing finalizers.
        Finalize(None, self.close, exitpriority=0)
        return tempfile.mkdtemp(prefix="scoped-secrets-")

    def _end_with_run(self, folder: str) -> None:
        """Close this when ansible-playbook has ended: a worker may go on long after that."""
        run = run_process()

        def watch() -> None:
            while self._folder == folder and os.getppid() == run:
                time.sleep(_INTERVAL)
            if self._folder == folder:
                self.close()

        if run != os.getpid():
            threading.Thread(target=watch, name="host logins", daemon=True).start()

    def _agent_of(self, private_key: bytes) -> Agent:
        """Return the agent of a key. With one agent for all, what reaches it could use the keys of other hosts."""
        folder, name = self.folder, hashlib.sha256(private_key).digest()
        with self._lock:
            if name not in self._agents:
                self._agents[name] = Agent(folder, f"agent{len(self._agents)}")
            return self._agents[name]

    @property
    def tickets(self) -> Tickets:
        folder = self.folder
        with self._lock:
            self._tickets = self._tickets or Tickets(folder)
            return self._tickets

    def close(self) -> None:
        """Stop the agents; remove the tickets and the folder."""
        with self._lock:
            agents, tickets, folder, keeper = self._agents, self._tickets, self._folder, self._keeper
            self._agents, self._tickets, self._keeper = {}, None, None
            self._folder = ""
        for agent in agents.values():
            agent.close()
        if tickets:
            tickets.close()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
        if keeper:
            keeper.dismiss()


_BY_SCHEME = {
    "ssh_key": HostLogins._with_key,
    "password": HostLogins._with_password,
    "kerberos": HostLogins._with_ticket,
}


def full_principal(settings: Mapping[str, Any]) -> str:
    """Return the principal, with its realm if one is set."""
    principal, realm = settings["principal"], settings.get("realm", "")
    return principal if "@" in principal or not realm else f"{principal}@{realm}"
