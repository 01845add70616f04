# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors page explains exactly the codes in the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.scoped.secrets.plugins.module_utils.model import errors

ROOT = Path(__file__).resolve().parents[3]
CLASSES = set(errors.__all__)


def codes_in_source() -> Iterator[str]:
    for path in (ROOT / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLASSES and node.args:
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    yield str(code.value)


def codes_on_page() -> Iterator[str]:
    for line in (ROOT / "docs" / "errors.md").read_text().splitlines():
        if line.startswith("| `"):
            yield from re.findall(r"`([a-z_0-9]+)`", line.split("|")[1])


def test_every_code_is_explained_once() -> None:
    page = list(codes_on_page())
    assert sorted(page) == sorted(set(page))
    assert set(page) == set(codes_in_source())


def test_every_code_has_a_cause_and_what_to_do() -> None:
    text = (ROOT / "docs" / "errors.md").read_text()
    *before, damaged, after = text.partition("## Somebody changed stored data")
    of_damage, _heading, rest = after.partition("\n## ")
    assert damaged
    assert of_damage.split("|")[0].count("restore a backup") == 1
    for line in "".join([*before, rest]).splitlines():
        if line.startswith("| `"):
            _left, _code, *cells, _right = re.split(r"(?<!\\)\|", line)
            assert [bool(cell.strip()) for cell in cells] == [True, True], line
