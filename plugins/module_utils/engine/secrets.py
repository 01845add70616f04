# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text and file secrets: declared, listed, removed."""

from __future__ import annotations

import hmac
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from ..crypto.envelope import check_size
from ..crypto.scopekey import ScopeKey
from ..model.entities import Connector, Scope, Secret, SecretUser, SecretVersion
from ..model.errors import Conflict, InvalidInput
from ..model.identifiers import check_identifier, check_name, check_tags
from ..model.scopes import Level, ScopePath
from ..store.connectors import connectors_of
from ..store.secrets import secrets_of, users_of
from .generate import check_generate, generate
from .managers import check_takes_new, default_identifier
from .resource import Action, Info, Plan, Resource, View, changed_fields, pick
from .session import Session

__all__ = ["SecretInfo", "SecretResource"]

_SHOWN = ("name", "description", "tags", "expires")
NEW_VALUE = "new"


@dataclass(frozen=True, slots=True)
class SecretState:
    """Where the secret is, what it is (None: it does not exist), the key of its fingerprint, and who uses it."""

    chain: list[Scope]
    connectors: list[Connector]
    secret: Secret | None = None
    version: SecretVersion | None = None
    key: ScopeKey | None = None
    users: tuple[SecretUser, ...] = ()


class SecretResource(Resource[SecretState]):
    """A secret of one kind. `value` holds what the user gave, `generate` how to make one."""

    noun = "secret"

    def __init__(self, params: dict[str, Any], kind: str) -> None:
        super().__init__(params)
        self.kind = kind
        self.identifier = check_identifier(params["identifier"], "secret")
        self.value: bytes | None = params.get("value")
        self.what = f"secret '{self.identifier}' in {self.path}"
        if self.value is not None:
            check_size(self.value, f"The value of {self.what}")
        if params.get("generate"):
            check_generate(params["generate"])

    def load(self, session: Session) -> SecretState:
        chain = session.chain(self.path)
        connectors = connectors_of(session.tx, chain[-1].id)
        secret = session.secret(chain, self.identifier)
        if secret is None:
            return SecretState(chain, connectors)
        return _load_state(session, chain, connectors, secret)

    def plan(self, state: SecretState) -> Plan:
        if self.absent:
            return self._plan_absent(state)
        if state.secret is None:
            return self._plan_create(state)
        return self._plan_update(state, state.secret)

    def _plan_create(self, state: SecretState) -> Plan:
        if self.value is None and not self.params.get("generate"):
            raise InvalidInput(
                "value_missing",
                f"There is no {self.what} yet, and no value to create it with.",
                hint="Give it a value (value or generate; for a file src, content or content_b64).",
            )
        scope = state.chain[-1]
        check_takes_new(scope, state.connectors, scope.default_connector_id)
        fields = {"name": self.identifier, "description": "", "tags": {}, "expires": "", **self._wanted()}
        shown = {"secret_manager": default_identifier(scope, state.connectors), "version": 1}
        return Plan(Action.CREATE, {}, {**fields, **shown}, {**fields, "value": NEW_VALUE})

    def _plan_update(self, state: SecretState, secret: Secret) -> Plan:
        if secret.kind != self.kind:
            raise Conflict(
                "other_kind",
                f"The {self.what} exists as a {secret.kind} secret, not as a {self.kind} secret.",
                hint=f"Use scoped.secrets.secret_{secret.kind} for it, another identifier, or remove it first.",
            )
        before = {**_fields(secret), "version": secret.current_version}
        fields = changed_fields(self._wanted(), before)
        after = {**before, **fields}
        if self._has_new_value(state):
            fields["value"] = NEW_VALUE
            after["version"] = secret.current_version + 1
        return Plan(Action.UPDATE if fields else Action.NONE, before, after, fields)

    def _has_new_value(self, state: SecretState) -> bool:
        if self.value is None or self.params.get("update_value") == "on_create":
            return False
        if state.key is None or state.secret is None or state.version is None:
            return True
        fingerprint = state.key.fingerprint(state.secret.id, self.kind, self.value)
        return not hmac.compare_digest(fingerprint, state.version.fingerprint)

    def _wanted(self) -> View:
        wanted = pick(self.params, *_SHOWN)
        if "name" in wanted:
            check_name(wanted["name"])
        if "tags" in wanted:
            wanted["tags"] = check_tags(wanted["tags"])
        if "expires" in wanted:
            wanted["expires"] = _utc(wanted["expires"])
        return wanted

    def _plan_absent(self, state: SecretState) -> Plan:
        if state.secret is None:
            return Plan()
        users = ", ".join(map(str, state.users))
        if users and not self.force:
            raise Conflict(
                "secret_in_use",
                f"The {self.what} is used by {users}.",
                hint="Change or remove what uses it first, or set 'force: true'.",
                details={"used_by": [str(user) for user in state.users]},
            )
        before = {**_fields(state.secret), "version": state.secret.current_version}
        warnings = [f"The {self.what} was removed although it is used by {users}."] if users else []
        return Plan(Action.DELETE, before, {}, warnings=warnings)

    def apply(self, session: Session, state: SecretState, plan: Plan) -> None:
        if plan.action is Action.DELETE:
            session.replace_secret(state.chain, state.secret, None)
            return
        secret = state.secret or self._blank(session, state)
        secret = replace(_with_fields(secret, plan.fields), updated_at=session.now)
        if "value" in plan.fields:
            secret = replace(secret, current_version=secret.current_version + 1)
        session.replace_secret(state.chain, state.secret, secret)
        if "value" in plan.fields:
            session.write_version(state.chain, secret, self._new_value())

    def _blank(self, session: Session, state: SecretState) -> Secret:
        scope = state.chain[-1]
        return Secret(
            id=str(uuid.uuid4()),
            scope_id=scope.id,
            identifier=self.identifier,
            kind=self.kind,
            name=self.identifier,
            connector_id=scope.default_connector_id,
            created_at=session.now,
        )

    def _new_value(self) -> bytes:
        return self.value if self.value is not None else generate(self.params["generate"]).encode()

    def view(self, state: SecretState) -> View | None:
        return _view(state) if state.secret else None

    @property
    def identity(self) -> View:
        return _identity(self.path, self.identifier, self.kind)

    def predicted(self, state: SecretState, plan: Plan) -> View:
        view = super().predicted(state, plan)
        if "value" in plan.fields:
            view.pop("fingerprint", None)
            view.pop("size", None)
        return view


def _load_state(session: Session, chain: list[Scope], connectors: list[Connector], secret: Secret) -> SecretState:
    version = session.version(chain, secret, secret.current_version)
    key = session.keyring.key(session.tx, chain, version.key_generation) if version else None
    return SecretState(chain, connectors, secret, version, key, tuple(users_of(session.tx, secret.id)))


def _with_fields(secret: Secret, fields: View) -> Secret:
    changes = pick(fields, "name", "description", "tags")
    if "expires" in fields:
        changes["expires_at"] = fields["expires"]
    return replace(secret, **changes)


def _utc(text: str) -> str:
    """Return a date or time as typed (ISO 8601, UTC where it names no zone) in UTC to the second; empty stays empty."""
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise InvalidInput(
            "invalid_time",
            f"'expires' is {text[:40]!r}, which is no ISO 8601 date or time.",
            hint="Write 2027-01-31 or 2027-01-31T18:00:00Z; an empty string means that it never expires.",
        ) from None
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _fields(secret: Secret) -> View:
    return {
        "name": secret.name,
        "description": secret.description,
        "tags": secret.tags,
        "expires": secret.expires_at,
        "secret_manager": secret.manager,
    }


def _identity(path: ScopePath, identifier: str, kind: str) -> View:
    prefix = "" if path.level is Level.PROJECT else f"{path.level.value}."
    return {
        "identifier": identifier,
        "org": path.org,
        "project": path.project,
        "kind": kind,
        "reference": prefix + identifier,
    }


def _view(state: SecretState) -> View:
    secret, version, path = state.secret, state.version, state.chain[-1].path
    if secret is None or version is None:
        return {}
    return {
        **_identity(path, secret.identifier, secret.kind),
        **_fields(secret),
        "version": secret.current_version,
        "fingerprint": version.fingerprint.hex()[:16],
        "size": version.size,
        "used_by": [{"kind": u.kind, "identifier": u.identifier, "field": u.field} for u in state.users],
        "created_at": secret.created_at,
        "updated_at": secret.updated_at,
    }


class SecretInfo(Info):
    """The secrets of one scope."""

    noun = "secrets"

    def views(self, session: Session) -> list[View]:
        chain = session.chain(self.path)
        connectors = connectors_of(session.tx, chain[-1].id)
        return [_view(_load_state(session, chain, connectors, s)) for s in self._found(session, chain)]

    def _found(self, session: Session, chain: list[Scope]) -> list[Secret]:
        if self.params.get("identifier"):
            one = session.secret(chain, check_identifier(self.params["identifier"], "secret"))
            return [one] if one and self._matches(one) else []
        found = [secret for secret in secrets_of(session.tx, chain[-1].id) if self._matches(secret)]
        for secret in found:
            session.check(chain, secret)
        return found

    def _matches(self, secret: Secret) -> bool:
        wanted = pick(self.params, "kind", "secret_manager")
        actual = {"kind": secret.kind, "secret_manager": secret.manager}
        tags = self.params.get("tags") or {}
        return not changed_fields(wanted, actual) and not changed_fields(check_tags(tags), dict(secret.tags))
