# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo and the tests read no settings of whoever runs them, and write nothing to their store."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import hermetic
import pytest
from site_of_runs import ROOT

# What a user may have set up for their own playbooks. Where any of it counts, a file appears in their folder.
SETTINGS = """\
[defaults]
log_path = {folder}/log of {name}
[scoped_secrets]
store = sqlite:///{folder}/store of {name}.db
root_key_file = {folder}/key of {name}
audit_sink = file://{folder}/audit of {name}
"""


@pytest.fixture
def user(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """The folder of a user with settings everywhere, and the variables of their shell."""
    folder = tmp_path / "user"
    (folder / "home").mkdir(parents=True)
    for file in ("ansible.cfg", "home/.ansible.cfg"):
        (folder / file).write_text(SETTINGS.format(folder=folder, name=file.rpartition("/")[2]))
    variables = {
        "HOME": str(folder / "home"),
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_STATE_HOME": str(folder / "state"),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_LOG_PATH": str(folder / "log of a variable"),
        "SCOPED_SECRETS_STORE": f"sqlite:///{folder}/store of a variable.db",
        "SCOPED_SECRETS_PASSPHRASE": "correct horse battery staple",
        "SCOPED_SECRETS_BROKER": "nonsense",
        "VAULT_ADDR": "http://127.0.0.1:1",
        "AWS_PROFILE": "of the user",
    }
    return folder, variables


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_demo_touches_nothing_of_the_user(user: tuple[Path, dict[str, str]], venv: Path, tmp_path: Path) -> None:
    folder, variables = user
    before = files(folder)
    command = [str(ROOT / "scripts" / "demo.sh"), str(venv / "bin"), str(tmp_path / "demo")]
    environment = {**os.environ, **variables}
    runs = [subprocess.run(command, env=environment, capture_output=True, text=True, check=False) for _run in range(2)]
    for run in runs:
        assert run.returncode == 0, run.stdout + run.stderr
    assert "changed=0" in runs[1].stdout
    assert files(folder) == before
    assert "password" in (tmp_path / "demo" / "payments-api.ini").read_text()
    assert (tmp_path / "demo" / "data" / "scoped_secrets" / "store.db").exists()


def test_make_runs_the_demo_that_way() -> None:
    done = subprocess.run(["make", "-n", "demo"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "scripts/demo.sh .venv/demo/bin .work/demo" in done.stdout.splitlines()


def test_tests_see_nothing_of_the_user(user: tuple[Path, dict[str, str]]) -> None:
    folder, variables = user
    before = files(folder)
    inner = f"{Path(__file__).relative_to(ROOT)}::test_what_a_test_has"
    command = [sys.executable, "-m", "pytest", "-q", inner]
    environment = {**os.environ, **variables, hermetic.OURS + "INNER": str(folder)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert files(folder) == before


def test_what_a_test_has() -> None:
    """The settings of this session; the test above starts one that has inherited those of a user."""
    from ansible import constants

    own = Path(os.environ["HOME"])
    others = os.environ.get(hermetic.OURS + "INNER", "nowhere")
    assert own.name.startswith("ss-home-")
    assert set(hermetic.foreign(os.environ)) == {
        "ANSIBLE_CONFIG",
        "ANSIBLE_HOME",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
    }
    assert str(own / ".ansible.cfg") == constants.CONFIG_FILE
    assert constants.DEFAULT_LOG_PATH is None
    assert [name for name, value in os.environ.items() if others in value and not name.startswith(hermetic.OURS)] == []


def test_make_clears_the_same_variables() -> None:
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    (names,) = (line.partition("$(filter ")[2].partition(",")[0] for line in text.splitlines() if "unexport $(" in line)
    assert {name.rstrip("%") for name in names.split()} == set(hermetic.PREFIXES)
