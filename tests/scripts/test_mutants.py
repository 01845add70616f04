# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each mutant changes one thing, which a test can notice."""

from __future__ import annotations

import pytest
from mutation.mutants import Mutant, mutants_of


def mutants(code: str) -> list[Mutant]:
    return list(mutants_of("a.py", code.encode()))


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        # Comparisons
        ("a < b", ["a <= b"]),
        ("a <= b", ["a < b"]),
        ("a > b", ["a >= b"]),
        ("a >= b", ["a > b"]),
        ("a == b", ["a != b"]),
        ("a != b", ["a == b"]),
        ("a is b", ["a is not b"]),
        ("a is  not b", ["a is b"]),
        ("a in b", ["a not in b"]),
        ("a not in b", ["a in b"]),
        ("a < b < c", ["a <= b < c", "a < b <= c"]),
        ("(a) < (b)", ["(a) <= (b)"]),
        # Conditions
        ("a and b and c", ["a or b and c", "a and b or c"]),
        ("(a or b)", ["(a and b)"]),
        ("a if b else c", ["a if not (b) else c"]),
        ("a if b == c else d", ["a if b != c else d"]),
        ("a if b < c else d", ["a if not (b < c) else d", "a if b <= c else d"]),
        ("[a for a in b if a]", ["[a for a in b if not (a)]"]),
        ("if a: b = c", ["if not (a): b = c"]),
        ("while a: b = c", ["while not (a): b = c"]),
        # Negations
        ("not a", ["a"]),
        ("not (a or b)", ["(a or b)", "not (a and b)"]),
        ("a if not b else c", ["a if b else c"]),
        ("-a", ["a"]),
        # Arithmetic
        ("a + b", ["a - b"]),
        ("a - b", ["a + b"]),
        ("a * b", ["a // b"]),
        ("a // b", ["a * b"]),
        ("a ** b", ["a * b"]),
        ("a << b", ["a >> b"]),
        ("a | b", ["a & b"]),
        ("a += b", ["a -= b"]),
        ("a.O_CREAT | a.O_EXCL", ["a.O_CREAT & a.O_EXCL"]),
        # Constants
        ("a = 1", ["a = 2"]),
        ("a = 0.5", ["a = 1.5"]),
        ("a = True", ["a = False"]),
        ("a = 'one'", ['a = "onex"']),
        ("a = b'one'", ['a = b"onex"']),
        ("a = ''", ['a = "x"']),
        ("f(a, b=1)", ["pass", "f(a, b=2)"]),
        # Calls
        ("a.f(b)", ["pass"]),
        ("a = f(b)", []),
        # Exceptions
        ("raise A(b)", ["raise ZeroDivisionError(b)"]),
        ("raise a", ["raise ZeroDivisionError"]),
        ("raise", []),
        ("with suppress(A, B): a = b", ["with suppress(ZeroDivisionError, B): a = b"]),
    ],
)
def test_changes(code: str, changed: list[str]) -> None:
    found = [mutant.after for mutant in mutants(code)]
    # Of the exceptions that are suppressed, the first is enough here.
    assert found[: len(changed)] == changed
    assert len(found) == len(changed) or "suppress" in code


@pytest.mark.parametrize(
    ("returned", "changed"),
    [("a", ["None"]), ("a, b", ["None"]), ("None", []), ("True", ["False"]), ("1", ["2"]), ("'a b'", ["None"])],
)
def test_returned_values(returned: str, changed: list[str]) -> None:
    assert [mutant.after for mutant in mutants(f"def f():\n    return {returned}")] == [f"return {v}" for v in changed]


def test_caught_exceptions() -> None:
    code = "try:\n    a = b\nexcept (A, b.B) as error:\n    pass\nexcept C:\n    pass\nexcept:\n    pass"
    assert [mutant.after for mutant in mutants(code)] == [
        "except (ZeroDivisionError, b.B) as error:",
        "except (A, ZeroDivisionError) as error:",
        "except ZeroDivisionError:",
    ]


@pytest.mark.parametrize(
    "code",
    [
        '"""A module\'s text."""',
        "def f(a: Literal['b'] = c) -> Literal['d']:\n    '''Text.'''",
        "a: b | None = c",
        "if TYPE_CHECKING:\n    a = 1",
        "__all__ = ['a']",
        "a = f'{b + 1} c'",
        "a = 'two words'",
        "a = 'two words' + b",
        "a = One | None",
        "a = dict[b, c] | d",
        "a = b | None",
        "a = TypeVar('a')",
        "a = zip(b, c, strict=True)",
        "@dataclass(frozen=True, slots=True)\nclass A:\n    pass",
        "from a import b",
        "...",
    ],
)
def test_what_is_left_alone(code: str) -> None:
    assert mutants(code) == []


def test_where_it_is() -> None:
    code = "class A:\n    size = 1\n\n    def f(self):\n        def g():\n            return self\n"
    assert [(one.function, one.line, one.kind) for one in mutants(code)] == [
        ("A", 2, "constant"),
        ("A.f.g", 6, "returned"),
    ]


def test_changes_of_several_lines_are_shown_as_one() -> None:
    code = "if b:\n    f(\n        a,\n    )\n"
    mutant = mutants(code)[-1]
    assert (mutant.before, mutant.after) == ("f( a, )", "pass")
    assert mutant.mutation == "f( a, ) -> pass"
    assert mutant.content == b"if b:\n    pass\n"


def test_positions_count_bytes() -> None:
    (mutant,) = mutants('é = "ü ü", a < b')
    assert mutant.after == 'é = "ü ü", a <= b'
