# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that replaces secret expressions in text with their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display
from jinja2 import pass_context
from jinja2.runtime import Context, Undefined
from jinja2.utils import missing

from ..module_utils.processes import bytecode

bytecode.prefer()

from ..module_utils.face.facts import FACTS
from ..module_utils.face.options import OPTIONS, resolve_options
from ..module_utils.face.reading import check_options, read, to_text
from ..module_utils.model.errors import InvalidInput, ScopedSecretsError
from ..module_utils.model.references import EXPRESSION
from ..plugin_utils.values import verbatim


@pass_context
def resolve(context: Context, data: Any, **given: Any) -> Any:
    """Return `data` with every expression in its strings replaced by the value of its secret."""
    try:
        check_options(given, {}, "filter scoped.secrets.resolve")
        options = resolve_options(given, _variables(context), None, C.CONFIG_FILE)
        return verbatim(_replaced(data, _values(data, options)))
    except ScopedSecretsError as error:
        raise AnsibleFilterError(f"{error} [{error.code}]") from None


def _variables(context: Context) -> dict[str, Any]:
    """Return those variables that settings can come from, and what tells which of them are facts."""
    names = ("inventory_hostname", FACTS, *(option.var for option in OPTIONS if option.var))
    found = {name: context.resolve_or_missing(name) for name in names}
    return {name: value for name, value in found.items() if value is not missing and not isinstance(value, Undefined)}


def _values(data: Any, options: dict[str, str]) -> dict[str, str]:
    """Return the values of all references in `data`, fetched in one call."""
    references = list(dict.fromkeys(match["reference"] for text in _strings(data) for match in _matches(text)))
    answers = read(references, options, Display().warning)
    return {r: to_text(answer, r) for r, answer in zip(references, answers, strict=True)}


def _matches(text: str) -> Iterator[Any]:
    matches = list(EXPRESSION.finditer(text))
    if len(matches) != text.count("<+secrets.getValue("):
        raise InvalidInput(
            "invalid_expression",
            "The text has an incomplete expression '<+secrets.getValue(…)>'.",
            hint='Write <+secrets.getValue("REFERENCE")>, with the reference in quotes.',
        )
    yield from matches


def _strings(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from _strings(value)
    elif isinstance(data, (list, tuple)):
        for value in data:
            yield from _strings(value)


def _replaced(data: Any, values: dict[str, str]) -> Any:
    if isinstance(data, str):
        return EXPRESSION.sub(lambda match: values[match["reference"]], data)
    if isinstance(data, dict):
        return {key: _replaced(value, values) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_replaced(value, values) for value in data]
    return data


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"resolve": resolve}
