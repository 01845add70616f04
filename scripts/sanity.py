# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run every ansible-test sanity test on a copy of the collection, with the ansible-core of this interpreter.

ansible-test requires a git repository in a collection tree, and bootstraps its virtual environments with a get-pip
script that it downloads. This program provides a script that runs pip from its wheel instead.

Usage: VENV/bin/python scripts/sanity.py WORK_FOLDER [--plugins-only | TEST …]

With --plugins-only, pylint checks `plugins` alone: its checks of the tests take a minute, and ruff makes most of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from ansible_test._internal.python_requirements import get_venv_packages

ROOT = Path(__file__).resolve().parent.parent
PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"

PLUGINS_ONLY = "--plugins-only"

GET_PIP = """\
import sys
sys.path.insert(0, {wheel!r})
from pip._internal.cli.main import main
sys.exit(main(["install", *(a for a in sys.argv[1:] if a not in ("--no-setuptools", "--no-wheel"))]))
"""


def copy_collection(tree: Path) -> Path:
    """Return a copy of all files that git tracks or would add, in a repository of its own."""
    target = tree / "ansible_collections" / "scoped" / "secrets"
    shutil.rmtree(target, ignore_errors=True)
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    subprocess.run(["git", "init", "-q"], cwd=target, check=True)
    subprocess.run(["git", "add", "-A"], cwd=target, check=True)
    return target


def prepare_pip(home: Path) -> None:
    """Put the pip bootstrap script where ansible-test looks for a downloaded one."""
    version = get_venv_packages(SimpleNamespace(version=PYTHON_VERSION))["pip"]
    cache = home / ".ansible" / "test" / "cache"
    wheel = cache / f"pip-{version}-py3-none-any.whl"
    if not wheel.exists():
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":none:"]
        subprocess.run([*command, "-d", str(cache), f"pip=={version}"], check=True)
    script = cache / f"get_pip_{version.replace('.', '_')}.py"
    script.write_text(GET_PIP.format(wheel=str(wheel)), encoding="utf-8")


def sanity(target: Path, home: Path, *arguments: str) -> bool:
    """Run tests on a copy of the collection, and return whether they passed."""
    command = [str(Path(sys.executable).with_name("ansible-test")), "sanity", "--venv", "--python", PYTHON_VERSION]
    command += ["--color", "no", *arguments]
    return subprocess.run(command, cwd=target, env={**os.environ, "HOME": str(home)}, check=False).returncode == 0


def main() -> int:
    work, tests = Path(sys.argv[1]).resolve(), sys.argv[2:]
    home = work / "home"
    prepare_pip(home)
    target = copy_collection(work)
    runs = [[word for test in tests for word in ("--test", test)]]
    if tests == [PLUGINS_ONLY]:
        runs = [["--skip-test", "pylint"], ["--test", "pylint", "plugins/"]]
    return int(bool([arguments for arguments in runs if not sanity(target, home, *arguments)]))


if __name__ == "__main__":
    sys.exit(main())
