# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SSH server accepts each of its users by one method, and removes all of them afterwards."""

from __future__ import annotations

import pwd
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from servers.kerberos import Kerberos
from servers.process import TESTS
from servers.sshd import HOSTS, Account, Sshd, new_key

ONCE = """\
import os, signal, sys
from pathlib import Path
from servers import kerberos, sshd
folder = Path(sys.argv[1])
with kerberos.serve(folder) as realm, sshd.serve(folder, realm) as server:
    print(server.key.name, server.password.name, server.ticket.name, flush=True)
    os.kill(os.getpid(), getattr(signal, sys.argv[2]))
"""
PLAIN = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


def log_in(sshd: Sshd, account: Account, host: str, options: list[str], **variables: str) -> tuple[int, str]:
    alone = ["-F", "none", "-o", "ControlPath=none", "-o", "BatchMode=yes", "-o", "IdentityAgent=none"]
    known = ["-o", f"UserKnownHostsFile={sshd.known_hosts}", "-p", str(sshd.port)]
    command = ["ssh", *alone, *known, *options, f"{account.name}@{host}", "id -un"]
    done = subprocess.run(command, env={**PLAIN, **variables}, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.strip()


def test_a_key_logs_in_at_every_address(sshd: Sshd, tmp_path: Path) -> None:
    private, public = new_key(tmp_path)
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").write_bytes(private)
    options = ["-i", str(tmp_path / "key")]
    assert log_in(sshd, sshd.key, HOSTS[0], options)[0] == 255
    sshd.key.authorize(public)
    before = len(sshd.accepted(sshd.key))
    for host in ("localhost", HOSTS[0], HOSTS[-1]):
        assert log_in(sshd, sshd.key, host, options) == (0, sshd.key.name)
    assert sshd.accepted(sshd.key)[before:] == ["publickey"] * 3
    sshd.password.authorize(public)
    assert log_in(sshd, sshd.password, HOSTS[0], options)[0] == 255


def test_a_ticket_logs_in_by_name_and_by_address(sshd: Sshd, kerberos: Kerberos, tmp_path: Path) -> None:
    principal = kerberos.add("visitor", "secret")
    cache = {"KRB5CCNAME": f"FILE:{tmp_path}/cache", "KRB5_CONFIG": str(kerberos.config)}
    subprocess.run(["kinit", principal], input=b"secret\n", env={**PLAIN, **cache}, capture_output=True, check=True)
    assert kerberos.issued(principal) == 1
    assert kerberos.asked(principal) == 2  # The KDC answers the first with a request for preauthentication.
    options = ["-o", "GSSAPIAuthentication=yes"]
    assert log_in(sshd, sshd.ticket, "localhost", options, **cache)[0] == 255
    sshd.ticket.welcome(principal)
    assert log_in(sshd, sshd.ticket, "localhost", options, **cache) == (0, sshd.ticket.name)
    assert log_in(sshd, sshd.ticket, HOSTS[-1], options, **cache) == (0, sshd.ticket.name)
    assert kerberos.issued(principal) == 1


def test_users_of_killed_tests_are_removed(tmp_path: Path, sshd: Sshd) -> None:
    killed = run_once(tmp_path / "1", "SIGKILL")
    assert len(killed) == 3
    assert killed <= users()
    ended = run_once(tmp_path / "2", "SIGCONT")
    assert len(ended) == 3
    assert not users() & (killed | ended)
    assert {sshd.key.name, sshd.password.name, sshd.ticket.name} <= users()


def test_concurrent_servers_remove_the_same_users(tmp_path: Path) -> None:
    killed = run_once(tmp_path / "killed", "SIGKILL")
    assert len(killed) == 3
    with ThreadPoolExecutor() as pool:
        ended = list(pool.map(run_once, (tmp_path / str(number) for number in range(3)), ["SIGCONT"] * 3))
    assert [len(names) for names in ended] == [3, 3, 3]
    assert not users() & killed.union(*ended)


def users() -> set[str]:
    return {user.pw_name for user in pwd.getpwall()}


def run_once(folder: Path, end: str) -> set[str]:
    """Run a server in another process, which then gets the signal `end`; return the server's users."""
    folder.mkdir()
    command = [sys.executable, "-c", ONCE, str(folder), end]
    return set(subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False).stdout.split())
