# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BACKUP: a store of many, into one file and back."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from lab import Lab
from measuring import Benchmark, Case, Comparison, Figures, Quantity, Target

__all__ = ["benchmark"]

WORKER = Path(__file__).with_name("store_of_many.py")
SIZES = (1_000, 10_000)
LARGE = 100_000
QUANTITIES = [Quantity("time", "s", has_ratio=False), Quantity("memory", "MiB", has_ratio=False)]

EXPLANATION = """\
All secrets lie in one project of a SQLite store. A backup proves every row, opens every value and reads the file again;
a restore reads the file to its end, writes it, and reads every value back. Memory is the most that the process had in
RAM; 64 MiB of it are Argon2id's, for the recovery passphrase."""


def benchmark(lab: Lab) -> Benchmark:
    sizes = [*SIZES, LARGE] if lab.is_large else [*SIZES]
    sites = {size: _seeded(lab, size) for size in sizes}
    cases = [
        Case(_name(what, size), partial(_take, lab, what, sites[size]), is_ours=True)
        for what in ("backup", "restore")
        for size in sizes
    ]
    targets = [
        Target(_name(what, size), _name(what, sizes[0]), "memory", at_most=20, as_difference=True)
        for what in ("backup", "restore")
        for size in sizes[1:]
    ]
    return Benchmark(
        "BACKUP", "Backup and restore", EXPLANATION, [Comparison(cases, targets, QUANTITIES, in_picture=False)]
    )


def _name(what: str, size: int) -> str:
    return f"{what}, {size:,} secrets"


def _seeded(lab: Lab, size: int) -> Path:
    """Return where a new store with `size` secrets lies."""
    site = lab.new_folder(f"backup-{size}")
    lab.run([sys.executable, str(WORKER), "seed", str(size)], site)
    return site


def _take(lab: Lab, what: str, site: Path) -> Figures:
    seconds, mebibytes = lab.run([sys.executable, str(WORKER), what], site).split()
    return {"time": float(seconds), "memory": float(mebibytes)}
