# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of mutations. Each is a function that yields the edits of one node of the syntax tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

__all__ = ["OPERATORS", "Edit", "Source"]

# Nothing raises or expects it.
_OTHER_EXCEPTION = "ZeroDivisionError"
_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: (r"is\s+not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: (r"not\s+in", "in"),
}
# For these, the swapped operator is the negation. The others swap whether the boundary belongs to it.
_NEGATED = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)
_ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: (r"\+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: (r"\*", "//"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.Pow: (r"\*\*", "*"),
    ast.BitOr: (r"\|", "&"),
    ast.BitAnd: ("&", "|"),
    ast.BitXor: (r"\^", "&"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
}


class Edit(NamedTuple):
    """Replace the bytes from `start` to `end` with `new`."""

    kind: str
    start: int
    end: int
    new: bytes


class Source:
    """The bytes of a file, and where its nodes are in them."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self._starts = [0]
        for line in content.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def start(self, node: ast.expr | ast.stmt) -> int:
        return self._starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.expr | ast.stmt) -> bytes:
        return self.content[self.start(node) : self.end(node)]

    def replaced(self, kind: str, node: ast.expr | ast.stmt, new: str | bytes) -> Edit:
        """Return the edit that replaces a whole node."""
        return Edit(kind, self.start(node), self.end(node), new.encode() if isinstance(new, str) else new)

    def swapped(self, kind: str, left: ast.expr, right: ast.expr, swap: tuple[str, str]) -> Edit:
        """Return the edit of the operator between two nodes: a pattern that matches it, and the new operator."""
        start = self.end(left)
        found = re.search(swap[0].encode(), self.content[start : self.start(right)])
        assert found is not None
        return Edit(kind, start + found.start(), start + found.end(), swap[1].encode())


def comparison(node: ast.AST, source: Source) -> Iterator[Edit]:
    """Swap an operator: < and <=, == and !=, "in" and "not in", …"""
    if isinstance(node, ast.Compare):
        lefts = [node.left, *node.comparators]
        for left, operator, right in zip(lefts, node.ops, node.comparators, strict=False):
            yield source.swapped("comparison", left, right, _COMPARISONS[type(operator)])


def condition(node: ast.AST, source: Source) -> Iterator[Edit]:
    """Swap "and" and "or"; negate the condition of an if, a loop or a comprehension."""
    if isinstance(node, ast.BoolOp):
        swap = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            yield source.swapped("condition", left, right, swap)
    for test in _conditions(node):
        if not _is_negated_otherwise(test):
            yield source.replaced("condition", test, b"not (" + source.text(test) + b")")


def _conditions(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        yield node.test
    elif isinstance(node, ast.comprehension):
        yield from node.ifs
    elif isinstance(node, ast.match_case) and node.guard:
        yield node.guard


def _is_negated_otherwise(test: ast.expr) -> bool:
    if isinstance(test, ast.Compare):
        return len(test.ops) == 1 and isinstance(test.ops[0], _NEGATED)
    return isinstance(test, ast.Constant) or (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not))


def negation(node: ast.AST, source: Source) -> Iterator[Edit]:
    """Drop a "not", or a minus sign."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        sign = b"not" if isinstance(node.op, ast.Not) else b"-"
        yield source.replaced("negation", node, source.text(node).removeprefix(sign).lstrip())


def arithmetic(node: ast.AST, source: Source) -> Iterator[Edit]:
    """Swap an arithmetic operator. Text and unions of types only know one, so any other would fail at once."""
    if isinstance(node, ast.BinOp):
        left, right = node.left, node.right
    elif isinstance(node, ast.AugAssign):
        left, right = node.target, node.value
    else:
        return
    swap = _ARITHMETIC.get(type(node.op))
    if swap and not any(_is_text(one) or _is_type(one) for one in (left, right)):
        yield source.swapped("arithmetic", left, right, swap)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


def _is_type(node: ast.expr) -> bool:
    if isinstance(node, ast.Subscript):
        return _is_type(node.value)
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    is_class = name[:1].isupper() and not name.isupper()
    is_none = isinstance(node, ast.Constant) and node.value is None
    return is_class or is_none or name in ("bool", "bytes", "dict", "float", "int", "list", "set", "str", "tuple")


def constant(node: ast.AST, source: Source) -> Iterator[Edit]:
    """Add 1 to a number, flip a truth value, and lengthen text that is one word. Other text is prose or SQL."""
    if isinstance(node, ast.Constant):
        new = _other_value(node.value)
        if new is not None:
            yield source.replaced("constant", node, _literal(new))


def _literal(value: object) -> str:
    text = repr(value)
    return text if '"' in text else text.replace("'", '"')


def _other_value(value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str) and not re.search(r"\s", value):
        return f"{value}x"
    if isinstance(value, bytes) and not re.search(rb"\s", value):
        return value + b"x"
    return None


def call(node: ast.AST, source: Source) -> Iterator[Edit]:
    """Drop a statement that only calls something."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield source.replaced("call", node, "pass")


def exception(node: ast.AST, source: Source) -> Iterator[Edit]:
    """Raise, catch or suppress another exception."""
    for named in _exceptions(node):
        yield source.replaced("exception", named, _OTHER_EXCEPTION)


def _exceptions(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.ExceptHandler) and node.type:
        yield from node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    elif isinstance(node, ast.Raise) and node.exc:
        yield node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("suppress", "contextlib.suppress"):
        yield from node.args


def returned(node: ast.AST, source: Source) -> Iterator[Edit]:
    """Return None. Truth values and numbers are changed as constants."""
    if isinstance(node, ast.Return) and node.value and not _is_changed_as_constant(node.value):
        yield source.replaced("returned", node.value, "None")


def _is_changed_as_constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and (node.value is None or _other_value(node.value) is not None)


Operator = Callable[[ast.AST, Source], Iterator[Edit]]
OPERATORS: tuple[Operator, ...] = (
    comparison,
    condition,
    negation,
    arithmetic,
    constant,
    call,
    exception,
    returned,
)
