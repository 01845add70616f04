# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where benchmarks run: a temp folder with the collection installed, a home for plays, and the servers of the peers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from counting_proxy import CountingProxy
from servers.aws import Aws, serve_moto
from servers.kerberos import Kerberos
from servers.kerberos import serve as serve_kerberos
from servers.openbao import OpenBao, serve
from servers.postgresql import Postgresql
from servers.postgresql import serve as serve_postgresql
from servers.sshd import Sshd
from servers.sshd import serve as serve_sshd

__all__ = ["HERE", "ROOT", "Lab", "open_lab"]

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
PLAYBOOKS = HERE / "playbooks"
BIN = Path(sys.prefix) / "bin"


@contextmanager
def open_lab(*, is_large: bool) -> Iterator[Lab]:
    """Give a lab. In the end what it made is gone, and what it started has ended."""
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="scoped-secrets-bench-")))
        lab = Lab(folder, exits, is_large)
        lab.install()
        yield lab


class Lab:
    """What the benchmarks share. `is_large`: whether they are to take their large cases too."""

    def __init__(self, folder: Path, exits: ExitStack, is_large: bool) -> None:
        self.is_large = is_large
        self._folder = folder
        self._exits = exits
        self._home = self.new_folder("home")
        self._collections = folder / "collections"

    def install(self) -> None:
        """Build the collection out of the working tree and install it, as users do."""
        galaxy = [str(BIN / "ansible-galaxy"), "collection"]
        self.run([*galaxy, "build", "--output-path", str(self._folder), str(ROOT)])
        tarball = next(self._folder.glob("scoped-secrets-*.tar.gz"))
        self.run([*galaxy, "install", "-p", str(self._collections), str(tarball)])

    def new_folder(self, name: str) -> Path:
        """Return an empty folder that nobody had before."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder))

    @cached_property
    def openbao(self) -> OpenBao:
        """The OpenBao server, started by the first that asks for it."""
        return self._exits.enter_context(serve(self.new_folder("openbao")))

    @cached_property
    def moto(self) -> Aws:
        """The stand-in for AWS, started by the first that asks for it."""
        return self._exits.enter_context(serve_moto(self.new_folder("moto")))

    @cached_property
    def kerberos(self) -> Kerberos:
        """A realm, whose KDC is started by the first that asks for it."""
        return self._exits.enter_context(serve_kerberos(self.new_folder("kerberos")))

    @cached_property
    def sshd(self) -> Sshd:
        """OpenSSH's server, started by the first that asks for it. It takes root."""
        return self._exits.enter_context(serve_sshd(self.new_folder("sshd"), self.kerberos))

    @cached_property
    def postgresql(self) -> Postgresql:
        """A PostgreSQL server, started by the first that asks for it."""
        return self._exits.enter_context(serve_postgresql())

    def proxy(self, url: str, delay: float = 0) -> CountingProxy:
        """Return a new proxy before a server, which holds every request for `delay` seconds."""
        return self._exits.enter_context(CountingProxy(url, delay))

    def hosts(self, count: int) -> Path:
        """Return an inventory of so many hosts, all of them this one."""
        inventory = self._folder / f"hosts-{count}.ini"
        names = "".join(f"host{number}\n" for number in range(count))
        inventory.write_text(f"{names}[all:vars]\nansible_connection=local\n", encoding="utf-8")
        return inventory

    def playbook(self, play: dict[str, Any]) -> Path:
        """Return a new playbook of one play on all hosts."""
        path = self.new_folder("playbook") / "play.yml"
        path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, **play}]), encoding="utf-8")
        return path

    def play(
        self,
        playbook: str | Path,
        site: Path | None = None,
        *,
        changes: bool = False,
        hosts: int = 0,
        forks: int = 5,
        environment: Mapping[str, str] | None = None,
        **variables: object,
    ) -> dict[str, float]:
        """Run a playbook (a name: one of the folder) with the store and key that lie in `site`; return what it took.

        That is: `wall` and `CPU` in seconds, and of a broker, `lingered`, the seconds that it went on after the end,
        and `memory`, the MiB that it had at most. A play that changes nothing when it should, or something when it
        should not, ends the whole run.
        """
        path = PLAYBOOKS / f"{playbook}.yml" if isinstance(playbook, str) else playbook
        command = [str(BIN / "ansible-playbook"), str(path), "-f", str(forks), "-e", json.dumps(variables)]
        inventory = ["-i", str(self.hosts(hosts))] if hosts else []
        record = self.new_folder("record") / "record.json"
        output = self.run(
            [sys.executable, str(HERE / "timed.py"), str(record), *command, *inventory], site, environment
        )
        if changes != bool(re.search(r"\bchanged=[1-9]", output)):
            raise SystemExit(f"The playbook {playbook} did not do what it is timed for:\n{output[-4000:]}")
        taken: dict[str, float] = json.loads(record.read_text(encoding="utf-8"))
        return taken

    def run(self, command: list[str], site: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
        """Run a command of the bench environment and return what it printed; one that fails ends the whole run."""
        with tempfile.TemporaryFile("w+", dir=self._folder) as output:
            done = subprocess.run(
                command,
                env={**self._environment(site or self._home), **(environment or {})},
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
            )
            output.seek(0)
            printed = output.read()
        if done.returncode:
            raise SystemExit(f"Exit code {done.returncode}: {' '.join(command)}\n{printed[-4000:]}")
        return printed

    def _environment(self, site: Path) -> dict[str, str]:
        plain = {name: os.environ[name] for name in ("LANG", "LC_ALL") if name in os.environ}
        return {
            **plain,
            "PATH": f"{BIN}:/usr/bin:/bin",
            "HOME": str(self._home),
            "XDG_DATA_HOME": str(site / "data"),
            "XDG_CONFIG_HOME": str(site / "config"),
            "XDG_STATE_HOME": str(site / "state"),
            "PYTHONPATH": str(self._collections),
            "ANSIBLE_COLLECTIONS_PATH": str(self._collections),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_NOCOLOR": "1",
        }
