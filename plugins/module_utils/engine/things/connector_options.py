# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merges a connector's stored options with those given now, and decides how its credentials are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...managers.base import Login, Manager
from ...managers.registry import choose_login, credentials_of, login_options
from ...model.entities import Connector
from ...model.errors import InvalidInput
from ...model.references import Reference

__all__ = ["WantedOptions", "wanted_options"]

_REF = "_ref"


@dataclass(frozen=True, slots=True)
class WantedOptions:
    """The options to store, without any credential's value.

    `inline` has the credentials given as values; `kept` names all that are stored as secrets of the connector.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    inline: Mapping[str, str] = field(default_factory=dict, repr=False)
    kept: tuple[str, ...] = ()


def wanted_options(
    kind: type[Manager], identifier: str, params: Mapping[str, Any], connector: Connector | None
) -> WantedOptions:
    """Return a connector's new options. Options left out stay as they are; another login replaces the stored one.

    Raises InvalidInput for options that contradict each other or make no login.
    """
    stored: Mapping[str, Any] = connector.options if connector else kind.DEFAULTS
    given = _given(kind, params)
    own = _own_options(kind, stored, given)
    login, login_part = _login_part(kind, stored, given)
    inline = {n: str(given[n]) for n, spec in login.OPTIONS.items() if spec.get("no_log") and n in given}
    references = {f"{name}{_REF}": f"{identifier}_{name}" for name in inline}
    options = {**own, **{n: v for n, v in login_part.items() if n not in inline}, **references}
    options["auth_method"] = login.NAME
    kind.validate(options)
    kept = [n for n in (connector.kept if connector else ()) if options.get(f"{n}{_REF}") == f"{identifier}_{n}"]
    return WantedOptions(options, inline, tuple(dict.fromkeys([*kept, *inline])))


def _given(kind: type[Manager], params: Mapping[str, Any]) -> dict[str, Any]:
    names = {*kind.OPTIONS, *login_options(kind), "auth_method", *(f"{name}{_REF}" for name in credentials_of(kind))}
    given = {name: params[name] for name in names if params.get(name) is not None}
    for option in kind.REFERENCE_DICTS & given.keys():
        for text in given[option].values():
            Reference.parse(text)
    for name in (name for name in given if name.endswith(_REF)):
        Reference.parse(given[name])
        if name.removesuffix(_REF) in given:
            raise InvalidInput(
                "value_and_reference",
                f"'{name}' and '{name.removesuffix(_REF)}' are both given.",
                hint="Set one of them: the value itself, or a reference to a secret that has it.",
            )
    return given


def _own_options(kind: type[Manager], stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the kind's own options. A given value replaces a stored reference for it, and the other way round."""
    names = {*kind.OPTIONS, *(f"{name}{_REF}" for name in kind.REFERABLE)}
    merged = {name: value for name, value in stored.items() if name in names}
    for name in names & given.keys():
        merged.pop(_twin(name), None)
        merged[name] = given[name]
    return {name: value for name, value in merged.items() if value != ""}


def _twin(name: str) -> str:
    return name.removesuffix(_REF) if name.endswith(_REF) else f"{name}{_REF}"


def _login_part(
    kind: type[Manager], stored: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[type[Login], dict[str, Any]]:
    """Return the login, and its options as they were given: as values or with `_ref`."""
    names = set(login_options(kind))
    new = {name: value for name, value in given.items() if name.removesuffix(_REF) in names or name in names}
    old = {name: value for name, value in stored.items() if name.removesuffix(_REF) in names or name in names}
    method, stored_method = given.get("auth_method", ""), stored.get("auth_method", "")
    if stored_method and method in ("", stored_method):
        merged = {**{name: value for name, value in old.items() if _twin(name) not in new}, **new}
        login = _fitting(kind, merged, stored_method)
        if login:
            return login, merged
    return choose_login(kind, _bases(new), method), new


def _fitting(kind: type[Manager], options: Mapping[str, Any], method: str) -> type[Login] | None:
    try:
        return choose_login(kind, _bases(options), method)
    except InvalidInput:
        return None


def _bases(options: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(name.removesuffix(_REF) for name in options)
