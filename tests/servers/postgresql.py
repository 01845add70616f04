# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL from Debian's packages: a separate cluster in a temporary folder, and pgbouncer in front of it.

By hand: python -m servers.postgresql [--pgbouncer]
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from servers.hosts import Host
from servers.identities import Authority
from servers.process import ServerFailed, by_hand, free_port, has_ended, program, running, until

__all__ = ["PASSWORD", "POOL", "USER", "Postgresql", "serve", "serve_pgbouncer", "url_of"]

USER = "scoped"
# With characters that are special in URLs, SQL and connection strings.
PASSWORD = "Canary-p@ss/wörd:'%41?#&"
# The system user to run the server as, since it refuses to run as root.
OWNER = "postgres"
POOL = 3
HBA = """\
local all all trust
hostssl tls_only all 127.0.0.1/32 scram-sha-256
host tls_only all 127.0.0.1/32 reject
host all all 127.0.0.1/32 scram-sha-256
"""
BOUNCER = """\
[databases]
* = host=127.0.0.1 port={port} user={user} password='{password}'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool}
max_client_conn = 200
server_reset_query_always = 1
server_reset_query = DISCARD ALL
"""


def _program(name: str) -> str:
    """Return the path of a program of the newest server. Debian keeps these out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    return str(found[-1]) if found else program(name)


class Postgresql:
    """A cluster. `authority` is the file of its certificate authority. The database `tls_only` requires TLS."""

    def __init__(self, folder: Path, port: int, hosts: Sequence[Host] = ()) -> None:
        self._addresses = ",".join(["127.0.0.1", *(host.gateway for host in hosts)])
        self.folder = folder
        self.port = port
        self.authority = folder / "ca.pem"
        self._numbers = itertools.count(1)
        self._exits = contextlib.ExitStack()

    def url(self, database: str = USER, **options: str) -> str:
        """Return the URL of a database, without TLS unless `options` say otherwise."""
        return url_of(self.port, database, **options)

    def new_store(self, **options: str) -> str:
        """Return the URL of a new, empty schema for a store."""
        name = f"store_{os.getpid()}_{next(self._numbers)}"
        self.run(f"CREATE SCHEMA {name}")
        return self.url(options=f"-csearch_path={name}", **options)

    def new_database(self) -> str:
        """Create a database and return its name."""
        name = f"database_{os.getpid()}_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name}")
        return name

    @contextlib.contextmanager
    def prepared(self, name: str) -> Iterator[str]:
        """Yield host, port and name of a database that `store_database` is to make, and drop it afterwards.

        Its roles serve one database of a server.
        """
        try:
            yield f"127.0.0.1:{self.port}/{name}"
        finally:
            self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def run(self, *statements: str, url: str = "") -> list[Any]:
        """Run statements, each in its own transaction, and return the rows of the last one."""
        with psycopg.connect(url or self.url(), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        command = [
            _program("postgres"),
            "-D",
            str(self.folder / "data"),
            "-p",
            str(self.port),
            *_settings(self._addresses),
        ]
        self._process = self._exits.enter_context(
            running(_as_owner(command), folder=self.folder, name="postgresql", is_ready=self._answers)
        )

    def stop(self, *, crash: bool = False) -> None:
        """Stop the server without waiting for its clients, or with `crash` like a power failure."""
        self._process.send_signal(signal.SIGQUIT if crash else signal.SIGINT)
        until(lambda: has_ended(self._process))
        self._exits.close()

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
            return True
        return False


def url_of(port: int, database: str = USER, **options: str) -> str:
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in {"sslmode": "disable", **options}.items())
    return f"postgresql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/{database}?{query}"


def _settings(addresses: str) -> list[str]:
    settings = {
        "fsync": "off",
        "listen_addresses": addresses,
        "max_connections": "200",
        "shared_buffers": "32MB",
        "ssl": "on",
        "unix_socket_directories": "",
    }
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _as_owner(command: Sequence[str]) -> list[str]:
    """Return the command that runs as a user who may run the server, in the same process."""
    if os.geteuid():
        return list(command)
    return ["setpriv", "--reuid", OWNER, "--regid", OWNER, "--clear-groups", "--pdeathsig", "KILL", *command]


@contextlib.contextmanager
def _folder(name: str) -> Iterator[Path]:
    """Yield a folder that the server's user owns. The folders of pytest are closed to other users."""
    with tempfile.TemporaryDirectory(prefix=f"ss-{name}-", dir="/tmp", ignore_cleanup_errors=True) as text:
        if not os.geteuid():
            shutil.chown(text, OWNER, OWNER)
        yield Path(text)


@contextlib.contextmanager
def serve(hosts: Sequence[Host] = ()) -> Iterator[Postgresql]:
    """Yield a cluster with passwords and TLS. Its superuser and database are both called `scoped`.

    `hosts` can also connect, at their gateways.
    """
    with _folder("postgresql") as folder:
        server = Postgresql(folder, free_port(), hosts)
        _make(folder, hosts)
        server.start()
        try:
            server.run(f"CREATE DATABASE {USER}", "CREATE DATABASE tls_only", url=server.url("postgres"))
            yield server
        finally:
            server.stop()


def _make(folder: Path, hosts: Sequence[Host]) -> None:
    (folder / "password").write_text(PASSWORD)
    command = [_program("initdb"), "-D", str(folder / "data"), "-U", USER, "-E", "UTF8", "--locale=C.UTF-8"]
    command += ["--no-sync", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}"]
    (folder / "password").chmod(0o644)
    done = subprocess.run(_as_owner(command), cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServerFailed(f"initdb failed.\n{done.stdout}{done.stderr}")
    of_hosts = [f"host all all {host.network} scram-sha-256\n" for host in hosts]
    (folder / "data" / "pg_hba.conf").write_text("".join([HBA, *of_hosts]))
    _certify(folder)


def _certify(folder: Path) -> None:
    """Install a certificate for this machine where the server looks for it."""
    certificate, key = Authority(folder).issue("server")
    for file, name in ((certificate, "server.crt"), (key, "server.key")):
        shutil.copy(file, folder / "data" / name)
        if not os.geteuid():
            shutil.chown(folder / "data" / name, OWNER, OWNER)
    (folder / "data" / "server.key").chmod(0o600)
    (folder / "ca.pem").chmod(0o644)


@contextlib.contextmanager
def serve_pgbouncer(server: Postgresql) -> Iterator[int]:
    """Yield the port of a pooler that runs each transaction on any free connection out of a few."""
    with _folder("pgbouncer") as folder:
        port = free_port()
        password = PASSWORD.replace("'", "''")
        values = {"port": server.port, "own_port": port, "user": USER, "password": password, "pool": POOL}
        (folder / "pgbouncer.ini").write_text(BOUNCER.format(**values))
        command = [program("pgbouncer"), str(folder / "pgbouncer.ini")]
        with running(_as_owner(command), folder=folder, name="pgbouncer", is_ready=lambda: _pools(port)):
            yield port


def _pools(port: int) -> bool:
    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect(url_of(port), connect_timeout=5).close()
        return True
    return False


@contextlib.contextmanager
def _variables() -> Iterator[Mapping[str, str]]:
    parser = argparse.ArgumentParser(description="A PostgreSQL server.")
    parser.add_argument("--pgbouncer", action="store_true", help="with pgbouncer in front of it")
    options = parser.parse_args()
    with contextlib.ExitStack() as exits:
        server = exits.enter_context(serve())
        port = exits.enter_context(serve_pgbouncer(server)) if options.pgbouncer else server.port
        yield {"SCOPED_SECRETS_STORE": f"'{url_of(port)}'"}


if __name__ == "__main__":
    by_hand(_variables())
