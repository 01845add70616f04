# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of docs/managers/index.md: what the kinds declare and the suite proves.

python -m conformance.table writes it into the page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Capability

from conformance.kinds import providers
from conformance.provider import Provider

__all__ = ["PAGE", "PROVED", "lines", "page_with", "row", "rows", "table_on"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "managers" / "index.md"
BEGIN, END = "<!-- table: make docs-table -->", "<!-- end of the table -->"
UNITS = (("MiB", 1024 * 1024), ("KiB", 1024))
NONE = "-"


def _able(capability: Capability) -> Callable[[type[Provider]], str]:
    return lambda one: _word(one, capability.value) if capability in one.able() else NONE


def _word(one: type[Provider], column: str) -> str:
    return one.CELLS.get(column, "yes")


def _limit(one: type[Provider]) -> str:
    if Capability.WRITE not in one.able():
        return NONE
    declared = next((f"{one.limit() // size} {unit}" for unit, size in UNITS if one.limit() % size == 0), "")
    return one.CELLS.get("value limit", declared)


def _title(one: type[Provider]) -> str:
    """Return a link to the kind's page, where it has one."""
    page = f"{one.KIND}.md"
    return f"[{one.TITLE}]({page})" if (PAGE.parent / page).exists() else one.TITLE


def _python(one: type[Provider]) -> str:
    manager = one.manager()
    requirements = manager.REQUIREMENTS if manager else ["cryptography>=44"]
    return ", ".join(f"`{requirement}`" for requirement in requirements) or NONE


PROVED: dict[str, Callable[[type[Provider]], str]] = {
    Capability.WRITE.value: _able(Capability.WRITE),
    Capability.READ_PATH.value: _able(Capability.READ_PATH),
    Capability.VERSIONS.value: _able(Capability.VERSIONS),
    Capability.FILES.value: _able(Capability.FILES),
    "JSON #key": lambda one: _word(one, "JSON #key"),
    Capability.DELETE.value: _able(Capability.DELETE),
    "value limit": _limit,
}
"""The columns that tests prove. The others are what a kind is called and needs."""

COLUMNS: dict[str, Callable[[type[Provider]], str]] = {
    "secret manager": _title,
    "module": lambda one: f"`connector_{one.KIND}`" if one.has_connector() else NONE,
    "keeps": lambda one: "values" if one.keeps_values() else "keys",
    **PROVED,
    "Python": _python,
}


def rows() -> list[type[Provider]]:
    """Return what has a row of its own."""
    return [one for one in providers() if one.TITLE]


def row(one: type[Provider]) -> dict[str, str]:
    """Return the cells of a row by column."""
    return {column: cell(one) for column, cell in COLUMNS.items()}


def lines(cells: Sequence[dict[str, str]]) -> list[str]:
    """Return the table as Markdown."""
    head = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    return [*head, *("| " + " | ".join(one.values()) + " |" for one in cells)]


def table_on(page: str) -> list[str]:
    """Return the table that a page has."""
    return page.partition(BEGIN)[2].partition(END)[0].strip().splitlines()


def page_with(page: str, table: Sequence[str]) -> str:
    """Return the page with another table."""
    before, _begin, rest = page.partition(BEGIN)
    return "\n".join([before + BEGIN, "", *table, "", END + rest.partition(END)[2]])


def main() -> None:
    table = lines([row(one) for one in rows()])
    PAGE.write_text(page_with(PAGE.read_text(encoding="utf-8"), table), encoding="utf-8")


if __name__ == "__main__":
    main()
