# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render CHANGELOG.rst as the release of the version in galaxy.yml will have it. `make changelog` runs this.

A release itself (`antsibull-changelog release`) also moves the fragments into changelogs/changelog.yaml. Here that
happens in a copy, so the fragments stay.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

__all__ = ["PAGE", "rendered"]

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "CHANGELOG.rst"
TOOLS = Path(sys.executable).parent
# Besides the fragments, the tool reads the names and descriptions of plugins and roles.
READ = ("changelogs", "meta", "plugins", "roles")


def rendered(root: Path = ROOT) -> str:
    """Return the changelog; raise ValueError where a fragment is left for a version that is already released."""
    galaxy = _yaml(root / "galaxy.yml")
    has_fragments = any((root / "changelogs" / "fragments").glob("*.yml"))
    if has_fragments and galaxy["version"] in _yaml(root / "changelogs" / "changelog.yaml")["releases"]:
        raise ValueError(f"{galaxy['version']} is released: raise the version in galaxy.yml before you add a fragment")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "ansible_collections" / galaxy["namespace"] / galaxy["name"]
        for name in READ:
            shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(root / "galaxy.yml", copy)
        command = ["release", "--cummulative-release"] if has_fragments else ["generate"]
        finder = ["--ansible-doc-bin", TOOLS / "ansible-doc"]
        subprocess.run([TOOLS / "antsibull-changelog", *command, *finder], cwd=copy, check=True)
        return (copy / PAGE.name).read_text(encoding="utf-8")


def _yaml(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content


if __name__ == "__main__":
    PAGE.write_text(rendered(), encoding="utf-8")
