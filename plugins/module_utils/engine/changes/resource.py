# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How every declared thing is handled: load, plan, apply."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from ...model.audit import Subject
from ...model.messages import Result
from ...model.scopes import ScopePath
from ..providers.access import Access
from ..rows.session import Session
from .intents import Goal
from .observe import Place

__all__ = ["Action", "Info", "Plan", "Resource", "changed_fields", "pick"]

S = TypeVar("S")
View = dict[str, Any]


class Action(Enum):
    """What a plan would do."""

    NONE = "none"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Plan(NamedTuple):
    """What would be done. `before` and `after` are what the diff shows, `fields` what is written, without values."""

    action: Action = Action.NONE
    before: Mapping[str, Any] = {}
    after: Mapping[str, Any] = {}
    fields: Mapping[str, Any] = {}
    warnings: Sequence[str] = ()


class Resource(ABC, Generic[S]):
    """A thing that a module declares. Its verbs are called in this order; `prepare` and `apply` not in check mode.

    `made_by` is the manifest that declares it, which what is made anew is marked with; empty: none.

    `observe` and `prepare` may ask secret managers, the others may not: they run within a transaction.
    """

    noun: ClassVar[str]
    # Whether others may be changed in the same transactions, where secret managers have a part in it.
    goes_with_others: ClassVar[bool] = False

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params
        self.path = ScopePath.of(params.get("org"), params.get("project"))
        self.absent = params.get("state") == "absent"
        self.force = bool(params.get("force"))
        self.made_by = ""

    @abstractmethod
    def load(self, session: Session) -> S:
        """Return all that the plan depends on; raise NotFound where a scope is missing."""

    def observe(self, access: Access, state: S) -> S:
        """Return the state with what only a secret manager knows. Changes nothing there."""
        return state

    def observed_at(self, state: S) -> Place | None:
        """Return what `observe` looks at, of which several may be looked at at once."""
        return None

    def with_observed(self, state: S, before: S) -> S:
        """Return a state that was loaded again with what had been observed."""
        return state

    @abstractmethod
    def plan(self, state: S) -> Plan:
        """Return what to do. Pure: the same state gives the same plan, and nothing is touched."""

    def goals(self, state: S, plan: Plan) -> list[Goal]:
        """Return what is to be done at value keepers, before the store follows or after. Pure."""
        return []

    def prepare(self, access: Access, state: S, plan: Plan) -> Any:
        """Do at secret managers what must be done before the store follows; None where nothing is.

        May be called again with what it made before still there.
        """
        return None

    def guard(self, state: S) -> object:
        """Return what must be the same for `apply` as it was for `prepare`."""
        return None

    @abstractmethod
    def apply(self, session: Session, state: S, plan: Plan, prepared: Any) -> None:
        """Write what the plan says."""

    def is_in_store(self, state: S) -> bool:
        """Tell whether the store alone is involved, so that others can be declared in the same transaction."""
        return False

    @abstractmethod
    def view(self, state: S) -> View | None:
        """Return the thing as users see it, None where it does not exist."""

    @property
    def subject(self) -> Subject:
        """The thing as a record of the audit names it where no more is known of it."""
        identifier = self.params.get("identifier") or self.path.identifier
        return Subject(self.noun, self.path.announced, identifier)

    @property
    def identity(self) -> View:
        """What names the thing, whether it exists or not."""
        return {"org": self.path.org, "project": self.path.project}

    def predicted(self, state: S, plan: Plan) -> View:
        """Return the thing as users would see it after the plan, as far as that is known before."""
        return {**self.identity, **(self.view(state) or {}), **plan.after}

    def result(self, state: S, plan: Plan, *, is_predicted: bool = False, warnings: Sequence[str] = ()) -> Result:
        """Return what the task brought, or would bring. `state` is what it is by now."""
        is_predicted = is_predicted and plan.action in (Action.CREATE, Action.UPDATE)
        return Result(
            plan.action is not Action.NONE,
            {self.noun: self.predicted(state, plan) if is_predicted else self.view(state)},
            dict(plan.before),
            dict(plan.after),
            [*plan.warnings, *warnings],
        )


class Info(ABC):
    """A list of things, without any value."""

    noun: ClassVar[str]

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params
        self.path = ScopePath.of(params.get("org"), params.get("project"))

    @abstractmethod
    def views(self, session: Session) -> list[View]:
        """Return the views of what the filters let through."""


def pick(params: Mapping[str, Any], *names: str) -> View:
    """Return those of the named options that the user gave."""
    return {name: params[name] for name in names if params.get(name) is not None}


def changed_fields(wanted: View, current: View) -> View:
    """Return what differs from `current`."""
    return {name: value for name, value in wanted.items() if current.get(name) != value}
