# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One change on the write road. Wherever it is cut off, the next run makes one consistent state of it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from ...model.entities import Intent
from ...model.errors import NotFound
from ...model.messages import Result
from ...model.scopes import ScopePath
from ..providers.access import Access
from ..providers.runtime import Runtime
from ..rows.session import Session
from .intents import Intents, Moved
from .resource import Action, Plan, Resource

__all__ = ["Change", "Step"]


class Step(Enum):
    """What happens to a change once it is planned, in this order."""

    RECORD = auto()
    PREPARE = auto()
    COMMIT = auto()
    CLEAR = auto()


class Change:
    """A plan that is to be carried out. `state` and `plan` follow what is found on the way."""

    def __init__(self, runtime: Runtime, access: Access, resource: Resource[Any], state: Any, plan: Plan) -> None:
        self.resource = resource
        self.state, self.plan = state, plan
        self._access = access
        self._planned_on = state
        self._intents = Intents(runtime, access, resource.goals(state, plan))
        self._prepared: Any = None
        self.is_in_store = resource.is_in_store(state)
        """Whether no secret manager has a part in it."""

    @property
    def path(self) -> ScopePath:
        return self.resource.path

    @property
    def has_goals(self) -> bool:
        """Whether it changes anything at a value keeper."""
        return self._intents.has_goals

    def record(self, session: Session, begun: list[Intent]) -> None:
        """Write its intents, and add them to `begun`, which holds those of all changes.

        Raises Held while another change works at the same value, and Moved where the plan no longer holds.
        """
        self._intents.check_free(session, begun)
        self._check(session)
        begun += self._intents.write(session)

    def is_recorded(self) -> None:
        """Take note that the transaction of `record` has been committed."""
        self._intents.is_recorded()

    def prepare(self) -> None:
        """Do at secret managers what must be done before the store changes."""
        self._prepared = self.resource.prepare(self._access, self.state, self.plan)

    def follow(self, session: Session) -> Callable[[], None]:
        """Change the store; return what to call once the transaction has been committed.

        Where only the store is involved, the change is planned again on the state of this transaction. Otherwise the
        plan must still hold. Raises Moved if it does not, or if a secret manager has a part in it by now.
        """
        resource, plan, state = self.resource, self.plan, self._load(session)
        if self.is_in_store and not resource.is_in_store(state):
            raise Moved
        if self._prepared is None:
            plan = resource.plan(state)
        else:
            self._check_same(state)
        if plan.action is not Action.NONE:
            self._intents.clear_done(session)
            resource.apply(session, state, plan, self._prepared)
            state = state if plan.action is Action.DELETE else resource.load(session)

        def done() -> None:
            self.state, self.plan = state, plan

        return done

    def clear(self) -> None:
        """Do at secret managers what must be done after the store has changed, and delete its intents."""
        self._intents.clear_rest()

    def give_up(self, error: BaseException) -> None:
        """Undo an unfinished change, or leave that to a later run."""
        self._intents.give_up(error)

    def result(self) -> Result:
        """Return what the change brought."""
        return self.resource.result(self.state, self.plan, warnings=self._access.warnings)

    def _load(self, session: Session) -> Any:
        try:
            return self.resource.with_observed(self.resource.load(session), self._planned_on)
        except NotFound:
            # Its scope was removed since.
            raise Moved from None

    def _check(self, session: Session) -> None:
        self._check_same(self._load(session))

    def _check_same(self, state: Any) -> None:
        """Raise Moved unless the plan that was made on an earlier state holds for this one."""
        if self.resource.guard(state) != self.resource.guard(self._planned_on):
            raise Moved
