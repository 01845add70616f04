# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the table at the end of a run, with what was proved in it. A plugin of pytest."""

from __future__ import annotations

from collections import defaultdict

import pytest

__all__ = ["pytest_runtest_logreport", "pytest_terminal_summary"]

_seen: dict[tuple[str, str], set[str]] = defaultdict(set)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the outcomes that a test recorded for columns; a report has them in whatever process its test ran."""
    for name, value in report.user_properties:
        if name == "proves" and report.when == "call":
            manager, column, outcome = value  # type: ignore[misc]
            _seen[manager, column].add(outcome)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _seen:
        return
    from conformance.table import PROVED, lines, row, rows

    table = []
    for one in rows():
        cells = row(one)
        for column in PROVED:
            outcomes = _seen.get((one.name(), column), set())
            cells[column] = cells[column] if outcomes == {"passed"} else "FAILED" if outcomes else "not proved"
        table.append(cells)
    terminalreporter.section("secret managers, as proved")
    terminalreporter.write_line("\n".join(lines(table)))
