# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credential values given in a task, kept as secrets of the connector or credential: `<identifier>_<field>`."""

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
    """The own secrets of a connector or credential (`what`) by field: those given now, and those no longer needed.

    `before` and `kept` name the fields that are kept so far and from now on. `secret_manager` keeps new ones, None for
    the scope's default. `owner` is the kind and id of the thing, to tell it from other users of these secrets.
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
        """Return the identifier of the secret that keeps a field."""
        return f"{self.identifier}_{field_name}"

    def load(self, session: Session) -> dict[str, SecretState]:
        return {name: secret.load(session) for name, secret in self._secrets.items()}

    def observe(self, access: Access, states: States) -> dict[str, SecretState]:
        return {name: self._secrets[name].observe(access, state) for name, state in states.items()}

    def plans(self, states: States) -> dict[str, Plan]:
        """Return the plan of each that changes; raise Conflict if another secret has its name."""
        self._check_names(states)
        plans = {name: self._secrets[name].plan(state) for name, state in states.items()}
        return {name: plan for name, plan in plans.items() if plan.action is not Action.NONE}

    def _check_names(self, states: States) -> None:
        for name, state in states.items():
            if state.secret and name not in self.before:
                raise Conflict(
                    "credential_name_taken",
                    f"'{name}' of the {self.what} would be kept as secret '{state.secret.identifier}', but a secret of "
                    f"that name exists and does not belong to the {self.kind_name}.",
                    hint=f"Set '{name}_ref: {state.secret.identifier}' to use that secret, or rename one of the two.",
                )

    def broken_by(self, states: States, plans: Mapping[str, Plan]) -> list[str]:
        """Return warnings for secrets that are removed although others use them; raise Conflict unless forced."""
        warnings = []
        for name in (name for name, plan in plans.items() if plan.action is Action.DELETE):
            identifier = self.name_of(name)
            users = [str(user) for user in states[name].users if not self._is_owner(user)]
            if users and not self.is_forced:
                raise Conflict(
                    "secret_in_use",
                    f"The {self.what} no longer needs secret '{identifier}', but {', '.join(users)} still uses it.",
                    hint="Change or remove what uses it first, or set 'force: true'.",
                    details={"used_by": users},
                )
            warnings += [f"Secret '{identifier}' was removed although it is used by {', '.join(users)}."] * bool(users)
        return warnings

    def _is_owner(self, user: SecretUser) -> bool:
        return (user.kind, user.id) == self.owner

    def goals(self, states: States, plans: Mapping[str, Plan]) -> list[Goal]:
        """Return the goals at value keepers. Removals come last, so that the thing works until then."""
        goals = [goal for name, plan in plans.items() for goal in self._secrets[name].goals(states[name], plan)]
        return [goal._replace(is_last=goal.going is not None) for goal in goals]

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
