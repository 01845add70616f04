# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a benchmark is, and how it is taken: round robin, so that a machine that slows down slows all cases alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Benchmark", "Case", "Measurement", "Spread", "Target"]

Take = Callable[[], float]


@dataclass(frozen=True)
class Case:
    """One thing to time. `take` does it once and returns the seconds; its figure is that of one of `items`.

    `floor` names the case that it is compared with, empty for one that is a floor itself.
    """

    name: str
    take: Take
    items: int = 1
    floor: str = ""


@dataclass(frozen=True)
class Target:
    """What the figure of `case` over that of `base` is to be. One of the two limits is given."""

    case: str
    base: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def limit(self) -> str:
        return f"≤ {self.at_most:g}" if self.at_most is not None else f"≥ {self.at_least:g}"

    def is_met(self, ratio: float) -> bool:
        return (self.at_most is None or ratio <= self.at_most) and (self.at_least is None or ratio >= self.at_least)


@dataclass(frozen=True)
class Benchmark:
    """Cases to compare, in the order in which a round takes them, and what is to come out.

    `start`, where there is one, is what all cases begin with: it is timed in every round and taken off.
    """

    identifier: str
    title: str
    explanation: str
    unit: str
    cases: list[Case]
    targets: list[Target]
    start: Take | None = None


@dataclass(frozen=True)
class Spread:
    """The median of some figures, and how far they lie apart."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: list[float]) -> Spread:
        return cls(statistics.median(figures), min(figures), max(figures))

    def text(self, factor: int = 1) -> str:
        """Return it for people, in units of which `factor` make one."""
        return "{:.3g} ({:.3g}..{:.3g})".format(*(factor * figure for figure in (self.median, self.least, self.most)))


@dataclass
class Measurement:
    """What the rounds of a benchmark brought: the figure of every case, in seconds, round by round."""

    benchmark: Benchmark
    rounds: list[dict[str, float]] = field(default_factory=list)

    def take_round(self) -> None:
        start = self.benchmark.start() if self.benchmark.start else 0
        self.rounds.append({case.name: (case.take() - start) / case.items for case in self.benchmark.cases})

    def figure(self, case: str) -> Spread:
        return Spread.of([figures[case] for figures in self.rounds])

    def ratio(self, case: str, base: str) -> Spread:
        """Return the ratios of two cases, each within one round."""
        return Spread.of([figures[case] / figures[base] for figures in self.rounds])
