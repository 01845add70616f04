# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release follows the verdict of Galaxy's importer. The outputs here are real ones."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import yaml
from release import importing

ROOT = Path(__file__).resolve().parents[2]

TAKEN = """\
Importing with galaxy-importer 0.4.44
Getting doc strings via ansible-doc
Linting collection via ansible-lint 26.10.1...
...ansible-lint run complete
Importer processing completed successfully
"""
REFUSED = """\
Importing with galaxy-importer 0.4.44
ERROR: The import failed for the following reason: The file (meta/runtime.yml) was not found
"""
WARNED = TAKEN.replace("...ansible", "WARNING: meta/runtime.yml:1: yaml[empty-lines]\n...ansible")


def test_an_accepted_tarball() -> None:
    assert importing.judged(0, TAKEN, "") == []


def test_a_warning_counts() -> None:
    assert importing.judged(0, WARNED, "") == ["WARNING: meta/runtime.yml:1: yaml[empty-lines]"]


def test_a_refused_tarball() -> None:
    (line,) = importing.judged(1, REFUSED, "")
    assert line.endswith("The file (meta/runtime.yml) was not found")


def test_a_broken_importer() -> None:
    complaint = "Traceback (most recent call last):\nModuleNotFoundError: No module named 'galaxy_importer'\n"
    status, reason = importing.judged(1, "", complaint)
    assert (status, reason) == ("the importer ended with status 1", complaint.splitlines()[-1])


def test_the_call_of_the_importer(tmp_path: Path) -> None:
    """Runs in its own folder, with the programs beside its Python on the PATH, and gets the tarball's absolute path."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\npwd > importer_result.json\necho "ERROR: $3 $(command -v ansible-doc)"\nexit 1\n')
    for program in (python, python.with_name("ansible-doc")):
        program.touch()
        program.chmod(0o755)
    tarball = tmp_path / "scoped-secrets-0.1.0.tar.gz"
    (line,) = importing.refusals(python, tarball)
    assert line == f"ERROR: {tarball} {python.with_name('ansible-doc')}"
    assert not Path("importer_result.json").exists()


def test_the_tarball_follows_galaxy_s_rules(tmp_path: Path) -> None:
    """Checks the rules that need no importer. A release checks the rest."""
    galaxy = Path(sys.executable).with_name("ansible-galaxy")
    subprocess.run([galaxy, "collection", "build", "--output-path", tmp_path, ROOT], check=True, capture_output=True)
    (packed,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(packed) as tar:
        names = {member.name for member in tar}
    assert {"README.md", "LICENSE", "meta/runtime.yml", "changelogs/changelog.yaml", "MANIFEST.json"} <= names
    # The pages that ship link to these.
    assert {"CHANGELOG.rst", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "SECURITY.md"} <= names
    assert packed.stat().st_size < 20 * 2**20
    forbidden = (".git", ".github", ".pre-commit-config.yaml", ".venv", ".work", ".nox", ".tox")
    forbidden += ("scripts", "noxfile.py", "Makefile")
    assert not [name for name in names if name.split("/")[0] in forbidden or name.endswith((".pyc", ".retry"))]
    assert yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["requires_ansible"]
