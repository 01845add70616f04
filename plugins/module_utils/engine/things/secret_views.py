# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets as users see them: one, or those of a scope, never with a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...crypto.scopekey import FingerprintKey
from ...model.entities import Scope, Secret, SecretUser, SecretVersion
from ...model.identifiers import check_identifier, check_tags
from ...model.messages import View
from ...model.reference_targets import Target
from ...model.scopes import Level, ScopePath
from ...store.secrets import users_of
from ..changes.resource import Info, changed_fields, pick
from ..rows.scoped_connectors import Managers, ScopedConnector, load_managers
from ..rows.session import Session
from ..rows.sharing import grantee_paths

__all__ = ["SecretInfo", "SecretState", "identity_of", "load_state", "shown_fields", "view_of"]

# The public half of a key pair that is kept here.
PUBLIC = ("public_key", "key_fingerprint")


@dataclass(frozen=True, slots=True)
class SecretState:
    """The secret's scopes, the managers there, its row (None: it does not exist), and its users.

    `key` makes its fingerprint. With `is_observed`, `observed` is the value that its value keeper has now (None: none).
    """

    chain: list[Scope]
    managers: Managers
    secret: Secret | None = None
    version: SecretVersion | None = None
    key: FingerprintKey | None = None
    users: tuple[SecretUser, ...] = ()
    shared_with: tuple[ScopePath, ...] = ()
    observed: bytes | None = field(default=None, repr=False)
    is_observed: bool = False

    @property
    def connector(self) -> ScopedConnector | None:
        """The connector that keeps the secret, None for the built-in manager or a secret that does not exist."""
        return self.managers.connector(self.secret.connector_id) if self.secret else None


def load_state(session: Session, path: ScopePath, identifier: str) -> SecretState:
    """Return the state of a secret, whether it exists or not; raise NotFound for the scope."""
    chain = session.chain(path)
    managers = load_managers(session, chain)
    secret = session.secret(chain, identifier)
    return _load_secret(session, chain, managers, secret) if secret else SecretState(chain, managers)


def _load_secret(session: Session, chain: list[Scope], managers: Managers, secret: Secret) -> SecretState:
    """Return the state of an existing secret, with its current version verified."""
    users = tuple(users_of(session.tx, secret.id))
    if secret.is_reference or secret.is_credential:
        return SecretState(chain, managers, secret, users=users)
    grantees = grantee_paths(session, secret)
    version = session.version(chain, secret, secret.current_version)
    key = session.fingerprint_key(chain, version)
    return SecretState(chain, managers, secret, version, key, users, grantees)


def shown_fields(secret: Secret, managers: Managers) -> View:
    """Return what a declaration may change, and where the secret is kept."""
    return {
        "name": secret.name,
        "description": secret.description,
        "tags": secret.tags,
        "expires": secret.expires_at,
        "secret_manager": managers.name_of(secret.connector_id),
        **({"reference_to": str(Target.of(secret))} if secret.is_reference else {}),
        **({"options": settings_of(secret)} if secret.is_credential else {}),
    }


def settings_of(credential: Secret) -> View:
    """Return the settings that a credential was declared with, without any value."""
    return {name: value for name, value in credential.options.items() if name not in PUBLIC}


def identity_of(path: ScopePath, identifier: str, kind: str) -> View:
    """Return the fields that name a secret."""
    prefix = "" if path.level is Level.PROJECT else f"{path.level.value}."
    return {
        "identifier": identifier,
        "org": path.org,
        "project": path.project,
        "kind": kind,
        "reference": prefix + identifier,
    }


def view_of(state: SecretState) -> View:
    """Return a secret as users see it, empty if it does not exist."""
    secret, version, path = state.secret, state.version, state.chain[-1].path
    if secret is None:
        return {}
    value: dict[str, Any] = {"fingerprint": version.fingerprint.hex()[:16], "size": version.size} if version else {}
    return {
        **identity_of(path, secret.identifier, secret.kind),
        **shown_fields(secret, state.managers),
        **({} if secret.is_credential else {"version": secret.current_version}),
        **value,
        **pick(secret.options, *PUBLIC),
        "shared_with": [{"org": path.org, "project": path.project} for path in state.shared_with],
        "used_by": [{"kind": u.kind, "identifier": u.identifier, "field": u.field} for u in state.users],
        "created_at": secret.created_at,
        "updated_at": secret.updated_at,
    }


class SecretInfo(Info):
    """The secrets of one scope."""

    noun = "secrets"

    def views(self, session: Session) -> list[View]:
        chain = session.chain(self.path)
        managers = load_managers(session, chain)
        return [view_of(_load_secret(session, chain, managers, s)) for s in self._found(session, chain, managers)]

    def _found(self, session: Session, chain: list[Scope], managers: Managers) -> list[Secret]:
        if self.params.get("identifier") is not None:
            one = session.secret(chain, check_identifier(self.params["identifier"], "secret"))
            return [one] if one and self._matches(one, managers) else []
        found = [secret for secret in session.secrets(chain) if self._matches(secret, managers)]
        return sorted(found, key=lambda secret: secret.identifier)

    def _matches(self, secret: Secret, managers: Managers) -> bool:
        wanted = pick(self.params, "kind", "secret_manager")
        actual = {"kind": secret.kind, "secret_manager": managers.name_of(secret.connector_id)}
        tags = self.params.get("tags") or {}
        return not changed_fields(wanted, actual) and not changed_fields(check_tags(tags), dict(secret.tags))
