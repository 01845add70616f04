# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Galaxy would take a tarball: its own importer is asked. It needs no container, and no network."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["install", "refusals"]

REQUIREMENT = "galaxy-importer>=0.4.30"


def install(environment: Path) -> Path:
    """Return the Python of an environment with the importer, apart from others: it pins what they need newer."""
    python = environment / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "ansible-core>=2.19,<2.20", REQUIREMENT], check=True)
    return python


def refusals(python: Path, tarball: Path) -> list[str]:
    """Return what the importer has to say against a tarball, a line each; a warning counts."""
    settings = {
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        # A tag of Galaxy's own list, as certified collections must have.
        "GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "true",
    }
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, "-m", "galaxy_importer.main", tarball.resolve()],
            # It leaves its result in a file.
            cwd=folder,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
        )
    return judged(done.returncode, done.stdout, done.stderr)


def judged(status: int, output: str, complaint: str) -> list[str]:
    """Return the warnings and errors of an output; of a failure without any, what else it said last."""
    found = [line for line in output.splitlines() if line.startswith(("WARNING:", "ERROR:", "CRITICAL:"))]
    if status and not found:
        found = [f"the importer ended with status {status}", *complaint.splitlines()[-1:]]
    return found
