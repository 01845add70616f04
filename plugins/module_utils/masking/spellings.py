# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to look for in output: the secret parts of a value, as they are, as text, as numbers and as base64."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from textwrap import shorten
from typing import Any, NamedTuple
from urllib.parse import quote

from ..model.censored import MIN_LENGTH
from ..model.json_text import read_json
from ..model.queries import CREDENTIAL_KINDS

__all__ = ["ENCODED_LIMIT", "Spelling", "excerpts_of", "is_short", "numbers_of", "parts_of", "spellings_of", "texts_of"]

# Bytes. For longer values, each part is only looked for as it is and as unbroken base64.
ENCODED_LIMIT = 64 * 1024
# The secret fields of a credential's view (engine/reading/credential_views.py).
_SECRET_FIELDS = ("private_key", "passphrase", "password")
# Boundary lines of PEM files, which are not secret.
_BOUNDARIES = ("-----BEGIN ", "-----END ")
# base64(1) wraps lines at 76 characters (RFC 2045), openssl(1) and PEM at 64 (RFC 7468).
_WIDTHS = (64, 76)
# Characters in the excerpt of a value that ansible-core shows in errors, with white space collapsed.
_EXCERPT = 120
# For a value that starts 0, 1 or 2 bytes into a 3-byte group: leading characters that depend on preceding bytes too.
_BEFORE = (0, 2, 3)
# By the length of the last group: trailing characters that depend on following bytes too, padding included.
_AFTER = (0, 3, 2)
_SURROGATE = re.compile("[\ud800-\udfff]")
_URLSAFE = bytes.maketrans(b"+/", b"-_")


class Spelling(NamedTuple):
    """Bytes to look for. `reach`: how many adjacent base64 characters on either side depend on the value, too."""

    content: bytes
    reach: int = 0

    def __repr__(self) -> str:
        return f"Spelling(reach={self.reach})"


def parts_of(kind: str, value: bytes) -> set[bytes]:
    """Return the secret parts of a value: all of it, its lines and JSON fields; of a credential, its secrets."""
    return _parts_of_credential(json.loads(value)) if kind in CREDENTIAL_KINDS else _parts_of_value(value)


def _parts_of_value(value: bytes) -> set[bytes]:
    text = _decoded(value)
    if text is None:
        return {value} | _parts_of_json(value)
    lines = {line.strip() for line in text.splitlines()}
    found = {text, text.strip(), *(line for line in lines if not line.startswith(_BOUNDARIES))}
    return {part.encode() for part in found if part} | _parts_of_json(value)


def _parts_of_json(value: bytes) -> set[bytes]:
    """Return the parts of the fields of JSON, with numbers as they were written and as Python writes them."""
    leaves = {leaf for content in _readings(value) for leaf in _leaves(content)}
    return {part.encode() for leaf in leaves for part in _parts_of_text(leaf) if part}


def _parts_of_text(text: str) -> set[str]:
    # JSON can contain half a surrogate pair, which UTF-8 can't: mask what comes before and after it.
    return {part.decode() for part in _parts_of_value(_SURROGATE.sub("\n", text).encode())}


def _parts_of_credential(view: Mapping[str, Any]) -> set[bytes]:
    secrets = [view[name].encode() for name in _SECRET_FIELDS if view.get(name)]
    if "keytab_b64" in view:
        secrets.append(base64.b64decode(view["keytab_b64"]))
    return {part for secret in secrets for part in _parts_of_value(secret)}


def _decoded(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _readings(value: bytes) -> Iterator[Any]:
    """Yield the content of a JSON object or array with numbers as they were written, and as Python reads them."""
    for read in (read_json, json.loads):
        with suppress(ValueError, RecursionError):
            content = read(value)
            if isinstance(content, (dict, list)):
                yield content


def _leaves(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        data = list(data.values())
    if isinstance(data, list):
        for item in data:
            yield from _leaves(item)
    elif data is not None and not isinstance(data, bool):
        yield str(data)


def is_short(part: bytes) -> bool:
    """Return whether a part is too short to be masked."""
    text = _decoded(part)
    return len(part if text is None else text) < MIN_LENGTH


def spellings_of(parts: Iterable[bytes], *, is_long: bool = False) -> set[Spelling]:
    """Return how the parts are written other than escaped (see escapes.py): as they are, and as base64.

    `is_long`: the value exceeds ENCODED_LIMIT, so return as few as possible.
    """
    found: set[Spelling] = set()
    for part in parts:
        if is_short(part):
            continue
        found.add(Spelling(part))
        found.update([Spelling(base64.b64encode(part))] if is_long else _encoded(part))
    return {spelling for spelling in found if len(spelling.content) >= MIN_LENGTH}


def texts_of(parts: Iterable[bytes]) -> set[str]:
    """Return the parts that are text, without white space around them."""
    decoded = (_decoded(part) for part in parts if not is_short(part))
    return {text.strip() for text in decoded if text and len(text.strip()) >= MIN_LENGTH}


def excerpts_of(texts: Iterable[str]) -> set[str]:
    """Return what ansible-core quotes of long texts in errors."""
    collapsed = (" ".join(text.split()) for text in texts if len(text) > _EXCERPT)
    excerpts = {shorten(text[: 2 * _EXCERPT], _EXCERPT).removesuffix("[...]").strip() for text in collapsed}
    return {excerpt for excerpt in excerpts if len(excerpt) >= MIN_LENGTH}


def numbers_of(texts: Iterable[str]) -> set[int | float]:
    """Return the numbers that templates make of texts, but not those of fewer than 4 characters."""
    numbers = {number for text in texts for number in _numbers(text)}
    return {number for number in numbers if len(str(number).removesuffix(".0")) >= MIN_LENGTH}


def _numbers(text: str) -> Iterator[int | float]:
    with suppress(ValueError):
        yield int(text)
    # Infinity is not an integer.
    with suppress(ValueError, OverflowError):
        yield from (int(float(text)), float(text))


def _encoded(part: bytes) -> Iterator[Spelling]:
    whole = base64.b64encode(part)
    lines = [whole[start : start + width] for width in _WIDTHS for start in range(0, len(whole), width)]
    for encoded in {whole, whole.rstrip(b"="), *lines}:
        yield from _in_urls(Spelling(encoded))
    for offset, before in enumerate(_BEFORE):
        shifted = base64.b64encode(bytes(offset) + part)
        inside = shifted[before : len(shifted) - _AFTER[(offset + len(part)) % 3]]
        yield from _in_urls(Spelling(inside, reach=1))


def _in_urls(spelling: Spelling) -> Iterator[Spelling]:
    """Yield base64 as it is, in its alphabet for URLs, and escaped for a URL, with or without slashes."""
    content, reach = spelling
    yield spelling
    yield Spelling(content.translate(_URLSAFE), reach)
    for safe in ("/", ""):
        yield Spelling(quote(content, safe=safe).encode(), reach)
