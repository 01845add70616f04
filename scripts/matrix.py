# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the unit and integration tests on every ansible-core that a Python on this machine supports.

Usage: python scripts/matrix.py [CORE …]
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The oldest and the newest Python that each core supports on a control node (ansible-core's support matrix).
CORES = {
    "2.18": ((3, 11), (3, 13)),
    "2.19": ((3, 11), (3, 13)),
    "2.20": ((3, 12), (3, 14)),
    "2.21": ((3, 12), (3, 14)),
}
# The core of the development environment, where `make check` already ran the unit tests. Only the faces depend on the
# core. What depends on Python's own libraries is also tested on a newer Python.
DEVELOPMENT = "2.19"
FACES = [f"tests/unit/{face}" for face in ("callback", "connection", "filter", "lookup", "modules", "plugin_utils")]
UNIT = {"2.18": FACES, "2.20": FACES, "2.21": [*FACES, "tests/unit/crypto", "tests/unit/store", "tests/unit/broker"]}
# This core also runs the tests of the servers, and of all secret managers against them.
SERVERS = DEVELOPMENT
# This core uses the oldest libraries that requirements.txt allows. All others use the newest.
OLDEST = "2.18"
# The fake AWS servers share this library with the code under test, and need a new version.
NEVER_OLD = "boto3"
# Every verb and every login of each secret manager, since these call the libraries.
OLD_CALLS = [
    *(f"tests/conformance/test_{name}.py" for name in ("values", "deletion", "connectors")),
    "tests/managers",
    "-k",
    "conformance or logins",
]
# All playbooks run twice: on this core with their stores on PostgreSQL, and on the newest core without a broker (except
# those marked broker). The other cores run only the playbooks that depend on the core (marked each_core).
SHARED = "2.20"
POSTGRESQL = {"SCOPED_SECRETS_TEST_STORE": "postgresql"}
INLINE = {"SCOPED_SECRETS_BROKER": "off"}
# More workers than CPU cores, since tests also wait for servers and processes.
ABREAST = ["-n", "4", "--dist", "loadgroup"]

# Runs in parallel with the tests, since it keeps one CPU core busy for minutes. Its output comes at the end.
BESIDE = "sanity"

Run = tuple[str, list[str], dict[str, str]]


def pythons() -> Iterator[tuple[tuple[int, int], str]]:
    """Yield version and path of this Python, of those on the PATH, and of those from pyenv."""
    names = [shutil.which(f"python3.{minor}") or "" for minor in (12, 13, 14)]
    pyenv = sorted(Path.home().glob(".pyenv/versions/3.1[1-9]*/bin/python"))
    for path in [sys.executable, *names, *map(str, pyenv)]:
        code = "import sys; print(*sys.version_info[:2])"
        done = subprocess.run([path or "false", "-c", code], capture_output=True, text=True, check=False)
        if path and done.returncode == 0:
            major, minor = map(int, done.stdout.split())
            yield (major, minor), path


def python_for(core: str) -> str | None:
    """Return the oldest Python here that `core` supports, or the newest one for the newest core."""
    oldest, newest = CORES[core]
    fitting = sorted((version, path) for version, path in pythons() if oldest <= version <= newest)
    return fitting[-1 if core == max(CORES) else 0][1] if fitting else None


def environment(core: str, python: str, *, with_servers: bool) -> Path:
    """Return a virtual environment with this core and the requirements of the tests."""
    if core == DEVELOPMENT:
        subprocess.run(["make", "-s", ".venv/dev/.ready"], cwd=ROOT, check=True)
        return ROOT / ".venv" / "dev"
    folder = ROOT / ".venv" / f"core-{core}"
    needed = ["-r", str(ROOT / "requirements.txt"), "-r", str(ROOT / "tests" / "requirements.txt")]
    if with_servers:
        needed += ["-r", str(ROOT / "tests" / "requirements-servers.txt")]
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    install = [str(folder / "bin" / "pip"), "install", "-q"]
    subprocess.run([*install, f"ansible-core=={core}.*", *needed], check=True)
    if core == OLDEST:
        # Without dependencies: the test servers require newer versions.
        subprocess.run([*install, "--no-deps", *oldest_libraries()], check=True)
    if with_servers:
        alone = ["--no-deps", "--upgrade", "--target", str(folder / "winrm")]
        subprocess.run([*install, *alone, "-r", str(ROOT / "tests" / "requirements-winrm.txt")], check=True)
    return folder


def oldest_libraries() -> Iterator[str]:
    """Yield pip requirements that pin each library to the oldest version that requirements.txt allows."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    for name, extra, version in re.findall(r"^([\w-]+)(?:\[(\w+)\])?>=(\S+)$", lines, re.MULTILINE):
        if name != NEVER_OLD:
            yield f"{name}=={version}"
        if extra:
            yield f"{name}-{extra}=={version}"


def runs_on(core: str, python: str, newest: str) -> Iterator[Run]:
    """Yield the runs on a core: name, command, and additional environment variables."""
    tests = [python, "-m", "pytest", *ABREAST]
    playbooks = [*tests, "tests/integration"]
    if core in UNIT:
        yield "unit", [*tests, *UNIT[core]], {}
    if core == OLDEST:
        yield "secret managers with the oldest libraries", [*tests, *OLD_CALLS], {}
    if core == SERVERS:
        yield from _at_servers(tests)
    if core == min(SHARED, newest):
        yield "playbooks with their stores on PostgreSQL", playbooks, POSTGRESQL
    if core == newest:
        yield "playbooks without a broker", [*playbooks, "-m", "not broker"], INLINE
    if core not in (min(SHARED, newest), newest):
        yield "playbooks", [*playbooks, "-m", "each_core"], {}
    if core == newest:
        yield BESIDE, [python, "scripts/sanity.py", f".work/sanity-{core}"], {}


def has_servers(core: str, newest: str) -> bool:
    """Return whether the tests with servers run on a core."""
    return core in (OLDEST, SERVERS, min(SHARED, newest), newest)


def _at_servers(tests: list[str]) -> Iterator[Run]:
    folders = [f"tests/{name}" for name in ("servers", "managers", "credentials", "stores", "crash", "conformance")]
    yield "servers, secret managers and credentials", [*tests, *folders], {}
    yield "engine and store on PostgreSQL", [*tests, "tests/unit/engine", "tests/unit/store"], POSTGRESQL
    # The store's engine does not affect what happens at the provider, so one manager is enough.
    yield "crashes with the store on PostgreSQL", [*tests, "tests/crash", "-k", "vault"], POSTGRESQL


def check(core: str, folder: Path, newest: str) -> bool:
    """Return whether all tests pass on `core`."""
    runs = list(runs_on(core, str(folder / "bin" / "python"), newest))
    codes = []
    with ThreadPoolExecutor() as pool:
        beside = {run[0]: pool.submit(carry_out, run, quiet=True) for run in runs if run[0] == BESIDE}
        # Don't stop at the first failure: starting over takes long.
        for run in runs:
            print(f"== core {core}: {run[0]}", flush=True)
            code, said = beside[run[0]].result() if run[0] in beside else carry_out(run)
            print(said, flush=True)
            codes.append(code)
    return not any(codes)


def carry_out(run: Run, *, quiet: bool = False) -> tuple[int, str]:
    """Return the exit code of a run and its duration. With `quiet`, its output comes before the duration."""
    _name, command, extra = run
    environment = {**os.environ, "PYTHONPATH": str(ROOT / ".work" / "tree"), **extra}
    output = subprocess.PIPE if quiet else None
    begun = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=output, stderr=output and subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, f"{done.stdout or ''}== took {(time.monotonic() - begun) / 60:.1f} minutes"


def main() -> int:
    pythons_of = {core: python_for(core) for core in CORES}
    newest = max(core for core, python in pythons_of.items() if python)
    asked = sys.argv[1:] or sorted(CORES, key=lambda core: core != DEVELOPMENT)
    failed = []
    # Create the other environments while the tests on the first core run.
    with ThreadPoolExecutor() as pool:
        made = {
            core: pool.submit(environment, core, python, with_servers=has_servers(core, newest))
            for core in asked
            if (python := pythons_of[core])
        }
        for core in asked:
            if core not in made:
                oldest = ".".join(map(str, CORES[core][0]))
                print(f"== core {core}: skipped, it needs Python {oldest} or newer", flush=True)
            elif not check(core, made[core].result(), newest):
                failed.append(core)
    print(f"== failed on: {', '.join(failed)}" if failed else "== every core passed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
