# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which secret manager a new secret goes to, and how managers are shown."""

from __future__ import annotations

from typing import Any

from ..managers import builtin
from ..model.entities import Connector, Scope
from ..model.errors import Conflict, NotFound
from ..store.connectors import connectors_of
from ..store.secrets import count_secrets
from .session import Session

__all__ = ["check_takes_new", "default_identifier", "find_manager", "manager_views", "names_of"]


def names_of(scope: Scope, connectors: list[Connector]) -> list[str]:
    """Return the identifiers of the managers that a scope may use."""
    return [*([builtin.NAME] if scope.builtin_enabled else []), *(c.identifier for c in connectors)]


def default_identifier(scope: Scope, connectors: list[Connector]) -> str:
    """Return the identifier of the manager that new secrets go to."""
    return next((c.identifier for c in connectors if c.id == scope.default_connector_id), builtin.NAME)


def find_manager(scope: Scope, connectors: list[Connector], identifier: str) -> Connector | None:
    """Return the named manager of the scope, None for the built-in one; raise NotFound, or Conflict if switched off."""
    if identifier == builtin.NAME:
        check_takes_new(scope, connectors, None)
        return None
    for connector in connectors:
        if connector.identifier == identifier:
            return connector
    raise NotFound(
        "unknown_connector",
        f"There is no connector '{identifier}' in {scope.path}.",
        hint=f"Its secret managers are: {', '.join(names_of(scope, connectors)) or 'none'}.",
    )


def check_takes_new(scope: Scope, connectors: list[Connector], connector_id: str | None) -> None:
    """Raise Conflict if new secrets would go to a built-in manager that is switched off."""
    if connector_id is None and not scope.builtin_enabled:
        raise Conflict(
            "builtin_disabled",
            f"The built-in secret manager of {scope.path} is switched off and takes no new secrets.",
            hint=f"Use one of its connectors ({', '.join(names_of(scope, connectors)) or 'it has none yet'}), make one "
            "the default with scoped.secrets.default_secret_manager, or set 'builtin_manager: enabled' on the scope.",
        )


def manager_views(session: Session, scope: Scope) -> list[dict[str, Any]]:
    """Return the scope's managers as users see them, the built-in one first."""
    connectors = connectors_of(session.tx, scope.id)
    default = default_identifier(scope, connectors)
    views = [_builtin_view(scope), *map(_connector_view, connectors)]
    ids = [None, *(connector.id for connector in connectors)]
    for view, connector_id in zip(views, ids, strict=True):
        view["org"], view["project"] = scope.path.org, scope.path.project
        view["is_default"] = view["identifier"] == default
        view["secrets"] = count_secrets(session.tx, scope.id, connector_id, by_manager=True)
    return views


def _builtin_view(scope: Scope) -> dict[str, Any]:
    return {
        "identifier": builtin.NAME,
        "kind": builtin.NAME,
        "name": "Built-in secret manager",
        "description": "",
        "tags": {},
        "enabled": scope.builtin_enabled,
    }


def _connector_view(connector: Connector) -> dict[str, Any]:
    return {
        "identifier": connector.identifier,
        "kind": connector.kind,
        "name": connector.name,
        "description": connector.description,
        "tags": connector.tags,
        "enabled": True,
    }
