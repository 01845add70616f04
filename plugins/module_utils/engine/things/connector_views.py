# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors as users see them: listed and checked, never with a value."""

from __future__ import annotations

from typing import Any

from ...managers import builtin
from ...managers.checks import AccessProof
from ...model.entities import Scope
from ...model.errors import NotFound, ScopedSecretsError
from ...model.messages import View
from ...store.secrets import count_kept, count_secrets
from ..changes.resource import Info
from ..providers.access import Access
from ..rows.scoped_connectors import Managers, ScopedConnector, load_managers
from ..rows.session import Session

__all__ = ["ConnectorCheck", "ConnectorInfo", "manager_views", "view_of"]


def manager_views(session: Session, managers: Managers) -> list[View]:
    """Return the views of the scope's own managers, the built-in one first."""
    own = [k for k in managers.connectors if k.path == managers.scope.path and not k.row.is_removed]
    kept = count_secrets(session.tx, managers.scope.id, builtin_only=True)
    views = [view_of(connector, managers.default, count_kept(session.tx, connector.row.id)) for connector in own]
    return [_builtin_view(managers.scope, managers.default, kept), *views]


def view_of(connector: ScopedConnector, default: str, secrets: int) -> View:
    """Return a connector's view. `default`: the name of its scope's default manager; `secrets`: how many it keeps."""
    row = connector.row
    options = {name: value for name, value in row.options.items() if name != "settled"}
    return {
        "identifier": row.identifier,
        "kind": row.kind,
        "name": row.name,
        "description": row.description,
        "tags": row.tags,
        "org": connector.path.org,
        "project": connector.path.project,
        "enabled": True,
        "is_default": row.identifier == default,
        "secrets": secrets,
        "options": options,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
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
        self._fails = bool(params.get("fail"))
        self._right = params.get("check") or ""

    def load(self, session: Session) -> tuple[ScopedConnector, View]:
        """Return the connector and its view; raise NotFound."""
        managers = load_managers(session, session.chain(self._info.path))
        for connector in managers.connectors:
            row = connector.row
            if connector.path == self._info.path and not row.is_removed and row.identifier == self._identifier:
                return connector, self._info.views(session)[0]
        raise NotFound(
            "unknown_connector",
            f"There is no connector '{self._identifier}' in {self._info.path}.",
            hint=f"Its secret managers are: {', '.join(managers.names) or 'none'}.",
        )

    def outcome(self, access: Access, connector: ScopedConnector, view: View, *, may_write: bool) -> View:
        """Log in and return the view with `status` (ready, unknown, error), `code`, `message`, `hint` and `proof`.

        Raises what went wrong if the task asks for that (`fail`).
        """
        proof = AccessProof()
        try:
            access.prove(connector, {}, proof, right=self._right, may_write=may_write)
        except ScopedSecretsError as error:
            if self._fails:
                raise
            proof.end(error)
            status = "unknown" if error.category == "unavailable" else "error"
            outcome = {"status": status, "code": error.code, "message": error.message, "hint": error.hint}
        else:
            outcome = {"status": "ready", "code": "", "message": "", "hint": ""}
        return {**view, **outcome, "proof": proof.view}
