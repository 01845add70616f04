# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install what bindep.txt names for tests and is missing, where this is root's to do and the system has apt.

Usage: python scripts/packages.py
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APT = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"]


def missing() -> list[str]:
    """Return the packages of the system that tests need and don't find."""
    bindep = str(Path(sys.executable).parent / "bindep")
    command = [bindep, "-b", "-f", str(ROOT / "bindep.txt"), "test"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()


def install(packages: list[str]) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([*APT, "update"], env=quiet, check=True)
    subprocess.run([*APT, "install", "--no-install-recommends", *packages], env=quiet, check=True)


def main() -> int:
    packages = missing()
    if packages and not os.geteuid() and shutil.which("apt-get"):
        install(packages)
        packages = missing()
    if packages:
        print(f"Tests need packages of the system: {' '.join(packages)}", file=sys.stderr)
    return bool(packages)


if __name__ == "__main__":
    sys.exit(main())
