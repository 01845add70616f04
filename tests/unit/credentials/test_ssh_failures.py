# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of ssh that none of our test servers provoke; tests/credentials covers the others."""

from __future__ import annotations

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.ssh_failures import explain
from ansible_collections.scoped.secrets.plugins.module_utils.model.host_login import HostLogin

LOGINS = {scheme: HostLogin(scheme, "me", "m", principal="me@R") for scheme in ("ssh_key", "password", "kerberos")}
DENIED = "\nme@web: Permission denied (publickey,gssapi-with-mic,password).\n"
WORDS = [
    ("ssh_key", "ssh: connect to host web port 22: No route to host\r\n", "host_unreachable"),
    ("ssh_key", "ssh: connect to host web port 22: Network is unreachable\r\n", "host_unreachable"),
    ("ssh_key", "ssh: connect to host web port 22: Connection timed out\r\n", "host_timeout"),
    ("ssh_key", "ssh: connect to host web port 22: Operation timed out\r\n", "host_timeout"),
    ("ssh_key", "Connection reset by 192.0.2.1 port 22\r\n", "host_closes_connection"),
    ("ssh_key", "Host key verification failed.\r\n", "unknown_host_key"),
    ("ssh_key", f"sign_and_send_pubkey: no mutual signature supported{DENIED}", "no_common_algorithm"),
    (
        "ssh_key",
        f'sign_and_send_pubkey: signing failed for ED25519 "/k" from agent: agent refused operation{DENIED}',
        "agent_not_usable",
    ),
    ("ssh_key", DENIED, "host_refused_key"),
    ("password", DENIED, "host_refused_password"),
    ("kerberos", DENIED, "host_refused_ticket"),
    ("kerberos", f"debug1: Clock skew too great{DENIED}", "clock_skew"),
    ("ssh_key", f"Clock skew too great{DENIED}", "host_refused_key"),
]


@pytest.mark.parametrize(("scheme", "words", "code"), WORDS)
def test_messages_of_ssh_are_recognized(scheme: str, words: str, code: str) -> None:
    error = explain(words, LOGINS[scheme], "web")
    assert error is not None
    assert error.code == code
    assert error.hint


@pytest.mark.parametrize(
    "words", ["", "canary", "Welcome! Permission denied (nobody) here\n", "exec: Connection refused"]
)
def test_unknown_messages_are_not_guessed(words: str) -> None:
    assert explain(words, LOGINS["ssh_key"], "web") is None


def test_output_of_the_host_is_not_shown() -> None:
    error = explain(f"canary\n{DENIED}canary", LOGINS["password"], "web")
    assert error is not None
    assert "canary" not in str(error.to_dict())
