# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MASK: what it costs to mask all output of a play."""

from __future__ import annotations

from typing import Any

import plays
from lab import Lab
from measuring import Benchmark, Case, Comparison, Quantity, Target
from sources import COUNT, Source, Sources

__all__ = ["benchmark"]

HOSTS = 100
LIMIT = 1.03
PLAIN = "callback `usage`"
MASKED = "callbacks `usage` and `mask`"
NAMES = {PLAIN: "scoped.secrets.usage", MASKED: "scoped.secrets.usage,scoped.secrets.mask"}

QUANTITIES = [Quantity("wall", "s"), Quantity("CPU", "s")]

EXPLANATION = f"""\
{HOSTS} hosts (connection local, forks 5), with the callback `scoped.secrets.mask` and without it. The callback `usage`
is on in both, which has the code of lookups loaded once. In the first play a task has {COUNT} lookups and shows
nothing. In the second, three tasks read a secret and show it: `debug`, `command` and a loop of {COUNT} items, at
`-v`."""


def benchmark(lab: Lab) -> Benchmark:
    source = Sources(lab).builtin
    comparisons = [
        _comparison(lab, source, f"{COUNT} lookups a host", plays.in_a_task(source, COUNT)),
        _comparison(lab, source, "secrets shown", _showing(source), {"ANSIBLE_VERBOSITY": "1"}, changes=True),
    ]
    return Benchmark("MASK", "Masked output", EXPLANATION, comparisons)


def _showing(source: Source) -> dict[str, Any]:
    value = f"{{{{ {source.expression(0)} }}}}"
    return {
        "tasks": [
            {"ansible.builtin.debug": {"msg": {"a": value, "b": f"before {value} after", "c": ["text"] * 20}}},
            {"ansible.builtin.command": {"argv": ["echo", value]}},
            {"ansible.builtin.debug": {"msg": "{{ item }}"}, "loop": [value] * COUNT},
        ]
    }


def _comparison(
    lab: Lab,
    source: Source,
    title: str,
    play: dict[str, Any],
    environment: dict[str, str] | None = None,
    *,
    changes: bool = False,
) -> Comparison:
    playbook = lab.playbook(play)

    def case(name: str, floor: str = "") -> Case:
        set_up = {"ANSIBLE_CALLBACKS_ENABLED": NAMES[name], **(environment or {})}
        return Case(
            name,
            lambda: lab.play(playbook, source.site, hosts=HOSTS, changes=changes, environment=set_up),
            floor=floor,
            is_ours=True,
        )

    targets = [Target(MASKED, PLAIN, quantity.name, at_most=LIMIT) for quantity in QUANTITIES]
    return Comparison([case(PLAIN), case(MASKED, PLAIN)], targets, QUANTITIES, title, in_picture=False)
