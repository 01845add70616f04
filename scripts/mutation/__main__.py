# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change the code in many small ways, and see which changes no unit test notices. `make mutate` runs this.

Each mutant runs in a copy of the tree in .work/mutate: first against the test files that mirror its file, and if it
survives, against the other unit tests of its room. A mutant that makes them hang counts as killed.

Why not a library: mutmut 3 leaves out functions with decorators and code outside of functions. It tells mutants apart
by module names, and the broker imports ours under other names. cosmic-ray 8.7 starts pytest anew for each mutant, with
one command for all files, and neither drops calls nor changes returned values. Neither library draws a sample, or takes
the reason why a mutant is equivalent.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from .mutants import Mutant
from .running import Copy, FailingTests, judge, limit
from .selection import ROOMS, ROOT, UnitTests, equivalents, files_of, mutants_in, sample, unit_tests_of

__all__ = ["known", "options", "survivors", "table"]

WORK = ROOT / ".work" / "mutate"
# How many mutants lie between two lines of progress.
_PROGRESS = 25

T = TypeVar("T")
R = TypeVar("R")


def options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", nargs="*", help=f"folders or files of module_utils (default: {' '.join(ROOMS)})")
    parser.add_argument("--sample", type=int, help="run only this many of the mutants")
    parser.add_argument("--seed", type=int, default=1, help="which ones (default: 1)")
    parser.add_argument("--workers", type=int, default=2, help="mutants at once (default: 2)")
    parser.add_argument("--list", action="store_true", help="only print the mutants, as tests/mutants.yml names them")
    return parser.parse_args(arguments)


class Copies:
    """Some copies of the tree, each of which runs one thing at a time."""

    def __init__(self, number: int, stack: ExitStack) -> None:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mutate-", dir="/tmp")))
        self._free: SimpleQueue[Copy] = SimpleQueue()
        for name in map(str, range(number)):
            self._free.put(stack.enter_context(closing(Copy(WORK / name, temporary / name))))
        self._pool = stack.enter_context(ThreadPoolExecutor(number))

    def map(self, work: Callable[[Copy, T], R], items: Sequence[T]) -> Iterator[R]:
        """Yield what `work` returns for each item, in their order."""

        def in_a_free_one(item: T) -> R:
            copy = self._free.get()
            try:
                return work(copy, item)
            finally:
                self._free.put(copy)

        return self._pool.map(in_a_free_one, items)


def outcomes(mutants: Sequence[Mutant], copies: Copies) -> list[str]:
    """Return what becomes of each mutant; raise FailingTests if tests fail without one."""
    tests = {file: unit_tests_of(file) for file in {mutant.file for mutant in mutants}}
    limits = _limits(tests, copies)
    found = []
    for outcome in copies.map(lambda copy, one: judge(copy, one, tests[one.file], limits[one.file]), mutants):
        found.append(outcome)
        if len(found) % _PROGRESS == 0:
            print(f"{len(found)} of {len(mutants)}: {dict(Counter(found))}", flush=True)
    return found


def _limits(tests: Mapping[str, UnitTests], copies: Copies) -> dict[str, float]:
    """Return how long tests may take with a mutant of each file, by a run of all tests of its room without one."""
    rooms = {file: tuple(sorted(one.mirroring + one.others)) for file, one in tests.items()}
    needed = sorted(set(rooms.values()))
    took = dict(zip(needed, copies.map(Copy.seconds, needed), strict=True))
    return {file: limit(took[room]) for file, room in rooms.items()}


def known(mutants: Sequence[Mutant]) -> tuple[list[Mutant], list[Mutant]]:
    """Return the mutants that tests should notice, and those that tests/mutants.yml names as equivalent."""
    names = {(one.file, one.function, one.mutation) for one in equivalents()}
    equal = [one for one in mutants if (one.file, one.function, one.mutation) in names]
    return [one for one in mutants if one not in equal], equal


def table(rooms: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield the lines of the table. `rooms` has the outcomes in each room."""
    yield f"{'room':20}{'mutants':>9}{'killed':>9}{'hanging':>9}{'survived':>10}{'kill rate':>11}"
    for room, found in {**rooms, "all": [outcome for one in rooms.values() for outcome in one]}.items():
        killed, hanging, survived = (found.count(outcome) for outcome in ("killed", "hanging", "survived"))
        rate = f"{100 * (killed + hanging) / len(found):.1f}%" if found else "-"
        yield f"{room:20}{len(found):9}{killed:9}{hanging:9}{survived:10}{rate:>11}"


def survivors(mutants: Sequence[Mutant], found: Sequence[str]) -> Iterator[str]:
    """Yield where each mutant that survived is, and what it changes."""
    for mutant, outcome in zip(mutants, found, strict=True):
        if outcome == "survived":
            yield f"\nplugins/{mutant.file}:{mutant.line} {mutant.function or '-'} ({mutant.kind})"
            yield f"- {mutant.before}"
            yield f"+ {mutant.after}"


def _report(rooms: Mapping[str, Sequence[str]], mutants: Sequence[Mutant], found: Sequence[str]) -> str:
    of_file: dict[str, list[str]] = {}
    for mutant, outcome in zip(mutants, found, strict=True):
        of_file.setdefault(mutant.file, []).append(outcome)
    in_rooms = {room: [o for file in files for o in of_file.get(file, [])] for room, files in rooms.items()}
    return "\n".join([*table(in_rooms), *survivors(mutants, found)])


def run(asked: argparse.Namespace) -> None:
    """Print the mutants, or what becomes of them. Raises FailingTests, and ValueError for an unknown room."""
    rooms = {room: files_of(room) for room in asked.rooms or ROOMS}
    mutants, equal = known(mutants_in(file for files in rooms.values() for file in files))
    if asked.list:
        print("\n".join(f"{one.file} {one.function} {one.mutation}" for one in mutants))
        return
    chosen = sample(mutants, asked.sample, asked.seed)
    print(f"{len(chosen)} of {len(mutants)} mutants, and {len(equal)} that tests/mutants.yml leaves out", flush=True)
    with ExitStack() as stack:
        found = outcomes(chosen, Copies(asked.workers, stack))
    text = _report(rooms, chosen, found)
    (WORK / "report.txt").write_text(f"{text}\n", encoding="utf-8")
    print(text)


def main() -> int:
    try:
        run(options(sys.argv[1:]))
    except (FailingTests, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
