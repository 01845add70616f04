# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks with Galaxy's own importer whether it would accept a tarball. Needs no container and no network."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["install", "refusals"]

REQUIREMENT = "galaxy-importer>=0.4.30"


def install(environment: Path) -> Path:
    """Return the Python of an environment with the importer. It pins old versions, so it can't share another one."""
    python = environment / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "ansible-core>=2.19,<2.20", REQUIREMENT], check=True)
    return python


def refusals(python: Path, tarball: Path) -> list[str]:
    """Return the importer's complaints about a tarball, one per line. Warnings count."""
    settings = {
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        # Certified collections must have a tag from Galaxy's own list.
        "GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "true",
    }
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, "-m", "galaxy_importer.main", tarball.resolve()],
            # The importer writes its result to a file there.
            cwd=folder,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
        )
    return judged(done.returncode, done.stdout, done.stderr)


def judged(status: int, output: str, complaint: str) -> list[str]:
    """Return the warnings and errors in an output, or the last line of stderr for a failure without any."""
    found = [line for line in output.splitlines() if line.startswith(("WARNING:", "ERROR:", "CRITICAL:"))]
    if status and not found:
        found = [f"the importer ended with status {status}", *complaint.splitlines()[-1:]]
    return found
