# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An MIT KDC with its own realm, in one folder.

By hand: python -m servers.kerberos
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from servers.clocks import with_clock
from servers.process import ServerFailed, by_hand, free_port, program, running

__all__ = ["REALM", "Kerberos", "serve"]

REALM = "SCOPED.TEST"
CLIENTS = """\
[libdefaults]
    default_realm = {realm}
    dns_lookup_realm = false
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 1
    kdc_timesync = {timesync}
[realms]
    {realm} = {{
        kdc = 127.0.0.1:{port}
    }}
[domain_realm]
    localhost = {realm}
[logging]
    kdc = FILE:{log}
"""
SERVER = """\
[kdcdefaults]
    kdc_listen = 127.0.0.1:{port}
    kdc_tcp_listen = 127.0.0.1:{port}
[realms]
    {realm} = {{
        database_name = {folder}/principals
        key_stash_file = {folder}/stash
        acl_file = {folder}/acl
    }}
"""


class Kerberos:
    """A realm. Clients set KRB5_CONFIG to `config`."""

    realm = REALM

    def __init__(self, folder: Path, port: int, *, ahead: str = "") -> None:
        """Prepare a realm. `ahead` sets the KDC's clock ahead of the machine's, for example by `1h`."""
        self.config = folder / "krb5.conf"
        self._folder, self._port, self._ahead = folder, port, ahead
        self._log = folder / "kdc.log"
        self._running = contextlib.ExitStack()
        self._keytabs = itertools.count()
        # Otherwise, clients would adjust to the KDC's time.
        timesync = 0 if ahead else 1
        text = CLIENTS.format(realm=REALM, port=port, log=self._log, timesync=timesync)
        self.config.write_text(text, encoding="utf-8")
        (folder / "kdc.conf").write_text(SERVER.format(realm=REALM, port=port, folder=folder), encoding="utf-8")
        self._run("kdb5_util", "create", "-s", "-r", REALM, "-P", "master")

    @property
    def environment(self) -> dict[str, str]:
        return {"KRB5_CONFIG": str(self.config), "KRB5_KDC_PROFILE": str(self._folder / "kdc.conf")}

    def add(self, name: str, password: str = "", options: str = "") -> str:
        """Add a principal, with a random key if there is no password, and return its full name."""
        key = f'-pw "{password}"' if password else "-randkey"
        principal = f"{name}@{REALM}"
        said = self._admin(f"add_principal {key} +requires_preauth {options} {principal}")
        if f'"{principal}" created' not in said:
            raise ServerFailed(said)
        return principal

    def keytab(self, *principals: str) -> bytes:
        """Return a keytab with the current keys of principals."""
        file = self._folder / f"{next(self._keytabs)}.keytab"
        said = self._admin(f"ktadd -norandkey -k {file} {' '.join(principals)}")
        if not file.exists():
            raise ServerFailed(said)
        return file.read_bytes()

    def change_key(self, principal: str) -> None:
        """Give a principal a new random key, which invalidates its earlier keytabs."""
        said = self._admin(f"change_password -randkey {principal}")
        if "randomized" not in said:
            raise ServerFailed(said)

    def issued(self, principal: str) -> int:
        """Return how many ticket-granting tickets the KDC has issued to a principal."""
        return sum("AS_REQ" in line and " ISSUE: " in line for line in self._lines(principal))

    def asked(self, principal: str) -> int:
        """Return how many login requests the KDC got from a principal, including refused ones."""
        return sum("AS_REQ" in line for line in self._lines(principal))

    def _lines(self, principal: str) -> list[str]:
        text = self._log.read_text(encoding="utf-8") if self._log.exists() else ""
        return [line for line in text.splitlines() if f" {principal} for " in line]

    def start(self) -> None:
        clock = with_clock(f"+{self._ahead}") if self._ahead else {}
        server = running(
            [program("krb5kdc"), "-n"],
            folder=self._folder,
            name="krb5kdc",
            is_ready=self._answers,
            environment={**self.environment, **clock},
        )
        self._running.enter_context(server)

    def stop(self) -> None:
        self._running.close()

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Stop the KDC temporarily."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=5):
            return True
        return False

    def _admin(self, line: str) -> str:
        return self._run("kadmin.local", "-r", REALM, given=f"{line}\n")

    def _run(self, name: str, *options: str, given: str = "") -> str:
        """Run a program on the realm's own files and return its output."""
        done = subprocess.run(
            [program(name), *options],
            input=given,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise ServerFailed(done.stdout)
        return done.stdout


@contextlib.contextmanager
def serve(folder: Path, *, ahead: str = "") -> Iterator[Kerberos]:
    """Yield a realm with a running KDC and no user principals."""
    kerberos = Kerberos(folder, free_port(), ahead=ahead)
    kerberos.start()
    try:
        yield kerberos
    finally:
        kerberos.stop()


@contextlib.contextmanager
def _variables() -> Iterator[Mapping[str, str]]:
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as kerberos:
        yield {"KRB5_CONFIG": str(kerberos.config), "PRINCIPAL": kerberos.add("alice", "password")}


if __name__ == "__main__":
    by_hand(_variables())
