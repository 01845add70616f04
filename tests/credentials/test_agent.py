# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run's ssh-agent, with OpenSSH's own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.credentials import agent as agent_module
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.agent import Agent
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.host_logins import HostLogins
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from servers.process import until
from servers.sshd import new_key

KILLED = """\
import os, signal, sys
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.agent import Agent
private = sys.stdin.buffer.read()
print(*Agent(sys.argv[1]).add(private, sys.argv[2]), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def agent(folder: Path) -> Iterator[Agent]:
    agent = Agent(str(folder))
    yield agent
    agent.close()


@pytest.fixture
def additions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The programs that were run to their end."""
    names: list[str] = []
    run = agent_module.run

    def counted(name: str, *rest: object, **more: object) -> object:
        names.append(name)
        return run(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(agent_module, "run", counted)
    return names


def listed(socket: str) -> list[str]:
    """Return the public keys that an agent has."""
    environment = {"PATH": os.environ["PATH"], "SSH_AUTH_SOCK": socket}
    done = subprocess.run(["ssh-add", "-L"], env=environment, capture_output=True, text=True, check=False)
    return [" ".join(line.split()[:2]) for line in done.stdout.splitlines() if line.startswith(("ssh-", "ecdsa-"))]


def agents_in(folder: Path) -> list[int]:
    """Return the ssh-agents whose socket is in a folder, and their keepers."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"ssh-agent" in words[0] and os.fsencode(folder / "agent") in words:
            found.append(int(file.parent.name))
    return found


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_key_goes_in(kind: str, agent: Agent, folder: Path) -> None:
    private, public = new_key(folder, "-t", kind)
    socket, file = agent.add(private, public)
    blob = " ".join(public.split()[:2])
    assert listed(socket) == [blob]
    assert Path(file).read_text(encoding="utf-8").strip() == public
    assert (Path(file).stat().st_mode & 0o777, Path(socket).stat().st_mode & 0o777) == (0o600, 0o600)
    secret = private.splitlines()[2]
    assert all(secret not in path.read_bytes() for path in folder.iterdir() if path.is_file())


def test_one_agent_and_one_ssh_add_a_key_whatever_comes_at_once(
    agent: Agent, folder: Path, additions: list[str]
) -> None:
    keys = [new_key(folder) for _number in range(2)]
    with ThreadPoolExecutor(8) as threads:
        places = set(threads.map(lambda number: agent.add(*keys[number % 2]), range(32)))
    assert additions == ["ssh-add"] * 2
    assert len({socket for socket, _file in places}) == 1
    assert len(places) == 2
    assert len(listed(str(folder / "agent"))) == 2
    assert len(agents_in(folder)) == 1


def test_each_key_has_an_agent_of_its_own(folder: Path, additions: list[str]) -> None:
    logins = HostLogins(str(folder))
    settings = {"auth_scheme": "ssh_key", "user": "me"}
    keys = [new_key(folder)[0] for _key in range(2)]

    def login(key: bytes) -> tuple[str, list[str]]:
        found = logins.open_host_login(settings, {"private_key": key}, "m", "it")
        return found.agent, listed(found.agent)

    with ThreadPoolExecutor(16) as threads:
        agents = dict(threads.map(lambda number: login(keys[number % 2]), range(32)))
    assert sorted(map(len, agents.values())) == [1, 1]
    assert len(additions) == 2
    assert len({tuple(found) for found in agents.values()}) == 2
    logins.close()
    assert not any(map(os.path.exists, agents))


def test_nothing_is_left_after_the_end(agent: Agent, folder: Path) -> None:
    agent.add(*new_key(folder))
    assert len(agents_in(folder)) == 1
    agent.close()
    until(lambda: not agents_in(folder))
    agent.close()


def test_nothing_is_left_when_our_process_is_killed(folder: Path) -> None:
    private, public = new_key(folder)
    command = [sys.executable, "-c", KILLED, str(folder), public]
    killed = subprocess.run(command, input=private, stdout=subprocess.PIPE, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert killed.stdout.startswith(os.fsencode(folder / "agent "))
    until(lambda: not agents_in(folder))


def test_one_that_died_is_replaced(agent: Agent, folder: Path, additions: list[str]) -> None:
    key = new_key(folder)
    agent.add(*key)
    (first,) = agents_in(folder)
    os.kill(first, signal.SIGKILL)
    until(lambda: first not in agents_in(folder))
    socket, _file = agent.add(*key)
    assert len(listed(socket)) == 1
    assert additions == ["ssh-add"] * 2
    assert len(agents_in(folder)) == 1


def test_one_that_ends_late_leaves_the_next_ones_socket_alone(agent: Agent, folder: Path) -> None:
    key = new_key(folder)
    agent.add(*key)
    (first,) = agents_in(folder)
    os.kill(first, signal.SIGSTOP)
    agent.close()
    socket, _file = agent.add(*key)
    with suppress(ProcessLookupError):
        os.kill(first, signal.SIGCONT)
    until(lambda: first not in agents_in(folder))
    assert len(listed(socket)) == 1


def test_what_is_no_key_is_refused_without_a_question(agent: Agent, folder: Path) -> None:
    private, public = new_key(folder)
    sealed = folder / "sealed"
    sealed.touch(mode=0o600)
    sealed.write_bytes(private)
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "passphrase", "-f", str(sealed)], check=True)
    for content in (b"canary no key", private[: len(private) // 2], sealed.read_bytes()):
        with pytest.raises(ScopedSecretsError) as caught:
            agent.add(content, public)
        assert caught.value.code == "agent_not_usable"
        assert "canary" not in str(caught.value)
    assert listed(str(folder / "agent")) == []


def test_a_path_that_is_too_long_is_refused(folder: Path) -> None:
    with pytest.raises(ScopedSecretsError, match="too long") as caught:
        Agent(str(folder / ("x" * 90))).add(*new_key(folder))
    assert caught.value.code == "agent_not_usable"


@pytest.mark.parametrize("missing", ["ssh-agent", "ssh-add"])
def test_a_program_that_is_missing(missing: str, agent: Agent, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, found = new_key(folder), shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == missing else found(name))
    with pytest.raises(ScopedSecretsError, match=f"'{missing}'.*openssh-client") as caught:
        agent.add(*key)
    assert caught.value.code == "missing_program"
