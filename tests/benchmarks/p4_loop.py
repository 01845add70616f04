# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""P4: many secrets, each an item of one loop."""

from __future__ import annotations

import itertools
from pathlib import Path

import plays
from lab import Lab
from measuring import Benchmark, Case, Comparison, Quantity, Target

__all__ = ["benchmark"]

ITEMS = 500
PEER_ITEMS = 50

DEBUG = "`ansible.builtin.debug`"
CREATE = "`scoped.secrets.secret_text`, creating"
AGAIN = "`scoped.secrets.secret_text`, unchanged"
PEER = "`community.hashi_vault.vault_kv2_write`, creating"

QUANTITIES = [Quantity("wall", "ms per item", 1000), Quantity("CPU", "ms per item", 1000)]

EXPLANATION = f"""\
One task loops over {ITEMS} items, {PEER_ITEMS} with `vault_kv2_write`, which takes long. Every round creates anew: in
a new default store (SQLite) with the built-in secret manager, and in a new folder of an OpenBao server. The figure of
an item is what the play takes longer than an empty play, divided by the items."""


def benchmark(lab: Lab) -> Benchmark:
    loops, folders = _Loops(lab), map(str, itertools.count())
    cases = [
        Case(DEBUG, lambda: lab.play("debug", count=ITEMS), ITEMS),
        Case(CREATE, loops.create, ITEMS, DEBUG, is_ours=True),
        Case(AGAIN, loops.declare_again, ITEMS, DEBUG, is_ours=True),
        Case(PEER, lambda: plays.write_to_vault(lab, next(folders), PEER_ITEMS), PEER_ITEMS, DEBUG, rounds=2),
    ]
    targets = [
        Target(CREATE, DEBUG, "wall", at_most=3),
        Target(AGAIN, DEBUG, "wall", at_most=3),
        Target(PEER, CREATE, "wall", at_least=30),
    ]
    loop = Comparison(cases, targets, QUANTITIES, start=lambda: lab.play("empty"))
    return Benchmark("P4", "Secrets in a loop", EXPLANATION, [loop])


class _Loops:
    """The loops that write: each creates anew, which takes a new place each time."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._site: Path | None = None

    def create(self) -> dict[str, float]:
        self._site = self._lab.new_folder("loop")
        return self._lab.play("secret_text", self._site, changes=True, count=ITEMS)

    def declare_again(self) -> dict[str, float]:
        return self._lab.play("secret_text", self._site, count=ITEMS)
