# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading values for templates; the lookup and the filter share this."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..client.connect import connect
from ..model.errors import InvalidInput
from ..model.queries import CREDENTIAL_KINDS, Answer, Query
from .options import ARGUMENTS, settings_of

__all__ = ["check_options", "is_omitted", "read", "references_in", "text_of_option", "to_template", "to_text"]

ENCODINGS = ("text", "base64")
_OMIT_TEXT, _OMIT_TYPE = "__omit_place_holder__", "_OmitType"


def is_omitted(value: Any) -> bool:
    """Return whether a value is `omit`: a text of its own in ansible-core 2.18, the one object of its type later."""
    return type(value).__name__ == _OMIT_TYPE or (isinstance(value, str) and value.startswith(_OMIT_TEXT))


def references_in(terms: Iterable[Any]) -> list[str]:
    """Return the terms of a lookup; raise InvalidInput for one that is not text, such as none."""
    references = list(terms)
    for term in references:
        if not isinstance(term, str) or is_omitted(term):
            raise InvalidInput(
                "invalid_reference",
                f"A term of the lookup is {'none' if term is None else 'not text'}, so it names no secret.",
                hint="Check the variable that it comes from. 'default' does not help here: it is for secrets that do "
                "not exist.",
            )
    return references


def text_of_option(given: Mapping[str, Any], name: str) -> str:
    """Return a lookup's option that may be text or a whole number, empty if it is not given; raise InvalidInput."""
    value = given.get(name)
    if value is None:
        return ""
    is_plain = isinstance(value, (str, int)) and not isinstance(value, bool)
    text = str(value) if is_plain else ""
    if not text:
        raise InvalidInput(
            "invalid_option",
            f"The option '{name}' of the lookup must be text or a whole number, and not empty.",
            hint=f"Put it in quotes. To read without it, leave '{name}' out, or set it to none.",
        )
    return text


def read(
    references: list[str],
    options: Mapping[str, str],
    warn: Callable[[str], None],
    *,
    version: str = "",
    key: str = "",
    cache_ttl: int | None = None,
    preload: bool = False,
) -> list[Answer]:
    """Return one answer per reference, all fetched in one call. `options` are the resolved shared options.

    With `preload`, the broker first fetches all values that secret managers hold for the scope.
    """
    if not (references or preload):
        return []
    client = connect(settings_of(options))
    scope = options["org"], options["project"]
    if preload:
        client.preload(*scope)
    answers = client.resolve([Query(reference, *scope, version, key, cache_ttl) for reference in references])
    for notice in client.take_notices():
        warn(notice)
    return answers


def to_template(answer: Answer, reference: str, encoding: str = "text") -> Any:
    """Return an answer's value for a template: text, or a dictionary for a credential.

    Raises the answer's error, or InvalidInput if the value is not text and `encoding` is text.
    """
    if answer.error:
        raise answer.error
    if answer.kind in CREDENTIAL_KINDS:
        return _credential(answer)
    if encoding == "base64":
        return base64.b64encode(answer.value).decode()
    try:
        return answer.value.decode()
    except UnicodeDecodeError:
        raise InvalidInput(
            "not_text",
            f"The value of '{reference}' is not valid UTF-8 text.",
            hint="Read it with encoding='base64' and decode it where you use it (for example with b64decode).",
        ) from None


def to_text(answer: Answer, reference: str) -> str:
    """Return an answer's value as text; raise like `to_template`, and InvalidInput for a credential."""
    if answer.kind in CREDENTIAL_KINDS:
        raise InvalidInput(
            "credential_not_value",
            f"'{reference}' is a credential, which has fields instead of a single value.",
            hint="Name one of its fields, for example NAME#password.",
        )
    return str(to_template(answer, reference))


def _credential(answer: Answer) -> dict[str, Any]:
    credential: dict[str, Any] = json.loads(answer.value)
    if credential.get("ticket_cache"):
        # The winrm and psrp connections run in this process and find a ticket only through this variable.
        os.environ["KRB5CCNAME"] = credential["ticket_cache"]
    return credential


def check_options(given: Mapping[str, Any], own: Mapping[str, tuple[Any, ...]], face: str) -> None:
    """Raise InvalidInput for an option that `face` does not have or a value that is not one of its choices.

    `own` maps the face's own options to their choices; an empty tuple allows any value.
    """
    known = {**{option.name: () for option in ARGUMENTS}, **own}
    for name, value in given.items():
        if name not in known:
            raise InvalidInput(
                "unknown_option",
                f"The {face} has no option '{name}'.",
                hint=f"Use one of its options: {', '.join(sorted(known))}.",
            )
        if known[name] and value not in known[name]:
            raise InvalidInput(
                "invalid_option",
                f"The option '{name}' of the {face} has an invalid value.",
                hint=f"Set it to one of: {', '.join(map(str, known[name]))}.",
            )
