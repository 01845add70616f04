# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""P8: one secret out of a store of many."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from lab import Lab
from measuring import Benchmark, Case, Comparison, Figures, Quantity, Target

__all__ = ["benchmark"]

WORKER = Path(__file__).with_name("store_of_many.py")
SIZES = (1_000, 100_000)
LARGE = 1_000_000
OPENS = 200

QUANTITIES = [Quantity("wall", "ms", 1000), Quantity("memory", "MiB", has_ratio=False)]

EXPLANATION = f"""\
All secrets lie in one project of a SQLite store, put there by the engine. In process: the median of {OPENS} times
opening the store anew (file checked, keys unwrapped) and resolving one secret, another each time. A play: a whole
`ansible-playbook` run with one lookup; memory is the most that its broker had."""


def benchmark(lab: Lab) -> Benchmark:
    sizes = [*SIZES, LARGE] if lab.is_large else [*SIZES]
    sites = {size: _seeded(lab, size) for size in sizes}
    in_process, a_play = _cases(lab, sites, _inside, _resolve), _cases(lab, sites, _play, _lookup)
    cases = [*in_process, *a_play]
    times = [Target(case.name, case.floor, "wall", at_most=1.3) for case in cases if case.floor]
    memory = [Target(case.name, case.floor, "memory", at_most=20, as_difference=True) for case in a_play if case.floor]
    comparison = Comparison(cases, times + memory, QUANTITIES, in_picture=False)
    return Benchmark("P8", "A store of many", EXPLANATION, [comparison])


def _cases(lab: Lab, sites: dict[int, Path], name: Callable[[int], str], take: Callable[..., Figures]) -> list[Case]:
    """Return a case per size; the smallest is the floor of the others."""
    least = min(sites)
    return [
        Case(name(size), partial(take, lab, site, size), floor="" if size == least else name(least), is_ours=True)
        for size, site in sites.items()
    ]


def _inside(size: int) -> str:
    return f"in process, {size:,} secrets"


def _play(size: int) -> str:
    return f"a play, {size:,} secrets"


def _seeded(lab: Lab, size: int) -> Path:
    """Return where a new store with `size` secrets lies."""
    site = lab.new_folder(f"store-{size}")
    lab.run([sys.executable, str(WORKER), "seed", str(size)], site)
    return site


def _resolve(lab: Lab, site: Path, size: int) -> Figures:
    return {"wall": float(lab.run([sys.executable, str(WORKER), "resolve", str(size), str(OPENS)], site))}


def _lookup(lab: Lab, site: Path, size: int) -> Figures:
    return lab.play("lookup", site, identifier=f"item_{size // 2}")
