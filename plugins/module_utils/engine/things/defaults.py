# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The default secret manager of a scope, which new secrets go to."""

from __future__ import annotations

from dataclasses import dataclass

from ...model.audit import Subject
from ...model.entities import Scope
from ...model.messages import View
from ...store.scopes import set_default
from ..changes.resource import Action, Plan, Resource
from ..rows.scoped_connectors import Managers, load_managers
from ..rows.session import Session
from .connector_views import manager_views

__all__ = ["DefaultManagerResource", "write_default"]


@dataclass(frozen=True, slots=True)
class DefaultState:
    """The scope's chain, its managers, and their views."""

    chain: list[Scope]
    managers: Managers
    views: list[View]


class DefaultManagerResource(Resource[DefaultState]):
    """The default manager. Changing it moves nothing: existing secrets stay with their manager."""

    noun = "connector"
    is_batchable = True

    def load(self, session: Session) -> DefaultState:
        chain = session.chain(self.path)
        managers = load_managers(session, chain)
        return DefaultState(chain, managers, manager_views(session, managers))

    def plan(self, state: DefaultState) -> Plan:
        wanted = self.params["secret_manager"]
        state.managers.for_new(wanted)
        before = {"secret_manager": state.managers.default}
        after = {"secret_manager": wanted}
        return Plan(Action.NONE if before == after else Action.UPDATE, before, after, after)

    def apply(self, session: Session, state: DefaultState, plan: Plan, prepared: None) -> None:
        connector = state.managers.for_new(plan.fields["secret_manager"])
        write_default(session, state.chain, connector.row.id if connector else None, made_by=self.made_by)

    def is_in_store(self, state: DefaultState) -> bool:
        return True

    @property
    def subject(self) -> Subject:
        return Subject("scope", self.path.announced, self.path.identifier)

    def view(self, state: DefaultState) -> View | None:
        return self._view_of(state, state.managers.default)

    def predicted(self, state: DefaultState, plan: Plan) -> View:
        return {**self._view_of(state, plan.after["secret_manager"]), "is_default": True}

    def _view_of(self, state: DefaultState, name: str) -> View:
        of_a_higher_scope: View = {
            "identifier": name,
            "org": self.path.org,
            "project": self.path.project,
            "is_default": True,
        }
        return next((view for view in state.views if view["identifier"] == name), of_a_higher_scope)


def write_default(session: Session, chain: list[Scope], connector_id: str | None, *, made_by: str = "") -> None:
    """Make a connector the default manager of the last scope of a chain; None: the built-in manager.

    `made_by` is the manifest that declares it, if any.
    """
    made_by = made_by if connector_id else ""
    set_default(session.tx, chain[-1], connector_id, made_by)
    scope = chain[-1]._replace(default_connector_id=connector_id, default_made_by=made_by)
    session.write_scope([*chain[:-1], scope])
    session.note("update", chain[-1].path, chain[-1])
