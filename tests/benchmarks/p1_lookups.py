# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""P1: lookups on many hosts."""

from __future__ import annotations

from functools import partial
from typing import Any

import plays
from lab import Lab
from measuring import Benchmark, Case, Comparison, Quantity, Target
from sources import REQUESTS, Source, Sources

__all__ = ["benchmark"]

HOSTS = 100
LOOKUPS = 10
FORKS = (5, 50)
DELAY = 0.02
SIZES = ((1, 1), (1, 10), (10, 1), (10, 10), (100, 1))
# Of slow peers, more lookups than these take minutes.
SLOW_LOOKUPS = 10
FEWER_ROUNDS = 3
MOST_WALL, MOST_CPU = 1.15, 1.12
QUANTITIES = [Quantity("wall", "s"), Quantity("CPU", "s"), *REQUESTS]

EXPLANATION = """\
Every host runs one task, which reads its values with one lookup each and compares them with what they should be. CPU is
that of all processes of the run, the broker's too. Requests and logins are those that reach the provider:
`vault_kv2_get` and `secretsmanager_secret` go to servers of OpenBao and moto, `sops` has files and an age key. With
"callback on", `scoped.secrets.usage` is enabled, which has shared code of this collection loaded once for all workers.
"Once by hand" is a task with `run_once` that keeps the values in a fact. At its end a run of this collection gives its
token back, which is a request too."""


def benchmark(lab: Lab) -> Benchmark:
    near, far = Sources(lab), Sources(lab, DELAY)
    comparisons = [
        *(_many_lookups(lab, near, forks) for forks in FORKS),
        *(_many_lookups(lab, far, forks, f", {1000 * DELAY:.0f} ms added to each request") for forks in FORKS),
        *(_size(lab, near, hosts, lookups) for hosts, lookups in SIZES),
    ]
    return Benchmark("P1", "Lookups on many hosts", EXPLANATION, comparisons)


def _many_lookups(lab: Lab, sources: Sources, forks: int, more: str = "") -> Comparison:
    cases = _Cases(lab, sources.environment, HOSTS, LOOKUPS, forks)
    ours = [source for source in sources.ours if source.provider or not more]
    for source in ours:
        cases.add(source)
    is_first = forks == FORKS[0] and not more
    cases.add(sources.vault_by_token, rounds=2 if is_first else 1)
    cases.add_once_by_hand(sources.vault_by_token)
    if is_first or lab.is_large:
        for source in (sources.vault_by_approle, sources.sops, sources.aws):
            cases.add(source, rounds=1)
    targets = [target for source in ours for target in _targets(source, cases.floor)]
    rounds = FEWER_ROUNDS if more else None
    return Comparison(cases.all, targets, QUANTITIES, f"{cases.title}{more}", in_picture=is_first, rounds=rounds)


def _targets(source: Source, floor: str) -> list[Target]:
    return [
        Target(source.name, floor, "wall", at_most=MOST_WALL),
        Target(source.name, floor, "CPU", at_most=MOST_CPU),
        *source.request_targets(LOOKUPS),
    ]


def _size(lab: Lab, sources: Sources, hosts: int, lookups: int) -> Comparison:
    cases = _Cases(lab, sources.environment, hosts, lookups)
    for source in (sources.builtin, *sources.on_vault):
        cases.add(source)
    is_short = lab.is_large or hosts * lookups <= SLOW_LOOKUPS
    for source in (sources.vault_by_token, *([sources.sops, sources.aws] if is_short else [])):
        cases.add(source, rounds=1)
    return Comparison(cases.all, [], QUANTITIES, cases.title, in_picture=False, rounds=FEWER_ROUNDS)


class _Cases:
    """The cases of one size, beginning with the floor."""

    def __init__(self, lab: Lab, floor: Source, hosts: int, lookups: int, forks: int = 5) -> None:
        self._lab = lab
        self._hosts = hosts
        self._lookups = lookups
        self._forks = forks
        self.title = f"{hosts} hosts x {lookups} lookups, forks {forks}"
        self.floor = ""
        self.all: list[Case] = []
        self.add(floor)
        self.floor = floor.name

    def add(self, source: Source, rounds: int | None = None) -> None:
        self._add(source, source.name, plays.in_a_task(source, self._lookups), rounds)

    def add_once_by_hand(self, source: Source) -> None:
        self._add(source, f"{source.name}, once by hand", plays.once_by_hand(source, self._lookups), None)

    def _add(self, source: Source, name: str, play: dict[str, Any], rounds: int | None) -> None:
        playbook = self._lab.playbook(play)
        take = partial(source.take, self._lab, playbook, hosts=self._hosts, forks=self._forks)
        self.all.append(Case(name, take, floor=self.floor, rounds=rounds, is_ours=source.is_ours))
