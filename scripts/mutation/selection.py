# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files are mutated, which tests each mutant has to survive, and which mutants no test can notice."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from .mutants import Mutant, mutants_of

__all__ = [
    "EQUIVALENT",
    "ROOMS",
    "Equivalent",
    "UnitTests",
    "equivalents",
    "files_of",
    "mutants_in",
    "sample",
    "unit_tests_of",
]

ROOT = Path(__file__).resolve().parents[2]
EQUIVALENT = ROOT / "tests" / "mutants.yml"
ROOMS = ("crypto", "engine/rows", "engine/reading", "engine/changes", "masking", "model/references", "store")


# What these do only shows at a PostgreSQL server: tests/stores. They are mutated only when they are named.
_AT_SERVERS = tuple(f"module_utils/store/postgresql/{name}.py" for name in ("dialect", "provisioning"))


class UnitTests(NamedTuple):
    """The test files of one file: first those that mirror it, then the others of its room. Paths below the root."""

    mirroring: tuple[str, ...]
    others: tuple[str, ...]


class Equivalent(NamedTuple):
    """A mutant that behaves like the original in all that matters, and why. `file` is below plugins/."""

    file: str
    function: str
    mutation: str
    reason: str


def files_of(room: str, root: Path = ROOT) -> list[str]:
    """Return the files of a room of module_utils, or the one file that `room` names without its suffix.

    Paths are below plugins/. Raises ValueError if there is no such room.
    """
    place = root / "plugins" / "module_utils" / room
    files = sorted(place.glob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    if not files or not files[0].is_file():
        raise ValueError(f"There is no room {room!r} in plugins/module_utils.")
    names = [str(file.relative_to(root / "plugins")) for file in files]
    return names if len(names) == 1 else [name for name in names if name not in _AT_SERVERS]


def unit_tests_of(file: str, root: Path = ROOT) -> UnitTests:
    """Return the tests of a file below plugins/; raise ValueError if there are none.

    The name of a test file may begin with the room: test_store_scopes.py.
    """
    folder = root / "tests" / "unit" / Path(file).parent.relative_to("module_utils")
    names = re.compile(rf"test_(\w+_)?{Path(file).stem}\.py")
    tests = [str(test.relative_to(root)) for test in sorted(folder.glob("test_*.py"))]
    if not tests:
        raise ValueError(f"There are no tests of plugins/{file} in {folder.relative_to(root)}.")
    mirroring = tuple(test for test in tests if names.fullmatch(Path(test).name))
    return UnitTests(mirroring, tuple(test for test in tests if test not in mirroring))


def mutants_in(files: Iterable[str], root: Path = ROOT) -> list[Mutant]:
    """Return all mutants of files below plugins/."""
    return [mutant for file in files for mutant in mutants_of(file, (root / "plugins" / file).read_bytes())]


def sample(mutants: Sequence[Mutant], size: int | None, seed: int) -> list[Mutant]:
    """Return `size` of the mutants in their order: the same ones for the same seed. All of them without a size."""
    if size is None or size >= len(mutants):
        return list(mutants)
    chosen = sorted(random.Random(seed).sample(range(len(mutants)), size))
    return [mutants[number] for number in chosen]


def equivalents(file: Path = EQUIVALENT) -> list[Equivalent]:
    """Return the mutants that no test can notice."""
    return [Equivalent(**entry) for entry in yaml.safe_load(file.read_text(encoding="utf-8")) or []]
