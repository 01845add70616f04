# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that may be redundant: enough other tests also cover everything that they cover.

A pointer, not a verdict: two tests may cover the same lines with different values, and check different things.
"""

from __future__ import annotations

import ast
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from pathlib import Path

__all__ = ["covered_by_test", "lines_in_functions", "redundant"]

_ARCS = """
    SELECT context.context, file.path, arc.fromno, arc.tono
    FROM arc JOIN context ON context.id = arc.context_id JOIN file ON file.id = arc.file_id
    WHERE context.context != ''
"""

Arc = tuple[str, int, int]


def redundant(covered: Mapping[str, Collection[int]], others: int) -> list[str]:
    """Return the tests whose every step is also taken by at least `others` other tests."""
    tests_of = Counter(step for steps in covered.values() for step in steps)
    return sorted(test for test, steps in covered.items() if steps and min(tests_of[s] for s in steps) > others)


def covered_by_test(data: Path) -> dict[str, set[int]]:
    """Return the steps from line to line that each test takes, as numbers.

    Reads coverage's data file ("Coverage.py database schema" in its documentation), because its API has no query for
    the steps of each context. Steps outside of functions are left out: a module runs once, in the first test that
    imports it.
    """
    covered: dict[str, set[int]] = {}
    numbers: dict[Arc, int] = {}
    bodies: dict[str, set[int]] = {}
    with closing(sqlite3.connect(data)) as connection:
        for context, path, start, end in connection.execute(_ARCS):
            if path not in bodies:
                bodies[path] = set(_lines_in_functions_of(Path(path)))
            if {abs(start), abs(end)} & bodies[path]:
                # A process that a test started has that test's label first, and possibly one of its own.
                steps = covered.setdefault(context.partition("|")[0], set())
                steps.add(numbers.setdefault((path, start, end), len(numbers)))
    return covered


def _lines_in_functions_of(file: Path) -> Iterator[int]:
    # ansible-core adds files of its own to the archives that modules run from.
    return lines_in_functions(file.read_text(encoding="utf-8")) if file.is_file() else iter(())


def lines_in_functions(source: str) -> Iterator[int]:
    """Yield the numbers of the lines in the bodies of functions and methods."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
