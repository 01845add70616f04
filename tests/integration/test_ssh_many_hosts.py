# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run with many hosts and one credential: asked for once, and seen in no file, argument or environment."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from canaries import Watch
from connector_tasks import Connector, of, place, put_in_vault
from file_watch import FileWatch
from servers.process import until
from servers.sshd import HOSTS
from site_of_runs import BROKER, Run, Site, Task
from ssh_hosts import SshSite, key_pair

if TYPE_CHECKING:
    from servers.faults import FaultProxy
    from servers.kerberos import Kerberos
    from servers.openbao import OpenBao
    from servers.sshd import Sshd

TASKS: list[Task] = [
    {"name": "raw", "ansible.builtin.raw": "id -un", "changed_when": False},
    {"name": "module", "ansible.builtin.command": "id -un", "changed_when": False},
    {"name": "file", "ansible.builtin.copy": {"content": "x", "dest": "~/{{ inventory_hostname }}", "mode": "0600"}},
]


@pytest.fixture
def ssh(site: Site, sshd: Sshd) -> SshSite:
    return SshSite(site, sshd)


# How many hosts show what is done once; and where it takes no more of them.
MANY = 10
FEW = 3


def run_on(ssh: SshSite, number: int, user: str) -> Run:
    addresses = HOSTS[:number]
    hosts = {f"host_{address}": ssh.host(address=address, ansible_ssh_credential="deploy") for address in addresses}
    own = {"XDG_RUNTIME_DIR": str(ssh.site.temp)}
    run = ssh.run(TASKS, "-vv", "-f", "20", hosts=hosts, environment={**BROKER, **own})
    # The broker takes what it had with it, within two seconds.
    until(lambda: not list(ssh.site.temp.glob("scoped-secrets-*/*.d")))
    assert len(run.tasks) == len(TASKS) * number
    for name in ("raw", "module"):
        assert {task["result"]["stdout"].strip() for task in run.tasks if task["task"] == name} == {user}
    return run


@contextmanager
def watched(site: Site, secrets: list[bytes]) -> Iterator[Watch]:
    """Fail if a secret stands in a file that is made meanwhile, in an argument or in an environment.

    Gives the process ids of the agents that are there meanwhile.
    """
    words = {word for secret in secrets for word in spellings(secret)}
    folders = [site.folder, Path("/dev/shm"), Path("/run/user")]
    with FileWatch([folder for folder in folders if folder.is_dir()], words) as files, Watch(words, site) as processes:
        yield processes
    assert files.seen == []
    assert files.made > FEW
    assert processes.seen == []
    assert processes.looks > 3


def spellings(secret: bytes) -> set[bytes]:
    """Return the parts of a secret that only it has: of a key its middle lines, of other bytes in base64 too."""
    lines = [line for line in secret.split(b"\n")[2:-3] if len(line) > 30] if secret.startswith(b"-----") else []
    return {*lines} or {secret, base64.b64encode(secret)}


def test_a_key_of_a_secret_manager(
    ssh: SshSite, tmp_path: Path, openbao: OpenBao, vault: Connector, fault_proxy: Callable[..., FaultProxy]
) -> None:
    proxy, account = fault_proxy(openbao.url), ssh.sshd.key
    key = key_pair(tmp_path, account)
    path = place()
    put_in_vault(openbao, path, key=key)
    ssh.site.declare(
        vault.task(url=proxy.url),
        of("secret_text", identifier="key", secret_manager="vault", reference=f"{path}#key"),
        of("secret_ssh", identifier="deploy", user=account.name, private_key_ref="key"),
    )
    proxy.clear()
    before = ssh.logins(account)
    with watched(ssh.site, [key.encode()]) as processes:
        run_on(ssh, MANY, account.name)
    assert [url for method, url in proxy.counts.elements() if path in url] == [f"/v1/secret/data/{path}"]
    assert proxy.counts["GET", "/v1/auth/token/lookup-self"] == 1
    assert len(processes.agents) == 1
    # A connection for each host, which its other tasks share.
    assert ssh.sshd.accepted(account)[before:] == ["publickey"] * MANY


def test_a_password(ssh: SshSite) -> None:
    account = ssh.sshd.password
    ssh.declare("deploy", user=account.name, password=account.password)
    before = ssh.logins(account)
    with watched(ssh.site, [account.password.encode()]):
        run_on(ssh, FEW, account.name)
    assert ssh.sshd.accepted(account)[before:] == ["password"] * FEW


@pytest.mark.parametrize("tgt", ["keytab", "password"])
def test_a_ticket(ssh: SshSite, kerberos: Kerberos, tmp_path: Path, tgt: str) -> None:
    account, word = ssh.sshd.ticket, place()
    principal = kerberos.add(place(), word)
    account.welcome(principal)
    keytab = kerberos.keytab(principal) if tgt == "keytab" else b""
    (tmp_path / "meant").mkdir()
    (tmp_path / "meant/keytab").write_bytes(keytab)
    proof = {"keytab_ref": "keytab"} if keytab else {"password": word}
    ssh.site.declare(
        *([of("secret_file", identifier="keytab", src=str(tmp_path / "meant/keytab"))] if keytab else []),
        of(
            "secret_ssh",
            identifier="deploy",
            user=account.name,
            principal=principal,
            krb5_config=str(kerberos.config),
            **proof,
        ),
    )
    (tmp_path / "meant/keytab").unlink()
    asked, before = kerberos.asked(principal), ssh.logins(account)
    with watched(ssh.site, [keytab or word.encode()]):
        run_on(ssh, FEW, account.name)
    assert ssh.sshd.accepted(account)[before:] == ["gssapi-with-mic"] * FEW
    assert kerberos.issued(principal) == 1
    # One that asks for proof, and one that gives it.
    assert kerberos.asked(principal) - asked <= 2


def test_the_watch_sees_what_is_gone_again(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with FileWatch([tmp_path], [b"canary"]) as files:
        for number in range(50):
            folder = tmp_path / f"new-{number}"
            folder.mkdir()
            for path in (tmp_path / "there/file", folder / "file"):
                path.write_text("a canary")
                path.replace(f"{path}.moved")
        Path(tmp_path / "there/file.moved").unlink()
    assert len(files.seen) >= 50
    assert files.made >= 50
