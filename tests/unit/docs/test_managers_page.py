# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page on secret managers shows the declared capabilities, which tests/conformance verifies."""

from __future__ import annotations

from conformance.table import PAGE, lines, page_with, row, rows, table_on

TABLE = lines([row(one) for one in rows()])


def test_the_table_on_the_page() -> None:
    assert table_on(PAGE.read_text()) == TABLE, "run: make docs-table"


def test_writing_the_table_again_changes_nothing() -> None:
    page = PAGE.read_text()
    assert page_with(page, TABLE) == page
    assert table_on(page_with(page, ["| other |"])) == ["| other |"]
