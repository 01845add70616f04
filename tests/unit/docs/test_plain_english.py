# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comments, docstrings, messages and option descriptions avoid the turns of phrase that readers had to read twice.

A pattern here is no proof of good English. It keeps out what was once replaced all over the code.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("plugins", "roles", "scripts")
SOURCES = [
    path for folder in FOLDERS for suffix in ("py", "yml") for path in sorted((ROOT / folder).rglob(f"*.{suffix}"))
]

# A turn of phrase, and what to write.
RIDDLES = {
    r"(?<![Hh]ere )\b(?:is|are) no (?!longer\b|more\b|different\b|key yet)\w+": "is not a …",
    r"\b(?:begins?|made|read|wrapped|sealed|planned|opened) anew\b": "again",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\bwho has\b(?! access| only)": "whoever holds, the owner of",
    r"\bas (?:few|many|much|far) as can be\b": "as few as possible",
    r"\b(?:is|are) to be had\b": "is available",
    r"\b(?:is|are|was|were) told\b": "see, is reported",
    r"\bput(?:s|ting)? (?:it |them |things |all )?right\b(?! by itself)": "settle, repair, clean up",
    r"\bis gone on with\b": "continues",
    r"\bno good any more\b": "expired, invalid",
    r"\bof whom\b|\bof whose\b": "a relative clause of its own",
    r"(?:^|[.:] )Of (?:somebody|those|one|that|a thing)\b": "subject first",
    r"(?:^|[.:] )Who(?:ever)? (?:can|has|is|does|wants|comes)\b": "subject first",
    r"\bwhat lies (?:at|there|below)\b": "what is stored at",
}


@cache
def texts(path: Path) -> list[tuple[int, str]]:
    """Return the prose of a file: comments and strings of Python files, all lines of YAML files."""
    content = path.read_text()
    if path.suffix == ".yml":
        return list(enumerate(content.splitlines(), 1))
    return [
        (token.start[0], token.string)
        for token in tokenize.generate_tokens(io.StringIO(content).readline)
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and " " in token.string)
    ]


def found(pattern: str, path: Path) -> Iterator[str]:
    for line, text in texts(path):
        for match in re.finditer(pattern, text):
            around = " ".join(text[max(0, match.start() - 40) : match.end() + 40].split())
            yield f"{path.relative_to(ROOT)}:{line}: … {around} …"


@pytest.mark.parametrize("pattern", RIDDLES)
def test_no_riddles(pattern: str) -> None:
    places = [place for path in SOURCES for place in found(pattern, path)]
    assert places == [], f"write instead: {RIDDLES[pattern]}"


@pytest.mark.parametrize(
    "text", ["'x' is no identifier here", "Of somebody who came first", "it begins anew", "Who can do it"]
)
def test_a_riddle_is_found(text: str) -> None:
    assert any(re.search(pattern, text) for pattern in RIDDLES)
