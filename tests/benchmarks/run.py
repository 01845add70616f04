# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how fast the collection is, beside what else there is, and write docs/benchmarks.md.

Usage: PYTHONPATH=tests VENV/bin/python tests/benchmarks/run.py [--rounds N] [--large] [P4 …]

A new benchmark is a module with a function `benchmark`, as the others have, and a line in BENCHMARKS.
"""

from __future__ import annotations

import argparse
import signal
import sys

import p4_loop
import p8_store_of_many
import report
from lab import ROOT, Lab, open_lab
from measuring import Measurement

BENCHMARKS = {"P4": p4_loop.benchmark, "P8": p8_store_of_many.benchmark}
PAGE = ROOT / "docs" / "benchmarks.md"


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_ignored: sys.exit(1))  # so that the servers end too
    with open_lab(is_large=options.large) as lab:
        measurements = [_measure(name, lab, options.rounds) for name in options.names or BENCHMARKS]
    if not options.names:
        PAGE.write_text(report.page(measurements), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="P4", help="the benchmarks to run; all, and the page, by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", action="store_true", help="P8 with a million secrets too (takes many minutes)")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    return options


def _measure(name: str, lab: Lab, rounds: int) -> Measurement:
    print(f"{name}: preparing", flush=True)
    measurement = Measurement(BENCHMARKS[name](lab))
    for number in range(1, rounds + 1):
        print(f"{name}: round {number} of {rounds}", flush=True)
        measurement.take_round()
    print(report.section(measurement), flush=True)
    return measurement


if __name__ == "__main__":
    main()
