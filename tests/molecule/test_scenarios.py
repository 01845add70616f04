# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every molecule scenario: converge, again without a change, verify. Servers are those of tests/servers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from servers.awx.api import Awx
    from servers.openbao import OpenBao
    from servers.postgresql import Postgresql
    from servers.sshd import Sshd

ROOT = Path(__file__).resolve().parents[2]
MOLECULE = Path(sys.executable).with_name("molecule")
SCENARIOS = {path.parent.name for path in (ROOT / "extensions" / "molecule").glob("*/molecule.yml")}
# By scenario: the fixture that tells it of its server.
AT_SERVERS = {"shared": "store", "vault": "vault", "ssh": "host", "role_ssh_access": "host", "role_awx": "controller"}


@pytest.fixture
def store(postgresql: Postgresql) -> dict[str, str]:
    return {"SCOPED_SECRETS_STORE": postgresql.new_store()}


@pytest.fixture
def vault(openbao: OpenBao) -> dict[str, str]:
    return {"VAULT_ADDR": openbao.url, "VAULT_TOKEN": openbao.create_token()}


@pytest.fixture
def host(sshd: Sshd) -> dict[str, str]:
    return {
        "SSH_PORT": str(sshd.port),
        "SSH_KNOWN_HOSTS": str(sshd.known_hosts),
        "SSH_KEY_USER": sshd.key.name,
        "SSH_AUTHORIZED_KEYS": str(sshd.key.home / ".ssh" / "authorized_keys"),
    }


@pytest.fixture
def controller(awx: Awx, awx_collection: Path) -> dict[str, str]:
    from servers.awx.api import TOKEN

    return {"CONTROLLER_HOST": awx.url, "CONTROLLER_OAUTH_TOKEN": TOKEN, "AWX_COLLECTIONS": str(awx_collection)}


def run(name: str, folder: Path, variables: dict[str, str]) -> None:
    """Run a scenario as `molecule test -s NAME` does, with a home of its own; fail with what it said."""
    environment = {
        "PATH": f"{MOLECULE.parent}:/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": str(folder),
        # Molecule empties this folder at the end.
        "MOLECULE_EPHEMERAL_DIRECTORY": str(folder / "scenario"),
        "SCOPED_SECRETS_BROKER": os.environ.get("SCOPED_SECRETS_TEST_BROKER", "on"),
        "NO_COLOR": "1",
        **variables,
    }
    command = [str(MOLECULE), "test", "-s", name]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", sorted(SCENARIOS - set(AT_SERVERS)))
def test_scenario(name: str, tmp_path: Path) -> None:
    run(name, tmp_path, {})


@pytest.mark.parametrize("name", sorted(AT_SERVERS))
def test_scenario_at_a_server(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    run(name, tmp_path, request.getfixturevalue(AT_SERVERS[name]))


def test_every_role_has_a_scenario() -> None:
    assert {f"role_{path.name}" for path in (ROOT / "roles").iterdir()} <= SCENARIOS
