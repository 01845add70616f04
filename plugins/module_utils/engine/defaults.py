# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The default secret manager of a scope: where new secrets go."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..model.entities import Connector, Scope
from ..store.connectors import connectors_of
from ..store.scopes import set_default
from .managers import default_identifier, find_manager, manager_views
from .resource import Action, Info, Plan, Resource, View
from .session import Session

__all__ = ["ConnectorInfo", "DefaultManagerResource"]


@dataclass(frozen=True, slots=True)
class DefaultState:
    """The scope's chain, its connectors, and all its managers as they are shown."""

    chain: list[Scope]
    connectors: list[Connector]
    managers: list[View]


class DefaultManagerResource(Resource[DefaultState]):
    """Changing it moves nothing: secrets that exist stay with their manager."""

    noun = "connector"

    def load(self, session: Session) -> DefaultState:
        chain = session.chain(self.path)
        return DefaultState(chain, connectors_of(session.tx, chain[-1].id), manager_views(session, chain[-1]))

    def plan(self, state: DefaultState) -> Plan:
        wanted, scope = self.params["secret_manager"], state.chain[-1]
        find_manager(scope, state.connectors, wanted)
        before = {"secret_manager": default_identifier(scope, state.connectors)}
        after = {"secret_manager": wanted}
        return Plan(Action.NONE if before == after else Action.UPDATE, before, after, after)

    def apply(self, session: Session, state: DefaultState, plan: Plan) -> None:
        scope = state.chain[-1]
        connector = find_manager(scope, state.connectors, plan.fields["secret_manager"])
        connector_id = connector.id if connector else None
        set_default(session.tx, scope, connector_id)
        session.write_scope([*state.chain[:-1], replace(scope, default_connector_id=connector_id)])

    def view(self, state: DefaultState) -> View | None:
        return _view_of(state, default_identifier(state.chain[-1], state.connectors))

    def predicted(self, state: DefaultState, plan: Plan) -> View:
        return {**_view_of(state, plan.after["secret_manager"]), "is_default": True}


def _view_of(state: DefaultState, identifier: str) -> View:
    return next(view for view in state.managers if view["identifier"] == identifier)


class ConnectorInfo(Info):
    """The secret managers of a scope, the built-in one first."""

    noun = "connectors"

    def views(self, session: Session) -> list[View]:
        scope = session.chain(self.path)[-1]
        wanted, kind = self.params.get("identifier"), self.params.get("kind")
        return [
            view
            for view in manager_views(session, scope)
            if wanted in (None, view["identifier"]) and kind in (None, view["kind"])
        ]
