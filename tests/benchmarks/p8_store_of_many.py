# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""P8: one secret out of a store of many."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
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
All secrets lie in one project of a store, in rows such as the engine writes; that on PostgreSQL, a server on this
machine, has the same rows. In process: the median of {OPENS} times opening the store anew (file checked or server
connected to, keys unwrapped) and resolving one secret, another each time. A play: a whole `ansible-playbook` run with
one lookup; memory is the most that its broker had."""


@dataclass(frozen=True)
class Store:
    """A store with so many secrets, and what makes a process use it."""

    engine: str
    size: int
    site: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def in_process(self) -> str:
        return f"{self.engine}, in process, {self.size:,} secrets"

    @property
    def in_a_play(self) -> str:
        return f"{self.engine}, a play, {self.size:,} secrets"


def benchmark(lab: Lab) -> Benchmark:
    sizes = [*SIZES, LARGE] if lab.is_large else [*SIZES]
    files = [_seeded(lab, size) for size in sizes]
    shared = [_copied(lab, store) for store in files]
    in_process = [*_cases(lab, files, _resolve), *_cases(lab, shared, _resolve)]
    a_play = [*_cases(lab, files, _lookup), *_cases(lab, shared, _lookup)]
    cases = [*in_process, *a_play]
    times = [Target(case.name, case.floor, "wall", at_most=1.3) for case in cases if case.floor]
    memory = [Target(case.name, case.floor, "memory", at_most=20, as_difference=True) for case in a_play if case.floor]
    comparison = Comparison(cases, times + memory, QUANTITIES, in_picture=False)
    return Benchmark("P8", "A store of many", EXPLANATION, [comparison])


def _cases(lab: Lab, stores: list[Store], take: Callable[[Lab, Store], Figures]) -> list[Case]:
    """Return a case per size; the smallest is the floor of the others."""
    names = [store.in_process if take is _resolve else store.in_a_play for store in stores]
    floors = ["", *[names[0]] * (len(names) - 1)]
    return [
        Case(name, partial(take, lab, store), floor=floor, is_ours=True)
        for name, store, floor in zip(names, stores, floors, strict=True)
    ]


def _seeded(lab: Lab, size: int) -> Store:
    """Return a new store with `size` secrets."""
    site = lab.new_folder(f"store-{size}")
    lab.run([sys.executable, str(WORKER), "seed", str(size)], site)
    return Store("SQLite", size, site)


def _copied(lab: Lab, store: Store) -> Store:
    """Return a store with the same rows, whose key lies where the other's does."""
    shared = Store("PostgreSQL", store.size, store.site, {"SCOPED_SECRETS_STORE": lab.postgresql.new_store()})
    lab.run([sys.executable, str(WORKER), "copy"], shared.site, shared.environment)
    return shared


def _resolve(lab: Lab, store: Store) -> Figures:
    command = [sys.executable, str(WORKER), "resolve", str(store.size), str(OPENS)]
    return {"wall": float(lab.run(command, store.site, store.environment))}


def _lookup(lab: Lab, store: Store) -> Figures:
    return lab.play("lookup", store.site, environment=store.environment, identifier=f"item_{store.size // 2}")
