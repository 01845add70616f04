# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make coverage: the table of rooms, the lines that nothing covers, and processes that tests fork or start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from coverage_redundancy import covered_by_test
from coverage_rooms import CONFIG, ROOT, Covered, environment, missing, options, per_room, ranges, runs, table

MEASURED = """\
def in_test(): return 1


def in_fork(): return 2


def in_process(): return 3


def never(): return 4
"""
TESTS = """\
import os, subprocess, sys
import pytest
sys.path.insert(0, {folder!r})
import measured

@pytest.mark.parametrize("number", [1, 2])
def test_itself(number):
    measured.in_test()

def test_fork():
    if not (child := os.fork()):
        measured.in_fork()
        os._exit(0)
    os.waitpid(child, 0)

def test_process():
    code = "import sys; sys.path.insert(0, sys.argv[1]); import measured; measured.in_process()"
    subprocess.run([sys.executable, "-c", code, {folder!r}], check=True)
"""


def found(covered_lines: int, lines: int, **more: Any) -> dict[str, Any]:
    summary = {"num_statements": lines, "covered_lines": covered_lines, "num_branches": 4, "covered_branches": 1}
    return {"summary": summary, "missing_lines": [], "missing_branches": [], **more}


def test_pytest_gets_what_is_not_ours() -> None:
    ours, rest = options(["--others", "3", "-n", "2", "tests/unit/crypto", "-k", "any"])
    assert ours.others == 3
    assert rest == ["-n", "2", "tests/unit/crypto", "-k", "any"]
    assert options([])[1] == ["tests/unit"]


def test_each_folder_has_a_run_of_its_own() -> None:
    assert runs(["tests/unit/store", "-k", "any", "tests/stores"]) == [
        ["tests/unit/store", "-k", "any"],
        ["tests/stores", "-k", "any"],
    ]
    assert runs(["-k", "any"]) == [["-k", "any"]]


def test_files_count_for_their_rooms() -> None:
    files = {
        "module_utils/store/audit.py": found(1, 2),
        "module_utils/store/shares.py": found(3, 4),
        "module_utils/managers/registry.py": found(5, 5),
        "lookup/secret.py": found(0, 7),
        "module_utils/model/__init__.py": found(0, 0),
    }
    rooms = per_room(files)
    assert rooms["module_utils/store"] == Covered(6, 4, 8, 2)
    assert rooms["all"] == Covered(18, 9, 16, 4)
    # From the top down, and only those that have code.
    assert list(rooms) == ["lookup", "module_utils/managers/registry.py", "module_utils/store", "all"]


def test_the_table() -> None:
    assert list(table({"lookup": Covered(3, 1, 4, 4), "all": Covered(10, 10, 0, 0)})) == [
        "room                   lines              branches",
        "lookup        1 of 3   33.3%        4 of 4  100.0%",
        "all         10 of 10  100.0%                     -",
    ]


def test_lines_and_branches_that_nothing_covers() -> None:
    files = {
        "b.py": found(5, 9, missing_lines=[1, 2, 3, 7], missing_branches=[[1, 2], [5, -4]]),
        "a.py": found(9, 9, missing_branches=[[5, 8]]),
        "c.py": found(9, 9),
        "d.py": found(0, 2, missing_lines=[1, 2]),
        "e.py": found(0, 0),
    }
    assert list(missing(files)) == ["a.py: 5->8", "b.py: 1-3, 7, 5->-4", "d.py: never imported"]


@pytest.mark.parametrize(
    ("numbers", "joined"), [([], []), ([4], ["4"]), ([1, 2, 3], ["1-3"]), ([1, 3, 4, 9], ["1", "3-4", "9"])]
)
def test_successive_numbers_are_joined(numbers: list[int], joined: list[str]) -> None:
    assert list(ranges(numbers)) == joined


def test_forked_and_started_processes_count_for_their_test(tmp_path: Path) -> None:
    coverage = pytest.importorskip("coverage", reason="needs tests/requirements-dev.txt")
    plugins, parts, whole = (tmp_path / name for name in ("plugins", "parts", "whole"))
    for folder in (plugins, parts, whole):
        folder.mkdir()
    (plugins / "measured.py").write_text(MEASURED)
    (tmp_path / "test_it.py").write_text(TESTS.format(folder=str(plugins)))
    plugins_of_pytest = ["-p", "coverage_contexts", "-p", "xdist", "-n", "1"]
    command = [sys.executable, "-m", "pytest", *plugins_of_pytest, "--rootdir", tmp_path, tmp_path]
    variables = {**environment(str(parts), tmp_path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    subprocess.run(command, cwd=tmp_path, env=variables, check=True)
    combined = coverage.Coverage(data_file=str(whole / "data"), config_file=str(CONFIG))
    combined.combine([str(parts)])
    combined.save()
    covered = covered_by_test(whole / "data")
    assert set(covered) == {f"test_it.py::{name}" for name in ("test_itself", "test_fork", "test_process")}
    by_line = combined.get_data().contexts_by_lineno(str(plugins / "measured.py"))
    assert set(by_line) == {1, 4, 7, 10}


def test_a_line_that_no_test_can_cover_says_why() -> None:
    lines = [line for file in (ROOT / "plugins").rglob("*.py") for line in file.read_text().splitlines()]
    without = [line for line in lines if "pragma: no cover" in line and "# pragma: no cover -- " not in line]
    assert without == []
