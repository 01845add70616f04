# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of the SSH server in inventories, credentials for them, and runs that log in there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from servers.sshd import HOSTS, Account, new_key
from site_of_runs import Run, Site, Task

if TYPE_CHECKING:
    from servers.sshd import Sshd

# As quick as can be, and as most modules do it: files go there first.
WHO: Task = {"name": "who", "ansible.builtin.raw": 'printf %s "$(id -un)"', "changed_when": False}
WHO_BY_MODULE: Task = {"name": "who", "ansible.builtin.command": "id -un", "changed_when": False}
BUILTIN = "ansible.builtin.ssh"
OURS = "scoped.secrets.ssh"


@dataclass
class SshSite:
    """A site, and the server that its hosts are."""

    site: Site
    sshd: Sshd

    def declare(self, identifier: str, **options: Any) -> dict[str, Any]:
        """Declare a credential, in the account, and return what came of it."""
        (result,) = self.site.declare(declaring(identifier, **options))
        return result

    def host(self, account: Account | None = None, address: str = HOSTS[0], **variables: Any) -> dict[str, Any]:
        """Return the variables of a host: our connection, and the user where an account is given."""
        user = {"ansible_user": account.name} if account else {}
        return {
            "ansible_host": address,
            "ansible_port": self.sshd.port,
            "ansible_connection": OURS,
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={self.sshd.known_hosts}",
            **user,
            **variables,
        }

    def environment(self, **extra: str) -> dict[str, str]:
        return {
            # A short path, for sockets: ansible-core follows symbolic links.
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.site.temp.parent / "cp"),
            "ANSIBLE_INVENTORY": str(self.site.folder / "hosts.yml"),
            **extra,
        }

    def run(
        self, tasks: list[Task], *arguments: str, hosts: dict[str, Any], fails: bool = False, **options: Any
    ) -> Run:
        """Run tasks on hosts, given by name with their variables."""
        local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        inventory = {"ungrouped": {"hosts": {"localhost": local}}, "targets": {"hosts": hosts}}
        (self.site.folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
        environment = self.environment(**options.pop("environment", {}))
        return self.site.run(tasks, *arguments, hosts="targets", environment=environment, fails=fails, **options)

    def who(
        self, *arguments: str, fails: bool = False, host: dict[str, Any], task: Task | None = None, **options: Any
    ) -> Run:
        """Run `id -un` on one host."""
        return self.run([task or WHO], *arguments, hosts={"one": host}, fails=fails, **options)

    def sealed(self, private: str, passphrase: str) -> str:
        """Return a key protected by a passphrase, as ssh-keygen does it."""
        file = self.site.folder / "sealing"
        file.touch(mode=0o600)
        file.write_text(private)
        subprocess.run(["ssh-keygen", "-q", "-p", "-N", passphrase, "-f", str(file)], check=True, capture_output=True)
        content = file.read_text()
        file.unlink()
        return content

    def logins(self, account: Account) -> int:
        return len(self.sshd.accepted(account))


def declaring(identifier: str, **options: Any) -> Task:
    return {
        "scoped.secrets.secret_ssh": {"identifier": identifier, **options},
        "delegate_to": "localhost",
        "run_once": True,
        "name": f"declare {identifier}",
    }


@contextmanager
def user_agent(folder: Path, key: bytes) -> Iterator[str]:
    """Give the socket of an ssh-agent of the user's own, which holds a key."""
    socket = folder / "user-agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            assert agent.poll() is None
        added = ["ssh-add", "-q", "-"]
        subprocess.run(added, input=key, env={"PATH": "/usr/bin:/bin", "SSH_AUTH_SOCK": str(socket)}, check=True)
        yield str(socket)
    finally:
        agent.terminate()
        agent.wait()


def key_pair(folder: Path, account: Account | None = None) -> str:
    """Return a new private key, which opens an account where one is given."""
    private, public = new_key(folder)
    if account:
        account.authorize(public)
    return private.decode()
