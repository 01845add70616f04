# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files are mutated, and which tests each mutant has to survive. tests/mutants.yml names mutants that exist."""

from __future__ import annotations

from collections import Counter

import pytest
from mutation.__main__ import known, options, survivors, table
from mutation.mutants import Mutant, mutants_of
from mutation.selection import ROOMS, equivalents, files_of, mutants_in, sample, unit_tests_of

FOUR = list(mutants_of("a.py", b"a = 1\nb = 2\nc = 3\nd = 4\n"))


def test_rooms_are_folders_or_files() -> None:
    assert "module_utils/engine/rows/sharing.py" in files_of("engine/rows")
    assert files_of("model/references") == ["module_utils/model/references.py"]
    assert all(files_of(room) for room in ROOMS)
    assert "module_utils/store/postgresql/dialect.py" not in files_of("store")
    assert files_of("store/postgresql/dialect") == ["module_utils/store/postgresql/dialect.py"]
    for missing in ("engine/none", "engine"[:3]):
        with pytest.raises(ValueError, match="no room"):
            files_of(missing)


def test_mirroring_tests_come_first() -> None:
    tests = unit_tests_of("module_utils/engine/rows/sharing.py")
    assert tests.mirroring == ("tests/unit/engine/rows/test_sharing.py",)
    assert "tests/unit/engine/rows/test_keyring.py" in tests.others
    # Names of test files are unique, so some begin with the room.
    assert unit_tests_of("module_utils/store/scopes.py").mirroring == ("tests/unit/store/test_store_scopes.py",)
    assert unit_tests_of("module_utils/store/postgresql/provisioning.py").mirroring == ()
    with pytest.raises(ValueError, match="no tests"):
        unit_tests_of("module_utils/nowhere/a.py")


def test_the_same_seed_gives_the_same_sample() -> None:
    assert sample(FOUR, None, 1) == sample(FOUR, 4, 1) == FOUR
    chosen = sample(FOUR, 2, 1)
    assert chosen == sample(FOUR, 2, 1)
    assert sorted(chosen, key=FOUR.index) == chosen
    assert len({tuple(one.line for one in sample(FOUR, 2, seed)) for seed in range(20)}) > 1


def test_options() -> None:
    asked = options(["--sample", "20", "--seed", "7", "crypto", "store"])
    assert (asked.rooms, asked.sample, asked.seed, asked.workers) == (["crypto", "store"], 20, 7, 2)


def test_every_equivalent_mutant_exists_and_has_a_reason() -> None:
    entries = equivalents()
    found = Counter((one.file, one.function, one.mutation) for one in mutants_in({entry.file for entry in entries}))
    assert [entry for entry in entries if found[entry[:3]] != 1] == []
    assert [entry for entry in entries if len(entry.reason) < 20] == []
    assert len({entry[:3] for entry in entries}) == len(entries)


def test_equivalent_mutants_are_left_out() -> None:
    entry = equivalents()[0]
    mutants = mutants_in([entry.file])
    left, equal = known(mutants)
    assert entry.mutation in {one.mutation for one in equal}
    assert len(left) + len(equal) == len(mutants)


def test_the_table() -> None:
    assert list(table({"crypto": ["killed", "killed", "hanging", "survived"], "store": []})) == [
        "room                  mutants   killed  hanging  survived  kill rate",
        "crypto                      4        2        1         1      75.0%",
        "store                       0        0        0         0          -",
        "all                         4        2        1         1      75.0%",
    ]


def test_survivors_are_shown_as_a_diff() -> None:
    mutant = Mutant("module_utils/a.py", "A.f", 3, "comparison", "a < b", "a <= b", b"")
    lines = list(survivors([mutant, mutant], ["killed", "survived"]))
    assert lines == ["\nplugins/module_utils/a.py:3 A.f (comparison)", "- a < b", "+ a <= b"]
