# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of OpenSSH and Kerberos that hang or end at once, and sockets that can't be made."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.credentials import agent, check_host, kinit
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.agent import Agent
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.askpass import answering
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.programs import Ended
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.tickets import TicketRequest, Tickets
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.host_login import HostLogin

CANARY = "canary pässword"
NOBODY = HostLogin("ssh_key", "nobody", "mark", port=22, agent="/none", public_key_file="/none")
Program = Callable[[str, str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Put a shell script before the programs of the system."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def program(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return program


def add_to_agent(folder: str) -> None:
    holder = Agent(folder)
    try:
        holder.add(CANARY.encode(), "ssh-ed25519 AAAA")
    finally:
        holder.close()


def log_in(folder: str) -> None:
    check_host.check_host(NOBODY, "host.example", folder=folder, timeout=0.2)


def get_ticket(folder: str) -> None:
    Tickets(folder).cache(TicketRequest("a@B", password=CANARY))


def code_of(work: Callable[[str], None], folder: Path) -> str:
    with pytest.raises(ScopedSecretsError) as caught:
        work(str(folder))
    assert CANARY not in f"{caught.value} {caught.value.to_dict()}"
    return caught.value.code


@pytest.mark.parametrize(
    ("name", "work", "code"),
    [
        ("ssh-add", add_to_agent, "agent_not_usable"),
        ("ssh", log_in, "host_timeout"),
        ("kinit", get_ticket, "kdc_unreachable"),
    ],
)
def test_a_program_that_hangs_is_reported(
    name: str, work: Callable[[str], None], code: str, folder: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, limit in ((agent, "_TIMEOUT"), (kinit, "_TIMEOUT"), (check_host, "_LOGIN_TIMEOUT")):
        monkeypatch.setattr(module, limit, 0.2)
    program(name, "exec sleep 600")
    assert code_of(work, folder) == code


def test_an_agent_that_ends_at_once_is_reported(folder: Path, program: Program) -> None:
    program("ssh-agent", "exit 1")
    assert code_of(add_to_agent, folder) == "agent_not_usable"


def test_how_a_program_ended_is_shown_without_its_output() -> None:
    assert repr(Ended(1, CANARY, CANARY)) == "Ended(status=1)"


def test_a_socket_that_can_not_be_made_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="too long"), answering(str(tmp_path / ("x" * 100)), CANARY, frozenset):
        pytest.fail("it has a socket")
