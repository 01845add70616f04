# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options and the environment that ssh gets for a login."""

from __future__ import annotations

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.ssh_client import (
    ssh_environment,
    ssh_options,
    without_forwarding,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.host_login import HostLogin

KEY = HostLogin("ssh_key", "me", "m", port=2222, agent="/run/50% of/agent", public_key_file='/run/a "b".pub')
PASSWORD = HostLogin("password", "me", "m", password="canary")
TICKET = HostLogin("kerberos", "", "m", ticket_cache="FILE:/run/t", krb5_config="/etc/mine", principal="me@R")


def options_of(login: HostLogin) -> dict[str, str]:
    options = ssh_options(login)
    assert set(options[::2]) == {"-o"}
    return dict(option.split("=", 1) for option in options[1::2])  # type: ignore[misc]


def test_each_scheme_allows_its_own_methods_only() -> None:
    switches = ("Pubkey", "Password", "KbdInteractive", "GSSAPI", "Hostbased")
    allowed = {
        login.scheme: [name for name in switches if options_of(login)[f"{name}Authentication"] == "yes"]
        for login in (KEY, PASSWORD, TICKET)
    }
    assert allowed == {"ssh_key": ["Pubkey"], "password": ["Password", "KbdInteractive"], "kerberos": ["GSSAPI"]}
    assert options_of(KEY)["PreferredAuthentications"] == "publickey"
    assert options_of(PASSWORD)["NumberOfPasswordPrompts"] == "1"


def test_a_key_is_selected_and_its_agent_is_not_forwarded() -> None:
    options = options_of(KEY)
    assert options["IdentitiesOnly"] == "yes"
    assert options["IdentityAgent"] == '"/run/50%% of/agent"'
    assert options["IdentityFile"] == '"/run/a \\"b\\".pub"'
    assert (options["ForwardAgent"], options["AddKeysToAgent"]) == ("no", "no")
    assert "IdentityAgent" not in options_of(PASSWORD)


def test_user_and_port_come_from_the_credential_if_set() -> None:
    assert (options_of(KEY)["User"], options_of(KEY)["Port"]) == ('"me"', "2222")
    assert "Port" not in options_of(PASSWORD)
    assert "User" not in options_of(TICKET)


def test_the_environment_has_the_ticket_and_no_password() -> None:
    assert ssh_environment(TICKET) == {"LC_ALL": "C", "KRB5CCNAME": "FILE:/run/t", "KRB5_CONFIG": "/etc/mine"}
    assert ssh_environment(TICKET._replace(ticket_cache="", krb5_config="")) == {"LC_ALL": "C"}
    assert ssh_environment(PASSWORD) == {"LC_ALL": "C"}
    assert "canary" not in str(ssh_options(PASSWORD))


@pytest.mark.parametrize(
    ("given", "left"),
    [
        (["-A"], []),
        (["-qA"], ["-q"]),
        (["-AP22"], ["-P22"]),
        (["-qAoBatchMode=yes"], ["-qoBatchMode=yes"]),
        (["-AJ", "host"], ["-J", "host"]),
        (["-vAl", "8"], ["-vl", "8"]),
        (["-b", "-"], ["-b", "-"]),
        (["-iA", "-oProxyCommand=x -A", "-S/A"], ["-iA", "-oProxyCommand=x -A", "-S/A"]),
        (["[-A]", "A"], ["[-A]", "A"]),
    ],
)
def test_no_spelling_of_scp_and_sftp_forwards_the_agent(given: list[str], left: list[str]) -> None:
    words = [word.encode() for word in given]
    assert without_forwarding(words, KEY) == [word.encode() for word in left]
    assert without_forwarding(words, PASSWORD) == words
