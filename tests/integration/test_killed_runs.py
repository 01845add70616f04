# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Agents, tickets and their folders are gone soon after a run, or its broker or worker, is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from connector_tasks import place
from live_runs import Live, children, live_in, processes, wait_for
from servers.sshd import HOSTS
from site_of_runs import Site, Task
from ssh_hosts import WHO, SshSite, key_pair

if TYPE_CHECKING:
    from servers.kerberos import Kerberos
    from servers.sshd import Sshd


class Killed:
    """A run that is logged in to two hosts at once: one by a key in an agent, one by a ticket."""

    def __init__(self, live: Live, ssh: SshSite) -> None:
        self.live = live
        self.ssh = ssh
        self.hosts = {
            name: ssh.host(address=HOSTS[number], ansible_ssh_credential=name)
            for number, name in enumerate(("key", "ticket"))
        }
        # The users of the hosts write here.
        self.signs = live.folder / "signs"
        self.signs.mkdir()
        live.folder.chmod(0o711)
        self.signs.chmod(0o777)

    def pause(self) -> Task:
        script = f"touch {self.signs}/{{{{ inventory_hostname }}}}; while [ -d {self.signs} ]; do sleep 0.05; done"
        return {"ansible.builtin.raw": script}

    def go_on(self) -> None:
        self.signs.rename(self.live.folder / "over")

    def is_logged_in(self) -> bool:
        return {path.name for path in self.signs.iterdir()} == {"key", "ticket"}

    def agents(self) -> list[int]:
        return [pid for pid, words in self._own_processes() if b"ssh-agent" in words[0]]

    def tickets(self) -> list[Path]:
        return [path for folder in self._folders() for path in folder.glob("**/ticket-*")]

    def left(self) -> list[object]:
        """Return the processes of ours, and all files of ours."""
        return [*self._own_processes(), *self._folders()]

    def left_for_hosts(self) -> list[object]:
        """Return the same without what every broker has, which the next one of the run replaces."""
        return [one for one in self.left() if not str(one).endswith((".sock", ".token", ".lock"))]

    def _own_processes(self) -> list[tuple[int, list[bytes]]]:
        ours = tuple(os.fsencode(place / "scoped-secrets-") for place in self._places())
        return [(pid, words) for pid, words in processes() if any(word.startswith(ours) for word in words)]

    def _places(self) -> tuple[Path, Path]:
        return self.ssh.site.temp, self.live.folder

    def _folders(self) -> list[Path]:
        inline, brokers = self._places()
        return [*inline.glob("scoped-secrets-*"), *brokers.glob("scoped-secrets-*/*")]


@pytest.fixture
def killed(site: Site, sshd: Sshd, kerberos: Kerberos, tmp_path: Path) -> Iterator[Killed]:
    ssh = SshSite(site, sshd)
    ssh.declare("key", user=sshd.key.name, private_key=key_pair(tmp_path, sshd.key))
    word = place()
    principal = kerberos.add(place(), word)
    sshd.ticket.welcome(principal)
    login = {"principal": principal, "password": word, "krb5_config": str(kerberos.config)}
    ssh.declare("ticket", user=sshd.ticket.name, **login)
    with live_in(site) as live:
        yield Killed(live, ssh)


def of_playbook(number: int) -> Callable[[Live], None]:
    return lambda live: os.kill(live.ansible_playbook(), number)


def of_workers(live: Live) -> None:
    for pid in children(live.ansible_playbook()):
        os.kill(pid, signal.SIGKILL)


def of_broker(live: Live) -> None:
    os.kill(live.broker(), signal.SIGKILL)


# Who is killed, and whether the run goes on.
VICTIMS: dict[str, tuple[Callable[[Live], None], bool]] = {
    "ansible-playbook": (of_playbook(signal.SIGKILL), False),
    "ansible-playbook, by SIGTERM": (of_playbook(signal.SIGTERM), False),
    "workers": (of_workers, False),
    "broker": (of_broker, True),
}


@pytest.mark.each_core
@pytest.mark.parametrize(
    ("broker", "victim"),
    [(broker, victim) for broker in ("on", "off") for victim in VICTIMS if (broker, victim) != ("off", "broker")],
)
def test_no_agent_ticket_or_folder_outlives_it(killed: Killed, broker: str, victim: str) -> None:
    live, (kill, goes_on) = killed.live, VICTIMS[victim]
    environment = {**live.environment, "SCOPED_SECRETS_BROKER": broker}
    running = live.pool.submit(
        killed.ssh.run, [killed.pause(), WHO], hosts=killed.hosts, environment=environment, fails=not goes_on
    )
    wait_for(lambda: running.done() or killed.is_logged_in())
    assert not running.done(), running.result().output
    assert (len(killed.agents()), len(killed.tickets())) == (1, 1)
    kill(live)
    # While the commands on the hosts, and maybe the workers, still run.
    wait_for(lambda: not (killed.left_for_hosts() if goes_on else killed.left()))
    killed.go_on()
    running.result()
    wait_for(lambda: not killed.left())
