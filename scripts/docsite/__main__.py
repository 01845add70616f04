# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation site in .work/site/html. `make docs` runs this. Warnings are errors."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .sources import write_sources

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
TREE = ROOT / ".work" / "tree"
SITE = ROOT / ".work" / "site"
SOURCE = SITE / "source"
COLLECTION = "scoped.secrets"


def main() -> int:
    shutil.rmtree(SITE, ignore_errors=True)
    write_sources(SOURCE)
    _plugins(SOURCE / "plugins")
    sphinx = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-j", "2", "-c", Path(__file__).parent]
    _run(*sphinx, SOURCE, SITE / "html")
    return 0


def _plugins(into: Path) -> None:
    """Write a page for each plugin, and an index."""
    into.mkdir(mode=0o700)
    _run(TOOLS / "antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs=self", ROOT)
    options = ["--use-current", "--squash-hierarchy", "--fail-on-error", "--no-add-antsibull-docs-version"]
    _run(TOOLS / "antsibull-docs", "collection", *options, "--dest-dir", into, COLLECTION)


def _run(*command: str | Path) -> None:
    paths = {"PATH": f"{TOOLS}:{os.environ['PATH']}", "ANSIBLE_COLLECTIONS_PATH": str(TREE)}
    subprocess.run(command, cwd=ROOT, env={**os.environ, **paths}, check=True)


if __name__ == "__main__":
    sys.exit(main())
