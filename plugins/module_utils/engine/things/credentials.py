# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials: what people and playbooks log in at hosts with."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ...model.entities import Secret
from ...model.identifiers import check_identifier
from ...model.messages import View
from ...model.references import references_among
from ...store.secrets import replace_references
from ..changes.intents import Goal
from ..changes.resource import Action, Plan, Resource, changed_fields, row_key
from ..providers.access import Access
from ..providers.logins import named_secrets
from ..rows.session import Session
from .credential_options import WantedCredential, wanted_credential
from .credential_proof import CredentialProof
from .generate import make_key
from .own_secrets import OwnSecrets
from .secret_fields import broken_users, check_kind, wanted_fields, with_fields
from .secret_views import SecretState, identity_of, load_state, shown_fields, view_of

__all__ = ["CredentialResource"]


@dataclass(frozen=True, slots=True)
class CredentialState:
    """The row of the credential, and its own secrets by field."""

    secret: SecretState
    own: Mapping[str, SecretState] = field(default_factory=dict)

    @property
    def row(self) -> Secret | None:
        return self.secret.secret


@dataclass(frozen=True, slots=True)
class PreparedCredential:
    """What was done before the store changes: the id, what is public about a key, the own secrets' part."""

    secret_id: str
    public: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)


class CredentialResource(Resource[CredentialState]):
    """A credential of one kind. It has no value of its own but refers to other secrets."""

    noun = "secret"

    def __init__(self, params: dict[str, Any], kind: str) -> None:
        super().__init__(params)
        self.kind = kind
        self.identifier = check_identifier(params["identifier"], "secret")
        self.what = f"secret '{self.identifier}' in {self.path}"
        self.fields = wanted_fields(params)

    def load(self, session: Session) -> CredentialState:
        secret = load_state(session, self.path, self.identifier)
        if secret.secret and secret.secret.kind != self.kind:
            return CredentialState(secret)
        return CredentialState(secret, self._own(secret).load(session))

    def _wanted(self, row: Secret | None) -> WantedCredential:
        return self._once(("options", row_key(row)), lambda: self._derive_wanted(row))

    def _derive_wanted(self, row: Secret | None) -> WantedCredential:
        if self.absent:
            return WantedCredential()
        options, kept = (row.options, row.kept) if row else ({}, ())
        wanted = wanted_credential(self.kind, self.identifier, self.params, options, kept)
        if "generate" not in wanted.options:
            return wanted
        return wanted_credential(self.kind, self.identifier, {**self.params, **self._generated}, options, kept)

    @cached_property
    def _generated(self) -> dict[str, Any]:
        """The generated key, in place of `generate`: the same one however often the change is planned."""
        generate, passphrase = self.params["generate"], self.params.get("passphrase") or ""
        wish = {**generate, "comment": generate.get("comment") or self.identifier}
        return {"private_key": make_key(wish, passphrase), "generate": None}

    def _own(self, state: SecretState) -> OwnSecrets:
        row = state.secret
        return self._once(("own", row_key(row), self.force), lambda: self._derive_own(row))

    def _derive_own(self, row: Secret | None) -> OwnSecrets:
        wanted = self._wanted(row)
        return OwnSecrets(
            self.what,
            "credential",
            self.identifier,
            self.path,
            given=self._without_kept(wanted.inline, row),
            before=row.kept if row else (),
            kept=wanted.kept,
            secret_manager=self.params.get("secret_manager"),
            owner=("secret", row.id if row else ""),
            is_forced=self.force,
        )

    def _without_kept(self, inline: Mapping[str, str], row: Secret | None) -> dict[str, str]:
        """Return the values to write: with `update_value: on_create` only those that do not exist yet."""
        there = row.kept if row and self.params.get("update_value") == "on_create" else ()
        return {name: value for name, value in inline.items() if name not in there}

    def observe(self, access: Access, state: CredentialState) -> CredentialState:
        return replace(state, own=self._own(state.secret).observe(access, state.own)) if state.own else state

    def plan(self, state: CredentialState) -> Plan:
        if state.row:
            check_kind(state.row, self.kind, self.what)
        own = self._own(state.secret)
        if self.absent:
            return self._plan_absent(state, own)
        wanted = self._wanted(state.row)
        before = shown_fields(state.row, state.secret.managers) if state.row else {}
        blank = {"name": self.identifier, "description": "", "tags": {}, "expires": ""}
        after = {**blank, **before, **self.fields, "options": dict(wanted.options)}
        plans = own.plans(state.own)
        fields = {**changed_fields(after, before), **({"own": plans} if plans else {})}
        if plans:
            after["own_secrets"] = {name: plan.action.value for name, plan in plans.items()}
        action = (Action.UPDATE if fields else Action.NONE) if state.row else Action.CREATE
        return Plan(action, before, after, fields, own.broken_by(state.own, plans))

    def _plan_absent(self, state: CredentialState, own: OwnSecrets) -> Plan:
        if state.row is None:
            return Plan()
        plans = own.plans(state.own)
        warnings = broken_users(state.secret.users, self.what, is_forced=self.force)
        warnings += own.broken_by(state.own, plans)
        return Plan(Action.DELETE, shown_fields(state.row, state.secret.managers), {}, {"own": plans}, warnings)

    def goals(self, state: CredentialState, plan: Plan) -> list[Goal]:
        return self._own(state.secret).goals(state.own, plan.fields.get("own", {}))

    def prepare(self, access: Access, state: CredentialState, plan: Plan) -> PreparedCredential:
        """Prove that the credential can be used, then write its own secrets to their managers."""
        secret_id, public = (state.row.id if state.row else str(uuid.uuid4())), {}
        if plan.action is not Action.DELETE:
            wanted = self._wanted(state.row)
            access.in_store(lambda session: self._used(session, wanted))
            proof = CredentialProof(access, self.path, wanted, self.what)
            public = proof.public()
            if self.params.get("check_host") is not None:
                proof.check_host(self.params["check_host"], check_key=self.params.get("check_host_key", True))
        own = self._own(state.secret).prepare(access, state.own, plan.fields.get("own", {}))
        return PreparedCredential(secret_id, public, own)

    def _used(self, session: Session, wanted: WantedCredential) -> dict[str, str]:
        return named_secrets(session, self.path, references_among(wanted.options), wanted.kept, self.what)

    def guard(self, state: CredentialState) -> object:
        row = state.row
        return (row.id, row.revision) if row else None, self._own(state.secret).guard(state.own)

    def apply(self, session: Session, state: CredentialState, plan: Plan, prepared: PreparedCredential) -> None:
        own, plans = self._own(state.secret), plan.fields.get("own", {})
        if plan.action is Action.DELETE:
            session.replace_secret(state.secret.chain, state.row, None)
            own.apply(session, plans, prepared.own)
            return
        own.apply(session, plans, prepared.own)
        wanted = self._wanted(state.row)
        chain = session.chain(self.path)
        row = with_fields(state.row or self._blank(session, chain[-1].id, prepared), plan.fields)
        options = {**wanted.options, **prepared.public}
        session.replace_secret(
            chain, state.row, row._replace(options=options, kept=wanted.kept, updated_at=session.now)
        )
        replace_references(session.tx, "secret", row.id, self._used(session, wanted))

    def _blank(self, session: Session, scope_id: str, prepared: PreparedCredential) -> Secret:
        return Secret(
            id=prepared.secret_id,
            scope_id=scope_id,
            identifier=self.identifier,
            kind=self.kind,
            name=self.identifier,
            made_by=self.made_by,
            created_at=session.now,
        )

    def view(self, state: CredentialState) -> View | None:
        return view_of(state.secret) if state.row else None

    @property
    def identity(self) -> View:
        return identity_of(self.path, self.identifier, self.kind)
