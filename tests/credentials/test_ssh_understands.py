# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ssh says itself what it has understood."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.ssh_client import last_ssh_options, ssh_options
from ansible_collections.scoped.secrets.plugins.module_utils.model.host_login import HostLogin
from servers.process import program

OTHERS = """\
Host *
 User other
 Port 1
 IdentityAgent /other
 PreferredAuthentications hostbased,gssapi-with-mic,password,publickey
 IdentitiesOnly no
 ForwardAgent yes
"""


@pytest.mark.parametrize("given", [["-A"], ["-vA"], ["-o", "ForwardAgent=yes"], ["-A", "-S", "/others"]])
def test_flags_of_the_user_neither_forward_the_agent_nor_share_the_connection(given: list[str], folder: Path) -> None:
    login = HostLogin("ssh_key", "me", "m", agent=str(folder / "agent"), public_key_file=str(folder / "key.pub"))
    last = last_ssh_options(login, "/ours")
    command = [program("ssh"), *ssh_options(login), *given, *last, "-F", "none", "-G", "host"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {"forwardagent no", "controlpath /ours"} <= set(done.stdout.splitlines())


@pytest.mark.parametrize("given", [["-K"], ["-vK"], ["-o", "GSSAPIDelegateCredentials=yes"], ["-k", "-K"], []])
def test_nor_do_they_give_a_ticket_to_the_host(given: list[str]) -> None:
    login = HostLogin("kerberos", "me", "m", ticket_cache="FILE:/none")
    last = last_ssh_options(login, "/ours")
    command = [program("ssh"), *ssh_options(login), *given, *last, "-F", "none", "-G", "host"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {"gssapiauthentication yes", "gssapidelegatecredentials no"} <= set(done.stdout.splitlines())


@pytest.mark.parametrize("user", ["me", "DOMAIN\\me", "me@REALM", "two words"])
def test_what_ssh_understands_goes_before_the_configuration(user: str, folder: Path) -> None:
    config = folder / "config"
    config.write_text(OTHERS, encoding="utf-8")
    agent, key = str(folder / "agent"), str(folder / "key.pub")
    login = HostLogin("ssh_key", user, "m", port=2222, agent=agent, public_key_file=key)
    command = [program("ssh"), *ssh_options(login), "-F", str(config), "-G", "host"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    understood = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    assert understood["user"] == user
    assert understood["port"] == "2222"
    assert understood["identityagent"].replace("%%", "%") == agent
    assert understood["identityfile"].replace("%%", "%") == key
    assert understood["preferredauthentications"] == "publickey"
    assert (understood["identitiesonly"], understood["forwardagent"]) == ("yes", "no")
