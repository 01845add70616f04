# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fake hosts: network namespaces with their own addresses and host names."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Host", "NoHosts", "serve"]


class NoHosts(Exception):
    """This machine can't create hosts; the message says why."""


class Host(NamedTuple):
    """A host. `gateway` is this machine's address as seen from the host, `network` the network of both."""

    name: str
    gateway: str
    network: str

    @property
    def under(self) -> list[str]:
        """The prefix for a command to run there. It execs the command in the same process."""
        renamed = f'hostname {self.name} && exec "$@"'
        return ["nsenter", f"--net=/run/netns/{self.name}", "unshare", "--uts", "sh", "-c", renamed, "sh"]


@contextlib.contextmanager
def serve(count: int = 2) -> Iterator[list[Host]]:
    """Yield hosts that can reach this machine only; raise NoHosts."""
    if os.geteuid():
        raise NoHosts("network namespaces need root")
    with contextlib.ExitStack() as exits:
        yield [exits.enter_context(_host(number)) for number in range(count)]


@contextlib.contextmanager
def _host(number: int) -> Iterator[Host]:
    # RFC 2544 sets 198.18.0.0/15 aside for tests.
    third, fourth = os.getpid() % 256, 4 * number
    host = Host(f"ss-{os.getpid()}-{number}", f"198.18.{third}.{fourth + 1}", f"198.18.{third}.{fourth}/30")
    here, name = f"ss{os.getpid()}n{number}", host.name
    _ip(f"netns add {name}")
    try:
        _ip(f"link add {here} type veth peer name eth0 netns {name}")
        _ip(f"address add {host.gateway}/30 dev {here}")
        _ip(f"link set {here} up")
        _ip(f"-n {name} address add 198.18.{third}.{fourth + 2}/30 dev eth0")
        _ip(f"-n {name} link set eth0 up")
        yield host
    finally:
        # This also removes both ends of the link.
        _ip(f"netns del {name}")


def _ip(arguments: str) -> None:
    try:
        done = subprocess.run(["ip", *arguments.split()], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NoHosts("no program 'ip' is installed") from None
    if done.returncode:
        raise NoHosts(f"ip {arguments}: {done.stderr.strip()}")
