# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one road to a value: reference, scope, row, manager, value.

It has two parts. What the store alone can answer is answered within a transaction. What a secret manager has is only
located there, and fetched once the transaction is over.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

from ...crypto.context import Context
from ...crypto.scopekey import FingerprintKey, ScopeKey
from ...managers import failures
from ...managers.base import Capability
from ...managers.registry import manager_kind
from ...model.audit import NOTHING, Subject, plain
from ...model.entities import Scope, Secret, SecretVersion
from ...model.errors import Forbidden, InvalidInput, NotFound, ScopedSecretsError
from ...model.queries import Answer, Query
from ...model.reference_targets import Target
from ...model.references import SCHEMES, Reference, references_among, select_field
from ...model.scopes import ScopePath
from ..providers.value_paths import kept_path
from ..rows.scoped_connectors import Managers, ScopedConnector, connector_removed, load_managers
from ..rows.session import Session
from ..rows.stored_references import check_refers_to_own, check_stored_reference

__all__ = ["Composed", "Located", "Proof", "locate"]


class Proof(NamedTuple):
    """What proves that a value keeper has the value that was written as this version of a scope's secret."""

    key: FingerprintKey
    scope_id: str
    secret_id: str
    fingerprint: bytes

    def __repr__(self) -> str:
        return f"Proof({self.secret_id!r})"

    def holds(self, kind: str, value: bytes) -> bool:
        """Return whether this is the value."""
        return hmac.compare_digest(self.key.fingerprint(self.secret_id, kind, value), self.fingerprint)


class Located(NamedTuple):
    """A value that a secret manager has: at `path` of a value keeper, or in an envelope that a key keeper opens.

    `keys` are the fields to select, each within the one before. `is_ours`: this collection wrote it, as one value.
    `mark` changes with each new value that the store knows of. Others may change the newest value at a manager, and no
    version that was written before: `proof` is there if that very version was asked for. It is there too if people
    without the key of the connector can have written the row: the place may have a value that was never the secret's.
    """

    connector: ScopedConnector
    what: str
    kind: str
    path: str
    version: str
    keys: tuple[str, ...] = ()
    expires_at: str = ""
    is_ours: bool = False
    mark: str = ""
    envelope: bytes = b""
    context: Context | None = None
    subject: Subject = NOTHING
    proof: Proof | None = None

    def __repr__(self) -> str:
        return f"Located(what={self.what!r}, path={self.path!r}, version={self.version!r})"

    @property
    def fetch_key(self) -> Hashable:
        """A key that is equal for all values that one read serves. The connector comes first, then the path."""
        sealed = hashlib.sha256(self.envelope).digest()
        place = self.connector.identity, self.path, self.version
        return *place, self.is_ours, self.mark, sealed, self.context

    def answer(self, content: bytes) -> Answer:
        """Return the answer for a fetched value, or the error if it lacks a field."""
        try:
            for key in self.keys:
                content = select_field(content, key, self.what)
        except ScopedSecretsError as error:
            return Answer(error=error)
        return Answer(self.kind, content, expires_at=self.expires_at)


class Composed(NamedTuple):
    """A credential: its settings, and the queries of the secrets that it consists of, by field.

    `key` is the requested field, empty for the whole credential. `marking_key` makes fingerprints of its content.
    `handed_out` is a scope through which people without the key in use can have written it.
    """

    what: str
    kind: str
    secret_id: str
    settings: Mapping[str, Any]
    parts: Mapping[str, Query]
    marking_key: ScopeKey
    key: str = ""
    expires_at: str = ""
    subject: Subject = NOTHING
    handed_out: ScopePath | None = None


def locate(session: Session, query: Query) -> Answer | Located | Composed:
    """Return the answer to a query, or where to get it. Errors are returned as an answer, never raised."""
    try:
        return _locate(session, query)
    except ScopedSecretsError as error:
        return Answer(error=error, subject=_subject_of_failed(query))


def _subject_of_failed(query: Query) -> Subject:
    """Return what a failed query says of its secret: nothing if it is malformed, since it may hold a value then."""
    with contextlib.suppress(ScopedSecretsError):
        reference = Reference.parse(query.reference)
        scope = reference.scope(ScopePath.of(query.org, query.project))
        return _subject(reference, scope)
    return Subject("secret")


def _subject(reference: Reference, scope: ScopePath, secret: Secret | None = None, version: str = "") -> Subject:
    kind = "connector" if reference.scheme else "secret"
    known = secret.id if secret else ""
    return Subject(kind, scope.announced, reference.identifier, known, plain(version or reference.version))


def _locate(session: Session, query: Query) -> Answer | Located | Composed:
    caller = ScopePath.of(query.org, query.project)
    reference = Reference.parse(query.reference).with_options(version=query.version, key=query.key)
    if query.is_stored:
        check_stored_reference(session, caller, reference)
    target = reference.scope(caller)
    if not (reference.scheme or session.opens(target)):
        shared = _shared(session, reference, caller)
        if shared:
            return shared
    chain = session.chain(target)
    if reference.scheme:
        return _at_connector(load_managers(session, chain), reference)
    return _in_store(session, chain, reference, query.cache_ttl)


def _in_store(
    session: Session, chain: list[Scope], reference: Reference, cache_ttl: int | None
) -> Answer | Located | Composed:
    secret = session.secret(chain, reference.identifier)
    if secret is None:
        raise _unknown_secret(reference, chain[-1])
    _check_expiry(secret, chain[-1], session.now)
    what = f"Secret '{secret.identifier}' in {chain[-1].path}"
    if secret.is_credential:
        return _composed(session, chain, secret, reference, cache_ttl)
    if secret.is_reference:
        connector = _connector(session, chain, secret)
        check_refers_to_own(session, chain, connector, what)
        subject = _subject(reference, chain[-1].path, secret)
        return _referenced(connector, secret, reference, what)._replace(subject=subject)
    version = _version(session, chain, secret, reference)
    subject = _subject(reference, chain[-1].path, secret, str(version.version))
    if secret.connector_id is None:
        value = session.read_version(chain, secret, version)
        content = select_field(value, reference.key, what) if reference.key else value
        return Answer(secret.kind, content, expires_at=secret.expires_at, subject=subject)
    connector = _connector(session, chain, secret)
    context = session.context(chain, secret, version.version)
    return Located(
        connector,
        what,
        secret.kind,
        keys=(reference.key,) if reference.key else (),
        expires_at=secret.expires_at,
        path="" if connector.keeps_keys else kept_path(connector, chain[-1].path, secret),
        version=_provider_version(connector, version) if reference.version else "",
        is_ours=True,
        mark=f"{chain[-1].id}/{secret.id}@{version.version}",
        envelope=version.envelope,
        context=context,
        subject=subject,
        proof=_proof(session, chain, connector, version)
        if _needs_proof(session, chain, connector, reference)
        else None,
    )


def _needs_proof(session: Session, chain: list[Scope], connector: ScopedConnector, reference: Reference) -> bool:
    if connector.keeps_keys:
        return False
    return bool(reference.version or session.handed_out_between(chain, connector.path.level.depth))


def _proof(session: Session, chain: list[Scope], connector: ScopedConnector, version: SecretVersion) -> Proof:
    key = session.fingerprint_key(chain, version)
    return Proof(key, chain[-1].id, version.secret_id, version.fingerprint)


def _shared(session: Session, reference: Reference, caller: ScopePath) -> Answer | None:
    """Return a value of a locked scope, None unless it is shared with the caller's scope."""
    # Imported here: only a run with a scope key comes this way.
    from ..rows.sharing import check_shared_version, open_share, secret_in, shared_with

    found = shared_with(session, caller, reference)
    if found is None:
        return None
    chain, share = found
    owner = chain[reference.scope(caller).level.depth]
    _check_expiry(secret_in(share), owner, session.now)
    what = f"secret '{share.identifier}' in {owner.path}"
    check_shared_version(secret_in(share), reference.version, what)
    value = open_share(session, chain, share, owner)
    content = select_field(value, reference.key, f"S{what[1:]}") if reference.key else value
    subject = _subject(reference, owner.path, secret_in(share), str(share.version))
    return Answer(share.kind, content, expires_at=share.expires_at, subject=subject)


def _composed(
    session: Session, chain: list[Scope], secret: Secret, reference: Reference, cache_ttl: int | None
) -> Composed:
    what, path = f"Secret '{secret.identifier}' in {chain[-1].path}", chain[-1].path
    if reference.version:
        raise InvalidInput(
            "invalid_version",
            f"{what} is a credential, which has no versions of its own.",
            hint="Read it without a version, or read a version of a secret that it refers to.",
        )
    references = references_among(secret.options)
    return Composed(
        what,
        secret.kind,
        secret.id,
        {name: value for name, value in secret.options.items() if name not in references},
        {
            name.removesuffix("_ref"): Query(text, path.org, path.project, cache_ttl=cache_ttl, is_stored=True)
            for name, text in references.items()
        },
        session.keyring.active(session.tx, chain),
        reference.key,
        secret.expires_at,
        _subject(reference, path, secret),
        session.handed_out_below(chain),
    )


def _at_connector(managers: Managers, reference: Reference) -> Located:
    """Return the location that a URL reference names; raise NotFound, or InvalidInput for another kind."""
    path, kind = managers.scope.path, SCHEMES[reference.scheme][0]
    for connector in managers.connectors:
        row = connector.row
        if connector.path == path and not row.is_removed and row.identifier == reference.identifier:
            if row.kind != kind:
                raise _other_kind(reference, connector, kind)
            manager_kind(row.kind)
            return Located(
                connector,
                f"'{reference}'",
                "text",
                keys=_fields_to_select(connector, reference.key),
                path=reference.path,
                version=reference.version,
                subject=_subject(reference, path),
            )
    raise _unknown_connector(reference, managers.scope)


def _referenced(connector: ScopedConnector, secret: Secret, reference: Reference, what: str) -> Located:
    target = Target.of(secret)
    if target.version and reference.version not in ("", target.version):
        raise InvalidInput(
            "conflicting_reference",
            f"{what} refers to version {target.version}, so version {reference.version} of it can't be read.",
            hint="Read it without a version, or declare it again with a 'reference' without one.",
        )
    return Located(
        connector,
        what,
        secret.kind,
        keys=_fields_to_select(connector, target.key, reference.key),
        expires_at=secret.expires_at,
        path=target.path,
        version=target.version or reference.version,
    )


def _fields_to_select(connector: ScopedConnector, *named: str) -> tuple[str, ...]:
    """Return the fields to select from a value that others wrote: those named, or else the kind's default."""
    # A value keeper: a key keeper has no values.
    kind: Any = connector.kind
    return tuple(filter(None, named)) or tuple(filter(None, (kind.DEFAULT_KEY,)))


def _connector(session: Session, chain: list[Scope], secret: Secret) -> ScopedConnector:
    """Return the connector of a secret.

    Raises Conflict if it was removed, Forbidden if it is locked, InvalidInput if its kind is unknown here.
    """
    connector = load_managers(session, chain).connector(secret.connector_id)
    if connector and not connector.row.is_removed:
        connector.check_open()
        manager_kind(connector.row.kind)
        return connector
    raise connector_removed(f"Secret '{secret.identifier}' in {chain[-1].path}", connector)


def _version(session: Session, chain: list[Scope], secret: Secret, reference: Reference) -> SecretVersion:
    wanted = reference.version or str(secret.current_version)
    if not (wanted.isascii() and wanted.isdigit() and 0 < int(wanted[:10]) < 10**9):
        raise InvalidInput(
            "invalid_version",
            f"{wanted[:40]!r} is not a valid version: versions of secrets in the store are numbers from 1.",
            hint="Write NAME@2, or set version=2.",
        )
    if int(wanted) > secret.current_version:
        raise NotFound(
            "unknown_version",
            f"Secret '{secret.identifier}' in {chain[-1].path} has no version {int(wanted)}.",
            hint=f"Its versions are 1 to {secret.current_version}.",
        )
    return session.version(chain, secret, int(wanted))


def _provider_version(connector: ScopedConnector, version: SecretVersion) -> str:
    """Return the provider's name of a version; raise InvalidInput for a provider that keeps only the newest value."""
    if connector.keeps_keys or (version.at_provider and Capability.VERSIONS in connector.kind.CAPABILITIES):
        return version.at_provider
    raise failures.not_able(
        connector.what,
        connector.kind.TITLE,
        f"read version {version.version}",
        "It keeps only the newest value: read the secret without a version.",
    )


def _check_expiry(secret: Secret, scope: Scope, now: str) -> None:
    if secret.expires_at and secret.expires_at <= now:
        raise Forbidden(
            "secret_expired",
            f"Secret '{secret.identifier}' in {scope.path} expired at {secret.expires_at}.",
            hint="Declare it with a new value and a later 'expires', or with an empty one to let it never expire.",
        )


def _unknown_secret(reference: Reference, scope: Scope) -> NotFound:
    return NotFound(
        "unknown_secret",
        f"There is no secret '{reference.identifier}' in {scope.path}.",
        hint="Names are looked up in one scope only: write org.NAME or account.NAME for a higher one, and check "
        "'org', 'project' and 'store'.",
    )


def _unknown_connector(reference: Reference, scope: Scope) -> NotFound:
    return NotFound(
        "unknown_connector",
        f"There is no connector '{reference.identifier}' for {reference.scheme}:// in {scope.path}.",
        hint="Name a connector of your own scope, or write org. or account. before the URL for one of a higher scope.",
    )


def _other_kind(reference: Reference, connector: ScopedConnector, kind: str) -> InvalidInput:
    scheme = next((scheme for scheme, (other, _v) in SCHEMES.items() if other == connector.row.kind), "")
    return InvalidInput(
        "other_connector_kind",
        f"'{reference.scheme}://' is for connectors of the kind {kind}, but the {connector.what} is of the kind "
        f"{connector.row.kind}.",
        hint=f"Write {scheme}://{reference.identifier}/PATH."
        if scheme
        else "Read its secrets by name: a KMS has no paths.",
    )
