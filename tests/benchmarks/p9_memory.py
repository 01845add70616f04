# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""P9: the memory of the broker and of workers, and how long the broker stays."""

from __future__ import annotations

import re
import statistics
import sys
from functools import partial
from pathlib import Path
from typing import Any

import plays
from lab import Lab
from measuring import Benchmark, Case, Comparison, Figures, Quantity, Target
from sources import Source, Sources
from task_log import logged

__all__ = ["benchmark"]

HOSTS = 100
WORKERS = 20
LOOKUPS = 10
MANY = 1000
# What the broker imports that is not its own: of the built-in manager; of Vault's requests too.
LIBRARIES = ("sqlite3", "cryptography.hazmat.primitives.ciphers.aead", "cryptography.hazmat.primitives.kdf.hkdf")
STORE_OF_MANY = Path(__file__).with_name("store_of_many.py")

MEMORY = Quantity("memory", "MiB", has_ratio=False)
LINGERED = Quantity("stays after the run", "s", has_ratio=False)

EXPLANATION = f"""\
Memory is the most that a process ever had in RAM, what it shares with others included. That of workers is the median
over {WORKERS} hosts. Each host has one task of {LOOKUPS} lookups, where nothing else is said."""


def benchmark(lab: Lab) -> Benchmark:
    sources = Sources(lab)
    return Benchmark("P9", "Memory", EXPLANATION, [_brokers(lab, sources), _workers(lab, sources)])


def _brokers(lab: Lab, sources: Sources) -> Comparison:
    built_in, on_vault = [_bare(lab, *LIBRARIES)], [_bare(lab, *LIBRARIES, "requests")] if sources.on_vault else []
    pairs = [
        (_broker(lab, sources.builtin, plays.in_a_task(sources.builtin, LOOKUPS), HOSTS), built_in[0]),
        (_broker(lab, _many(lab), _read_all(), 1), built_in[0]),
        *(
            (_broker(lab, source, plays.in_a_task(source, LOOKUPS), HOSTS), bare)
            for source, bare in zip(sources.on_vault, on_vault, strict=True)
        ),
    ]
    targets = [
        *(Target(case.name, bare.name, MEMORY.name, at_most=15, as_difference=True) for case, bare in pairs),
        *(Target(case.name, quantity=LINGERED.name, at_most=2) for case, _bare in pairs),
    ]
    cases = [*built_in, *on_vault, *(case for case, _bare in pairs)]
    return Comparison(cases, targets, [MEMORY, LINGERED], "the broker", in_picture=False)


def _many(lab: Lab) -> Source:
    """Return a store with many secrets."""
    site = lab.new_folder("many")
    lab.run([sys.executable, str(STORE_OF_MANY), "seed", str(MANY)], site)
    return Source(f"{MANY:,} secrets in one go", "", site, is_ours=True)


def _read_all() -> dict[str, Any]:
    names = [f"item_{number}" for number in range(MANY)]
    values = f"query('scoped.secrets.secret', {names}, org='bench', project='many')"
    return {"tasks": [{"ansible.builtin.assert": {"that": f"{values} | length == {MANY}", "quiet": True}}]}


def _bare(lab: Lab, *libraries: str) -> Case:
    """Return a Python that does nothing but import."""
    code = f"import {', '.join(libraries)}; print(open('/proc/self/status').read())"
    name = f"a Python with {', '.join(dict.fromkeys(library.partition('.')[0] for library in libraries))}"
    return Case(name, lambda: {MEMORY.name: _most_in_ram(lab.run([sys.executable, "-c", code]))})


def _broker(lab: Lab, source: Source, play: dict[str, Any], hosts: int) -> Case:
    playbook = lab.playbook(play)

    def take() -> Figures:
        taken = source.take(lab, playbook, hosts=hosts)
        return {MEMORY.name: taken["memory"], LINGERED.name: taken["lingered"]}

    return Case(f"the broker: {source.name}, {hosts} hosts", take, is_ours=True)


def _workers(lab: Lab, sources: Sources) -> Comparison:
    floor, peer = sources.environment, sources.vault_by_token
    ours = sources.ours
    cases = [
        Case(
            source.name,
            partial(_worker, lab, source, lab.playbook(_telling_memory(source))),
            floor="" if source is floor else floor.name,
            is_ours=source.is_ours,
        )
        for source in (floor, *ours, peer)
    ]
    targets = [Target(source.name, floor.name, MEMORY.name, at_most=2, as_difference=True) for source in ours]
    return Comparison(cases, targets, [MEMORY], "workers", in_picture=False)


def _telling_memory(source: Source) -> dict[str, Any]:
    """Return a play whose task says what its process had in RAM when it had read its values."""
    values = " ~ ".join(f"({source.expression(number)})" for number in range(LOOKUPS))
    message = f"{{{{ ({values}) | length }}}} {{{{ lookup('ansible.builtin.file', '/proc/self/status') }}}}"
    return {"tasks": [{"ansible.builtin.debug": {"msg": message}}]}


def _worker(lab: Lab, source: Source, playbook: Path) -> Figures:
    messages = logged(lab, source, playbook, hosts=WORKERS).messages
    return {MEMORY.name: statistics.median(map(_most_in_ram, messages))}


def _most_in_ram(status: str) -> float:
    """Return the MiB that /proc/PID/status tells (proc(5): VmHWM, in kB)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    if not found:
        raise SystemExit(f"This is no status of a process:\n{status[:500]}")
    return int(found[1]) / 1024
