# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenSSH's server, and users of this machine who may log in there, each in one way. It takes root.

By hand: python -m servers.sshd
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from servers.kerberos import REALM, Kerberos
from servers.kerberos import serve as serve_kerberos
from servers.process import ServerFailed, by_hand, free_port, program, running

__all__ = ["HOSTS", "STRANGE_HOST", "Account", "Sshd", "new_key", "serve"]

# Addresses where it listens, so that a play has as many hosts.
HOSTS = tuple(f"127.0.0.{number}" for number in range(1, 21))
# It listens here too, but the realm does not know it by this name.
STRANGE_HOST = "127.0.0.21"
# sshd's MAX_LISTEN_SOCKS.
MOST_ADDRESSES = 16
HOMES = "scoped-homes-"
LOCK = Path("/tmp/scoped-users.lock")
METHODS = {
    "key": "PubkeyAuthentication",
    "password": "PasswordAuthentication",
    "ticket": "GSSAPIAuthentication",
}
CONFIG = """\
Port {port}
HostKey {folder}/host_key
PidFile none
LogLevel VERBOSE
UsePAM no
KbdInteractiveAuthentication no
MaxStartups 200
PerSourceMaxStartups none
GSSAPIStrictAcceptorCheck no
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True)
class Account:
    """A user of the machine for as long as the server runs; `password` is that of one who may log in by password."""

    name: str
    home: Path
    password: str = field(default="", repr=False)

    def authorize(self, public_key: str) -> None:
        """Let a key log in, given as a line `TYPE BASE64 [COMMENT]`."""
        self._append(".ssh/authorized_keys", public_key)

    def welcome(self, principal: str) -> None:
        """Let a Kerberos principal log in."""
        self._append(".k5login", principal)

    def _append(self, name: str, line: str) -> None:
        owner, file = pwd.getpwnam(self.name), self.home / name
        file.parent.mkdir(mode=0o700, exist_ok=True)
        with file.open("a", encoding="utf-8") as opened:
            opened.write(f"{line.strip()}\n")
        for path in (file, file.parent):
            os.chown(path, owner.pw_uid, owner.pw_gid)


class Sshd:
    """The server. `known_hosts` has its key under every name; `key`, `password` and `ticket` may log in in one way."""

    def __init__(self, folder: Path, port: int, accounts: Mapping[str, Account]) -> None:
        self.port, self._log = port, folder / "sshd.log"
        self.key, self.password, self.ticket = (accounts[method] for method in ("key", "password", "ticket"))
        self.known_hosts = folder / "known_hosts"
        public = (folder / "host_key.pub").read_text(encoding="utf-8")
        self.known_hosts.write_text(self.known_as(public), encoding="utf-8")

    def known_as(self, public_key: str) -> str:
        """Return the line that says that all names of the server have a key."""
        return f"{','.join(f'[{host}]:{self.port}' for host in ('localhost', *HOSTS, STRANGE_HOST))} {public_key}"

    def accepted(self, account: Account) -> list[str]:
        """Return the methods by which a user has logged in so far."""
        return re.findall(rf"Accepted (\S+) for {account.name} ", self._log.read_text(encoding="utf-8"))

    def refused(self, account: Account) -> list[str]:
        """Return the methods by which a user was refused so far."""
        return re.findall(rf"Failed (\S+) for {account.name} ", self._log.read_text(encoding="utf-8"))


def new_key(folder: Path, *options: str) -> tuple[bytes, str]:
    """Return a private key in OpenSSH's form, without a passphrase, and its public line; the folder is left without."""
    file = folder / f"key-{secrets.token_hex(4)}"
    _run("ssh-keygen", "-q", "-N", "", "-C", "tests", "-f", str(file), *(options or ("-t", "ed25519")))
    private, public = file.read_bytes(), Path(f"{file}.pub").read_text(encoding="utf-8")
    file.unlink()
    Path(f"{file}.pub").unlink()
    return private, public.strip()


@contextlib.contextmanager
def serve(folder: Path, kerberos: Kerberos) -> Iterator[Sshd]:
    """Give a server which belongs to a realm, on every address of HOSTS."""
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "host_key"))
    services = [kerberos.add(f"host/{name}") for name in ("localhost", *HOSTS)]
    (folder / "keytab").write_bytes(kerberos.keytab(*services))
    with _accounts() as accounts:
        server = Sshd(folder, free_port(), accounts)
        (folder / "sshd_config").write_text(_config(folder, server.port, accounts), encoding="utf-8")
        environment = {"KRB5_CONFIG": str(kerberos.config), "KRB5_KTNAME": f"FILE:{folder}/keytab"}
        with contextlib.ExitStack() as exits:
            everywhere = (*HOSTS, STRANGE_HOST)
            for number in range(0, len(everywhere), MOST_ADDRESSES):
                hosts = everywhere[number : number + MOST_ADDRESSES]
                exits.enter_context(_listening(folder, server.port, hosts, environment))
            yield server


def _listening(
    folder: Path, port: int, hosts: Sequence[str], environment: Mapping[str, str]
) -> contextlib.AbstractContextManager[object]:
    addresses = [part for host in hosts for part in ("-o", f"ListenAddress={host}")]
    command = [program("sshd"), "-D", "-e", "-f", str(folder / "sshd_config"), *addresses]
    return running(
        command, folder=folder, name="sshd", is_ready=lambda: _greets(hosts[0], port), environment=environment
    )


def _config(folder: Path, port: int, accounts: Mapping[str, Account]) -> str:
    lines = [CONFIG.format(port=port, folder=folder)]
    lines += [f"AllowUsers {' '.join(account.name for account in accounts.values())}"]
    lines += [f"{option} no" for option in METHODS.values()]
    for method, account in accounts.items():
        lines.append(f"Match User {account.name}\n{METHODS[method]} yes")
    return "\n".join(lines) + "\n"


def _greets(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=5) as connection:
        return connection.recv(4) == b"SSH-"
    return False


@contextlib.contextmanager
def _accounts() -> Iterator[dict[str, Account]]:
    """Give a user for each way to log in, and take them away again, with those of tests that were killed."""
    # A user that has our number was left by a process that had it before.
    _remove(lambda process: process == os.getpid() or not Path(f"/proc/{process}").exists())
    # A folder that others may enter, unlike that of the tests.
    homes = Path(tempfile.mkdtemp(prefix=HOMES, dir="/tmp"))
    homes.chmod(0o755)
    try:
        yield {method: _new_account(homes, method) for method in ("key", "password", "ticket")}
    finally:
        _remove(lambda process: process == os.getpid())


def _new_account(homes: Path, method: str) -> Account:
    password = secrets.token_urlsafe(12) if method == "password" else ""
    name = f"scoped-{os.getpid()}-{method}"
    account = Account(name, homes / method, password)
    # An account whose password is `!` is locked, and may not log in at all.
    _run("useradd", "-M", "-N", "-d", str(account.home), "-s", "/bin/sh", "-p", "*", name)
    if password:
        _run("chpasswd", given=f"{name}:{password}\n")
    account.home.mkdir(mode=0o700)
    os.chown(account.home, pwd.getpwnam(name).pw_uid, pwd.getpwnam(name).pw_gid)
    return account


def _remove(of_process: Callable[[int], bool]) -> None:
    with _alone():
        for user in pwd.getpwall():
            ours = re.fullmatch(r"scoped-(\d+)-[a-z]+", user.pw_name)
            if ours and of_process(int(ours[1])):
                _remove_account(user)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Hold off other tests: two that take the same user away would fail, since userdel wants it to be there."""
    with LOCK.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_account(user: pwd.struct_passwd) -> None:
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if process.stat().st_uid == user.pw_uid:
                os.kill(int(process.name), signal.SIGKILL)
    _run("userdel", "-f", user.pw_name)
    homes = Path(user.pw_dir).parent
    if homes.name.startswith(HOMES):
        shutil.rmtree(homes, ignore_errors=True)


def _run(name: str, *options: str, given: str = "") -> None:
    command: Sequence[str] = [program(name), *options]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServerFailed(f"{name}: {done.stderr}")


@contextlib.contextmanager
def _variables() -> Iterator[Mapping[str, str]]:
    with contextlib.ExitStack() as exits:
        folders = [Path(exits.enter_context(tempfile.TemporaryDirectory())) for _number in range(2)]
        kerberos = exits.enter_context(serve_kerberos(folders[0]))
        server = exits.enter_context(serve(folders[1], kerberos))
        server.ticket.welcome(kerberos.add("alice", "password"))
        yield {
            "SSH_PORT": str(server.port),
            "SSH_KNOWN_HOSTS": str(server.known_hosts),
            "SSH_KEY_USER": server.key.name,
            "SSH_AUTHORIZED_KEYS": str(server.key.home / ".ssh" / "authorized_keys"),
            "SSH_PASSWORD_USER": server.password.name,
            "SSH_PASSWORD": server.password.password,
            "SSH_TICKET_USER": server.ticket.name,
            "KRB5_CONFIG": str(kerberos.config),
            "PRINCIPAL": f"alice@{REALM}",
        }


if __name__ == "__main__":
    by_hand(_variables())
