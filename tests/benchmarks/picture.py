# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements as a picture: docs/benchmarks.svg. Its colours can be read on light and on dark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from measuring import Case, Comparison, Measurement, Outcome, short

__all__ = ["svg"]

WIDTH = 1000
MARGIN = 16
LABELS = 434  # where the bars begin
BARS = 416  # how long the longest is
ROW = 24
BAR = 14
GAP = 34  # between panels
HEAD = 30  # of a panel
TOP = 116
TEXT, FLOOR, OURS, OTHERS, LIMIT = "#757d87", "#9aa2ab", "#2f81f7", "#d4893f", "#cf4a55"
FONT = "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', 'DejaVu Sans', sans-serif"
TITLE = "Wall time, in times of the same play without secrets"
LEGEND = [
    (FLOOR, "the floor: the same without secrets"),
    (OURS, "this collection"),
    (OTHERS, "others"),
]


@dataclass(frozen=True)
class _Bar:
    """A case as it is drawn: lengths are multiples of the floor. `limit` is what it is to reach, 0 for nothing."""

    label: str
    colour: str
    length: float
    figure: str
    limit: float


def svg(outcomes: list[Outcome]) -> str:
    """Return the picture of the comparisons that are for it: how many times the floor each case takes."""
    panels = [
        (_title(outcome, measurement.comparison), list(_bars(measurement)))
        for outcome in outcomes
        for measurement in outcome.measurements
        if measurement.comparison.in_picture
    ]
    parts: list[str] = []
    top = TOP
    for title, bars in panels:
        parts += _panel(title, bars, top)
        top += HEAD + ROW * len(bars) + GAP
    return "\n".join([*_head(top), *parts, "</svg>", ""])


def _title(outcome: Outcome, comparison: Comparison) -> str:
    benchmark = outcome.benchmark
    return ": ".join(filter(None, [f"{benchmark.identifier}  {benchmark.title}", _plain(comparison.title)]))


def _bars(measurement: Measurement) -> Iterator[_Bar]:
    quantity = measurement.comparison.quantities[0]
    for case in measurement.comparison.cases:
        figure = measurement.figure(case.name, quantity.name)
        length = _times_the_floor(measurement, case.name)
        if figure and length:
            amount = f"{short(figure.median)} {quantity.unit.split()[0]}"
            shown = f"{short(length)}x ({amount})" if case.floor else amount
            yield _Bar(_plain(case.name), _colour(case), length, shown, _limit(measurement, case))


def _times_the_floor(measurement: Measurement, name: str) -> float:
    """Return what a case takes over what its floor takes; 0 where that was not measured."""
    floor = next(case.floor for case in measurement.comparison.cases if case.name == name)
    ratio = measurement.ratio(name, floor or name, measurement.comparison.quantities[0].name)
    return ratio.median if ratio else 0


def _limit(measurement: Measurement, case: Case) -> float:
    """Return the most that a case may take of its floor; 0 where nothing says so."""
    quantity = measurement.comparison.quantities[0].name
    for target in measurement.comparison.targets:
        if (target.case, target.quantity) == (case.name, quantity) and target.at_most and target.base:
            return 0 if target.as_difference else target.at_most * _times_the_floor(measurement, target.base)
    return 0


def _colour(case: Case) -> str:
    if not case.floor:
        return FLOOR
    return OURS if case.is_ours else OTHERS


def _head(height: int) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'role="img" font-family="{FONT}" font-size="13" fill="{TEXT}">'
    )
    yield f"<title>{TITLE}</title>"
    yield _text(MARGIN, 34, TITLE, size=20, weight=600)
    left = MARGIN
    for colour, text in LEGEND:
        yield _rectangle(left, 56, 12, 12, colour)
        yield _text(left + 18, 67, text)
        left += 48 + 7 * len(text)
    yield _rectangle(left, 53, 2, 18, LIMIT)
    yield _text(left + 10, 67, "our target: no longer than this")


def _panel(title: str, bars: list[_Bar], top: int) -> Iterator[str]:
    longest = max(max(row.length, row.limit) for row in bars)
    yield _text(MARGIN, top, title, size=15, weight=600)
    for number, row in enumerate(bars):
        yield from _row(row, BARS / longest, top + HEAD + ROW * number - ROW // 2 + 4)


def _row(row: _Bar, scale: float, top: int) -> Iterator[str]:
    length = max(1.0, scale * row.length)
    yield _text(LABELS - 10, top + 11, row.label, anchor="end")
    yield _rectangle(LABELS, top, length, BAR, row.colour)
    if row.limit:
        yield _rectangle(LABELS + scale * row.limit - 1, top - 3, 2, BAR + 6, LIMIT)
    yield _text(
        LABELS + max(length, scale * row.limit) + 8, top + 11, row.figure, weight=600 if row.colour == OURS else 400
    )


def _text(left: float, top: float, text: str, *, size: int = 13, weight: int = 400, anchor: str = "start") -> str:
    look = f'font-size="{size}" font-weight="{weight}" text-anchor="{anchor}"'
    return f'<text x="{left:.1f}" y="{top:.1f}" {look}>{escape(text)}</text>'


def _rectangle(left: float, top: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height}" rx="1" fill="{colour}"/>'


def _plain(text: str) -> str:
    return text.replace("`", "")
