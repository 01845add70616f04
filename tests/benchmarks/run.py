# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how fast the collection is, beside what else there is; write docs/benchmarks.md and its picture.

Usage: PYTHONPATH=tests VENV/bin/python tests/benchmarks/run.py [--rounds N] [--large] [--into FOLDER] [P4 …]

A new benchmark is a module with a function `benchmark`, as the others have, and a line in BENCHMARKS.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
import traceback
from pathlib import Path

import auditing
import backup_of_many
import hit_in_memory
import masking
import p1_lookups
import p2_cold_start
import p3_variable
import p4_loop
import p5_manifest
import p8_store_of_many
import p9_memory
import picture
import report
import ssh_hosts
from lab import ROOT, Lab, open_lab
from measuring import Measurement, Outcome

BENCHMARKS = {
    "P1": p1_lookups.benchmark,
    "P2": p2_cold_start.benchmark,
    "P3": p3_variable.benchmark,
    "P4": p4_loop.benchmark,
    "P5": p5_manifest.benchmark,
    "P8": p8_store_of_many.benchmark,
    "P9": p9_memory.benchmark,
    "SSH": ssh_hosts.benchmark,
    "BACKUP": backup_of_many.benchmark,
    "HIT": hit_in_memory.benchmark,
    "MASK": masking.benchmark,
    "AUDIT": auditing.benchmark,
}
UNFINISHED = ROOT / ".work" / "benchmarks"


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_ignored: sys.exit(1))  # so that the servers end too
    names = options.names or list(BENCHMARKS)
    with open_lab(is_large=options.large) as lab:
        taken = {name: _attempt(name, lab, options.rounds) for name in names}
    outcomes = [outcome for outcome in taken.values() if outcome]
    failed = [name for name in names if not taken[name]]
    # A page that lacks something takes no whole one's place.
    folder = UNFINISHED if failed else options.into
    if folder and outcomes:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "benchmarks.md").write_text(report.page(outcomes), encoding="utf-8")
        (folder / "benchmarks.svg").write_text(picture.svg(outcomes), encoding="utf-8")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}; the page of the others, if any, is in {folder}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "names", nargs="*", metavar="P4", help=f"what to measure: {', '.join(BENCHMARKS)}; default: all"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--large",
        action="store_true",
        help="P8 with a million secrets, BACKUP with 100,000, P1 with all peers: takes hours",
    )
    parser.add_argument("--into", type=Path, help="where page and picture go; default: docs, where all was measured")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    if not options.names and not options.into:
        options.into = ROOT / "docs"
    return options


def _attempt(name: str, lab: Lab, rounds: int) -> Outcome | None:
    """Return what came out, None if it failed: the others have taken too long to be lost with it."""
    try:
        return _measure(name, lab, rounds)
    except Exception:
        traceback.print_exc()
        return None


def _measure(name: str, lab: Lab, rounds: int) -> Outcome:
    print(f"{name}: preparing", flush=True)
    started = time.monotonic()
    benchmark = BENCHMARKS[name](lab)
    outcome = Outcome(benchmark, [Measurement(comparison) for comparison in benchmark.comparisons])
    for number in range(1, rounds + 1):
        print(f"{name}: round {number} of {rounds}, after {time.monotonic() - started:.0f} s", flush=True)
        for measurement in outcome.measurements:
            measurement.take_round()
    print(report.section(outcome), flush=True)
    return outcome


if __name__ == "__main__":
    main()
