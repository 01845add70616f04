# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scopes: declared, listed and removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ...model.entities import Scope, Secret
from ...model.errors import Conflict, Forbidden, InvalidInput, NotFound
from ...model.identifiers import check_name, check_tags
from ...model.messages import View
from ...model.scopes import Level, ScopePath
from ...store.secrets import delete_secret
from ..changes.intents import Goal
from ..changes.resource import Action, Info, Plan, Resource, changed_fields, pick
from ..providers.access import Access
from ..providers.logins import login_depth
from ..providers.machine_credentials import REFUSED_HERE
from ..providers.value_placement import is_kept_there, remove_kept
from ..rows.high_water import began
from ..rows.scope_ids import new_scope_id
from ..rows.scoped_connectors import Managers, ScopedConnector, load_managers
from ..rows.session import Session
from ..rows.sharing import check_newest_shares

__all__ = ["ScopeInfo", "ScopeResource", "verify_rows"]

_SHOWN = ("name", "description", "tags", "builtin_manager", "inherited_managers")


class KeptElsewhere(NamedTuple):
    """A secret of a scope that a connector keeps."""

    scope: ScopePath
    connector: ScopedConnector
    secret: Secret


@dataclass(frozen=True, slots=True)
class ScopeState:
    """The scopes above the declared one, the scope itself (None if it does not exist) and what it contains.

    For a scope to remove: `heads` change with anything in it or below, and `kept` are the secrets of its connectors.
    """

    parents: list[Scope]
    scope: Scope | None
    default: str = ""
    is_key_handed_out: bool = False
    contents: dict[str, int] = field(default_factory=dict)
    heads: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)
    kept: tuple[KeptElsewhere, ...] = ()


class ScopeResource(Resource[ScopeState]):
    noun = "scope"
    is_batchable = True

    def load(self, session: Session) -> ScopeState:
        try:
            chain = session.chain(self.path)
        except NotFound:
            return ScopeState(session.chain(self.path.parent) if self.path.parent else [], None)
        managers = load_managers(session, chain)
        handed_out = session.is_handed_out(chain)
        state = ScopeState(chain[:-1], chain[-1], managers.default, handed_out, _contents(session, managers))
        if not self.absent:
            return state
        if session.keyring.held and self.path.parent:
            # The scope above says what is in it, and signs that.
            session.keyring.held.check_opens(self.path.parent)
        return replace(state, heads=tuple(_heads(session, chain)), kept=tuple(_in_order(session, chain)))

    def plan(self, state: ScopeState) -> Plan:
        if self.absent:
            return self._plan_absent(state)
        wanted = self._wanted()
        if state.scope is None:
            defaults: View = {
                "name": self.path.identifier,
                "description": "",
                "tags": {},
                "builtin_manager": _switch(state.parents[-1].builtin_enabled),
            }
            fields = {**defaults, **wanted}
            self._check_builtin(fields, state)
            return Plan(Action.CREATE, {}, fields, fields)
        before = _fields(state.scope)
        fields = changed_fields(wanted, before)
        if not fields:
            return Plan(before=before, after=before)
        self._check_builtin(fields, state)
        return Plan(Action.UPDATE, before, {**before, **fields}, fields)

    def _wanted(self) -> View:
        wanted = pick(self.params, *_SHOWN)
        if "inherited_managers" in wanted and self.path.level is not Level.ACCOUNT:
            raise InvalidInput(
                "only_for_account",
                f"'inherited_managers' applies to the whole account, so it can't be set for {self.path}.",
                hint="Set it in a task without 'org' and 'project' (set both to '' to override a play's defaults).",
            )
        if "name" in wanted:
            check_name(wanted["name"])
        if "tags" in wanted:
            wanted["tags"] = check_tags(wanted["tags"])
        return wanted

    def _check_builtin(self, fields: View, state: ScopeState) -> None:
        """Raise Conflict for disabling a built-in manager that is the default, as on the platform."""
        explicit = self.params.get("builtin_manager") == "disabled" and fields.get("builtin_manager") == "disabled"
        if explicit and (state.scope is None or state.scope.default_connector_id is None):
            raise Conflict(
                "no_other_manager",
                f"The built-in secret manager of {self.path} can't be disabled: it is the default.",
                hint="First declare a connector in this scope and make it the default (use_as_default).",
            )

    def _plan_absent(self, state: ScopeState) -> Plan:
        if self.path.level is Level.ACCOUNT:
            raise InvalidInput(
                "account_stays",
                "The account can't be removed.",
                hint="Set 'org' (and 'project' for a project) to the scope to remove.",
            )
        if state.scope is None:
            return Plan()
        inside = [f"{count} {what}" for what, count in state.contents.items() if count]
        if inside and not self.force:
            raise Conflict(
                "scope_in_use",
                f"Can't remove {self.path}: it contains {', '.join(inside)}.",
                hint="Remove its contents first, or set 'force: true' to remove everything in it for good.",
                details=state.contents,
            )
        warnings = [f"Removed with {self.path}: {', '.join(inside)}."] if inside else []
        return Plan(Action.DELETE, _fields(state.scope), {}, warnings=warnings)

    def goals(self, state: ScopeState, plan: Plan) -> list[Goal]:
        if plan.action is not Action.DELETE:
            return []
        return [
            Goal(scope, connector, secret.path, going=secret)
            for scope, connector, secret in state.kept
            if is_kept_there(connector, secret)
        ]

    def prepare(self, access: Access, state: ScopeState, plan: Plan) -> bool | None:
        """Remove the values of a removed scope's secrets at their secret managers."""
        for _scope, connector, _secret in state.kept:
            # Log in everywhere first: the secrets to remove may include the credentials of other connectors.
            self._log_in(access, connector)
        for scope, connector, secret in state.kept:
            remove_kept(access, connector, scope, secret, is_forced=self.force)
        return True if state.kept else None

    def _log_in(self, access: Access, connector: ScopedConnector) -> None:
        try:
            access.call(connector, lambda _manager: None)
        except Forbidden as error:
            # What it keeps is then left there with a warning.
            if not (self.force and error.code in REFUSED_HERE):
                raise

    def guard(self, state: ScopeState) -> object:
        return state.heads

    def apply(self, session: Session, state: ScopeState, plan: Plan, prepared: bool | None) -> None:
        if plan.action is Action.CREATE:
            session.create_scope(state.parents, self._scope_of(session, state, plan.fields))
        elif state.scope and plan.action is Action.UPDATE:
            session.write_scope([*state.parents, _with_fields(state.scope, plan.fields)])
            session.note("update", self.path, state.scope)
        elif state.scope:
            _delete_tree(session, [*state.parents, state.scope])

    def _scope_of(self, session: Session, state: ScopeState, fields: Mapping[str, Any]) -> Scope:
        parent = state.parents[-1]
        blank = Scope(new_scope_id(parent.id), self.path, parent.id, "", made_by=self.made_by, created_at=session.now)
        return _with_fields(blank, fields)._replace(updated_at=session.now)

    def is_in_store(self, state: ScopeState) -> bool:
        return not state.kept

    def view(self, state: ScopeState) -> View | None:
        if state.scope is None:
            return None
        return _view(state.scope, state.default, state.is_key_handed_out, state.contents)

    @property
    def identity(self) -> View:
        return {"level": self.path.level.value, **super().identity}


def _heads(session: Session, chain: list[Scope]) -> Iterator[tuple[bytes, bytes]]:
    """Yield what a scope and all below it commit to of what connectors keep."""
    yield chain[-1].secrets_root, chain[-1].connectors_digest
    for below in session.children(chain):
        yield from _heads(session, below)


def _in_order(session: Session, chain: list[Scope]) -> list[KeptElsewhere]:
    """Return the secrets that connectors keep, each before the secrets that its connector logs in with."""
    kept = list(_kept_elsewhere(session, chain))
    depths = {one.connector.row.id: login_depth(session, one.connector) for one in kept}
    return sorted(kept, key=lambda one: -depths[one.connector.row.id])


def _kept_elsewhere(session: Session, chain: list[Scope]) -> Iterator[KeptElsewhere]:
    """Yield the secrets that connectors keep, of a scope and of all below it."""
    for below in session.children(chain):
        yield from _kept_elsewhere(session, below)
    managers = load_managers(session, chain)
    for secret in session.secrets(chain):
        connector = managers.connector(secret.connector_id)
        if connector:
            yield KeptElsewhere(chain[-1].path, connector, secret)


def _delete_tree(session: Session, chain: list[Scope]) -> None:
    scope = chain[-1]
    for below in session.children(chain):
        _delete_tree(session, below)
    for secret in session.secrets(chain):
        delete_secret(session.tx, secret.id)
        session.note("delete", scope.path, secret)
    for connector in session.connectors(chain):
        session.note("delete", scope.path, connector)
    session.delete_scope(chain)


def _with_fields(scope: Scope, fields: Mapping[str, Any]) -> Scope:
    changes = pick(fields, "name", "description", "tags")
    if "builtin_manager" in fields:
        changes["builtin_enabled"] = fields["builtin_manager"] == "enabled"
    if "inherited_managers" in fields:
        changes["inherits_managers"] = fields["inherited_managers"] == "allowed"
    return scope._replace(**changes)


def _contents(session: Session, managers: Managers) -> dict[str, int]:
    scope = managers.scope
    connectors = [k for k in managers.connectors if k.path == scope.path and not k.row.is_removed]
    below = {Level.ACCOUNT: "organizations", Level.ORG: "projects"}.get(scope.path.level)
    inside = {below: session.count_children(scope)} if below else {}
    return {**inside, "connectors": len(connectors), "secrets": session.count_secrets(scope)}


def _switch(enabled: bool) -> str:
    return "enabled" if enabled else "disabled"


def _permission(allowed: bool) -> str:
    return "allowed" if allowed else "forbidden"


def _fields(scope: Scope) -> View:
    return {
        "name": scope.name,
        "description": scope.description,
        "tags": scope.tags,
        "builtin_manager": _switch(scope.builtin_enabled),
        **({} if scope.parent_id else {"inherited_managers": _permission(scope.inherits_managers)}),
    }


def _view(scope: Scope, default: str, is_key_handed_out: bool, contents: dict[str, int]) -> View:
    return {
        "level": scope.path.level.value,
        "org": scope.path.org,
        "project": scope.path.project,
        **_fields(scope),
        "default_secret_manager": default,
        "key_handed_out": is_key_handed_out,
        **contents,
        "created_at": scope.created_at,
        "updated_at": scope.updated_at,
    }


class ScopeInfo(Info):
    """The named scope, with `recursive` also all below it; with `verify` all their rows are verified."""

    noun = "scopes"

    def views(self, session: Session) -> list[View]:
        try:
            chain = session.chain(self.path)
        except NotFound:
            return []
        return list(self._walk(session, chain))

    def _walk(self, session: Session, chain: list[Scope]) -> list[View]:
        scope = chain[-1]
        if self.params.get("verify"):
            verify_rows(session, chain)
        managers = load_managers(session, chain)
        view = _view(scope, managers.default, session.is_handed_out(chain), _contents(session, managers))
        views = [{**view, "revision": scope.revision, "restored_at": began(scope.epoch) if scope.epoch else ""}]
        if self.params.get("recursive"):
            for below in session.children(chain):
                views += self._walk(session, below)
        return views


def verify_rows(session: Session, chain: list[Scope]) -> None:
    """Raise Damaged if any row of the scope is not as it was last written."""
    session.connectors(chain)
    check_newest_shares(session, chain)
    session.check_index(chain)
    for secret in session.secrets(chain):
        session.check_versions(chain, secret)
