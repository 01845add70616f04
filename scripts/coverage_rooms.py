# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure which lines and branches of plugins/ the tests cover, and which test covers what. `make coverage` runs this.

All Python processes that tests start or fork are measured, if they inherit the environment: the broker, ansible's
workers, and modules that ansible runs. Results are in .work/coverage: html/, report.txt, redundant.txt, and coverage's
data file.

Usage: python scripts/coverage_rooms.py [--others N] [ARGUMENTS OF PYTEST …]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import rooms
from coverage_contexts import VARIABLE
from coverage_redundancy import covered_by_test, redundant

if TYPE_CHECKING:
    from coverage import Coverage

__all__ = ["Covered", "environment", "missing", "options", "per_room", "ranges", "runs", "table"]

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "pyproject.toml"
WORK = ROOT / ".work" / "coverage"
# A test is named as redundant if at least this many others cover all that it covers.
OTHERS = 10
# The data file. Those of the processes have names that begin with it, by which coverage finds them.
DATA = "data"
# More workers than CPU cores, since tests also wait for processes.
PYTEST = ["-m", "pytest", "-p", "coverage_contexts", "-n", "4"]


class Covered(NamedTuple):
    """How many lines and branches there are in some files, and how many of them are covered."""

    lines: int = 0
    covered_lines: int = 0
    branches: int = 0
    covered_branches: int = 0

    def plus(self, other: Covered) -> Covered:
        return Covered(*(a + b for a, b in zip(self, other, strict=True)))


def options(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Return our options, and pytest's arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--others", type=int, default=OTHERS, help=f"see redundant.txt (default: {OTHERS})")
    ours, rest = parser.parse_known_args(arguments)
    return ours, rest or ["tests/unit"]


def runs(arguments: list[str]) -> list[list[str]]:
    """Return the arguments of each run of pytest: one per folder, within which names of test files are unique."""
    places = [one for one in arguments if (ROOT / one.partition("::")[0]).exists()]
    rest = [one for one in arguments if one not in places]
    return [[place, *rest] for place in places] or [rest]


def measure(arguments: list[str]) -> int:
    """Run pytest, and combine the data of all processes into one file; return the worst of pytest's exit codes."""
    # Outside of the working tree, which other users that tests switch to may not be able to enter.
    with tempfile.TemporaryDirectory(prefix="coverage-", dir="/tmp") as folder:
        Path(folder).chmod(0o1777)
        commands = [[sys.executable, *PYTEST, *run] for run in runs(arguments)]
        codes = [subprocess.run(one, cwd=ROOT, env=environment(folder), check=False).returncode for one in commands]
        shutil.rmtree(WORK, ignore_errors=True)
        WORK.mkdir(parents=True)
        measured = _coverage()
        measured.combine([folder])
        # Files that no test imports.
        measured.get_data().touch_files(str(file) for file in rooms.PLUGINS.rglob("*.py"))
        measured.save()
    return max(codes)


def environment(folder: str, root: Path = ROOT) -> dict[str, str]:
    """Return the environment of processes that measure what they run below `root`, and leave their data in `folder`."""
    path = os.pathsep.join(map(str, (root / ".work" / "tree", ROOT / "scripts")))
    return {
        **{name: value for name, value in os.environ.items() if name != VARIABLE},
        "PYTHONPATH": path,
        # Python measures itself from its start if this is set: coverage's documentation, "Managing processes".
        "COVERAGE_PROCESS_START": str(CONFIG),
        "COVERAGE_FILE": f"{folder}/{DATA}",
        "COVERAGE_ROOT": str(root),
    }


def _coverage() -> Coverage:
    from coverage import Coverage

    os.environ["COVERAGE_ROOT"] = str(ROOT)
    return Coverage(data_file=str(WORK / DATA), config_file=str(CONFIG))


def report(others: int) -> None:
    """Write all results; print the table, the lines that nothing covers, and what else there is."""
    measured = _coverage()
    measured.load()
    measured.json_report(outfile=str(WORK / "report.json"))
    files = {_below_plugins(file): found for file, found in _json(WORK / "report.json")["files"].items()}
    text = "\n".join([*table(per_room(files)), "", "Not covered:", *missing(files)])
    (WORK / "report.txt").write_text(f"{text}\n", encoding="utf-8")
    print(text)
    measured.html_report(directory=str(WORK / "html"), show_contexts=True)
    tests = redundant(covered_by_test(WORK / DATA), others)
    (WORK / "redundant.txt").write_text("".join(f"{test}\n" for test in tests), encoding="utf-8")
    print(f"\n{len(tests)} tests cover nothing that {others} others don't cover too: .work/coverage/redundant.txt")
    print("Each line with its tests: .work/coverage/html/index.html")


def _json(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def _below_plugins(file: str) -> str:
    return str(Path(file).relative_to(rooms.PLUGINS.name))


def per_room(files: Mapping[str, Mapping[str, Any]]) -> dict[str, Covered]:
    """Return what is covered in each room that has code, from the top down, and in all of them ("all").

    `files` has paths below plugins/, and what coverage's JSON report says about each.
    """
    found = dict.fromkeys((room.place for room in rooms.ROOMS), Covered())
    for file, content in files.items():
        if room := rooms.room_of(file):
            found[room.place] = found[room.place].plus(_covered(content["summary"]))
    found = {place: covered for place, covered in found.items() if covered.lines}
    return {**found, "all": _sum(found.values())}


def _covered(summary: Mapping[str, int]) -> Covered:
    names = ("num_statements", "covered_lines", "num_branches", "covered_branches")
    return Covered(*(summary[name] for name in names))


def _sum(all_of_them: Iterable[Covered]) -> Covered:
    total = Covered()
    for covered in all_of_them:
        total = total.plus(covered)
    return total


def table(found: Mapping[str, Covered]) -> Iterator[str]:
    """Yield the lines of the table."""
    width = max(map(len, found))
    yield f"{'room':{width}}  {'lines':>20}  {'branches':>20}"
    for place, covered in found.items():
        lines = _share(covered.covered_lines, covered.lines)
        branches = _share(covered.covered_branches, covered.branches)
        yield f"{place:{width}}  {lines:>20}  {branches:>20}"


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} {100 * part / whole:6.1f}%" if whole else "-"


def missing(files: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each file with lines or branches that nothing covers.

    A branch is named "7->9" if line 7 is covered, but nothing goes from there to 9. A negative number is the end of the
    function that begins at that line.
    """
    for file, content in sorted(files.items()):
        lines = content["missing_lines"]
        if lines and not content["summary"]["covered_lines"]:
            yield f"{file}: never imported"
            continue
        branches = [f"{start}->{end}" for start, end in content["missing_branches"] if start not in lines]
        if lines or branches:
            yield f"{file}: {', '.join([*ranges(lines), *branches])}"


def ranges(numbers: Iterable[int]) -> Iterator[str]:
    """Yield sorted numbers with successive ones joined: 1, 2, 3 and 7 are "1-3" and "7"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] + 1 == number:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    for first, last in runs:
        yield str(first) if first == last else f"{first}-{last}"


def main() -> int:
    ours, arguments = options(sys.argv[1:])
    code = measure(arguments)
    report(ours.others)
    return code


if __name__ == "__main__":
    sys.exit(main())
