# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one road to a value: reference, scope, row, manager, value."""

from __future__ import annotations

from ..model.entities import Scope, Secret, SecretVersion
from ..model.errors import Forbidden, InvalidInput, NotFound, ScopedSecretsError
from ..model.queries import Answer, Query
from ..model.references import Reference, select_key
from ..model.scopes import ScopePath
from .session import Session

__all__ = ["resolve"]


def resolve(session: Session, query: Query) -> Answer:
    """Return the value that a query names, or the error that stands in its way."""
    try:
        return _resolve(session, query)
    except ScopedSecretsError as error:
        return Answer(error=error)


def _resolve(session: Session, query: Query) -> Answer:
    caller = ScopePath.of(query.org, query.project)
    reference = Reference.parse(query.reference).with_options(version=query.version, key=query.key)
    chain = session.chain(reference.scope(caller))
    if reference.scheme:
        raise _unknown_connector(reference, chain[-1])
    secret = session.secret(chain, reference.identifier)
    if secret is None:
        raise _unknown_secret(reference, chain[-1])
    _check_expiry(secret, chain[-1], session.now)
    version = _version(session, chain, secret, reference)
    value = session.read_version(chain, secret, version)
    field = _select(value, reference.key, f"Secret '{secret.identifier}' in {chain[-1].path}")
    return Answer(secret.kind, field, expires_at=secret.expires_at)


def _version(session: Session, chain: list[Scope], secret: Secret, reference: Reference) -> SecretVersion:
    wanted = reference.version or str(secret.current_version)
    if not (wanted.isascii() and wanted.isdigit() and 0 < int(wanted[:10]) < 10**9):
        raise InvalidInput(
            "invalid_version",
            f"{wanted[:40]!r} is no version of a secret that this collection keeps.",
            hint="Versions count from 1 up: write NAME@2, or version=2.",
        )
    version = session.version(chain, secret, int(wanted))
    if version is None:
        raise NotFound(
            "unknown_version",
            f"Secret '{secret.identifier}' in {chain[-1].path} has no version {int(wanted)}.",
            hint=f"Its versions are 1 to {secret.current_version}.",
        )
    return version


def _check_expiry(secret: Secret, scope: Scope, now: str) -> None:
    if secret.expires_at and secret.expires_at <= now:
        raise Forbidden(
            "secret_expired",
            f"Secret '{secret.identifier}' in {scope.path} expired at {secret.expires_at}.",
            hint="Declare it with a new value and a later 'expires'; an empty one never expires.",
        )


def _select(value: bytes, key: str, what: str) -> bytes:
    if not key:
        return value
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise InvalidInput(
            "value_not_json",
            f"{what} holds no text, so it has no field '{key}'.",
            hint="Leave '#field' and 'key' out to read all of it.",
        ) from None
    return select_key(text, key, what).encode()


def _unknown_secret(reference: Reference, scope: Scope) -> NotFound:
    return NotFound(
        "unknown_secret",
        f"There is no secret '{reference.identifier}' in {scope.path}.",
        hint="A name is looked for in one scope only: write org.NAME or account.NAME for a higher one, and check "
        "'org', 'project' and 'store'.",
    )


def _unknown_connector(reference: Reference, scope: Scope) -> NotFound:
    return NotFound(
        "unknown_connector",
        f"There is no such connector: '{reference.identifier}' for {reference.scheme}:// in {scope.path}.",
        hint="A URL reference names a connector of the own scope, or with org. or account. before it of a higher one.",
    )
