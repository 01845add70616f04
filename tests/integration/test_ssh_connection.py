# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection scoped.secrets.ssh at a real server: what it logs in with, and what it does not touch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from site_of_runs import Site
from ssh_hosts import SshSite, key_pair

if TYPE_CHECKING:
    from servers.sshd import Sshd


@pytest.fixture
def ssh(site: Site, sshd: Sshd) -> SshSite:
    return SshSite(site, sshd)


@pytest.mark.parametrize("broker", ["on", "off"])
def test_a_key(ssh: SshSite, tmp_path: Path, broker: str) -> None:
    account = ssh.sshd.key
    ssh.declare("deploy", user=account.name, private_key=key_pair(tmp_path, account))
    before = ssh.logins(account)
    run = ssh.who(host=ssh.host(ansible_ssh_credential="deploy"), environment={"SCOPED_SECRETS_BROKER": broker})
    assert run.result("who")["stdout"] == account.name
    assert ssh.sshd.accepted(account)[before:] == ["publickey"]


@pytest.mark.parametrize("broker", ["on", "off"])
def test_a_password(ssh: SshSite, broker: str) -> None:
    account = ssh.sshd.password
    ssh.declare("deploy", user=account.name, password=account.password)
    before = ssh.logins(account)
    run = ssh.who(host=ssh.host(ansible_ssh_credential="deploy"), environment={"SCOPED_SECRETS_BROKER": broker})
    assert run.result("who")["stdout"] == account.name
    assert ssh.sshd.accepted(account)[before:] == ["password"]
