# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An OpenSSH server with users of this machine, each of whom can log in by one method. Requires root.

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

# The addresses where it listens, so that a play can use them as hosts.
HOSTS = tuple(f"127.0.0.{number}" for number in range(1, 21))
# It also listens here, but the Kerberos realm has no service with this name.
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
    """A temporary user of this machine. `password` is empty unless the user logs in by password."""

    name: str
    home: Path
    password: str = field(default="", repr=False)

    def authorize(self, public_key: str) -> None:
        """Authorize a public key, given as `TYPE BASE64 [COMMENT]`."""
        self._append(".ssh/authorized_keys", public_key)

    def welcome(self, principal: str) -> None:
        """Authorize a Kerberos principal."""
        self._append(".k5login", principal)

    def _append(self, name: str, line: str) -> None:
        owner, file = pwd.getpwnam(self.name), self.home / name
        file.parent.mkdir(mode=0o700, exist_ok=True)
        with file.open("a", encoding="utf-8") as opened:
            opened.write(f"{line.strip()}\n")
        for path in (file, file.parent):
            os.chown(path, owner.pw_uid, owner.pw_gid)


class Sshd:
    """The server. `known_hosts` has all its names. The users `key`, `password` and `ticket` log in by that method."""

    def __init__(self, folder: Path, port: int, accounts: Mapping[str, Account]) -> None:
        self.port, self._folder, self._log = port, folder, folder / "sshd.log"
        self.key, self.password, self.ticket = (accounts[method] for method in ("key", "password", "ticket"))
        self.known_hosts = folder / "known_hosts"
        public = (folder / "host_key.pub").read_text(encoding="utf-8")
        self.known_hosts.write_text(self.known_as(public), encoding="utf-8")

    def known_as(self, public_key: str) -> str:
        """Return the known_hosts line for a public key under all names of the server."""
        return f"{','.join(f'[{host}]:{self.port}' for host in ('localhost', *HOSTS, STRANGE_HOST))} {public_key}"

    @contextlib.contextmanager
    def with_options(self, *options: str) -> Iterator[Sshd]:
        """Yield another server, of the same users and host key, with more options of sshd_config."""
        folder = self._folder / f"more-{secrets.token_hex(4)}"
        folder.mkdir()
        for name in ("host_key", "host_key.pub", "sshd_config"):
            shutil.copy(self._folder / name, folder)
        other = Sshd(folder, free_port(), {"key": self.key, "password": self.password, "ticket": self.ticket})
        given = [part for option in (f"Port={other.port}", *options) for part in ("-o", option)]
        with _listening(folder, other.port, HOSTS[:1], {}, given):
            yield other

    def accepted(self, account: Account) -> list[str]:
        """Return the methods of all successful logins of a user so far."""
        return re.findall(rf"Accepted (\S+) for {account.name} ", self._log.read_text(encoding="utf-8"))

    def has_no_clients(self) -> bool:
        """Return whether all connections that came so far have ended."""
        log = self._log.read_text(encoding="utf-8")
        begun = len(re.findall(r"^Connection from ", log, re.MULTILINE))
        ended = re.findall(r"^(Connection (?:closed|reset) by|Disconnected from|Disconnecting) ", log, re.MULTILINE)
        return len(ended) >= begun

    def refused(self, account: Account) -> list[str]:
        """Return the methods of all refused logins of a user so far."""
        return re.findall(rf"Failed (\S+) for {account.name} ", self._log.read_text(encoding="utf-8"))


def new_key(folder: Path, *options: str) -> tuple[bytes, str]:
    """Return a private key in OpenSSH format, without a passphrase, and its public line. Leaves no file in `folder`."""
    file = folder / f"key-{secrets.token_hex(4)}"
    _run("ssh-keygen", "-q", "-N", "", "-C", "tests", "-f", str(file), *(options or ("-t", "ed25519")))
    private, public = file.read_bytes(), Path(f"{file}.pub").read_text(encoding="utf-8")
    file.unlink()
    Path(f"{file}.pub").unlink()
    return private, public.strip()


@contextlib.contextmanager
def serve(folder: Path, kerberos: Kerberos) -> Iterator[Sshd]:
    """Yield a server that belongs to a Kerberos realm and listens on every address in HOSTS."""
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
    folder: Path, port: int, hosts: Sequence[str], environment: Mapping[str, str], options: Sequence[str] = ()
) -> contextlib.AbstractContextManager[object]:
    addresses = [part for host in hosts for part in ("-o", f"ListenAddress={host}")]
    command = [program("sshd"), "-D", "-e", "-f", str(folder / "sshd_config"), *options, *addresses]
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
    """Yield a user for each login method. Remove them afterwards, as well as those of killed tests."""
    # A user with our process number belongs to an earlier process with the same number.
    _remove(lambda process: process == os.getpid() or not Path(f"/proc/{process}").exists())
    # Other users may enter this folder, unlike those of pytest.
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
    # `*` allows no password login. With `!`, the account would be locked and could not log in at all.
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
    """Lock out other tests: if two remove the same user, userdel fails for one of them."""
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
