# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every declared thing is to the write road: something to load, plan and apply."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from enum import Enum
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from ...model.audit import Subject
from ...model.entities import Connector, Secret
from ...model.messages import Result, View
from ...model.scopes import ScopePath
from ..providers.access import Access
from ..rows.session import Session
from .intents import Goal
from .observe import ValueLocation

__all__ = ["Action", "Info", "Plan", "Resource", "changed_fields", "pick", "row_key"]

S = TypeVar("S")
D = TypeVar("D")


class Action(Enum):
    """What a plan does."""

    NONE = "none"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Plan(NamedTuple):
    """What is to be done. `before` and `after` are shown as the diff, `fields` are written; none has a value."""

    action: Action = Action.NONE
    before: Mapping[str, Any] = {}
    after: Mapping[str, Any] = {}
    fields: Mapping[str, Any] = {}
    warnings: Sequence[str] = ()


class Resource(ABC, Generic[S]):
    """A thing that a module declares. The write road calls its verbs in the order in which they stand here.

    Check mode ends after `plan`. `observe` and `prepare` may ask secret managers; the others run within a transaction
    and may not. `made_by` is the name of the manifest that declares it; what is created is marked with it.
    """

    noun: ClassVar[str]
    is_batchable: ClassVar[bool] = False
    """Whether it may share its transactions with others. False for what takes long at secret managers."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params
        self.path = ScopePath.of(params.get("org"), params.get("project"))
        self.absent = params.get("state") == "absent"
        self.force = bool(params.get("force"))
        self.made_by = ""
        self._derived: dict[Hashable, Any] = {}

    @abstractmethod
    def load(self, session: Session) -> S:
        """Return everything that the plan depends on; raise NotFound for a missing scope."""

    def is_in_store(self, state: S) -> bool:
        """Tell whether no secret manager has a part in it, so that `prepare` does nothing."""
        return False

    def observe(self, access: Access, state: S) -> S:
        """Return the state with what only a secret manager knows. Changes nothing there."""
        return state

    def observed_at(self, state: S) -> ValueLocation | None:
        """Return what `observe` reads, so that one request can read it for several resources."""
        return None

    def with_observed(self, state: S, before: S) -> S:
        """Return a state that was loaded again, with what had been observed before."""
        return state

    @abstractmethod
    def plan(self, state: S) -> Plan:
        """Return what to do. Pure: the same state gives the same plan."""

    def goals(self, state: S, plan: Plan) -> list[Goal]:
        """Return what the plan changes at value keepers, before the store changes or after. Pure."""
        return []

    def foresee(self, access: Access, state: S, plan: Plan) -> None:
        """Raise in check mode what `prepare` would raise because of what a secret manager has now. Changes nothing."""

    def prepare(self, access: Access, state: S, plan: Plan) -> Any:
        """Do at secret managers what must be done before the store changes; return None if nothing is.

        May be called again while what it did before is still there.
        """
        return None

    def guard(self, state: S) -> object:
        """Return what must be the same for `apply` as it was for `prepare`."""
        return None

    @abstractmethod
    def apply(self, session: Session, state: S, plan: Plan, prepared: Any) -> None:
        """Write what the plan says."""

    @abstractmethod
    def view(self, state: S) -> View | None:
        """Return the thing as users see it, None if it does not exist."""

    @property
    def subject(self) -> Subject:
        """The thing as the audit names it while nothing else is known of it."""
        identifier = self.params.get("identifier") or self.path.identifier
        return Subject(self.noun, self.path.announced, identifier)

    @property
    def turn(self) -> tuple[str, ScopePath, str]:
        """What only one thread of a process declares at a time."""
        return self.noun, self.path, str(self.params.get("identifier") or "")

    @property
    def identity(self) -> View:
        """What names the thing, whether it exists or not."""
        return {"org": self.path.org, "project": self.path.project}

    def predicted(self, state: S, plan: Plan) -> View:
        """Return the thing as users would see it after the plan, as far as that is known."""
        return {**self.identity, **(self.view(state) or {}), **plan.after}

    def result(self, state: S, plan: Plan, *, is_predicted: bool = False, warnings: Sequence[str] = ()) -> Result:
        """Return what the task did, or would do. `state` is the current one."""
        is_predicted = is_predicted and plan.action in (Action.CREATE, Action.UPDATE)
        return Result(
            plan.action is not Action.NONE,
            {self.noun: self.predicted(state, plan) if is_predicted else self.view(state)},
            dict(plan.before),
            dict(plan.after),
            [*plan.warnings, *warnings],
        )

    def _once(self, key: Hashable, derive: Callable[[], D]) -> D:
        """Return the result of `derive`, which is called once for each key."""
        if key not in self._derived:
            self._derived[key] = derive()
        derived: D = self._derived[key]
        return derived


class Info(ABC):
    """A list of things, without any value."""

    noun: ClassVar[str]

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params
        self.path = ScopePath.of(params.get("org"), params.get("project"))

    @abstractmethod
    def views(self, session: Session) -> list[View]:
        """Return the views of the things that pass the filters."""


def row_key(row: Connector | Secret | None) -> Hashable:
    """Return what tells apart the states of a row. The digest does so where a revision was used twice."""
    return row and (row.id, row.revision, row.digest)


def pick(params: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return the named options that the user gave."""
    return {name: params[name] for name in names if params.get(name) is not None}


def changed_fields(wanted: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `wanted` that differ from `current`."""
    return {name: value for name, value in wanted.items() if current.get(name) != value}
