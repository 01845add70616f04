# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The write road: one or many resources, declared together.

They are loaded in one transaction, observed and prepared side by side, and committed in one transaction. Each has
intents of its own, so that each is put right by itself wherever the batch is cut off.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import partial
from typing import Any, ClassVar, NamedTuple, TypeAlias, TypeVar

from ...model.errors import ScopedSecretsError
from ...model.messages import Result
from ...model.scopes import common_scope
from ...store.intents import unfinished
from ..providers.access import Seen
from ..providers.runtime import Runtime
from ..rows.session import Session
from .change import Change, Step
from .intents import Moved
from .observe import ValueLocation, read_together
from .resource import Action, Resource

__all__ = ["ALONE", "Batch", "Crew", "Outcome"]

T = TypeVar("T")
R = TypeVar("R")

Outcome: TypeAlias = "Result | ScopedSecretsError | Moved | None"
"""What became of a resource. Moved: it must be declared again. None: it was not begun."""


def _run_all() -> bool:
    return False


def _tell_nobody() -> None:
    pass


class Crew(NamedTuple):
    """The threads that ask secret managers (None: the caller's own), and how a failure stops them.

    Nothing new is begun once `is_stopped` returns True. `has_failed` is called as soon as a change has failed.
    """

    pool: Executor | None = None
    is_stopped: Callable[[], bool] = _run_all
    has_failed: Callable[[], None] = _tell_nobody

    def each(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Return the results of `work` for the items, in their order."""
        return list(self.pool.map(work, items) if self.pool and len(items) > 1 else map(work, items))


ALONE = Crew()


class Batch:
    """Resources on their way through all steps."""

    def __init__(
        self, runtime: Runtime, resources: Sequence[Resource[Any]], crew: Crew = ALONE, *, check_mode: bool
    ) -> None:
        self._runtime = runtime
        self._resources = resources
        self._crew = crew
        self._check_mode = check_mode
        self._scope = common_scope(resource.path for resource in resources)
        self._changes: dict[int, Change] = {}
        self._outcomes: dict[int, Outcome] = {}

    def run(self) -> list[Outcome]:
        """Declare the resources; return what became of each."""
        with ExitStack() as turns:
            # In one order for all, so that no two threads wait for each other.
            for turn in sorted({resource.turn for resource in self._resources}):
                turns.enter_context(self._runtime.turn(turn))
            self._plan()
            self._carry_out()
        return [self._outcomes[number] for number in range(len(self._resources))]

    def _plan(self) -> None:
        """Find out what must change, without a write lock: most runs change nothing."""
        loaded = self._runtime.read(self._load, self._scope)
        states = {number: one for number, one in enumerate(loaded) if not isinstance(one, ScopedSecretsError)}
        for number, one in enumerate(loaded):
            if isinstance(one, ScopedSecretsError):
                self._outcomes[number] = self._without_scope(self._resources[number], one)
        seen = self._read_together(states)
        look = partial(self._look, states, seen)
        remote = [n for n, state in states.items() if _attempt(self._resources[n].is_in_store, state) is False]
        planned = dict(zip(remote, self._crew.each(look, remote), strict=True))
        for number in states:
            one = planned[number] if number in planned else look(number)
            if isinstance(one, Change):
                self._changes[number] = one
            else:
                self._outcomes[number] = one

    def _load(self, session: Session) -> list[Any]:
        return [_attempt(resource.load, session) for resource in self._resources]

    def _without_scope(self, resource: Resource[Any], error: ScopedSecretsError) -> Outcome:
        """Return what becomes of a resource whose scope is missing.

        There is nothing to remove. In check mode an earlier task of the run may be the one that creates the scope.
        """
        if error.code != "unknown_scope":
            return error
        if resource.absent:
            return Result(returned={resource.noun: None})
        if not self._check_mode:
            return error
        warning = f"{error.message} Check mode assumes that an earlier task of this run creates it."
        return Result(changed=True, returned={resource.noun: resource.identity}, warnings=[warning])

    def _read_together(self, states: Mapping[int, Any]) -> Seen:
        if len(states) < 2 or self._crew.is_stopped():
            return {}
        places = [_attempt(self._resources[number].observed_at, state) for number, state in states.items()]
        locations = [place for place in places if isinstance(place, ValueLocation)]
        return read_together(locations, self._runtime.access, self._crew.each)

    def _look(self, states: Mapping[int, Any], seen: Seen, number: int) -> Outcome | Change:
        """Return the change that is due, the result where nothing is, or the error."""
        if self._crew.is_stopped():
            return None
        resource, access = self._resources[number], self._runtime.access(seen)
        try:
            state = resource.observe(access, states[number])
            plan = resource.plan(state)
            if self._check_mode and plan.action is not Action.NONE:
                resource.foresee(access, state, plan)
            if plan.action is Action.NONE or self._check_mode:
                return resource.result(state, plan, is_predicted=self._check_mode, warnings=access.warnings)
            return Change(self._runtime, access, resource, state, plan)
        except ScopedSecretsError as error:
            return error

    def _carry_out(self) -> None:
        try:
            for path in sorted({change.path for change in self._changes.values()}):
                self._runtime.audit.ensure(path)
            for step in Step if self._changes else ():
                self.STEPS[step](self)
        except ScopedSecretsError as error:
            for number in list(self._changes):
                self._give_up(number, error)
        except BaseException as error:
            for change in self._changes.values():
                with contextlib.suppress(ScopedSecretsError):
                    change.give_up(error)
            raise
        self._outcomes.update({number: change.result() for number, change in self._changes.items()})

    def _give_up(self, number: int, error: ScopedSecretsError | Moved) -> None:
        change = self._changes.pop(number)
        self._outcomes[number] = error
        # What can't be undone now is left to a later run. The first error is the one that people must see.
        with contextlib.suppress(ScopedSecretsError):
            change.give_up(error)

    def record(self) -> None:
        """Record what is about to be done at value keepers."""
        changes = {number: change for number, change in self._changes.items() if change.has_goals}

        def work(session: Session) -> dict[int, ScopedSecretsError | Moved | None]:
            begun = unfinished(session.tx)
            return {number: _attempt(change.record, session, begun) for number, change in changes.items()}

        # On the whole account: connectors are inherited, so that a change in another scope may be at the same value.
        refused = self._runtime.write(work) if changes else {}
        for number, error in refused.items():
            if error:
                self._give_up(number, error)
            else:
                changes[number].is_recorded()

    def prepare(self) -> None:
        """Do at secret managers what must be done before the store changes."""
        numbers = [number for number, change in self._changes.items() if not change.is_in_store]
        for number, error in zip(numbers, self._crew.each(self._prepare, numbers), strict=True):
            if error:
                self._give_up(number, error)

    def _prepare(self, number: int) -> ScopedSecretsError | Moved | None:
        if self._crew.is_stopped():
            return Moved()
        try:
            self._changes[number].prepare()
        except ScopedSecretsError as error:
            self._crew.has_failed()
            return error
        return None

    def commit(self) -> None:
        """Change the store in one transaction. If that is refused, change it in one for each: only the faulty fail."""
        try:
            done = self._runtime.write(self._follow, self._scope) if self._changes else []
        except (ScopedSecretsError, Moved) as error:
            if len(self._changes) == 1:
                self._give_up(next(iter(self._changes)), error)
            else:
                self._commit_one_by_one()
            return
        for is_committed in done:
            is_committed()

    def _follow(self, session: Session) -> list[Callable[[], None]]:
        return [change.follow(session) for change in self._changes.values()]

    def _commit_one_by_one(self) -> None:
        for number, change in list(self._changes.items()):
            try:
                self._runtime.write(change.follow, change.path)()
            except (ScopedSecretsError, Moved) as error:
                self._give_up(number, error)

    def clear(self) -> None:
        """Do at secret managers what must be done after the store has changed, and delete the intents."""
        for number, change in list(self._changes.items()):
            try:
                change.clear()
            except ScopedSecretsError as error:
                self._give_up(number, error)

    STEPS: ClassVar[Mapping[Step, Callable[[Batch], None]]] = {
        Step.RECORD: record,
        Step.PREPARE: prepare,
        Step.COMMIT: commit,
        Step.CLEAR: clear,
    }


def _attempt(work: Callable[..., Any], *arguments: Any) -> Any:
    """Return the result of `work`, or what it raised: an error of ours, or Moved."""
    try:
        return work(*arguments)
    except (ScopedSecretsError, Moved) as error:
        return error
