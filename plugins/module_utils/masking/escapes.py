# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a text is written by JSON, YAML, Python, HTML, URLs, regular expressions and shells, also one within another.

None of them changes ASCII letters and digits, the words of a text. What lies between two words is a gap, of which each
character may be written in many ways, so a gap is a regular expression. White space equals any other white space, since
YAML folds long lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

__all__ = ["HEAD", "WORD", "Gap", "can_be_escaped", "heads_of", "pattern_of", "steps_of"]

# Bytes by which the start of a text is found.
HEAD = 4
WORD = re.compile(rb"[0-9A-Za-z_]*")
_SPACES = re.compile(r"[ \t\n\v\f\r]+")
# Quotes and backslashes in a row are one unit: escapes only add to them, so that counting them is enough.
# Patterns never try again what a unit took (possessive quantifiers), or they might take forever.
_UNIT = r"""['"\\]++|[^0-9A-Za-z_'"\\]"""
_UNITS = re.compile(_UNIT)
# Long gaps are split, since their patterns take long to compile; if possible, not after what is ambiguous.
_GAPS = re.compile(
    r"""((?:UNIT){1,8}(?![^0-9A-Za-z_])|(?:UNIT){1,7}[^0-9A-Za-z_'"\\ ]|(?:UNIT){1,8})""".replace("UNIT", _UNIT)
)
# So many in a row would be compared again at each place where one stands.
_REPEATED = re.compile(r"""['"\\]{17}""")

_NAMES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
# Control characters that a letter after a backslash means in YAML, JSON or Python.
_LETTERS = {"\0": "0", "\a": "a", "\b": "b", "\x1b": "e", "\x85": "N", "\xa0": "_", "\u2028": "L", "\u2029": "P"}


def _in_url(content: bytes) -> bytes:
    return b"".join(rb"%%(?:25)*(?i:%02x)" % byte for byte in content)


def _or_in_url(char: bytes) -> bytes:
    return rb"(?:%s|%s)" % (re.escape(char), _in_url(char))


# What escapes consist of, which may be escaped again.
_BACKSLASH, _AND, _END = map(_or_in_url, (b"\\", b"&", b";"))
_HASH = _BACKSLASH + b"*" + _or_in_url(b"#")


def _in_html(char: str) -> bytes:
    name = b"|%s" % _NAMES[char].encode() if char in _NAMES else b""
    number = rb"%s0*(?:%d|[xX]0*(?i:%x))" % (_HASH, ord(char), ord(char))
    return rb"%s(?:amp%s)*(?:%s%s)%s" % (_AND, _END, number, name, _END)


def _anyhow(char: str) -> bytes:
    return rb"%s*+(?:%s|%s)" % (_BACKSLASH, _or_in_url(char.encode()), _in_html(char))


# YAML continues a quoted text on the next line after a backslash; JSON may have escaped that line break.
_FOLD = rb"(?:\\++(?:\n|n) *+)?"
_HEX_SPACE = rb"(?:20|0[9A-Da-d])"
_IN_URLS = (rb"B*+%%(?:25)*%s|\+" % _HEX_SPACE).replace(b"B", _BACKSLASH)
_SPACES_ELSEWHERE = (
    rb"\\*+[ \t\n\v\f\r]|B++(?:[tnvfr]|x%s|u00%s)|&(?:amp;)*#(?:9|1[0-3]|32);" % (_HEX_SPACE, _HEX_SPACE)
).replace(b"B", _BACKSLASH)
# The last one, or all but the first, may be backslashes of what follows.
_SPACE = rb"(?:%s)++|(?:%s)++|(?>(?:%s)+(?=%s))|(?>(?:%s)+?(?=%s))" % (
    *(_IN_URLS, _SPACES_ELSEWHERE),
    *(_SPACES_ELSEWHERE, _BACKSLASH) * 2,
)
_HEXADECIMAL = rb"(?<=\\)(?:x|u00|U000000)%s"
_QUOTES = b"|".join(
    [*(b"%s|%s" % (_or_in_url(sign), _in_html(sign.decode())) for sign in (b"'", b'"')), _HEXADECIMAL % b"2[27]"]
)
_BACKSLASHES = b"|".join([_BACKSLASH, _in_html("\\"), _HEXADECIMAL % b"5[cC]"])
# A quote within quotes: shells make '"'"' or '\'' of each ', and YAML or SQL two. Five levels of shells make 485 of
# one, and more where that is escaped again.
_MOST = 1024

_HEX = re.compile(rb"(?<=\\[uxU])[0-9a-f]+|(?<=#x)[0-9a-f]+|(?<=%)[0-9A-F]{2}")
_QUOTE_SAMPLES = (b"''", b"'\"'", b"'\\\"", b"'\\\\", b"'\\'", b"'&", b"'%")
_BREAK_SAMPLES = (b"", b" ", b"  ", b"   ", b"\n", b"\n ", b"\n  ", b"\n\n", b"\t")
_ESCAPED_SPACE_SAMPLES = (
    *(sign + more for sign in (b" ", b"n", b"t", b"r", b"\n") for more in (b"", b" ", b"\\")),
    b"x",
)
_SPACE_SAMPLES = frozenset(
    [
        *(before + b"\n" + after for before in (b"", b" ", b"\r") for after in _BREAK_SAMPLES),
        *(b"\\" * count + letter for count in range(1, HEAD) for letter in _ESCAPED_SPACE_SAMPLES),
        *(b" ", b"  ", b"   ", b"\t", b" \\n", b" \\t", b" \\\\", *b"+ &#32 &#10 &amp %20 %0A %0a %09 %25 %5C".split()),
    ]
)


class Gap(NamedTuple):
    """What lies between two words, or a piece of it."""

    text: str
    is_start: bool
    # The next byte, empty if this is not the last piece.
    following: bytes

    def __repr__(self) -> str:
        return f"Gap(is_start={self.is_start})"


def can_be_escaped(text: str) -> bool:
    """Return whether a text is found in its escapes in a time that is worth it: not with many quotes in a row."""
    return not _REPEATED.search(text)


def steps_of(text: str) -> list[bytes | Gap]:
    """Return words and gaps in turns, first and last a word. Words may be empty."""
    parts = _GAPS.split(_SPACES.sub(" ", text))
    steps: list[bytes | Gap] = [parts[0].encode()]
    for at in range(1, len(parts), 2):
        word = parts[at + 1].encode()
        is_start = at == 1 or bool(parts[at - 1])
        steps += [Gap(parts[at], is_start, word[:1]), word]
    return steps


@lru_cache(maxsize=4096)
def pattern_of(gap: Gap) -> re.Pattern[bytes]:
    """Return what matches a gap in whatever way it is written."""
    written = _FOLD.join(map(_unit, _UNITS.findall(gap.text)))
    # Without the next byte, "&amp" might be taken for an escaped "&".
    end = b"%s(?=%s)" % (_FOLD, gap.following) if gap.following else b""
    return re.compile((b"" if gap.is_start else _FOLD) + written + end)


def _unit(text: str) -> bytes:
    """Return the pattern of quotes and backslashes in a row, or of one other character."""
    if text[0] in "'\"\\":
        return _quotes(text)
    if text == " ":
        return b"(?:%s)" % _SPACE
    return b"(?:%s)" % b"|".join(_forms(text))


def _quotes(text: str) -> bytes:
    """Return the pattern of at least as many quotes and backslashes as a text has."""
    is_quoted = text.strip("\\") != ""
    # Each sign in one way only, or the ways to read many of them would be without number.
    one = b"%s|%s" % (_QUOTES, _BACKSLASHES) if is_quoted else _BACKSLASHES
    first = b"(?=(?:%s)*+(?:%s))" % (_BACKSLASHES, _QUOTES) if is_quoted else b""
    some = b"(?:%s){%d,%d}" % (one, len(text), _MOST * len(text))
    # The last backslash may belong to what follows.
    return rb"%s(?:%s+(?:\n *+)?|(?>%s(?=%s[tnvfrxuU])))" % (first, some, some, _BACKSLASH)


def _forms(char: str) -> Iterator[bytes]:
    """Yield patterns of the ways in which a character is written."""
    if char == "&":
        # First, since only the next byte decides which one it is.
        yield rb"%s*+%s(?:amp%s)*" % (_BACKSLASH, _AND, _END)
    yield _in_url(char.encode())
    yield _anyhow(char)
    yield from (_ignoring_case(escape) for escape in _with_backslash(char))


def _ignoring_case(escape: bytes) -> bytes:
    """Return the pattern of an escape: its letters after the backslash count, those of hexadecimal digits do not."""
    return re.sub(rb"\\(.)([0-9a-f]*)", lambda found: b"%s++%s(?i:%s)" % (_BACKSLASH, found[1], found[2]), escape)


def _with_backslash(char: str) -> Iterator[bytes]:
    code, units = ord(char), char.encode("utf-16-be")
    yield b"".join(rb"\u%02x%02x" % (units[at], units[at + 1]) for at in range(0, len(units), 2))
    yield rb"\U%08x" % code
    if code < 256:
        yield rb"\x%02x" % code
    if code > 127:
        yield b"".join(rb"\x%02x" % byte for byte in char.encode())
    if char in _LETTERS:
        yield rb"\%s" % _LETTERS[char].encode()


def heads_of(text: str) -> frozenset[bytes]:
    """Return the first bytes of all ways in which a text of at least 4 characters is written."""
    return _heads(_SPACES.sub(" ", text)[:HEAD])


@lru_cache(maxsize=4096)
def _heads(start: str) -> frozenset[bytes]:
    found: set[bytes] = {b""}
    for at, char in enumerate(start):
        found = {(head + more)[:HEAD] for head in found for more in _samples(char, at == 0)}
    return frozenset(found)


@lru_cache(maxsize=4096)
def _samples(char: str, is_first: bool) -> frozenset[bytes]:
    """Return how a written character may start."""
    content = char.encode()
    if WORD.fullmatch(content):
        return frozenset({content})
    if char == " ":
        return _SPACE_SAMPLES
    numbers = {pattern % ord(char) for pattern in (b"&#%d;", b"&#x%x;", b"&\\#%d;")}
    found = {content, b"&amp;", *_with_backslash(char), *numbers}
    found |= {b"&%s;" % _NAMES[char].encode()} if char in _NAMES else set()
    found |= set(_QUOTE_SAMPLES) if char == "'" else set()
    if not is_first or char == "\\":
        # A text is found without the backslashes before it.
        found |= {b"\\" * count + written for count in range(1, HEAD) for written in found}
    for _time in range(2):
        found |= {quote(written, safe="").encode() for written in found}
    found |= {_HEX.sub(lambda digits: digits[0].swapcase(), written) for written in found}
    return frozenset(written[:HEAD] for written in found)
