# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The place of a secret at a value keeper, which follows from the connector, the scope and the identifier."""

from __future__ import annotations

from typing import cast

from ...managers.base import ValueKeeper
from ...managers.path_templates import check_template, names_of
from ...model.entities import Secret
from ...model.errors import Damaged
from ...model.scopes import Level, ScopePath
from ..rows.scoped_connectors import ScopedConnector
from .providers import describe

__all__ = ["check_template_of", "kept_path", "own_path"]


def check_template_of(connector: ScopedConnector) -> None:
    """Raise InvalidInput if secrets of several scopes could have one place at a connector's value keeper."""
    below = {Level.ACCOUNT: {"org", "project"}, Level.ORG: {"project"}}.get(connector.path.level, set())
    check_template(_template_of(connector), below)


def _template_of(connector: ScopedConnector) -> str:
    return str(connector.row.options.get("path_template") or "")


def own_path(connector: ScopedConnector, scope: ScopePath, identifier: str) -> str:
    """Return the place of a scope's secret at a value keeper. Raises InvalidInput for a name that it can't take."""
    is_own = scope == connector.path
    names = names_of(_template_of(connector), identifier, scope.org, scope.project, is_own=is_own)
    return cast(ValueKeeper, describe(connector)).path_of(*names)


def kept_path(connector: ScopedConnector, scope: ScopePath, secret: Secret) -> str:
    """Return the path of a value that a value keeper has; raise Damaged if it is not the place of this secret.

    With the key of its scope and access to the database, a team can write any path into a secret's row.
    """
    if secret.path != own_path(connector, scope, secret.identifier):
        raise Damaged(
            "foreign_place",
            f"Secret '{secret.identifier}' in {scope} says that its value is at '{secret.path}' of {connector.what}, "
            "but that is not the place of this secret.",
            hint="This collection did not write that. Find out which holder of the scope's key can write to the "
            "database. Then remove the secret with 'force: true' and declare it again.",
        )
    return secret.path
