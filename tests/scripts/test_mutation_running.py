# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutants run in a copy of the tree. What a failing or hanging test kills is told from what survives."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from mutation.mutants import Mutant, mutants_of
from mutation.running import Copy, FailingTests, judge, limit
from mutation.selection import unit_tests_of

FILE = "module_utils/room/count.py"
CODE = """\
def count(number):
    found = 0
    while found < number:
        found += 1
    return found


def size(number):
    return number + 1


def untested():
    return True
"""
IMPORT = "from ansible_collections.scoped.secrets.plugins.module_utils.room import count\n"
MIRRORING = f"{IMPORT}\n\ndef test_count():\n    assert count.count(3) == 3\n"
OTHER = f"{IMPORT}\n\ndef test_size():\n    assert count.size(1) == 2\n"
PATIENT = 120.0


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    tests = root / "tests" / "unit" / "room"
    for folder in (root / "plugins" / FILE).parent, tests:
        folder.mkdir(parents=True)
    (root / "plugins" / FILE).write_text(CODE)
    (tests / "test_count.py").write_text(MIRRORING)
    (tests / "test_other.py").write_text(OTHER)
    (root / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '-p no:cacheprovider'\n")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


@pytest.fixture(scope="module")
def copy(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    folder = tmp_path_factory.mktemp("copies")
    with closing(Copy(folder / "0", folder / "temporary", root)) as copy:
        yield copy


def mutant(after: str) -> Mutant:
    (found,) = (one for one in mutants_of(FILE, CODE.encode()) if one.after == after)
    return found


@pytest.mark.parametrize(
    ("after", "timeout", "outcome"),
    [
        ("return None", PATIENT, "killed"),
        ("return number - 1", PATIENT, "killed"),
        ("return False", PATIENT, "survived"),
        ("found -= 1", 1.0, "hanging"),
    ],
)
def test_what_becomes_of_a_mutant(root: Path, copy: Copy, after: str, timeout: float, outcome: str) -> None:
    chosen = next(one for one in mutants_of(FILE, CODE.encode()) if one.after == after)
    assert judge(copy, chosen, unit_tests_of(FILE, root), timeout) == outcome
    # The tree is never touched, and the copy is as before.
    for one in (root, copy.folder):
        assert (one / "plugins" / FILE).read_text() == CODE
    copy.seconds(["tests/unit"])


def test_bytecode_of_another_mutant_is_not_used(root: Path, copy: Copy) -> None:
    """The original and the mutants have the same size, and are written within one second."""
    for after, outcome in (("return number - 1", "killed"), ("return number + 2", "killed"), ("found = 1", "survived")):
        assert judge(copy, mutant(after), unit_tests_of(FILE, root), PATIENT) == outcome


def test_tests_must_pass_without_a_mutant(copy: Copy) -> None:
    (copy.folder / "tests" / "test_failing.py").write_text("def test_it():\n    assert 'canary' == ''\n")
    with pytest.raises(FailingTests, match="canary"):
        copy.seconds(["tests/test_failing.py"])


def test_a_test_takes_longer_when_the_machine_is_busy() -> None:
    assert limit(10) == 50
