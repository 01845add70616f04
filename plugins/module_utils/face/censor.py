# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Censoring: keeps what a task was given as a secret out of the task's result.

A result of the engine has no value in it: its data comes from rows, and values are bytes. Only its prose, such as an
error message, may quote what the task was given. So only prose is searched: if a value happens to be a word of the
structure (`failed`, a year, a part of an identifier), the structure must stay as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..model.censored import CENSORED, MIN_LENGTH
from ..model.passwords import passwords_in

__all__ = [
    "HIDDEN",
    "censor",
    "censored_result",
    "may_be_secret",
    "secret_strings",
    "shown",
    "with_prose",
]

HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
# Fields of a result, at any depth, whose text people wrote for people.
_WORDS = "msg hint warnings deprecations details exception module_stdout module_stderr description tags"
_PROSE = frozenset(_WORDS.split())
# Characters of a value that is in a name by mistake, not by chance.
_LONG = 16


def secret_strings(arguments: Mapping[str, Any], spec: Mapping[str, Any]) -> set[str]:
    """Return all strings in the arguments that may be secret, each of their lines, and the passwords in URLs.

    Strings shorter than MIN_LENGTH are left out.
    """
    found: set[str] = set()
    for name, value in arguments.items():
        option = spec.get(name) or {}
        if may_be_secret(name, value, spec):
            found.update(_strings(value))
        elif _is_url(name):
            found |= passwords_in(str(value))
        elif isinstance(option.get("options"), dict) and isinstance(value, Mapping):
            found |= secret_strings(value, option["options"])
    lines = {line.strip() for text in found for line in text.splitlines()}
    return {text for text in found | lines if len(text) >= MIN_LENGTH}


def may_be_secret(name: str, value: Any, spec: Mapping[str, Any]) -> bool:
    """Return whether an option is no_log in `spec`, or a likely mistake for one: an unknown name, text for a dict."""
    option = spec.get(name)
    if option is None or option.get("no_log"):
        return True
    return option.get("type") == "dict" and not isinstance(value, Mapping)


def _is_url(name: str) -> bool:
    return name.endswith(("url", "endpoint")) or name in ("authority", "store")


def shown(arguments: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task's arguments as -vvv shows them: without values of secret and unknown options."""
    return {name: _shown(name, value, spec) for name, value in arguments.items()}


def _shown(name: str, value: Any, spec: Mapping[str, Any]) -> Any:
    if may_be_secret(name, value, spec):
        return HIDDEN
    if _is_url(name):
        return censor(value, passwords_in(str(value)))
    nested = spec[name].get("options")
    return shown(value, nested) if nested and isinstance(value, Mapping) else value


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, bytes):
        yield value.decode(errors="replace")
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def censored_result(result: Mapping[str, Any], secrets: set[str]) -> dict[str, Any]:
    """Return a task's result with every secret string replaced in its prose."""
    censored = with_prose(result, lambda prose: censor(prose, secrets))
    if "invocation" in censored:
        censored["invocation"] = _without_misplaced(censored["invocation"], secrets)
    return censored


def _without_misplaced(arguments: Any, secrets: set[str]) -> Any:
    """Return a task's arguments without values in the wrong option.

    A name that merely has a short or common value in it, such as `postgres`, stays.
    """
    if isinstance(arguments, Mapping):
        return {name: _without_misplaced(value, secrets) for name, value in arguments.items()}
    if isinstance(arguments, (list, tuple)):
        return [_without_misplaced(value, secrets) for value in arguments]
    if not isinstance(arguments, str):
        return arguments
    is_name = arguments not in secrets and not any(map(str.isspace, arguments))
    return censor(arguments, {secret for secret in secrets if len(secret) >= _LONG} if is_name else secrets)


def with_prose(result: Mapping[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """Return a result of this collection's modules with its prose changed, and the rest as it is."""
    return {name: change(value) if name in _PROSE else _with_prose(value, change) for name, value in result.items()}


def _with_prose(data: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(data, Mapping):
        return with_prose(data, change)
    if isinstance(data, (list, tuple)):
        return [_with_prose(item, change) for item in data]
    return data


def censor(data: Any, secrets: set[str]) -> Any:
    """Return `data` with every occurrence of a secret string replaced in its strings. Keys of dictionaries stay."""
    secrets = {secret for secret in secrets if secret}
    if not secrets:
        return data
    return _Censor(secrets).censored(data)


class _Censor:
    """Scans each text once, regardless of the number of secrets: a manifest may have thousands."""

    def __init__(self, secrets: set[str]) -> None:
        self._length = min(MIN_LENGTH, *map(len, secrets))
        self._by_head: dict[str, list[str]] = {}
        for secret in secrets:
            self._by_head.setdefault(secret[: self._length], []).append(secret)
        self._masked: dict[str, str | None] = {}

    def censored(self, data: Any) -> Any:
        if isinstance(data, str):
            return self._mask(data)
        if isinstance(data, Mapping):
            return {key: self.censored(value) for key, value in data.items()}
        if isinstance(data, (list, tuple, set)):
            return [self.censored(item) for item in data]
        return data

    def _mask(self, text: str) -> str:
        """Return the text with each run of secrets, which may overlap, replaced by one mark."""
        if text not in self._masked:
            hidden = self._hidden(text)
            runs = re.finditer(rb"\x00+|\x01+", bytes(hidden))
            parts = (CENSORED if run[0][0] else text[run.start() : run.end()] for run in runs)
            self._masked[text] = "".join(parts) if any(hidden) else None
        masked = self._masked[text]
        return text if masked is None else masked

    def _hidden(self, text: str) -> bytearray:
        """Return one byte per character: 1 if it is part of a secret, otherwise 0."""
        hidden = bytearray(len(text))
        for at in range(len(text) - self._length + 1):
            for secret in self._by_head.get(text[at : at + self._length], ()):
                if text.startswith(secret, at):
                    hidden[at : at + len(secret)] = b"\x01" * len(secret)
        return hidden
