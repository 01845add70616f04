# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a connector or credential was given itself: kept as secrets of its own, each named `<identifier>_<field>`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...model.entities import SecretUser
from ...model.errors import Conflict
from ...model.scopes import ScopePath
from ..changes.intents import Goal
from ..changes.resource import Action, Plan
from ..providers.access import Access
from ..rows.session import Session
from .secret_views import SecretState
from .secrets import SecretResource

__all__ = ["OwnSecrets"]

States = Mapping[str, SecretState]


@dataclass(frozen=True)
class OwnSecrets:
    """The own secrets of a thing (`what`), by field: those given now, and those that it no longer needs.

    `before` and `kept` name the fields that it keeps so far and from now on. `secret_manager` is where new ones go,
    None for the scope's default. `owner` is how their users are told from the thing itself: kind and id.
    """

    what: str
    kind_name: str
    identifier: str
    path: ScopePath
    given: Mapping[str, str] = field(default_factory=dict, repr=False)
    before: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    secret_manager: str | None = None
    owner: tuple[str, str] = ("", "")
    is_forced: bool = False

    @cached_property
    def _secrets(self) -> dict[str, SecretResource]:
        given = {name: self._given(name, value) for name, value in self.given.items()}
        gone = [name for name in self.before if name not in self.kept]
        return {**given, **{name: self._secret(name, state="absent", force=True) for name in gone}}

    def _given(self, name: str, value: str) -> SecretResource:
        description = f"The {name} of {self.kind_name} {self.identifier}"
        secret = self._secret(name, value=value.encode(), description=description)
        secret.new_goes_to = self.secret_manager
        return secret

    def _secret(self, name: str, **params: Any) -> SecretResource:
        place = {"identifier": self.name_of(name), "org": self.path.org, "project": self.path.project}
        return SecretResource({**place, **params}, kind="text")

    def name_of(self, field_name: str) -> str:
        """Return the identifier of the secret that a field is kept as."""
        return f"{self.identifier}_{field_name}"

    def load(self, session: Session) -> dict[str, SecretState]:
        return {name: secret.load(session) for name, secret in self._secrets.items()}

    def observe(self, access: Access, states: States) -> dict[str, SecretState]:
        return {name: self._secrets[name].observe(access, state) for name, state in states.items()}

    def plans(self, states: States) -> dict[str, Plan]:
        """Return what is to be done about each that changes; raise Conflict for a name that is somebody else's."""
        self._check_names(states)
        plans = {name: self._secrets[name].plan(state) for name, state in states.items()}
        return {name: plan for name, plan in plans.items() if plan.action is not Action.NONE}

    def _check_names(self, states: States) -> None:
        for name, state in states.items():
            if state.secret and name not in self.before:
                raise Conflict(
                    "credential_name_taken",
                    f"'{name}' of the {self.what} would be kept as secret '{state.secret.identifier}', which exists "
                    f"and is not the {self.kind_name}'s.",
                    hint=f"Give '{name}_ref: {state.secret.identifier}' to use that secret, or rename one of the two.",
                )

    def broken_by(self, states: States, plans: Mapping[str, Plan]) -> list[str]:
        """Return warnings for those that go although others use them; raise Conflict unless that is forced."""
        warnings = []
        for name in (name for name, plan in plans.items() if plan.action is Action.DELETE):
            identifier = self.name_of(name)
            users = [str(user) for user in states[name].users if not self._is_owner(user)]
            if users and not self.is_forced:
                raise Conflict(
                    "secret_in_use",
                    f"The {self.what} would no longer keep secret '{identifier}', which is used by {', '.join(users)}.",
                    hint="Change or remove what uses it first, or set 'force: true'.",
                    details={"used_by": users},
                )
            warnings += [f"Secret '{identifier}' was removed although it is used by {', '.join(users)}."] * bool(users)
        return warnings

    def _is_owner(self, user: SecretUser) -> bool:
        return (user.kind, user.id) == self.owner

    def goals(self, states: States, plans: Mapping[str, Plan]) -> list[Goal]:
        """Return what is to be done at value keepers. What goes there goes last: until then the thing itself works."""
        goals = [goal for name, plan in plans.items() for goal in self._secrets[name].goals(states[name], plan)]
        return [goal._replace(is_last=goal.is_absent) for goal in goals]

    def prepare(self, access: Access, states: States, plans: Mapping[str, Plan]) -> dict[str, Any]:
        return {
            name: self._secrets[name].prepare(access, states[name], plan)
            for name, plan in plans.items()
            if plan.action is not Action.DELETE
        }

    def guard(self, states: States) -> object:
        return {name: self._secrets[name].guard(state) for name, state in states.items()}

    def apply(self, session: Session, plans: Mapping[str, Plan], prepared: Mapping[str, Any]) -> None:
        for name, plan in plans.items():
            self._secrets[name].apply(session, self._secrets[name].load(session), plan, prepared.get(name))
