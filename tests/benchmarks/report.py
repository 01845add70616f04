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
from importlib.metadata import version
from typing import IO

from measuring import Case, Measurement, Target
from servers.openbao import BAO

__all__ = ["page", "section"]

PACKAGES = ("ansible-core", "cryptography", "ansible", "hvac")

HEAD = """\
# Benchmarks

`make bench` measures and writes this page; don't edit it.

The cases of a benchmark run round robin. A ratio is taken within a round, so it holds on a machine that is slow or busy
with something else, where a time alone doesn't. Every figure is the median over the rounds, with the least and the most
in brackets.
"""


def page(measurements: list[Measurement]) -> str:
    return "\n".join([HEAD, _machine(), *map(section, measurements)])


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


def section(measurement: Measurement) -> str:
    """Return what one benchmark found: its figures and its targets."""
    benchmark = measurement.benchmark
    lines = [
        f"## {benchmark.identifier}: {benchmark.title}\n",
        f"{benchmark.explanation} {len(measurement.rounds)} rounds.\n",
        *_head("case", f"ms per {benchmark.unit}", "times the floor"),
        *(_figure(measurement, case) for case in benchmark.cases),
        "",
        *_head("ratio", "target", "reached", ""),
        *(_outcome(measurement, target) for target in benchmark.targets),
        "",
    ]
    return "\n".join(lines)


def _figure(measurement: Measurement, case: Case) -> str:
    ratio = measurement.ratio(case.name, case.floor).text() if case.floor else "the floor"
    return _row(case.name, measurement.figure(case.name).text(1000), ratio)


def _outcome(measurement: Measurement, target: Target) -> str:
    ratio = measurement.ratio(target.case, target.base)
    outcome = "met" if target.is_met(ratio.median) else "**missed**"
    return _row(f"{target.case} / {target.base}", target.limit, ratio.text(), outcome)


def _head(*cells: str) -> list[str]:
    return [_row(*cells), _row(*["---"] * len(cells))]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
