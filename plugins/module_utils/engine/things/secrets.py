# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text and file secrets."""

from __future__ import annotations

import hmac
import uuid
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ...crypto.envelope import check_size
from ...managers.base import Writing
from ...model.entities import Secret
from ...model.errors import Conflict, InvalidInput
from ...model.identifiers import check_identifier
from ...model.messages import View
from ...model.reference_targets import Target
from ..changes.intents import Goal
from ..changes.observe import ValueLocation
from ..changes.resource import Action, Plan, Resource, changed_fields
from ..providers.access import Access
from ..providers.value_paths import kept_path
from ..providers.value_placement import (
    Placement,
    check_referable,
    check_removable,
    is_kept_there,
    path_for,
    relabel,
    remove_kept,
)
from ..rows.scoped_connectors import ScopedConnector, connector_removed
from ..rows.session import NewValue, Session
from ..rows.stored_references import check_refers_to_own
from .generate import check_generate, generate, public_half
from .secret_fields import broken_users, check_kind, wanted_fields, with_fields
from .secret_views import SecretState, identity_of, load_state, shown_fields, view_of

__all__ = ["SecretResource"]

NEW_VALUE = "new"


@dataclass(frozen=True, slots=True)
class PreparedSecret:
    """What was done at the secret's manager, for the store to record. `placement` is None if no value changed."""

    secret_id: str
    value: bytes = field(default=b"", repr=False)
    placement: Placement | None = None


class SecretResource(Resource[SecretState]):
    """A secret of one kind. The user gave a `value`, told how to `generate` one, or where one is (`reference`)."""

    noun = "secret"
    is_batchable = True

    def __init__(self, params: dict[str, Any], kind: str) -> None:
        super().__init__(params)
        self.kind = kind
        self.identifier = check_identifier(params["identifier"], "secret")
        self.value: bytes | None = params.get("value")
        self.reference = Target.parse(params["reference"]) if params.get("reference") is not None else None
        self.new_goes_to: str | None = params.get("secret_manager")
        self.what = f"secret '{self.identifier}' in {self.path}"
        if self.value is not None:
            check_size(self.value, f"The value of {self.what}")
        if params.get("generate"):
            check_generate(params["generate"])

    def load(self, session: Session) -> SecretState:
        state = load_state(session, self.path, self.identifier)
        connector = self._connector(state) if self.reference and not self.absent else None
        if connector:
            check_refers_to_own(session, state.chain, connector, f"The {self.what}")
        return state

    def observe(self, access: Access, state: SecretState) -> SecretState:
        """Read the value from its value keeper, where others may have changed it."""
        if self._compares_value:
            self._check_connector(state)
        place = self.observed_at(state)
        return replace(state, observed=access.kept_value(*place), is_observed=True) if place else state

    def observed_at(self, state: SecretState) -> ValueLocation | None:
        secret, connector = state.secret, state.connector
        if not (self._compares_value and secret and connector) or connector.row.is_removed:
            return None
        if connector.keeps_keys or secret.is_reference:
            return None
        return ValueLocation(connector, kept_path(connector, self.path, secret))

    @property
    def _compares_value(self) -> bool:
        return self.value is not None and self.params.get("update_value") != "on_create" and not self.absent

    def _check_connector(self, state: SecretState) -> None:
        """Raise Conflict if the secret's connector was removed by force: a new value could not be read."""
        if state.connector and state.connector.row.is_removed:
            raise connector_removed(f"The {self.what}", state.connector)

    def with_observed(self, state: SecretState, before: SecretState) -> SecretState:
        return replace(state, observed=before.observed, is_observed=before.is_observed)

    def plan(self, state: SecretState) -> Plan:
        if self.absent:
            return self._plan_absent(state)
        if state.secret is None:
            return self._plan_create(state)
        return self._plan_update(state, state.secret)

    def _plan_create(self, state: SecretState) -> Plan:
        if self.value is None and not self.params.get("generate") and not self.reference:
            raise InvalidInput(
                "value_missing",
                f"The {self.what} does not exist yet, and the task gives no value to create it with.",
                hint="Set 'value' or 'generate' (for a file 'src', 'content' or 'content_b64'), or 'reference' for a "
                "value that a secret manager already has.",
            )
        connector = state.managers.for_new(self.new_goes_to)
        fields = {"name": self.identifier, "description": "", "tags": {}, "expires": "", **wanted_fields(self.params)}
        shown = {**fields, "secret_manager": state.managers.name_of(connector.row.id if connector else None)}
        if self.reference:
            check_referable(connector)
            shown["reference_to"] = str(self.reference)
            return Plan(Action.CREATE, {}, shown, {**fields, "reference_to": self.reference})
        path_for(connector, self.path, self.identifier, self.kind, self.value)
        return Plan(Action.CREATE, {}, {**shown, "version": 1}, {**fields, "value": NEW_VALUE})

    def _plan_update(self, state: SecretState, secret: Secret) -> Plan:
        self._check_same(state, secret)
        before = {**shown_fields(secret, state.managers), "version": secret.current_version}
        fields = changed_fields(wanted_fields(self.params), before)
        after = {**before, **fields}
        if self.reference and self.reference != Target.of(secret):
            fields["reference_to"] = self.reference
            after["reference_to"] = str(self.reference)
        if self._has_new_value(state):
            path_for(state.connector, self.path, self.identifier, self.kind, self.value)
            fields["value"] = NEW_VALUE
            after["version"] = secret.current_version + 1
        if {"reference_to", "value"} & fields.keys():
            self._check_connector(state)
        return Plan(Action.UPDATE if fields else Action.NONE, before, after, fields)

    def _check_same(self, state: SecretState, secret: Secret) -> None:
        """Raise Conflict for a change that an existing secret can't make."""
        manager, wanted = state.managers.name_of(secret.connector_id), self.params.get("secret_manager")
        check_kind(secret, self.kind, self.what)
        if wanted not in (None, manager):
            raise Conflict(
                "manager_fixed",
                f"The {self.what} is kept by '{manager}' and can't move to '{wanted}'.",
                hint="Leave 'secret_manager' out to update the secret where it is, or remove the secret and declare it "
                "again.",
            )
        gives_value = self.value is not None or bool(self.params.get("generate"))
        if (secret.is_reference and gives_value) or (self.reference and not secret.is_reference):
            raise Conflict(
                "reference_or_value",
                f"The {self.what} is a {'reference' if secret.is_reference else 'value'} and can't become a "
                f"{'value' if secret.is_reference else 'reference'}.",
                hint="Remove it first. Removing a reference leaves the value at its secret manager alone.",
            )

    def _has_new_value(self, state: SecretState) -> bool:
        if self.value is None or self.params.get("update_value") == "on_create":
            return False
        if state.is_observed and (state.observed is None or not hmac.compare_digest(state.observed, self.value)):
            return True
        # The manager may hold this value unrecorded: the store must record it.
        return not (
            state.secret
            and state.version
            and state.key
            and hmac.compare_digest(
                state.key.fingerprint(state.secret.id, self.kind, self.value), state.version.fingerprint
            )
        )

    def _plan_absent(self, state: SecretState) -> Plan:
        if state.secret is None:
            return Plan()
        if state.secret.is_credential:
            check_kind(state.secret, self.kind, self.what)
        warnings = broken_users(state.users, self.what, is_forced=self.force)
        if not self.force:
            check_removable(state.connector, state.secret)
        before = {**shown_fields(state.secret, state.managers), "version": state.secret.current_version}
        return Plan(Action.DELETE, before, {}, warnings=warnings)

    def goals(self, state: SecretState, plan: Plan) -> list[Goal]:
        connector = self._connector(state)
        if connector is None or connector.keeps_keys:
            return []
        if state.secret and plan.action is Action.DELETE:
            goal = Goal(self.path, connector, state.secret.path, going=state.secret)
            return [goal] if is_kept_there(connector, state.secret) else []
        if "value" not in plan.fields:
            return []
        return [Goal(self.path, connector, path_for(connector, self.path, self.identifier, self.kind, self.value))]

    def prepare(self, access: Access, state: SecretState, plan: Plan) -> PreparedSecret | None:
        """Write or remove the value at its manager; return None if only the store is involved."""
        connector = self._connector(state)
        if connector is None:
            return None
        secret_id = state.secret.id if state.secret else str(uuid.uuid4())
        if state.secret and plan.action is Action.DELETE:
            remove_kept(access, connector, self.path, state.secret, is_forced=self.force)
        elif "reference_to" in plan.fields:
            path, key, version = plan.fields["reference_to"]
            access.check_field(connector, path, key, self.what, version=version)
        elif "value" not in plan.fields:
            self._relabel(access, connector, state, plan)
        else:
            value = self._new_value()
            return PreparedSecret(secret_id, value, self._place(access, connector, state, secret_id, value, plan))
        return PreparedSecret(secret_id)

    def foresee(self, access: Access, state: SecretState, plan: Plan) -> None:
        connector = self._connector(state)
        if connector is None or connector.keeps_keys:
            return
        if "reference_to" in plan.fields:
            path, key, version = plan.fields["reference_to"]
            access.check_field(connector, path, key, self.what, version=version)
        elif "value" in plan.fields:
            value = self._new_value()
            path = path_for(connector, self.path, self.identifier, self.kind, value)
            access.foresee(connector, path, value, self._writing(access, connector, state, plan))

    def _relabel(self, access: Access, connector: ScopedConnector, state: SecretState, plan: Plan) -> None:
        """Bring changed tags and descriptions to the secret's manager."""
        secret = state.secret
        if not ({"description", "tags"} & plan.fields.keys() and secret and is_kept_there(connector, secret)):
            return
        relabel(access, connector, self.path, secret, self._writing(access, connector, state, plan))

    def _place(
        self, access: Access, connector: ScopedConnector, state: SecretState, secret_id: str, value: bytes, plan: Plan
    ) -> Placement:
        scope, version = state.chain[-1], plan.after["version"]
        if connector.keeps_keys:
            context = access.context(scope, secret_id, self.kind, version)
            return Placement(envelope=access.seal(connector, value, context))
        path = path_for(connector, self.path, self.identifier, self.kind, value)
        writing = self._writing(access, connector, state, plan)
        return Placement(path=path, at_provider=access.write(connector, path, value, writing))

    def _writing(self, access: Access, connector: ScopedConnector, state: SecretState, plan: Plan) -> Writing:
        return Writing(
            access.owner(connector, state.chain[-1].id),
            adopt=bool(self.params.get("adopt")),
            drop_fields=bool(self.params.get("drop_fields")),
            description=plan.after["description"],
            tags=plan.after["tags"],
            is_text=self.kind == "text",
            previous=state.version.at_provider if state.version else "",
        )

    def _connector(self, state: SecretState) -> ScopedConnector | None:
        """Return the connector that keeps the value, or will keep it; None for the built-in manager."""
        if state.secret:
            return state.connector
        return None if self.absent else state.managers.for_new(self.new_goes_to)

    def guard(self, state: SecretState) -> object:
        """Return what must not change between `prepare` and `apply`."""
        connector = self._connector(state)
        manager = (connector.row.id, connector.row.revision) if connector else None
        return manager, (state.secret.id, state.secret.revision) if state.secret else None

    def apply(self, session: Session, state: SecretState, plan: Plan, prepared: PreparedSecret | None) -> None:
        if plan.action is Action.DELETE:
            session.replace_secret(state.chain, state.secret, None)
            return
        secret = state.secret or self._blank(session, state, prepared)
        secret = with_fields(secret, plan.fields)._replace(updated_at=session.now)
        placement = prepared.placement if prepared else None
        if placement:
            secret = secret._replace(path=placement.path)
        if "value" in plan.fields:
            number = secret.current_version + 1
            secret = secret._replace(current_version=number, options=self._public_half())
        value = None
        if "value" in plan.fields and prepared and placement:
            value = NewValue(prepared.value, placement.envelope, placement.at_provider)
        elif "value" in plan.fields:
            value = NewValue(self._new_value())
        session.replace_secret(state.chain, state.secret, secret, value)

    def _blank(self, session: Session, state: SecretState, prepared: PreparedSecret | None) -> Secret:
        connector = self._connector(state)
        return Secret(
            id=prepared.secret_id if prepared else str(uuid.uuid4()),
            scope_id=state.chain[-1].id,
            identifier=self.identifier,
            kind=self.kind,
            name=self.identifier,
            connector_id=connector.row.id if connector else None,
            is_reference=self.reference is not None,
            made_by=self.made_by,
            created_at=session.now,
        )

    def _new_value(self) -> bytes:
        return self._generated if self.value is None else self.value

    @cached_property
    def _generated(self) -> bytes:
        """The generated value: the same one however often the change is planned or applied."""
        return generate(self.params["generate"]).encode()

    def _public_half(self) -> dict[str, str]:
        """Return what is public about a new value."""
        return public_half(self._generated, self.params["generate"]) if self.value is None else {}

    def is_in_store(self, state: SecretState) -> bool:
        return self._connector(state) is None

    def view(self, state: SecretState) -> View | None:
        return view_of(state) if state.secret else None

    @property
    def identity(self) -> View:
        return identity_of(self.path, self.identifier, self.kind)

    def predicted(self, state: SecretState, plan: Plan) -> View:
        view = super().predicted(state, plan)
        if "value" in plan.fields:
            view.pop("fingerprint", None)
            view.pop("size", None)
        return view
