# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the table at the end of a run, with what was proved in it. A plugin of pytest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator

import pytest

__all__ = [
    "pytest_configure",
    "pytest_runtest_logreport",
    "pytest_runtest_makereport",
    "pytest_terminal_summary",
]

_seen: dict[tuple[str, str], set[str]] = defaultdict(set)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "proves(column): proves a column of the table of secret managers")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Have a report say what its test proves, for it crosses a process."""
    report = yield
    mark = item.get_closest_marker("proves")
    if mark:
        chosen = item.callspec.params["provider_class"]  # type: ignore[attr-defined]
        report.user_properties.append(("proves", [chosen.name(), mark.args[0]]))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for name, value in report.user_properties:
        if name == "proves" and (report.when == "call" or report.failed):
            _seen[tuple(value)].add(report.outcome)  # type: ignore[index, arg-type]


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
