# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""P3: one secret in a variable. Ansible evaluates a variable anew wherever it is used."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import plays
from lab import Lab
from measuring import Benchmark, Case, Comparison, Quantity, Target
from sources import REQUESTS, Source, Sources

__all__ = ["benchmark"]

Play = Callable[[Source, int], dict[str, Any]]

QUANTITIES = [Quantity("wall", "s"), Quantity("CPU", "s"), *REQUESTS]

EXPLANATION = """\
A variable whose value is a lookup is evaluated in every task that uses it; `ansible_password` is used by every task,
whatever it does. Forks 5, connection local."""


def benchmark(lab: Lab) -> Benchmark:
    sources = Sources(lab)
    variable, password = plays.in_a_variable, plays.in_the_password
    comparisons = [
        _comparison(lab, sources, "used by {tasks} tasks on {hosts} hosts", variable, hosts=100, tasks=5),
        _comparison(
            lab, sources, "as `ansible_password`, {tasks} tasks on {hosts} hosts", password, hosts=50, tasks=20
        ),
    ]
    return Benchmark("P3", "One secret in a variable", EXPLANATION, comparisons)


def _comparison(lab: Lab, sources: Sources, title: str, play: Play, *, hosts: int, tasks: int) -> Comparison:
    floor, peer = sources.environment, sources.vault_by_token
    ours = sources.ours
    cases = [
        Case(
            source.name,
            partial(source.take, lab, lab.playbook(play(source, tasks)), hosts=hosts),
            floor="" if source is floor else floor.name,
            rounds=1 if source is peer else None,
            is_ours=source.is_ours,
        )
        for source in (floor, *ours, peer)
    ]
    targets = [
        target
        for source in ours
        for target in (Target(source.name, floor.name, "wall", at_most=1.1), *source.request_targets(1))
    ]
    return Comparison(cases, targets, QUANTITIES, title.format(hosts=hosts, tasks=tasks), rounds=2)
