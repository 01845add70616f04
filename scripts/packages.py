# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install the missing system packages that bindep.txt lists for tests, if run as root on a system with apt.

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
    """Return the system packages that tests need and that are missing."""
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
        print(f"Tests need these system packages: {' '.join(packages)}", file=sys.stderr)
    return bool(packages)


if __name__ == "__main__":
    sys.exit(main())
