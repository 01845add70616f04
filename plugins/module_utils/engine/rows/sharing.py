# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares: a scope below opens one secret with its own key, and nothing else of the secret's scope.

The secret's row, signed by its owner, names the scopes that it is shared with. Each of them has a share: the data key
of the newest version, wrapped with that scope's key and signed with the owner's. The owner's scope is above, so it has
both. A reader with the key of the scope that has the share proves it by what that scope signed, and by the owner's
public key as the database has it; whoever has the owner's key proves that too.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...crypto.encoding import encode_fields
from ...crypto.envelope import open_envelope, read_header, rewrap
from ...crypto.scopekey import ScopeKey
from ...managers import builtin
from ...model.entities import Scope, Secret, SecretVersion, Share
from ...model.errors import Damaged, Forbidden
from ...model.references import Reference
from ...model.scopes import ScopePath
from ...store.rotation import update_version
from ...store.scopes import path_of
from ...store.secrets import find_version
from ...store.shares import find_share, share_of
from . import integrity
from .canonical import digest_of
from .signed_rows import SignedRows

__all__ = [
    "give",
    "grantee_paths",
    "makers_of",
    "mark_share",
    "open_share",
    "reseal",
    "resign_shares",
    "rewrap_shares",
    "secret_in",
    "shared_with",
    "take_back",
]


class _Wrapping:
    """Wraps the data key of a version for a share, or unwraps it."""

    def __init__(self, key: ScopeKey, context: bytes, wrapped: bytes = b"", generation: int = 0) -> None:
        self._key = key
        self._context = context
        self.wrapped = wrapped
        self.generation = generation

    def wrap(self, data_key: bytes, _context: bytes) -> bytes:
        self.wrapped = self._key.wrap(data_key, self._context)
        return self.wrapped

    def unwrap(self, _wrapped: bytes, _context: bytes) -> bytes:
        return self._key.unwrap(self.wrapped, self._context)


def _context(store_id: str, owner_id: str, secret_id: str, version: int, scope_id: str) -> bytes:
    return encode_fields("secret share", store_id, owner_id, secret_id, version, scope_id)


def give(session: SignedRows, chain: list[Scope], secret: Secret, makers: Mapping[str, str]) -> None:
    """Give the newest version of a secret, which is already written, to the scopes that it is shared with.

    `makers` are the manifests that created the shares, by the id of the scope.
    """
    for scope_id in secret.shared_with:
        version, grantee = session.version(chain, secret, secret.current_version), _grantee(session, scope_id)
        if grantee:
            old, made_by = share_of(session.tx, secret.id, scope_id), makers.get(scope_id, "")
            session.replace_share(grantee, old, _share(session, chain, secret, version, grantee, made_by))


def makers_of(session: SignedRows, secret: Secret) -> dict[str, str]:
    """Return the manifests that created the proved shares of a secret, by the id of the scope."""
    makers = {}
    for scope_id in secret.shared_with:
        share, grantee = share_of(session.tx, secret.id, scope_id), _grantee(session, scope_id)
        if share and grantee:
            session.check_share(grantee, share)
            makers[scope_id] = share.made_by
    return makers


def _grantee(session: SignedRows, scope_id: str) -> list[Scope] | None:
    """Return the chain of a scope, None if it was removed."""
    path = path_of(session.tx, scope_id)
    chain = session.chain(path) if path.org else []
    return chain if chain and chain[-1].id == scope_id else None


def _share(
    session: SignedRows, chain: list[Scope], secret: Secret, version: SecretVersion, grantee: list[Scope], made_by: str
) -> Share:
    key, scope_id = session.keyring.for_wrapping(session.tx, grantee), grantee[-1].id
    wrapping = _Wrapping(key, _context(session.store_id, chain[-1].id, secret.id, version.version, scope_id))
    own = session.key(chain, version.key_generation)
    rewrap(version.envelope, session.context(chain, secret, version.version), old=own, new=wrapping)
    share = Share(
        secret_id=secret.id,
        scope_id=scope_id,
        version=version.version,
        key_generation=key.generation,
        wrapped=wrapping.wrapped,
        version_digest=version.digest,
        made_by=made_by,
        created_at=session.now,
        tag=b"",
        owner_id=chain[-1].id,
        identifier=secret.identifier,
        kind=secret.kind,
        expires_at=secret.expires_at,
    )
    return integrity.tag_share(share, session.keyring.active(session.tx, chain))


def mark_share(session: SignedRows, secret: Secret, grantee: list[Scope], made_by: str) -> None:
    """Mark a share as made by a manifest."""
    share = share_of(session.tx, secret.id, grantee[-1].id)
    if share:
        session.check_share(grantee, share)
        owner = next(depth for depth, scope in enumerate(grantee) if scope.id == share.owner_id)
        key = session.keyring.active(session.tx, grantee[: owner + 1])
        session.replace_share(grantee, share, integrity.tag_share(share._replace(made_by=made_by), key))


def resign_shares(session: SignedRows, chain: list[Scope], secret: Secret) -> None:
    """Sign the shares of a secret with the active key of its scope, the last one of a chain."""
    key = session.keyring.active(session.tx, chain)
    for scope_id in secret.shared_with:
        share, grantee = share_of(session.tx, secret.id, scope_id), _grantee(session, scope_id)
        if share and grantee:
            session.check_share(grantee, share)
            session.replace_share(grantee, share, integrity.tag_share(share, key))


def rewrap_shares(session: SignedRows, chain: list[Scope]) -> int:
    """Wrap the shares of a scope with its active key; return how many were not."""
    active = session.keyring.active(session.tx, chain).generation
    old = [share for share in session.shares(chain) if share.key_generation != active]
    if old:
        key = session.keyring.for_wrapping(session.tx, chain, len(old))
        for share in old:
            session.replace_share(chain, share, _rewrapped(session, chain, share, key))
    return len(old)


def _rewrapped(session: SignedRows, chain: list[Scope], share: Share, key: ScopeKey) -> Share:
    place = _context(session.store_id, share.owner_id, share.secret_id, share.version, share.scope_id)
    data_key = session.key(chain, share.key_generation).unwrap(share.wrapped, place)
    return share._replace(key_generation=key.generation, wrapped=key.wrap(data_key, place))


def take_back(session: SignedRows, secret: Secret, scope_ids: set[str]) -> None:
    """Remove the shares that scopes have of a secret. They may have kept the values they could read."""
    for scope_id in scope_ids:
        share, grantee = share_of(session.tx, secret.id, scope_id), _grantee(session, scope_id)
        if share and grantee:
            session.replace_share(grantee, share, None)


def reseal(session: SignedRows, chain: list[Scope], secret: Secret) -> Secret:
    """Seal all versions of a secret with new data keys, so that keys in former shares open nothing.

    Return the secret's row as it must be written for them.
    """
    old = [session.version(chain, secret, number) for number in range(1, secret.current_version + 1)]
    new = [_resealed(session, chain, secret, version) for version in old]
    for before, after in zip(old, new, strict=True):
        update_version(session.tx, before, after)
    history = integrity.history_of(version.digest for version in new[:-1])
    return secret._replace(version_digest=new[-1].digest, history=history)


def _resealed(session: SignedRows, chain: list[Scope], secret: Secret, version: SecretVersion) -> SecretVersion:
    value = session.read_version(chain, secret, version)
    key = session.keyring.for_wrapping(session.tx, chain)
    envelope = builtin.keep(value, session.context(chain, secret, version.version), key)
    sealed = version._replace(envelope=envelope, key_generation=key.generation)
    return sealed._replace(digest=digest_of(sealed))


def grantee_paths(session: SignedRows, secret: Secret) -> tuple[ScopePath, ...]:
    """Return the scopes that a secret is shared with."""
    paths = (path_of(session.tx, scope_id) for scope_id in secret.shared_with)
    return tuple(sorted(path for path in paths if path.org))


def shared_with(session: SignedRows, caller: ScopePath, reference: Reference) -> tuple[list[Scope], Share] | None:
    """Return the share of a higher scope's secret that the caller's key opens, with the chain of the share's scope.

    The share may belong to the caller's scope or to one between it and the secret's scope. The highest one counts,
    which holders of lower keys can't have written. Raises Forbidden if the caller's own scope can't be opened, Damaged
    for a share that was tampered with.
    """
    target = reference.scope(caller)
    chain = session.chain(caller)
    owner = chain[target.level.depth]
    below = (chain[: depth + 1] for depth in range(target.level.depth + 1, len(chain)))
    for grantee in (one for one in below if session.opens(one[-1].path)):
        share = find_share(session.tx, owner.id, reference.identifier, grantee[-1].id)
        if share:
            session.check_share(grantee, share)
            return grantee, share
        # Proves that there is none.
        session.shares(grantee)
    return None


def check_shared_version(secret: Secret, version: str, what: str) -> None:
    """Raise Forbidden for a version of a secret other than the one that is shared, the newest."""
    if version not in ("", str(secret.current_version)):
        raise Forbidden(
            "version_not_shared",
            f"Only the newest version ({secret.current_version}) of {what} is shared.",
            hint="Read it without a version.",
        )


def check_newest_shares(session: SignedRows, chain: list[Scope]) -> None:
    """Raise Damaged if a share of the last scope is not of the newest version of its secret, or of none.

    The scope that has a share commits to it, and the one that gave it signs it: whoever can open that one can tell.
    """
    for share in session.shares(chain):
        depth = next(depth for depth, scope in enumerate(chain) if scope.id == share.owner_id)
        if session.opens(chain[depth].path):
            secret = session.secret(chain[: depth + 1], share.identifier)
            newest = (secret.id, secret.current_version) if secret else None
            if newest != (share.secret_id, share.version):
                raise integrity.not_as_written(chain[-1].path, "shares", share.identifier)


def secret_in(share: Share) -> Secret:
    """Return the secret as far as its share proves it."""
    return Secret(
        id=share.secret_id,
        scope_id=share.owner_id,
        identifier=share.identifier,
        kind=share.kind,
        name=share.identifier,
        current_version=share.version,
        expires_at=share.expires_at,
    )


def open_share(session: SignedRows, chain: list[Scope], share: Share, owner: Scope) -> bytes:
    """Return the value of a share of the last scope of `chain`; raise Damaged. `owner` is the secret's scope."""
    version = find_version(session.tx, share.secret_id, share.version)
    if version and digest_of(version) != share.version_digest:
        raise integrity.changed_outside(f"Version {share.version} of secret '{share.identifier}' in {owner.path}")
    if version is None:
        raise Damaged(
            "missing_version",
            f"Version {share.version} of secret '{share.identifier}' in {owner.path} is missing from the store.",
            hint="Restore the newest backup, or ask the secret's owner to declare it again.",
        )
    place = _context(session.store_id, share.owner_id, share.secret_id, share.version, share.scope_id)
    key, generation = session.key(chain, share.key_generation), read_header(version.envelope).generation
    wrapping = _Wrapping(key, place, share.wrapped, generation)
    return open_envelope(version.envelope, session.context([owner], secret_in(share), share.version), wrapper=wrapping)
