# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the unit and integration tests on every ansible-core that a Python of this machine can run.

Usage: python scripts/matrix.py [CORE …]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The oldest and the newest Python that each core takes on a control node (ansible-core's support matrix).
CORES = {
    "2.18": ((3, 11), (3, 13)),
    "2.19": ((3, 11), (3, 13)),
    "2.20": ((3, 12), (3, 14)),
    "2.21": ((3, 12), (3, 14)),
}
SANITY = ("2.19", "2.21")
# `make check` runs the unit tests on 2.19. Only the faces depend on the core; once all run on a newer Python too.
FACES = [f"tests/unit/{face}" for face in ("callback", "connection", "filter", "lookup", "modules", "plugin_utils")]
UNIT = {"2.18": FACES, "2.20": FACES, "2.21": ["tests/unit"]}
# Here the stores of the playbooks are on PostgreSQL.
SHARED = ("2.20",)
POSTGRESQL = {"SCOPED_SECRETS_TEST_STORE": "postgresql"}
# Here the playbooks run a second time, without a broker, but for those that say themselves which way they go.
INLINE = ("2.19",)
BOTH_WAYS = ("test_ssh_*", "test_broker.py", "test_once_per_run.py", "test_lookup_connector.py")
# Here the tests against servers run too, and all kinds of secret managers at them.
SERVERS = ("2.19",)


def pythons() -> Iterator[tuple[tuple[int, int], str]]:
    """Yield version and path of this Python, of those on the PATH, and of pyenv's."""
    names = [shutil.which(f"python3.{minor}") or "" for minor in (12, 13, 14)]
    pyenv = sorted(Path.home().glob(".pyenv/versions/3.1[1-9]*/bin/python"))
    for path in [sys.executable, *names, *map(str, pyenv)]:
        code = "import sys; print(*sys.version_info[:2])"
        done = subprocess.run([path or "false", "-c", code], capture_output=True, text=True, check=False)
        if path and done.returncode == 0:
            major, minor = map(int, done.stdout.split())
            yield (major, minor), path


def python_for(core: str) -> str | None:
    """Return the first Python that `core` runs on."""
    oldest, newest = CORES[core]
    return next((path for version, path in pythons() if oldest <= version <= newest), None)


def environment(core: str, python: str) -> Path:
    """Return a virtual environment with this core and what the tests need."""
    folder = ROOT / ".venv" / f"core-{core}"
    needed = ["-r", str(ROOT / "requirements.txt"), "-r", str(ROOT / "tests" / "requirements.txt")]
    if core in SERVERS:
        needed += ["-r", str(ROOT / "tests" / "requirements-servers.txt")]
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(folder / "bin" / "pip"), "install", "-q", f"ansible-core=={core}.*", *needed], check=True)
    return folder


def check(core: str, folder: Path) -> bool:
    """Tell whether all tests pass on `core`."""
    python = str(folder / "bin" / "python")
    tests = [python, "-m", "pytest", "-m", "" if core in SERVERS else "not servers"]
    playbooks = [*tests, "-n", "2", "tests/integration"]
    runs: list[tuple[str, list[str], dict[str, str]]] = [("playbooks", playbooks, {})]
    if core in SHARED:
        runs = [("playbooks with their stores on PostgreSQL", playbooks, POSTGRESQL)]
    if core in UNIT:
        runs.insert(0, ("unit", [*tests, "-n", "2", *UNIT[core]], {}))
    if core in SANITY:
        runs.insert(0, ("sanity", [python, "scripts/sanity.py", f".work/sanity-{core}"], {}))
    if core in SERVERS:
        folders = [f"tests/{name}" for name in ("servers", "managers", "credentials", "stores", "crash", "conformance")]
        servers = [*tests, "-n", "2", "--dist", "loadgroup", *folders]
        runs.append(("servers, secret managers and credentials", servers, {}))
        engine = [*tests, "-n", "2", "tests/unit/engine", "tests/unit/store"]
        runs.append(("engine and store on PostgreSQL", engine, POSTGRESQL))
        # What is at the provider is no matter of the store's engine: one kind of manager does.
        crashes = [*tests, "-n", "2", "tests/crash", "-k", "vault"]
        runs.append(("crashes with the store on PostgreSQL", crashes, POSTGRESQL))
    if core in INLINE:
        inline = [*playbooks, *(f"--ignore-glob=*{name}" for name in BOTH_WAYS)]
        runs.append(("playbooks without a broker", inline, {"SCOPED_SECRETS_BROKER": "off"}))
    failed = 0
    for name, command, extra in runs:
        print(f"== core {core}: {name}", flush=True)
        tree = {**os.environ, "PYTHONPATH": str(ROOT / ".work" / "tree"), **extra}
        # All of them, whatever one says: a run takes long.
        failed += subprocess.run(command, cwd=ROOT, env=tree, check=False).returncode != 0
    return not failed


def main() -> int:
    failed = []
    for core in sys.argv[1:] or CORES:
        python = python_for(core)
        if python is None:
            print(
                f"== core {core}: left out, it needs Python {'.'.join(map(str, CORES[core][0]))} or newer", flush=True
            )
        elif not check(core, environment(core, python)):
            failed.append(core)
    print(f"== failed on: {', '.join(failed)}" if failed else "== every core passed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
