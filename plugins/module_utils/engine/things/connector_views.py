# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors as users see them: listed and checked, never with a value."""

from __future__ import annotations

from typing import Any

from ...managers import builtin
from ...model.entities import Scope
from ...model.errors import NotFound, ScopedSecretsError
from ...store.secrets import count_kept, count_secrets
from ..changes.resource import Info, View
from ..providers.access import Access
from ..rows.scoped_connectors import Keeper, Managers, load_managers
from ..rows.session import Session

__all__ = ["ConnectorCheck", "ConnectorInfo", "manager_views", "view_of"]


def manager_views(session: Session, managers: Managers) -> list[View]:
    """Return the views of the scope's own managers, the built-in one first."""
    own = [k for k in managers.keepers if k.path == managers.scope.path and not k.connector.is_removed]
    kept = count_secrets(session.tx, managers.scope.id, builtin_only=True)
    views = [view_of(keeper, managers.default, count_kept(session.tx, keeper.connector.id)) for keeper in own]
    return [_builtin_view(managers.scope, managers.default, kept), *views]


def view_of(keeper: Keeper, default: str, secrets: int) -> View:
    """Return a connector's view. `default`: the name of its scope's default manager; `secrets`: how many it keeps."""
    connector = keeper.connector
    options = {name: value for name, value in connector.options.items() if name != "settled"}
    return {
        "identifier": connector.identifier,
        "kind": connector.kind,
        "name": connector.name,
        "description": connector.description,
        "tags": connector.tags,
        "org": keeper.path.org,
        "project": keeper.path.project,
        "enabled": True,
        "is_default": connector.identifier == default,
        "secrets": secrets,
        "options": options,
        "created_at": connector.created_at,
        "updated_at": connector.updated_at,
    }


def _builtin_view(scope: Scope, default: str, secrets: int) -> View:
    return {
        "identifier": builtin.NAME,
        "kind": builtin.NAME,
        "name": "Built-in secret manager",
        "description": "",
        "tags": {},
        "org": scope.path.org,
        "project": scope.path.project,
        "enabled": scope.builtin_enabled,
        "is_default": default == builtin.NAME,
        "secrets": secrets,
        "options": {},
    }


class ConnectorInfo(Info):
    """The secret managers of a scope, the built-in one first."""

    noun = "connectors"

    def views(self, session: Session) -> list[View]:
        managers = load_managers(session, session.chain(self.path))
        wanted, kind = self.params.get("identifier"), self.params.get("kind")
        return [
            view
            for view in manager_views(session, managers)
            if wanted in (None, view["identifier"]) and kind in (None, view["kind"])
        ]


class ConnectorCheck:
    """Checks that a connector's login works and has the rights that the connector needs. Reads no value."""

    noun = "connector"

    def __init__(self, params: dict[str, Any]) -> None:
        self._info = ConnectorInfo({**params, "kind": None})
        self.path = self._info.path
        self._identifier = params["identifier"]

    def load(self, session: Session) -> tuple[Keeper, View]:
        """Return the connector and its view; raise NotFound."""
        managers = load_managers(session, session.chain(self._info.path))
        for keeper in managers.keepers:
            connector = keeper.connector
            if keeper.path == self._info.path and not connector.is_removed and connector.identifier == self._identifier:
                return keeper, self._info.views(session)[0]
        raise NotFound(
            "unknown_connector",
            f"There is no connector '{self._identifier}' in {self._info.path}.",
            hint=f"Its secret managers are: {', '.join(managers.names) or 'none'}.",
        )

    def outcome(self, access: Access, keeper: Keeper, view: View) -> View:
        """Log in and return the view with `status` (ready, unknown, error), `code`, `message` and `hint`."""
        try:
            access.prove(keeper, {})
        except ScopedSecretsError as error:
            status = "unknown" if error.category == "unavailable" else "error"
            return {**view, "status": status, "code": error.code, "message": error.message, "hint": error.hint}
        return {**view, "status": "ready", "code": "", "message": "", "hint": ""}
