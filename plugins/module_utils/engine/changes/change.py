# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that a change takes. After whichever it was cut off, the next run makes one consistent state of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

from ...model.entities import Intent
from ...model.messages import Result
from ...model.scopes import ScopePath
from ..providers.access import Access
from ..rows.session import Session
from .intents import Intents, Moved
from .resource import Action, Plan, Resource

if TYPE_CHECKING:
    from ..engine import Engine

__all__ = ["Change", "Step"]


class Step(Enum):
    """The steps, in their order."""

    RECORD = "record"
    PREPARE = "prepare"
    COMMIT = "commit"
    CLEAR = "clear"


class Change:
    """One plan, carried out."""

    def __init__(self, engine: Engine, access: Access, resource: Resource[Any], state: Any, plan: Plan) -> None:
        self._engine = engine
        self._access = access
        self._resource = resource
        self._before = state
        self._intents = Intents(engine, access, resource.goals(state, plan))
        self._prepared: Any = None
        self.state, self.plan = state, plan

    def run(self) -> None:
        """Take all steps. `state` and `plan` are what came of it."""
        self._engine.audit.ensure(self._resource.path)
        try:
            for step in Step:
                self.STEPS[step](self)
        except BaseException as error:
            self.give_up(error)
            raise

    @property
    def path(self) -> ScopePath:
        """The scope that it is about."""
        return self._resource.path

    def give_up(self, error: BaseException) -> None:
        """Put right what was begun, or leave that to those who come later."""
        self._intents.give_up(error)

    def record(self) -> None:
        """Write down what is about to be done at providers."""
        self._intents.record(self._check)

    def record_among(self, session: Session, begun: list[Intent]) -> bool:
        """Write the same down in a transaction with others, unless an intent stands in the way or it is planned anew.

        What is written is added to `begun`, the intents of all.
        """
        return self._intents.record_among(session, begun, self._check)

    def is_recorded(self) -> None:
        """Take note that this transaction is over."""
        self._intents.is_recorded()

    def prepare(self) -> None:
        """Do at secret managers what comes before the store."""
        self._prepared = self._resource.prepare(self._access, self.state, self.plan)

    def commit(self) -> None:
        """Let the store follow, in one transaction."""
        self._engine.write(self.follow, self._resource.path)()

    def follow(self, session: Session) -> Callable[[], None]:
        """Let the store follow, in a transaction; return what takes note of it once that is over."""
        state, plan = self._apply(session)

        def done() -> None:
            self.state, self.plan = state, plan

        return done

    def result(self) -> Result:
        """Return what it brought."""
        return self._resource.result(self.state, self.plan, warnings=self._access.warnings)

    def clear(self) -> None:
        """Do at secret managers what comes after the store, and forget what was written down."""
        self._intents.clear_rest()

    STEPS: ClassVar[Mapping[Step, Callable[[Change], None]]] = {
        Step.RECORD: record,
        Step.PREPARE: prepare,
        Step.COMMIT: commit,
        Step.CLEAR: clear,
    }

    def _check(self, session: Session) -> None:
        """Raise Moved where the state is no longer the one of which the plan was made."""
        if self._resource.guard(self._load(session)) != self._resource.guard(self._before):
            raise Moved

    def _load(self, session: Session) -> Any:
        return self._resource.with_observed(self._resource.load(session), self._before)

    def _apply(self, session: Session) -> tuple[Any, Plan]:
        """Apply the plan to the state as it is now: made anew where only the store is involved, else the very same."""
        resource, plan, state = self._resource, self.plan, self._load(session)
        if self._prepared is None:
            plan = resource.plan(state)
            if plan.action is Action.NONE:
                return state, plan
        else:
            self._check(session)
        self._intents.clear_done(session)
        resource.apply(session, state, plan, self._prepared)
        return (state if plan.action is Action.DELETE else resource.load(session)), plan
