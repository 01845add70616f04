# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several things declared at secret managers in few transactions: one before these are asked, and one after.

Each change has intents of its own, so wherever all this is cut off, each is put right by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias

from ...model.errors import ScopedSecretsError
from ...model.messages import Result
from ...model.scopes import ScopePath, common_scope
from ...store.intents import unfinished
from ..dispatch import record_refusal, turn_of
from ..providers.access import Seen
from ..rows.session import Session
from .change import Change, Step
from .intents import Moved
from .observe import look_at
from .resource import Action, Resource

if TYPE_CHECKING:
    from ..engine import Engine

__all__ = ["Changes", "Crew", "declare_side_by_side"]

_Outcome: TypeAlias = "Result | ScopedSecretsError | None"


class Crew(NamedTuple):
    """Who asks secret managers, whether nothing new is to be begun any more, and what is called once one has failed."""

    pool: Executor
    is_stopped: Callable[[], bool]
    has_failed: Callable[[], None]


def declare_side_by_side(
    engine: Engine, resources: Sequence[Resource[Any]], crew: Crew, *, check_mode: bool
) -> list[_Outcome]:
    """Return a result or an error for each; None for one that is to be declared by itself, or was not begun."""
    scope = common_scope(resource.path for resource in resources)
    with ExitStack() as turns:
        for turn in sorted(map(turn_of, resources)):
            turns.enter_context(engine.turn(turn))
        states = engine.read(lambda session: [_load(session, resource) for resource in resources], scope)
        places = [one.observed_at(state) for one, state in zip(resources, states, strict=True) if state is not None]
        seen = {} if crew.is_stopped() else look_at(filter(None, places), engine.access, crew.pool)

        def look(resource: Resource[Any], state: Any) -> _Outcome | Change:
            return None if state is None or crew.is_stopped() else _look(engine, resource, state, seen, check_mode)

        looked = list(crew.pool.map(look, resources, states))
        changes = Changes(engine, [one for one in looked if isinstance(one, Change)], scope, crew)
        changes.run()
        outcomes = [changes.outcomes.get(one) if isinstance(one, Change) else one for one in looked]
    for resource, outcome in zip(resources, outcomes, strict=True):
        if isinstance(outcome, ScopedSecretsError):
            crew.has_failed()
            record_refusal(engine, resource, outcome)
    return outcomes


def _load(session: Session, resource: Resource[Any]) -> Any:
    try:
        return resource.load(session)
    except ScopedSecretsError:
        return None


def _look(engine: Engine, resource: Resource[Any], state: Any, seen: Seen, check_mode: bool) -> _Outcome | Change:
    """Return the change that is due, the result where none is, or what stands in its way."""
    access = engine.access(seen)
    try:
        state = resource.observe(access, state)
        plan = resource.plan(state)
    except ScopedSecretsError as error:
        # What may be presumed in check mode is found out where each is declared by itself.
        return None if check_mode else error
    if plan.action is Action.NONE or check_mode:
        return resource.result(state, plan, is_predicted=check_mode, warnings=access.warnings)
    return Change(engine, access, resource, state, plan)


class Changes:
    """Changes that take each step together. `outcomes` has what became of those that were not given back."""

    def __init__(self, engine: Engine, changes: Sequence[Change], scope: ScopePath, crew: Crew) -> None:
        self._engine = engine
        self._scope = scope
        self._crew = crew
        self._left = list(changes)
        self.outcomes: dict[Change, Result | ScopedSecretsError] = {}

    def run(self) -> None:
        """Take all steps."""
        if not self._left:
            return
        for path in sorted({change.path for change in self._left}):
            self._engine.audit.ensure(path)
        try:
            for step in Step:
                self.STEPS[step](self)
        except BaseException as error:
            for change in self._left:
                change.give_up(error)
            raise
        self.outcomes.update({change: change.result() for change in self._left})

    def record(self) -> None:
        """Write down what is about to be done at providers, of those that nothing stands in the way of."""

        def work(session: Session) -> list[Change]:
            begun = unfinished(session.tx)
            return [change for change in self._left if change.record_among(session, begun)]

        self._left = self._engine.write(work, self._scope)
        for change in self._left:
            change.is_recorded()

    def prepare(self) -> None:
        """Do at secret managers what comes before the store, many at a time."""
        errors = list(self._crew.pool.map(self._prepare, self._left))
        for change, error in zip(tuple(self._left), errors, strict=True):
            if error:
                self._give_up(change, error)

    def _prepare(self, change: Change) -> ScopedSecretsError | Moved | None:
        if self._crew.is_stopped():
            return Moved()
        try:
            change.prepare()
        except ScopedSecretsError as error:
            self._crew.has_failed()
            return error
        return None

    def _give_up(self, change: Change, error: ScopedSecretsError | Moved) -> None:
        self._left.remove(change)
        change.give_up(error)
        if isinstance(error, ScopedSecretsError):
            self.outcomes[change] = error

    def commit(self) -> None:
        """Let the store follow, in one transaction; where that is refused, in one for each."""

        def work(session: Session) -> list[Callable[[], None]]:
            return [change.follow(session) for change in self._left]

        try:
            done = self._engine.write(work, self._scope) if self._left else []
        except (ScopedSecretsError, Moved):
            done = []
            for change in tuple(self._left):
                self._commit_alone(change)
        for take in done:
            take()

    def _commit_alone(self, change: Change) -> None:
        try:
            change.commit()
        except (ScopedSecretsError, Moved) as error:
            self._give_up(change, error)

    def clear(self) -> None:
        """Do at secret managers what comes after the store, and forget what was written down."""
        for change in self._left:
            change.clear()

    STEPS: ClassVar[Mapping[Step, Callable[[Changes], None]]] = {
        Step.RECORD: record,
        Step.PREPARE: prepare,
        Step.COMMIT: commit,
        Step.CLEAR: clear,
    }
