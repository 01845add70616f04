# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests in legs: some tests each, on one ansible-core, in a virtual environment of its own.

Usage: python scripts/matrix.py [--all | --list | --leg NAME …]

Without an option, runs the legs of `make test`: every test once, and again where an ansible-core, the kind of store, or
a run without a broker can make a difference. With --all, runs every test on every core, as a release does.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

Version = tuple[int, int]


@dataclass(frozen=True)
class Core:
    """An ansible-core. `oldest` and `newest` are the Pythons that it supports on a control node.

    `is_final`: False as long as there are only release candidates.
    """

    requirement: str
    oldest: Version
    newest: Version
    is_final: bool = True


# From ansible-core's support matrix.
CORES = {
    "2.18": Core("ansible-core==2.18.*", (3, 11), (3, 13)),
    "2.19": Core("ansible-core==2.19.*", (3, 11), (3, 13)),
    "2.20": Core("ansible-core==2.20.*", (3, 12), (3, 14)),
    "2.21": Core("ansible-core==2.21.*", (3, 12), (3, 14)),
    "2.22": Core("ansible-core>=2.22.0rc1,<2.23", (3, 13), (3, 15), is_final=False),
}
# The core of the development environment, where `make check` has run the unit tests.
DEVELOPMENT = "2.19"
# Stands for the newest final core that a Python on this machine supports.
NEWEST = "newest"
# This core uses the oldest libraries that requirements.txt allows. All others use the newest.
OLDEST = "2.18"
# The fake AWS servers share this library with the code under test, and need a new version.
NEVER_OLD = "boto3"

# More workers than CPU cores, and two legs at a time, since tests also wait for servers and processes.
PYTEST = ("-m", "pytest", "-n", "3", "--dist", "loadgroup")
SIDE_BY_SIDE = 2


@dataclass(frozen=True)
class Leg:
    """Tests that run together. `arguments`: those of Python; `variables`: additional ones of the environment."""

    name: str
    core: str
    arguments: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


def tests(name: str, core: str, *arguments: str, **variables: str) -> Leg:
    """Return a leg that runs pytest. `variables` are those that say how the tests run, without their prefix."""
    given = {f"SCOPED_SECRETS_TEST_{variable}": value for variable, value in variables.items()}
    return Leg(name, core, (*PYTEST, *arguments), given)


def sanity(core: str, *options: str) -> Leg:
    return Leg(f"sanity-{core}", core, ("scripts/sanity.py", f".work/sanity-{core}", *options))


PLAYBOOKS = "tests/integration"
# Only these unit tests depend on the core.
FACES = [f"tests/unit/{face}" for face in ("callback", "connection", "filter", "lookup", "modules", "plugin_utils")]
# What depends on Python's own libraries also runs on a newer Python.
LOW = [f"tests/unit/{room}" for room in ("crypto", "store", "broker")]
MANAGERS = [f"tests/{name}" for name in ("managers", "credentials", "stores", "crash", "attack", "conformance")]
# Every verb and every login of each secret manager, since these call the libraries.
OLD_CALLS = [
    *(f"tests/conformance/test_{name}.py" for name in ("values", "deletion", "connectors")),
    "tests/managers",
    "-k",
    "conformance or logins",
]
# Statements that are written for more than one engine: the store's own, and those of these rooms of the engine.
SQL = [
    "tests/unit/store",
    *(f"tests/unit/engine/{room}" for room in ("rows", "keys", "backup", "changes")),
    "tests/attack",
]
# The store's engine does not affect what happens at the provider, so one manager is enough.
CRASHES = ["tests/crash", "-k", "vault"]

SERVERS = tests("servers", DEVELOPMENT, "tests/servers")
SHARED = (
    tests("managers", DEVELOPMENT, *MANAGERS),
    tests("old-libraries", OLDEST, *OLD_CALLS),
    tests("crashes-postgresql", DEVELOPMENT, *CRASHES, STORE="postgresql"),
)
# The longest first, so that none is left alone at the end.
IN_TEST = (
    tests("playbooks", NEWEST, PLAYBOOKS),
    sanity(NEWEST, "--plugins-only"),
    *SHARED,
    tests("playbooks-2.18-each-core", "2.18", PLAYBOOKS, "-m", "each_core"),
    tests("playbooks-2.19-each-core", "2.19", PLAYBOOKS, "-m", "each_core"),
    tests("playbooks-some-inline", NEWEST, PLAYBOOKS, "-m", "inline", BROKER="off"),
    tests("playbooks-some-postgresql", NEWEST, PLAYBOOKS, "-m", "each_store", STORE="postgresql"),
    tests("unit-sql-postgresql", DEVELOPMENT, *SQL, STORE="postgresql"),
    tests("unit-faces-2.18", "2.18", *FACES),
    tests("unit-faces", NEWEST, *FACES, *LOW),
    SERVERS,
)
IN_MATRIX = (
    *(tests(f"playbooks-{core}", core, PLAYBOOKS) for core in CORES),
    *(sanity(core) for core in CORES),
    *SHARED,
    tests("managers-2.22", "2.22", *MANAGERS),
    tests("playbooks-inline", NEWEST, PLAYBOOKS, "-m", "not broker", BROKER="off"),
    tests("playbooks-postgresql", "2.20", PLAYBOOKS, STORE="postgresql"),
    *(tests(f"unit-{core}", core, "tests/unit", "tests/fuzz") for core in CORES),
    tests("unit-postgresql", DEVELOPMENT, "tests/unit/engine", "tests/unit/store", "tests/attack", STORE="postgresql"),
    SERVERS,
)
LEGS = {leg.name: leg for leg in (*IN_TEST, *IN_MATRIX)}

# The tests of the servers only run in `make test` if one of these changed.
OF_SERVERS = ("tests/servers", "tests/requirements-servers.txt")
# How far to look back on the branch that changes land on.
LANDED = 20


def servers_changed(root: Path = ROOT) -> bool:
    """Return whether the servers differ from those of the last landed commit, or that can't be told."""
    base = _git(root, "merge-base", "HEAD", "origin/main")
    if base in ("", _git(root, "rev-parse", "HEAD")):
        base = _git(root, "rev-parse", f"HEAD~{LANDED}")
    new_files = _git(root, "ls-files", "--others", "--exclude-standard", "--", *OF_SERVERS)
    return not base or bool(new_files) or bool(_git(root, "diff", "--name-only", base, "--", *OF_SERVERS))


def _git(root: Path, *arguments: str) -> str:
    """Return what git prints; nothing if it fails."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def pythons() -> Iterator[tuple[Version, str]]:
    """Yield version and path of this Python, of those on the PATH, and of those from pyenv."""
    names = [shutil.which(f"python3.{minor}") or "" for minor in range(12, 16)]
    pyenv = sorted(Path.home().glob(".pyenv/versions/3.1[1-9]*/bin/python"))
    for path in [sys.executable, *names, *map(str, pyenv)]:
        code = "import sys; print(*sys.version_info[:2])"
        done = subprocess.run([path or "false", "-c", code], capture_output=True, text=True, check=False)
        if path and done.returncode == 0:
            major, minor = map(int, done.stdout.split())
            yield (major, minor), path


class Machine:
    """The Pythons of this machine, and the cores that run on them."""

    def __init__(self, found: Sequence[tuple[Version, str]]) -> None:
        fitting = {
            name: sorted(one for one in found if core.oldest <= one[0] <= core.newest) for name, core in CORES.items()
        }
        self.newest = max(name for name, core in CORES.items() if core.is_final and fitting[name])
        # Old cores run on old Pythons, new ones on new ones.
        self._python = {name: some[-1 if self.is_new(name) else 0] for name, some in fitting.items() if some}

    def is_new(self, core: str) -> bool:
        return core >= self.newest

    def core_of(self, leg: Leg) -> str:
        return self.newest if leg.core == NEWEST else leg.core

    def python_for(self, core: str) -> tuple[Version, str] | None:
        """Return version and path of the Python to run a core on, or None if there is none."""
        return self._python.get(core)


def environment(core: str, python: str) -> Path:
    """Return a virtual environment with this core and the requirements of the tests."""
    if core == DEVELOPMENT:
        subprocess.run(["make", "-s", ".venv/dev/.ready"], cwd=ROOT, check=True)
        return ROOT / ".venv" / "dev"
    folder = ROOT / ".venv" / f"core-{core}"
    files = [ROOT / "requirements.txt", *(ROOT / "tests" / f"requirements{name}.txt" for name in ("", "-servers"))]
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    install = [str(folder / "bin" / "pip"), "install", "-q"]
    subprocess.run([*install, CORES[core].requirement, *(f"-r{file}" for file in files)], check=True)
    if core == OLDEST:
        # Without dependencies: the test servers require newer versions.
        subprocess.run([*install, "--no-deps", *oldest_libraries()], check=True)
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


def run(leg: Leg, made: Future[Path]) -> bool:
    """Run a leg once its environment is there, print its output, and return whether it passed."""
    command = [str(made.result() / "bin" / "python"), *leg.arguments]
    variables = {**os.environ, "PYTHONPATH": str(ROOT / ".work" / "tree"), **leg.variables}
    print(f"== {leg.name}: begins", flush=True)
    begun = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    minutes = (time.monotonic() - begun) / 60
    # One call, since the output of legs that run at the same time must not mix.
    verdict = "failed" if done.returncode else "passed"
    print(f"== {leg.name}:\n{done.stdout}== {leg.name}: {verdict} after {minutes:.1f} minutes", flush=True)
    return not done.returncode


def run_all(legs: Sequence[Leg], machine: Machine) -> list[str]:
    """Run legs and return the names of those that failed. Doesn't stop at the first one: starting over takes long."""
    with ThreadPoolExecutor() as makers, ThreadPoolExecutor(SIDE_BY_SIDE) as runners:
        made: dict[str, Future[Path]] = {}
        runs: dict[str, Future[bool]] = {}
        for leg in legs:
            core = machine.core_of(leg)
            python = machine.python_for(core)
            if python is None:
                oldest = ".".join(map(str, CORES[core].oldest))
                print(f"== {leg.name}: skipped, core {core} needs Python {oldest} or newer", flush=True)
                continue
            if core not in made:
                made[core] = makers.submit(environment, core, python[1])
            runs[leg.name] = runners.submit(run, leg, made[core])
        return [name for name, one in runs.items() if not one.result()]


def chosen(arguments: argparse.Namespace) -> list[Leg]:
    """Return the legs to run."""
    if arguments.leg:
        return [LEGS[name] for name in arguments.leg]
    if arguments.all:
        return list(IN_MATRIX)
    return [leg for leg in IN_TEST if leg != SERVERS or servers_changed()]


def listing(machine: Machine) -> Iterator[str]:
    """Yield a line for each leg: its name, its core, its Python, and what runs it."""
    for name, leg in LEGS.items():
        core = machine.core_of(leg)
        python = machine.python_for(core)
        version = ".".join(map(str, python[0])) if python else "none"
        runs = [word for word, table in (("test", IN_TEST), ("matrix", IN_MATRIX)) if leg in table]
        note = " (in test if changed)" if leg == SERVERS else ""
        yield f"{name:26} core {core}  Python {version:5} {', '.join(runs)}{note}"


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the tests in legs, on several ansible-cores.")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--all", action="store_true", help="run every test on every core")
    group.add_argument("--list", action="store_true", help="print all legs")
    group.add_argument("--leg", action="append", choices=LEGS, metavar="NAME", help="run this leg; may be repeated")
    return parser.parse_args(arguments)


def main() -> int:
    arguments = parsed()
    machine = Machine(list(pythons()))
    if arguments.list:
        print("\n".join(listing(machine)))
        return 0
    failed = run_all(chosen(arguments), machine)
    print(f"== failed: {', '.join(failed)}" if failed else "== every leg passed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
