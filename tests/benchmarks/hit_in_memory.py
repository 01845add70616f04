# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lookup adds to a task when the broker has the value already."""

from __future__ import annotations

import statistics
from functools import partial
from pathlib import Path

import plays
from lab import Lab
from measuring import Benchmark, Case, Comparison, Figures, Quantity, Target
from sources import Source, Sources
from task_log import logged

__all__ = ["benchmark"]

HOSTS = 100
QUANTITIES = [Quantity("95th percentile", "ms", 1000), Quantity("median", "ms", 1000)]

EXPLANATION = f"""\
One task with one lookup on each of {HOSTS} hosts, one after the other (forks 1). A figure is what a task takes in all,
its process included; its floor is the same with `lookup('env')`. All but the first find the value in the memory of the
broker."""


def benchmark(lab: Lab) -> Benchmark:
    sources = Sources(lab)
    floor = sources.environment
    ours = sources.ours
    cases = [
        Case(
            source.name,
            partial(_take, lab, source, lab.playbook(plays.in_a_task(source, 1))),
            floor="" if source is floor else floor.name,
            is_ours=source.is_ours,
        )
        for source in (floor, *ours)
    ]
    targets = [Target(source.name, floor.name, "95th percentile", at_most=5, as_difference=True) for source in ours]
    return Benchmark(
        "HIT", "A value that is in memory", EXPLANATION, [Comparison(cases, targets, QUANTITIES, in_picture=False)]
    )


def _take(lab: Lab, source: Source, playbook: Path) -> Figures:
    seconds = logged(lab, source, playbook, hosts=HOSTS).seconds
    return {"95th percentile": statistics.quantiles(seconds, n=20)[-1], "median": statistics.median(seconds)}
