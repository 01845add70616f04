# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AUDIT: what records of all reads cost."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import plays
from lab import Lab
from measuring import Benchmark, Case, Comparison, Quantity, Target
from sources import Sources

__all__ = ["benchmark"]

HOSTS, LOOKUPS = 100, 10
MODES = ("off", "on", "required")
MOST = 1.05
QUANTITIES = [Quantity("wall", "s"), Quantity("CPU", "s")]

EXPLANATION = f"""\
{HOSTS} hosts with {LOOKUPS} lookups each, as in P1, with the built-in secret manager: {HOSTS * LOOKUPS} reads, each of
which makes a record. With `on` the broker gathers them, with `required` it gives no value before its record is on the
disk."""


def benchmark(lab: Lab) -> Benchmark:
    plain = Sources(lab).builtin
    playbook = lab.playbook(plays.in_a_task(plain, LOOKUPS))
    cases = [
        Case(
            f"`audit: {mode}`",
            partial(replace(plain, environment={"SCOPED_SECRETS_AUDIT": mode}).take, lab, playbook, hosts=HOSTS),
            floor="" if mode == "off" else "`audit: off`",
            is_ours=True,
        )
        for mode in MODES
    ]
    targets = [Target("`audit: on`", "`audit: off`", quantity.name, at_most=MOST) for quantity in QUANTITIES]
    return Benchmark(
        "AUDIT", "Records of reads", EXPLANATION, [Comparison(cases, targets, QUANTITIES, in_picture=False)]
    )
