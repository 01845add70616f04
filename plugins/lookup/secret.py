# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup plugin. Its documentation is in secret.yml, so that workers don't have to read it."""

from __future__ import annotations

from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleLookupError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ..module_utils.processes import bytecode

bytecode.prefer()

from ..module_utils.face.options import resolve_options
from ..module_utils.face.reading import (
    ENCODINGS,
    check_options,
    is_omitted,
    read,
    references_in,
    text_of_option,
    to_template,
)
from ..module_utils.model.errors import Forbidden, InvalidInput, NotFound, ScopedSecretsError
from ..module_utils.model.queries import Answer
from ..plugin_utils.values import verbatim

# Otherwise ansible-core would parse this file for documentation, which it doesn't have, at each call.
C.config.initialize_plugin_configuration_definitions("lookup", __name__, {})

_POLICIES = ("error", "warn", "skip")
_OPTIONS: dict[str, tuple[Any, ...]] = {
    "version": (),
    "key": (),
    "encoding": ENCODINGS,
    "on_missing": _POLICIES,
    "on_denied": _POLICIES,
    "default": (),
    "cache_ttl": (),
    "preload": (),
}


class LookupModule(LookupBase):
    """Resolves references to values."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        try:
            return self._run(references_in(self._flatten(terms)), variables or {}, _given(kwargs))
        except ScopedSecretsError as error:
            raise AnsibleLookupError(f"{error} [{error.code}]") from None

    def _run(self, references: list[str], variables: dict[str, Any], given: dict[str, Any]) -> list[Any]:
        check_options(given, _OPTIONS, "lookup scoped.secrets.secret")
        options = resolve_options(given, variables, self._templar.template, C.CONFIG_FILE)
        answers = read(
            references,
            options,
            Display().warning,
            version=text_of_option(given, "version"),
            key=text_of_option(given, "key"),
            cache_ttl=_seconds(given.get("cache_ttl")),
            preload=_switch(given.get("preload", False)),
        )
        found: list[Any] = []
        for reference, answer in zip(references, answers, strict=True):
            found += _value(reference, answer, given)
        return found


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given: all but those set to none or omit, which only `default` may be."""
    return {
        name: value for name, value in options.items() if name == "default" or not (value is None or is_omitted(value))
    }


def _value(reference: str, answer: Answer, given: dict[str, Any]) -> list[Any]:
    """Return a list with the value or the default; an empty one if a policy allows omitting it."""
    try:
        return [verbatim(to_template(answer, reference, given.get("encoding", "text")))]
    except NotFound as error:
        if "default" in given:
            return [given["default"]]
        return _without(error, given.get("on_missing"))
    except Forbidden as error:
        return _without(error, given.get("on_denied"))


def _without(error: ScopedSecretsError, policy: str | None) -> list[Any]:
    if policy not in ("warn", "skip"):
        raise error
    if policy == "warn":
        Display().warning(f"{error} [{error.code}]")
    return []


def _switch(given: Any) -> bool:
    try:
        return bool(boolean(given))
    except TypeError:
        raise InvalidInput(
            "invalid_option",
            "The option 'preload' of the lookup must be true or false.",
            hint="Write preload=true or preload=false.",
        ) from None


def _seconds(ttl: Any) -> int | None:
    if ttl is None:
        return None
    if not (str(ttl).isascii() and str(ttl).isdigit()):
        raise InvalidInput(
            "invalid_option",
            "The option 'cache_ttl' of the lookup must be a number of seconds.",
            hint="Write cache_ttl=60, or cache_ttl=0 to read from the secret manager each time.",
        )
    return int(ttl)
