# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports go down the rooms only, and never in a circle."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter

import pytest
import rooms
from rooms import PAGE, PLUGINS, Import, imports, page_with_rooms, room_of

# More files than these in one folder can't be taken in at a glance.
CROWDED = 22


@cache
def all_imports() -> list[Import]:
    return sorted(set(imports()))


def goes_down(one: Import) -> bool:
    above, below = room_of(one.importer), room_of(one.imported)
    return bool(above and below) and (above == below or above.floor < below.floor)  # type: ignore[union-attr]


def test_every_file_is_in_a_room() -> None:
    files = [str(file.relative_to(PLUGINS)) for file in PLUGINS.rglob("*.py")]
    assert [file for file in files if not (room_of(file) or file.endswith("__init__.py"))] == []
    assert [room.place for room in rooms.ROOMS if not (PLUGINS / room.place).exists()] == []


def test_imports_go_down() -> None:
    assert len(all_imports()) > 700
    assert [one for one in all_imports() if not goes_down(one)] == []


def test_no_circle() -> None:
    graph = defaultdict(set)
    for one in all_imports():
        graph[one.importer].add(one.imported)
    for file in graph:
        graph[file].discard(file)
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("module_utils/model/a.py", "module_utils/store/b.py"),
        ("module_utils/managers/aws/a.py", "module_utils/managers/gcp/b.py"),
        ("module_utils/engine/rows/a.py", "module_utils/engine/engine.py"),
        ("module_utils/model/a.py", "module_utils/nowhere/b.py"),
    ],
)
def test_what_goes_up_or_sideways_is_found(importer: str, imported: str) -> None:
    assert not goes_down(Import(importer, imported))


def test_a_circle_is_found() -> None:
    with pytest.raises(CycleError):
        TopologicalSorter({"a": {"b"}, "b": {"a"}}).prepare()


def test_lazy_and_typing_imports_count() -> None:
    lazy = Import("module_utils/engine/engine.py", "module_utils/engine/dispatch.py")
    typing = Import("module_utils/engine/reading/cache.py", "module_utils/engine/reading/resolver.py")
    assert {lazy, typing} <= set(all_imports())


def test_a_public_class_name_stands_for_one_class() -> None:
    trees = [ast.parse(file.read_text()) for file in (PLUGINS / "module_utils").rglob("*.py")]
    names = Counter(node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef))
    assert {name for name, number in names.items() if number > 1 and not name.startswith("_")} == set()


def test_no_room_is_crowded() -> None:
    rooms_of_code = {room.place for room in rooms.ROOMS if room.place.startswith("module_utils")}
    sizes = {folder: len(list((PLUGINS / folder).glob("*.py"))) for folder in rooms_of_code}
    assert {folder: size for folder, size in sizes.items() if size > CROWDED} == {}


def test_the_architecture_page_has_the_table() -> None:
    text = PAGE.read_text()
    assert page_with_rooms(text) == text
