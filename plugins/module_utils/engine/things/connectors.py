# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...managers import builtin
from ...managers.base import KeyKeeper
from ...managers.checks import AccessProof, right_of
from ...managers.registry import manager_kind
from ...model.entities import Connector, Scope
from ...model.errors import Conflict
from ...model.identifiers import check_identifier, check_name, check_tags
from ...model.messages import Result, View
from ...model.scopes import ScopePath
from ...store.connectors import defaults_at
from ...store.secrets import count_kept, kept_by, replace_references
from ..changes.intents import Goal
from ..changes.resource import Action, Plan, Resource, changed_fields, pick, row_key
from ..providers.access import Access
from ..providers.logins import check_no_loop, used_secrets
from ..providers.value_paths import check_template_of
from ..rows.scoped_connectors import Managers, ScopedConnector, load_managers
from ..rows.session import Session
from .connector_options import WantedOptions, wanted_options
from .connector_views import view_of
from .defaults import write_default
from .own_secrets import OwnSecrets
from .secret_views import SecretState

__all__ = ["ConnectorResource"]

_SHOWN = ("name", "description", "tags")
# How many secrets an error names.
_NAMED = 20


@dataclass(frozen=True, slots=True)
class ConnectorState:
    """The connector (None: it does not exist) and its scopes, how many secrets it keeps, and where it is the default.

    `without_builtin` are those of the latter whose built-in manager is switched off. `credentials` are the secrets that
    keep, or will keep, its credentials, by option.
    """

    chain: list[Scope]
    managers: Managers
    connector: Connector | None = None
    secrets: int = 0
    some_secrets: tuple[str, ...] = ()
    default_of: tuple[ScopePath, ...] = ()
    without_builtin: tuple[ScopePath, ...] = ()
    handed_out: ScopePath | None = None
    credentials: Mapping[str, SecretState] = field(default_factory=dict)

    @property
    def is_present(self) -> bool:
        return self.connector is not None and not self.connector.is_removed

    @property
    def is_default(self) -> bool:
        scope = self.chain[-1]
        return self.connector is not None and scope.default_connector_id == self.connector.id


@dataclass(frozen=True, slots=True)
class PreparedConnector:
    """What was done before the store changes: the id, the options found at the provider, the credentials' part."""

    connector_id: str
    settled: Mapping[str, Any] = field(default_factory=dict)
    credentials: Mapping[str, Any] = field(default_factory=dict)


class ConnectorResource(Resource[ConnectorState]):
    """A connector of one kind."""

    noun = "connector"

    def __init__(self, params: dict[str, Any], kind: str) -> None:
        super().__init__(params)
        self.kind = manager_kind(kind)
        self.identifier = check_identifier(params["identifier"], "connector")
        self.what = f"connector '{self.identifier}' of {self.path}"
        self._right = right_of(params.get("check", True))
        self._proof: AccessProof | None = None

    def load(self, session: Session) -> ConnectorState:
        chain = session.chain(self.path)
        managers = load_managers(session, chain)
        own = (k.row for k in managers.connectors if k.path == self.path)
        connector = next((c for c in own if c.identifier == self.identifier), None)
        credentials = self._credentials(chain[-1], connector).load(session)
        handed_out = session.handed_out_below(chain)
        state = ConnectorState(chain, managers, connector, handed_out=handed_out, credentials=credentials)
        if connector is None:
            return state
        default_of = tuple(defaults_at(session.tx, connector.id))
        return replace(
            state,
            secrets=count_kept(session.tx, connector.id),
            some_secrets=tuple(kept_by(session.tx, connector.id, _NAMED)),
            default_of=default_of,
            without_builtin=tuple(path for path in default_of if _lacks_builtin(session, path)),
        )

    def _wanted_options(self, connector: Connector | None) -> WantedOptions:
        key = "options", row_key(connector)
        return self._once(key, lambda: wanted_options(self.kind, self.identifier, self.params, connector))

    def _credentials(self, scope: Scope, connector: Connector | None) -> OwnSecrets:
        key = "credentials", row_key(connector), scope.default_connector_id, self.force
        return self._once(key, lambda: self._derive_credentials(scope, connector))

    def _derive_credentials(self, scope: Scope, connector: Connector | None) -> OwnSecrets:
        wanted = WantedOptions() if self.absent else self._wanted_options(connector)
        is_default = connector is not None and scope.default_connector_id == connector.id
        return OwnSecrets(
            self.what,
            "connector",
            self.identifier,
            self.path,
            given=wanted.inline,
            before=connector.kept if connector else (),
            kept=wanted.kept,
            # A manager can't keep its own login.
            secret_manager=builtin.NAME if is_default else None,
            owner=("connector", connector.id if connector else ""),
            is_forced=self.force,
        )

    def _credentials_of(self, state: ConnectorState) -> OwnSecrets:
        return self._credentials(state.chain[-1], state.connector)

    def observe(self, access: Access, state: ConnectorState) -> ConnectorState:
        if not self.absent:
            connector = self._scoped(state, state.connector.id if state.connector else "")
            access.in_store(lambda session: check_no_loop(session, connector))
        return replace(state, credentials=self._credentials_of(state).observe(access, state.credentials))

    def plan(self, state: ConnectorState) -> Plan:
        if self.absent:
            return self._plan_absent(state)
        wanted = self._wanted_options(state.connector)
        self._check_place(state, wanted)
        check_template_of(self._scoped(state, ""))
        before = self._before(state)
        after = {"name": self.identifier, "description": "", "tags": {}, **before, **self._wanted()}
        after.update(options=wanted.options, use_as_default=self._default(state))
        credentials = self._credentials_of(state)
        changed = credentials.plans(state.credentials)
        fields = {**changed_fields(after, before), **({"credentials": changed} if changed else {})}
        if changed:
            after["credentials"] = {name: plan.action.value for name, plan in changed.items()}
        warnings = credentials.broken_by(state.credentials, changed)
        if not state.is_present:
            return Plan(Action.CREATE, {}, after, fields, warnings)
        return Plan(Action.UPDATE if fields else Action.NONE, before, after, fields, warnings)

    def _before(self, state: ConnectorState) -> View:
        connector = state.connector
        if connector is None or not state.is_present:
            return {}
        settled = {"settled", *_settled(connector)}
        options = {name: value for name, value in connector.options.items() if name not in settled}
        shown: View = {"name": connector.name, "description": connector.description, "tags": connector.tags}
        return {**shown, "options": options, "use_as_default": state.is_default}

    def _default(self, state: ConnectorState) -> bool:
        wanted = self.params.get("use_as_default")
        if wanted is False and state.is_default:
            state.managers.for_new(builtin.NAME)
        return state.is_default if wanted is None else bool(wanted)

    def _wanted(self) -> View:
        wanted = pick(self.params, *_SHOWN)
        if "name" in wanted:
            check_name(wanted["name"])
        if "tags" in wanted:
            wanted["tags"] = check_tags(wanted["tags"])
        return wanted

    def _check_place(self, state: ConnectorState, wanted: WantedOptions) -> None:
        """Raise Conflict for a change that a connector can't make, or not while it keeps secrets."""
        connector = state.connector
        if connector is None:
            return
        if connector.kind != self.kind.KIND:
            raise Conflict(
                "other_connector",
                f"The {self.what} already exists, with the kind {connector.kind}.",
                hint=f"Declare it with scoped.secrets.connector_{connector.kind}, or choose another identifier.",
            )
        moved = self._moved(connector, wanted)
        if moved and state.secrets:
            raise Conflict(
                "location_fixed",
                f"The {self.what} keeps {state.secrets} secrets, so {', '.join(moved)} can't change: they would no "
                "longer be found.",
                hint="Declare a second connector for the new place, and declare the secrets there.",
            )

    def _moved(self, connector: Connector, wanted: WantedOptions) -> list[str]:
        """Return the options that say where values are kept, and that have changed."""
        places = {*self.kind.LOCATION, *(f"{name}_ref" for name in self.kind.LOCATION)}
        # An empty one is as none.
        old, new = connector.options, wanted.options
        return sorted(place for place in places if (old.get(place) or None) != (new.get(place) or None))

    def _plan_absent(self, state: ConnectorState) -> Plan:
        if state.connector is None or (state.connector.is_removed and state.secrets):
            return Plan()
        users = [f"secret '{name}'" for name in state.some_secrets]
        if state.secrets > len(users):
            users.append(f"{state.secrets - len(users)} more secrets")
        users += [f"default secret manager of {scope}" for scope in state.default_of]
        if users and not self.force:
            raise Conflict(
                "connector_in_use",
                f"The {self.what} is in use: {', '.join(users)}.",
                hint="Remove its secrets and choose another default first, or set 'force: true'. Its secrets then "
                "can't be read until you declare the connector again.",
                details={"used_by": users},
            )
        warnings = self._consequences(state, users) if users else []
        credentials = self._credentials_of(state)
        changed = credentials.plans(state.credentials) if not state.secrets else {}
        warnings += credentials.broken_by(state.credentials, changed)
        return Plan(Action.DELETE, self._before(state), {}, {"credentials": changed} if changed else {}, warnings)

    def _consequences(self, state: ConnectorState, users: list[str]) -> list[str]:
        """Return what follows from the removal of a connector that is in use."""
        warnings = [f"The {self.what} was removed although it is in use: {', '.join(users)}."]
        if state.secrets:
            is_sealed = issubclass(self.kind, KeyKeeper)
            stay = "their sealed values stay in the store" if is_sealed else "their values stay at the manager"
            warnings.append(f"Secrets of the {self.what} can't be read until you declare it again; {stay}.")
        has_builtin = [str(scope) for scope in state.default_of if scope not in state.without_builtin]
        if has_builtin:
            warnings.append(f"New secrets go to the built-in secret manager again in {', '.join(has_builtin)}.")
        if state.without_builtin:
            warnings.append(
                "The built-in secret manager is switched off, so new secrets need a 'secret_manager' or another "
                f"default, in {', '.join(map(str, state.without_builtin))}."
            )
        return warnings

    def goals(self, state: ConnectorState, plan: Plan) -> list[Goal]:
        return self._credentials_of(state).goals(state.credentials, plan.fields.get("credentials", {}))

    def prepare(self, access: Access, state: ConnectorState, plan: Plan) -> PreparedConnector:
        """Prove that the connector can log in, then write its credentials to their managers."""
        connector_id = state.connector.id if state.connector else str(uuid.uuid4())
        settled: Mapping[str, Any] = {}
        if plan.action is not Action.DELETE:
            settled = self._proven(access, state, connector_id)
        changed = plan.fields.get("credentials", {})
        prepared = self._credentials_of(state).prepare(access, state.credentials, changed)
        return PreparedConnector(connector_id, settled, prepared)

    def _proven(self, access: Access, state: ConnectorState, connector_id: str) -> Mapping[str, Any]:
        connector = self._scoped(state, connector_id)
        access.check_references(connector)
        if self._right is None:
            return {}
        self._proof = AccessProof()
        inline = self._wanted_options(state.connector).inline
        return access.prove(connector, inline, self._proof, right=self._right)

    def result(
        self, state: ConnectorState, plan: Plan, *, is_predicted: bool = False, warnings: Sequence[str] = ()
    ) -> Result:
        """Return what the task did, with the proof that its check had, if there was one."""
        result = super().result(state, plan, is_predicted=is_predicted, warnings=warnings)
        if self._proof:
            result.returned["proof"] = self._proof.view
        return result

    def _scoped(self, state: ConnectorState, connector_id: str) -> ScopedConnector:
        row = self._connector(state, self._wanted_options(state.connector), connector_id)
        return ScopedConnector(row, self.path, handed_out=state.handed_out)

    def _connector(self, state: ConnectorState, wanted: WantedOptions, connector_id: str) -> Connector:
        """Return the new row. What was found out at the provider stays valid while the place is the same."""
        blank = Connector(connector_id, state.chain[-1].id, self.kind.KIND, self.identifier, self.identifier)
        old = state.connector
        settled = _settled(old) if old and not self._moved(old, wanted) else {}
        options = {**wanted.options, **settled, **({"settled": sorted(settled)} if settled else {})}
        return (old or blank)._replace(options=options, kept=wanted.kept, is_removed=False)

    def guard(self, state: ConnectorState) -> object:
        connector = state.connector
        kept = self._credentials_of(state).guard(state.credentials)
        return (connector.id, connector.revision) if connector else None, kept

    def apply(self, session: Session, state: ConnectorState, plan: Plan, prepared: PreparedConnector) -> None:
        if state.connector and plan.action is Action.DELETE:
            self._remove(session, state, state.connector, plan, prepared)
            return
        self._apply_credentials(session, state, plan, prepared)
        chain = session.chain(self.path)
        connector = self._declared(session, state, plan, prepared)
        old = state.connector
        session.replace_connector(chain, old, connector)
        used = used_secrets(session, ScopedConnector(connector, self.path))
        replace_references(session.tx, "connector", connector.id, used)
        if plan.after["use_as_default"] != state.is_default:
            default = connector.id if plan.after["use_as_default"] else None
            write_default(session, session.chain(self.path), default, made_by=self.made_by)

    def _declared(self, session: Session, state: ConnectorState, plan: Plan, prepared: PreparedConnector) -> Connector:
        connector = self._connector(state, self._wanted_options(state.connector), prepared.connector_id)
        settled = {**prepared.settled, **_settled(connector)}
        options = {**connector.options, **settled, **({"settled": sorted(settled)} if settled else {})}
        created_at = connector.created_at or session.now
        made_by = connector.made_by if state.is_present else self.made_by
        fields = pick(plan.after, *_SHOWN)
        return connector._replace(
            **fields, options=options, made_by=made_by, created_at=created_at, updated_at=session.now
        )

    def _apply_credentials(
        self, session: Session, state: ConnectorState, plan: Plan, prepared: PreparedConnector
    ) -> None:
        self._credentials_of(state).apply(session, plan.fields.get("credentials", {}), prepared.credentials)

    def _remove(
        self, session: Session, state: ConnectorState, connector: Connector, plan: Plan, prepared: PreparedConnector
    ) -> None:
        """Remove the connector. One that keeps secrets is only marked, so that it can be declared again for them."""
        for scope in state.default_of:
            write_default(session, session.chain(scope), None)
        chain = session.chain(self.path)
        if state.secrets:
            session.replace_connector(chain, connector, connector._replace(is_removed=True, updated_at=session.now))
            return
        session.replace_connector(chain, connector, None)
        self._apply_credentials(session, state, plan, prepared)

    def view(self, state: ConnectorState) -> View | None:
        if state.connector is None or not state.is_present:
            return None
        return view_of(ScopedConnector(state.connector, self.path), state.managers.default, state.secrets)

    @property
    def identity(self) -> View:
        return {"identifier": self.identifier, "kind": self.kind.KIND, **super().identity}

    def predicted(self, state: ConnectorState, plan: Plan) -> View:
        after = {name: value for name, value in plan.after.items() if name not in ("credentials", "use_as_default")}
        return {**super().predicted(state, plan._replace(after=after)), "is_default": plan.after["use_as_default"]}


def _lacks_builtin(session: Session, path: ScopePath) -> bool:
    return session.opens(path) and not session.chain(path)[-1].builtin_enabled


def _settled(connector: Connector | None) -> dict[str, Any]:
    """Return the options that were found at the provider earlier."""
    options = connector.options if connector else {}
    return {name: options[name] for name in options.get("settled", ())}
