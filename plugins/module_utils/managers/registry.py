# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of secret managers. A kind is a file of this folder with a MANAGER, found by its name."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..model.errors import InvalidInput
from .base import Login, Manager

if TYPE_CHECKING:
    # Never run. A module that is delegated takes along what imports name; kinds are found by their names only.
    from . import (
        aws_kms,
        aws_secrets_manager,
        azure_key_vault,
        custom,
        cyberark_ccp,
        cyberark_conjur,
        gcp_kms,
        gcp_secret_manager,
        hashicorp_vault,
        lookup,
    )

    _TAKEN_ALONG = (
        aws_kms,
        aws_secrets_manager,
        azure_key_vault,
        custom,
        cyberark_ccp,
        cyberark_conjur,
        gcp_kms,
        gcp_secret_manager,
        hashicorp_vault,
        lookup,
    )

__all__ = ["choose_login", "credentials_of", "kinds", "login_options", "manager_kind", "references_in"]


@lru_cache(maxsize=1)
def kinds() -> dict[str, type[Manager]]:
    """Return every kind's class by its name, in alphabetical order. Loads all their files."""
    # Imported here: who reads asks for one kind only.
    import pkgutil

    folder = importlib.import_module(__package__)
    classes = {}
    for file in pkgutil.iter_modules(folder.__path__):
        kind = getattr(importlib.import_module(f"{__package__}.{file.name}"), "MANAGER", None)
        if kind:
            classes[file.name] = kind
    return classes


def manager_kind(name: str) -> type[Manager]:
    """Return the class of a kind; raise InvalidInput for a name that is none here."""
    try:
        kind: type[Manager] = importlib.import_module(f"{__package__}.{name}").MANAGER
    except (ModuleNotFoundError, AttributeError):
        raise InvalidInput(
            "unknown_kind",
            f"This installation knows no secret manager kind '{name[:40]}'.",
            hint="The connector was declared by a newer collection: ansible-galaxy collection list scoped.secrets",
        ) from None
    return kind


def login_options(kind: type[Manager]) -> dict[str, Mapping[str, Any]]:
    """Return the options of all logins of a kind."""
    return {name: spec for login in kind.LOGINS for name, spec in login.OPTIONS.items()}


def credentials_of(kind: type[Manager]) -> list[str]:
    """Return the options that may be given as `<name>_ref` too."""
    return [name for name, spec in login_options(kind).items() if spec.get("no_log")] + sorted(kind.REFERABLE)


def references_in(kind: type[Manager], options: Mapping[str, Any]) -> dict[str, str]:
    """Return the references among options: `<name>_ref`, and `<option>.<name>` of dictionaries of references."""
    names = [f"{name}_ref" for name in credentials_of(kind)]
    single = {name: str(options[name]) for name in names if options.get(name)}
    dicts = {option: options.get(option) or {} for option in sorted(kind.REFERENCE_DICTS)}
    return {**single, **{f"{option}.{name}": str(text) for option, d in dicts.items() for name, text in d.items()}}


def choose_login(kind: type[Manager], given: frozenset[str], auth_method: str = "") -> type[Login]:
    """Return the login that options of these names (without `_ref`) make; raise InvalidInput.

    Without `auth_method` it is the one that takes them all and asks for the most of them.
    """
    relevant = given & login_options(kind).keys()
    fitting = [login for login in kind.LOGINS if auth_method in ("", login.NAME) and relevant <= login.OPTIONS.keys()]
    if auth_method and fitting:
        fitting[0].validate(given)
        return fitting[0]
    complete = [login for login in fitting if set(login.REQUIRED) <= relevant]
    most = max((len(login.REQUIRED) for login in complete), default=0)
    best = [login for login in complete if len(login.REQUIRED) == most]
    if len(best) != 1:
        raise _unclear(kind, relevant, auth_method, best)
    best[0].validate(given)
    return best[0]


def _unclear(
    kind: type[Manager], relevant: frozenset[str], auth_method: str, fitting: list[type[Login]]
) -> InvalidInput:
    names = ", ".join(sorted(relevant)) or "none"
    if auth_method:
        message = f"The login '{auth_method}' does not take all of the login options that are given: {names}."
    elif fitting:
        message = f"The login options ({names}) fit several logins: {', '.join(login.NAME for login in fitting)}."
    else:
        message = f"The login options ({names}) make no login of {kind.TITLE}."
    known = "; ".join(f"{login.NAME} ({', '.join(login.OPTIONS) or 'no options'})" for login in kind.LOGINS)
    return InvalidInput("unclear_login", message, hint=f"Set 'auth_method' to one of: {known}.")
