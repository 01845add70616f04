# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of secret managers and the modules that implement them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..model.errors import InvalidInput
from .base import Login, Manager

if TYPE_CHECKING:
    # Ansible ships what import statements name to other hosts. At run time, kinds are imported by name only.
    from .aws import kms as aws_kms
    from .aws import secrets_manager as aws_secrets_manager
    from .azure import key_vault as azure_key_vault
    from .custom import custom
    from .cyberark import ccp as cyberark_ccp
    from .cyberark import conjur as cyberark_conjur
    from .gcp import kms as gcp_kms
    from .gcp import secret_manager as gcp_secret_manager
    from .hashicorp_vault import vault as hashicorp_vault
    from .lookup import lookup

    _SHIPPED = (
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

__all__ = ["KINDS", "choose_login", "credentials_of", "kinds", "login_options", "manager_kind", "references_in"]

KINDS = {
    "aws_kms": "aws.kms",
    "aws_secrets_manager": "aws.secrets_manager",
    "azure_key_vault": "azure.key_vault",
    "custom": "custom.custom",
    "cyberark_ccp": "cyberark.ccp",
    "cyberark_conjur": "cyberark.conjur",
    "gcp_kms": "gcp.kms",
    "gcp_secret_manager": "gcp.secret_manager",
    "hashicorp_vault": "hashicorp_vault.vault",
    "lookup": "lookup.lookup",
}
"""The module of each kind, relative to this package. Its `MANAGER` is the class."""


@lru_cache(maxsize=1)
def kinds() -> dict[str, type[Manager]]:
    """Return the class of every kind by name, in alphabetical order. Imports all their modules."""
    return {name: manager_kind(name) for name in sorted(KINDS)}


def manager_kind(name: str) -> type[Manager]:
    """Return the class of a kind. Raises InvalidInput for a name that this version doesn't know."""
    if name not in KINDS:
        raise InvalidInput(
            "unknown_kind",
            f"This version of the collection has no secret manager kind '{name[:40]}'.",
            hint="A newer version declared the connector. Check the installed one with "
            "'ansible-galaxy collection list scoped.secrets' and upgrade it.",
        )
    kind: type[Manager] = importlib.import_module(f"{__package__}.{KINDS[name]}").MANAGER
    return kind


def login_options(kind: type[Manager]) -> dict[str, Mapping[str, Any]]:
    """Return the options of all logins of a kind."""
    return {name: spec for login in kind.LOGINS for name, spec in login.OPTIONS.items()}


def credentials_of(kind: type[Manager]) -> list[str]:
    """Return the options that can also be given as `<name>_ref`."""
    return [name for name, spec in login_options(kind).items() if spec.get("no_log")] + sorted(kind.REFERABLE)


def references_in(kind: type[Manager], options: Mapping[str, Any]) -> dict[str, str]:
    """Return the references among options: `<name>_ref`, and `<option>.<name>` of dictionaries of references."""
    names = [f"{name}_ref" for name in credentials_of(kind)]
    single = {name: str(options[name]) for name in names if options.get(name)}
    dicts = {option: options.get(option) or {} for option in sorted(kind.REFERENCE_DICTS)}
    return {**single, **{f"{option}.{name}": str(text) for option, d in dicts.items() for name, text in d.items()}}


def choose_login(kind: type[Manager], given: frozenset[str], auth_method: str = "") -> type[Login]:
    """Return the login for options with these names (without `_ref`). Raises InvalidInput.

    Without `auth_method`, it is the login that takes all of them and requires the most.
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
        message = f"The login '{auth_method}' does not take all of the given login options: {names}."
    elif fitting:
        message = f"The login options ({names}) fit several logins: {', '.join(login.NAME for login in fitting)}."
    else:
        message = f"The login options ({names}) don't match any login of {kind.TITLE}."
    known = "; ".join(f"{login.NAME} ({', '.join(login.OPTIONS) or 'no options'})" for login in kind.LOGINS)
    return InvalidInput("unclear_login", message, hint=f"Set 'auth_method' to one of: {known}.")
