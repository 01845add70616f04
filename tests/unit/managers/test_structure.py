# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports within managers/, and class names. Lazy imports and imports for type checking count, too."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils import managers
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import KINDS

ROOT = Path(managers.__path__[0])
REGISTRY = "registry"


def imported(name: str, file: Path) -> Iterator[str]:
    """Yield the files in managers/ that a file imports, as dotted names such as aws.kms."""
    package = name.split(".")[:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and 0 < node.level <= len(package) + 1:
            base = package[: len(package) + 1 - node.level] + (node.module.split(".") if node.module else [])
            for alias in node.names:
                yield from {".".join(base), ".".join([*base, alias.name])} & FILES.keys()


FILES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts): file
    for file in ROOT.rglob("*.py")
    if file.name != "__init__.py"
}
GRAPH = {name: set(imported(name, file)) for name, file in FILES.items()}


def test_the_graph_has_what_there_is() -> None:
    assert {"base", "network"} <= GRAPH["http"]
    assert set(KINDS.values()) <= GRAPH[REGISTRY]
    assert "aws.options" in GRAPH["aws.kms"]


def test_no_file_imports_itself_by_a_detour() -> None:
    assert list(TopologicalSorter(GRAPH).static_order())


@pytest.mark.parametrize("name", GRAPH)
def test_a_provider_knows_shared_files_and_its_own(name: str) -> None:
    """Only the registry imports providers, and nothing imports the registry."""
    folder = name.rpartition(".")[0]
    if name != REGISTRY:
        assert {one for one in GRAPH[name] if one.rpartition(".")[0] not in ("", folder)} == set()
        assert REGISTRY not in GRAPH[name]


def test_a_public_class_name_stands_for_one_class() -> None:
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in FILES.values()]
    names = Counter(node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef))
    assert {name for name, number in names.items() if number > 1 and not name.startswith("_")} == set()
