# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a benchmark is, and how it is taken: round robin, so that a machine that slows down slows all cases alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

__all__ = [
    "Benchmark",
    "Case",
    "Comparison",
    "Figures",
    "Measurement",
    "Outcome",
    "Quantity",
    "Spread",
    "Target",
    "short",
]

Figures = Mapping[str, float]
Take = Callable[[], Figures]


@dataclass(frozen=True)
class Quantity:
    """Something that is measured, and how it is shown: `factor` of its `unit` make one of what a case takes.

    `has_ratio`: whether a case is also shown as a multiple of its floor.
    """

    name: str
    unit: str = ""
    factor: float = 1
    has_ratio: bool = True

    @property
    def label(self) -> str:
        return ", ".join(filter(None, [self.name, self.unit]))


@dataclass(frozen=True)
class Case:
    """One thing to measure. `take` does it once and returns figures by quantity; what is shown is that of an item.

    `floor` names the case that it is compared with, empty for one that is a floor itself. A slow case sits out all
    rounds after `rounds`. `is_ours` tells what this collection does from what others do.
    """

    name: str
    take: Take
    items: int = 1
    floor: str = ""
    rounds: int | None = None
    is_ours: bool = False


@dataclass(frozen=True)
class Target:
    """What the figure of `case` is to be: over that of `base`, or more than it (`as_difference`), or by itself.

    One of the two limits is given; where it is no ratio, in the unit that the quantity is shown in.
    """

    case: str
    base: str = ""
    quantity: str = "time"
    at_most: float | None = None
    at_least: float | None = None
    as_difference: bool = False

    @property
    def limit(self) -> str:
        return f"≤ {self.at_most:g}" if self.at_most is not None else f"≥ {self.at_least:g}"

    def is_met(self, figure: float) -> bool:
        return (self.at_most is None or figure <= self.at_most) and (self.at_least is None or figure >= self.at_least)


@dataclass(frozen=True)
class Comparison:
    """Cases to compare, in the order in which a round takes them, and what is to come out.

    `start`, where there is one, is what all cases begin with: it is taken in every round, and taken off. The first
    quantity is the one that a picture shows, where `in_picture` says so. What takes long sits out all rounds after
    `rounds`.
    """

    cases: list[Case]
    targets: list[Target]
    quantities: list[Quantity]
    title: str = ""
    start: Take | None = None
    in_picture: bool = True
    rounds: int | None = None

    def quantity(self, name: str) -> Quantity:
        return next(quantity for quantity in self.quantities if quantity.name == name)


@dataclass(frozen=True)
class Benchmark:
    """One or more comparisons that answer one question."""

    identifier: str
    title: str
    explanation: str
    comparisons: list[Comparison]


@dataclass(frozen=True)
class Spread:
    """The median of some figures, and how far they lie apart."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: list[float]) -> Spread | None:
        return cls(statistics.median(figures), min(figures), max(figures)) if figures else None

    def __str__(self) -> str:
        if self.least == self.most:
            return short(self.median)
        return f"{short(self.median)} ({short(self.least)}..{short(self.most)})"


def short(figure: float) -> str:
    """Return a figure as people read it: three digits, or all before the point."""
    if abs(figure) >= 1000:
        return f"{figure:,.0f}"
    return f"{figure:.3g}" if abs(figure) >= 0.001 else "0"


@dataclass
class Measurement:
    """What the rounds of a comparison brought: the figures of every case, as they are shown, round by round."""

    comparison: Comparison
    rounds: list[dict[str, Figures]] = field(default_factory=list)

    def take_round(self) -> None:
        if self.comparison.rounds is not None and len(self.rounds) >= self.comparison.rounds:
            return
        start = self.comparison.start() if self.comparison.start else {}
        due = [case for case in self.comparison.cases if case.rounds is None or len(self.rounds) < case.rounds]
        self.rounds.append({case.name: self._take(case, start) for case in due})

    def _take(self, case: Case, start: Figures) -> Figures:
        figures = case.take()
        return {
            quantity.name: (figures[quantity.name] - start.get(quantity.name, 0)) * quantity.factor / case.items
            for quantity in self.comparison.quantities
            if quantity.name in figures
        }

    def figure(self, case: str, quantity: str) -> Spread | None:
        """Return how much it is; None where that was not measured."""
        return self._spread(quantity, [case], lambda figure: figure)

    def ratio(self, case: str, base: str, quantity: str) -> Spread | None:
        """Return the ratios of two cases, each within one round; None without a round that has both."""
        return self._spread(quantity, [case, base], lambda figure, base_figure: figure / base_figure)

    def reached(self, target: Target) -> Spread | None:
        """Return what a target is about; None where that was not measured."""
        if not target.base:
            return self.figure(target.case, target.quantity)
        if target.as_difference:
            return self._spread(target.quantity, [target.case, target.base], lambda figure, base: figure - base)
        return self.ratio(target.case, target.base, target.quantity)

    def _spread(self, quantity: str, cases: list[str], combine: Callable[..., float]) -> Spread | None:
        taken = [[figures.get(case, {}).get(quantity) for case in cases] for figures in self.rounds]
        return Spread.of([combine(*figures) for figures in taken if None not in figures])


@dataclass(frozen=True)
class Outcome:
    """What came out of a benchmark, comparison by comparison."""

    benchmark: Benchmark
    measurements: list[Measurement]
