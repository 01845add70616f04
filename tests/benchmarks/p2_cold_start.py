# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""P2: a cold start: one host, one lookup."""

from __future__ import annotations

from functools import partial

import plays
from lab import Lab
from measuring import Benchmark, Case, Comparison, Quantity, Target
from sources import Sources

__all__ = ["benchmark"]

QUANTITIES = [Quantity("wall", "s"), Quantity("CPU", "s")]

EXPLANATION = """\
A whole `ansible-playbook` run: one host, one task, one lookup. The collection starts its broker in it."""


def benchmark(lab: Lab) -> Benchmark:
    sources = Sources(lab)
    floor, peer, peer_by_approle = sources.environment, sources.vault_by_token, sources.vault_by_approle
    cases = [
        Case(
            source.name,
            partial(source.take, lab, lab.playbook(plays.in_a_task(source, 1)), hosts=1),
            floor="" if source is floor else floor.name,
            is_ours=source.is_ours,
        )
        for source in (floor, sources.builtin, *sources.on_vault, peer, peer_by_approle)
    ]
    targets = [
        Target(sources.builtin.name, peer.name, "wall", at_most=1),
        *(Target(source.name, peer_by_approle.name, "wall", at_most=1) for source in sources.on_vault),
    ]
    return Benchmark("P2", "A cold start", EXPLANATION, [Comparison(cases, targets, QUANTITIES)])
