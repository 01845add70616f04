# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SSH: one credential for many hosts, beside the built-in connection with a key file or a ticket of the user's own."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab import Lab
from measuring import Benchmark, Case, Comparison, Quantity, Target
from servers.kerberos import Kerberos
from servers.sshd import HOSTS, Sshd, new_key

__all__ = ["benchmark"]

KEY_FILE = "`ansible.builtin.ssh`, key file"
TICKET = "`ansible.builtin.ssh`, ticket of the user"
CREDENTIAL = "`scoped.secrets.ssh`, key"
PRINCIPAL = "`scoped.secrets.ssh`, keytab"

QUANTITIES = [Quantity("wall", "s"), Quantity("CPU", "s")]

EXPLANATION = f"""\
Two tasks, `raw` and `command`, on {len(HOSTS)} hosts, forks 5: addresses of one sshd on this machine, whose own CPU is
not counted. Every run connects anew. With a credential, the run has an agent of its own, or gets a ticket of its own by
`kinit`."""

PLAY = {
    "tasks": [
        {"ansible.builtin.raw": "id -un", "changed_when": False},
        {"ansible.builtin.command": "id -un", "changed_when": False},
    ]
}


def benchmark(lab: Lab) -> Benchmark:
    hosts = _Hosts(lab)
    cases = [
        Case(KEY_FILE, hosts.with_key_file()),
        Case(CREDENTIAL, hosts.with_credential("key"), floor=KEY_FILE, is_ours=True),
        Case(TICKET, hosts.with_ticket()),
        Case(PRINCIPAL, hosts.with_credential("keytab"), floor=TICKET, is_ours=True),
    ]
    targets = [Target(CREDENTIAL, KEY_FILE, "wall", at_most=1.1), Target(PRINCIPAL, TICKET, "wall", at_most=1.1)]
    return Benchmark("SSH", "One credential for many hosts", EXPLANATION, [Comparison(cases, targets, QUANTITIES)])


class _Hosts:
    """The hosts, with credentials for them in a store and beside it."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._kerberos: Kerberos = lab.kerberos
        self._sshd: Sshd = lab.sshd
        self._folder = lab.new_folder("ssh")
        self._site = lab.new_folder("ssh-site")
        self._principal = self._kerberos.add("bench", "no matter")
        self._sshd.ticket.welcome(self._principal)
        self._keytab = self._kerberos.keytab(self._principal)
        key, public = new_key(self._folder)
        self._sshd.key.authorize(public)
        self._key_file = self._folder / "key"
        self._key_file.touch(mode=0o600)
        self._key_file.write_bytes(key)
        self._declare(key.decode())

    def _declare(self, key: str) -> None:
        self._lab.play(
            "ssh_credentials",
            self._site,
            changes=True,
            key=key,
            key_user=self._sshd.key.name,
            keytab=base64.b64encode(self._keytab).decode(),
            principal=self._principal,
            ticket_user=self._sshd.ticket.name,
            krb5_config=str(self._kerberos.config),
        )

    def with_key_file(self) -> Callable[[], dict[str, float]]:
        user, file = self._sshd.key.name, str(self._key_file)
        return self._case("ansible.builtin.ssh", ansible_user=user, ansible_ssh_private_key_file=file)

    def with_ticket(self) -> Callable[[], dict[str, float]]:
        cache, keytab = f"FILE:{self._folder}/cache", self._folder / "keytab"
        keytab.write_bytes(self._keytab)
        command = ["kinit", "-k", "-t", str(keytab), "-c", cache, self._principal]
        subprocess.run(command, env={"PATH": "/usr/bin:/bin", **self._kerberos.environment}, check=True)
        arguments = "-o GSSAPIAuthentication=yes -o PreferredAuthentications=gssapi-with-mic"
        environment = {"KRB5CCNAME": cache, "KRB5_CONFIG": str(self._kerberos.config)}
        user = self._sshd.ticket.name
        return self._case("ansible.builtin.ssh", environment, ansible_user=user, ansible_ssh_extra_args=arguments)

    def with_credential(self, identifier: str) -> Callable[[], dict[str, float]]:
        return self._case("scoped.secrets.ssh", ansible_ssh_credential=identifier)

    def _case(
        self, connection: str, environment: Mapping[str, str] | None = None, **variables: Any
    ) -> Callable[[], dict[str, float]]:
        inventory = self._inventory({"ansible_connection": connection, **variables})
        playbook = self._lab.playbook(PLAY)

        def take() -> dict[str, float]:
            # No connection of the run before.
            own = {
                "ANSIBLE_INVENTORY": str(inventory),
                "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self._lab.new_folder("c")),
                # What is timed ends with its last process.
                "ANSIBLE_SSH_ARGS": "-C -o ControlMaster=auto -o ControlPersist=3s",
            }
            return self._lab.play(playbook, self._site, environment={**own, **(environment or {})})

        return take

    def _inventory(self, variables: Mapping[str, Any]) -> Path:
        common = {
            "ansible_port": self._sshd.port,
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={self._sshd.known_hosts}",
        }
        path = self._lab.new_folder("inventory") / "hosts.json"
        hosts = {address: {} for address in HOSTS}
        path.write_text(json.dumps({"all": {"hosts": hosts, "vars": {**common, **variables}}}), encoding="utf-8")
        return path
