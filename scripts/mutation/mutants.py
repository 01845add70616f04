# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the mutants of a file: each has one small change, which some test should notice."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from .operators import OPERATORS, Edit, Source

__all__ = ["Mutant", "mutants_of"]

# Annotations are never evaluated.
_ANNOTATIONS = ("annotation", "returns")
# Calls whose text is only a name for people and type checkers.
_NAMING = ("TypeVar", "NewType", "cast")


class Mutant(NamedTuple):
    """A file with one change. `mutation` has the changed lines before and after, each joined into one line."""

    file: str
    function: str
    line: int
    kind: str
    before: str
    after: str
    content: bytes

    @property
    def mutation(self) -> str:
        return f"{self.before} -> {self.after}"


def mutants_of(file: str, content: bytes) -> Iterator[Mutant]:
    """Yield all mutants of a file, in the order of its syntax tree."""
    source = Source(content)
    seen = set()
    for function, edit in _edits(ast.parse(content), "", source):
        mutant = _applied(file, function, edit, content)
        if mutant.content not in seen and _compiles(mutant.content):
            seen.add(mutant.content)
            yield mutant


def _edits(node: ast.AST, function: str, source: Source) -> Iterator[tuple[str, Edit]]:
    """Yield the edits of a node and of all below it, with the qualified name of the function or class they are in."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        function = f"{function}.{node.name}".lstrip(".")
    for operator in () if _is_for_type_checking(node) else OPERATORS:
        for edit in operator(node, source):
            yield function, edit
    for child in _children(node):
        yield from _edits(child, function, source)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes below this one that may be changed. Python 3.11 has no exact positions inside f-strings."""
    if isinstance(node, ast.JoinedStr) or _is_list_of_names(node) or _is_text_alone(node) or _is_precaution(node):
        return
    for name, value in ast.iter_fields(node):
        if name in _ANNOTATIONS or (name == "body" and _is_for_type_checking(node)):
            continue
        if name == "args" and _is_naming(node):
            value = value[1:]
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child


def _is_list_of_names(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("__all__", "__slots__")


def _is_text_alone(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_precaution(node: ast.AST) -> bool:
    """Return whether a node is the `strict` of zip or an option of a dataclass that only guards against mistakes."""
    return isinstance(node, ast.keyword) and node.arg in ("strict", "slots", "frozen")


def _is_for_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _is_naming(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _NAMING


def _applied(file: str, function: str, edit: Edit, content: bytes) -> Mutant:
    changed = content[: edit.start] + edit.new + content[edit.end :]
    start = content.rfind(b"\n", 0, edit.start) + 1
    rest = len(content) - _end_of_line(content, edit.end)
    lines = content[start : len(content) - rest], changed[start : len(changed) - rest]
    before, after = (" ".join(text.decode().split()) for text in lines)
    return Mutant(file, function, content.count(b"\n", 0, edit.start) + 1, edit.kind, before, after, changed)


def _end_of_line(content: bytes, position: int) -> int:
    found = content.find(b"\n", position)
    return len(content) if found < 0 else found


def _compiles(content: bytes) -> bool:
    try:
        compile(content, "mutant", "exec")
    except SyntaxError:
        return False
    return True
