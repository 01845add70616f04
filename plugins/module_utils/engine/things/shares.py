# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares of secrets with scopes below: declared and taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...model.entities import Scope, Secret
from ...model.errors import InvalidInput, NotFound
from ...model.identifiers import check_identifier
from ...model.messages import View
from ...model.scopes import ScopePath
from ..changes.resource import Action, Plan, Resource
from ..rows.scoped_connectors import load_managers
from ..rows.session import Session
from ..rows.sharing import grantee_paths, mark_share, reseal
from .secret_views import identity_of

__all__ = ["ShareResource"]


@dataclass(frozen=True, slots=True)
class ShareState:
    """The secret, the connector that keeps it (empty: none), the scope to share with, and all scopes that have it."""

    chain: list[Scope]
    grantee: Scope
    secret: Secret | None = None
    manager: str = ""
    paths: tuple[ScopePath, ...] = ()


class ShareResource(Resource[ShareState]):
    """A share lets a scope below open one secret with its own key."""

    noun = "share"
    is_batchable = True

    def __init__(self, params: dict[str, Any]) -> None:
        super().__init__(params)
        self.identifier = check_identifier(params["identifier"], "secret")
        self.to = ScopePath.of(params.get("to_org") or self.path.org, params.get("to_project"))
        self.what = f"secret '{self.identifier}' in {self.path}"
        if self.to == self.path or self.path not in self.to.from_account:
            raise InvalidInput(
                "share_not_below",
                f"The {self.what} can't be shared with {self.to}, which is not below {self.path}.",
                hint="Set 'to_org' and 'to_project' to a scope below the secret's. Keep a secret that several scopes "
                "need in a scope above them.",
            )

    def load(self, session: Session) -> ShareState:
        chain = session.chain(self.path)
        grantee = session.chain(self.to)[-1]
        secret = session.secret(chain, self.identifier)
        if secret is None:
            return ShareState(chain, grantee)
        connector = load_managers(session, chain).connector(secret.connector_id)
        paths = grantee_paths(session, secret)
        return ShareState(chain, grantee, secret, connector.what if connector else "", paths)

    def plan(self, state: ShareState) -> Plan:
        is_shared = state.secret is not None and state.grantee.id in state.secret.shared_with
        if is_shared is not self.absent:
            return Plan(before=_shown(state.paths), after=_shown(state.paths))
        self._check_shareable(state)
        others = [path for path in state.paths if path != self.to]
        paths = others if self.absent else [*others, self.to]
        return Plan(Action.UPDATE, _shown(state.paths), _shown(sorted(paths)), warnings=self._warnings(state))

    def _warnings(self, state: ShareState) -> list[str]:
        if state.secret is None:
            return [f"{self._unknown.message} In check mode, an earlier task is assumed to create it."]
        if not self.absent:
            return []
        return [
            f"{str(self.to)[:1].upper()}{str(self.to)[1:]} can no longer read the {self.what}, but may have read it "
            "before. Change the value at its source, and declare the new one here."
        ]

    def _check_shareable(self, state: ShareState) -> None:
        """Raise InvalidInput for a credential, and for a secret that a connector keeps or seals."""
        if state.secret and state.secret.is_credential:
            why = "it is a credential, which has no value of its own"
            hint = "Share the secrets that it refers to, and declare the credential in that scope."
        elif state.manager:
            why = f"its value is kept by {state.manager}, whose login would have to be shared too"
            hint = "Declare a connector in that scope, with a login that may read the value, and a reference to it."
        else:
            return
        raise InvalidInput("not_shareable", f"The {self.what} can't be shared with {self.to}: {why}.", hint=hint)

    @property
    def _unknown(self) -> NotFound:
        return NotFound(
            "unknown_secret",
            f"There is no {self.what}, so it can't be shared.",
            hint="Declare it first, and check 'org', 'project' and 'store'.",
        )

    def is_in_store(self, state: ShareState) -> bool:
        return True

    def apply(self, session: Session, state: ShareState, plan: Plan, prepared: None) -> None:
        secret, scope_id = state.secret, state.grantee.id
        if secret is None:
            raise self._unknown
        new = reseal(session, state.chain, secret) if self.absent else secret
        others = {one for one in secret.shared_with if one != scope_id}
        shared_with = others if self.absent else {*others, scope_id}
        session.replace_secret(
            state.chain, secret, new._replace(shared_with=tuple(sorted(shared_with)), updated_at=session.now)
        )
        if self.made_by and not self.absent:
            mark_share(session, secret, session.chain(self.to), self.made_by)

    def view(self, state: ShareState) -> View | None:
        secret = state.secret
        if secret is None or state.grantee.id not in secret.shared_with:
            return None
        return {**self.identity, "version": secret.current_version}

    @property
    def identity(self) -> View:
        place = {"to_org": self.to.org, "to_project": self.to.project}
        names = identity_of(self.path, self.identifier, "")
        return {name: names[name] for name in ("identifier", "org", "project", "reference")} | place

    def predicted(self, state: ShareState, plan: Plan) -> View:
        return {**self.identity, "version": state.secret.current_version if state.secret else 0}


def _shown(paths: Any) -> View:
    return {"shared_with": [{"org": path.org, "project": path.project} for path in paths]}
