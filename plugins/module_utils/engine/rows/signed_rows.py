# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of one transaction: verified when they are read, signed when they are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ...crypto.context import Context
from ...crypto.scopekey import FingerprintKey, ScopeKey
from ...managers import builtin
from ...model.audit import OK, Event, Subject, moment
from ...model.entities import Connector, Intent, Scope, Secret, SecretVersion, Share
from ...model.errors import Damaged, NotFound
from ...model.scopes import Level, ScopePath
from ...store import connectors as connector_rows
from ...store import intents as intent_rows
from ...store import scopes as scope_rows
from ...store import secrets as secret_rows
from ...store import shares as share_rows
from ...store.audit import insert_head
from ...store.database import CHAIN, CONNECTORS, Transaction
from ...store.schema import now
from . import integrity
from .audit_head import BEFORE_FIRST, close_chains, first_head
from .canonical import digest_of
from .high_water import Mark, Sight
from .index import EMPTY_ROOT, ChildIndex, SecretIndex
from .keyring import Keyring
from .scope_ids import fits_below

__all__ = ["NewValue", "SignedRows"]


class NewValue(NamedTuple):
    """A value that becomes the newest version of a secret.

    `envelope`: what a key keeper sealed; empty if a value keeper has the value, in version `at_provider`; None to seal
    it here.
    """

    value: bytes
    envelope: bytes | None = None
    at_provider: str = ""

    def __repr__(self) -> str:
        return f"NewValue(at_provider={self.at_provider!r})"


class SignedRows:
    """Reads and writes the rows of one transaction. A chain is the scopes from the account down to one of them.

    `sign_heads` must be called once, when everything is written.
    """

    def __init__(
        self, tx: Transaction, store_id: str, keyring: Keyring, seen: Mapping[str, Mark] | None = None
    ) -> None:
        """`seen`: the high-water marks of the store's scopes from before the transaction began."""
        self.tx = tx
        self.store_id = store_id
        self.keyring = keyring
        self.sight = Sight(seen or {})
        self.now = now()
        self.written: list[Event] = []
        """The writes of this transaction, for the audit."""
        self.audited: dict[ScopePath, tuple[int, bytes]] = {}
        """The number and link of the newest audit record of the scopes that this transaction has added records to."""
        self._changed: dict[ScopePath, None] = {}
        # What scopes commit to by their ids, as it was proved and has been changed in this transaction.
        self._indexes: dict[str, SecretIndex] = {}
        self._children: dict[str, ChildIndex] = {}
        self._connectors: dict[str, dict[str, bytes]] = {}
        self._shares: dict[str, dict[str, bytes]] = {}
        # The rows that this transaction has written by their digests: what is read again is not hashed again.
        self._made: dict[bytes, Secret | SecretVersion] = {}

    def note(self, action: str, path: ScopePath, thing: Scope | Connector | Secret) -> None:
        """Have the audit record a write to a thing of the scope `path` together with this transaction."""
        kind, identifier, version = _named(thing)
        subject = Subject(kind, path.announced, identifier, thing.id, version)
        self.written.append(Event(path, action, OK, subject, moment()))

    def chain(self, path: ScopePath) -> list[Scope]:
        """Return the scopes down to `path`; raise NotFound for the first missing one, Forbidden for a locked one.

        They are verified, except those above a scope whose key is held: of these, only the names are used.
        """
        known = CHAIN + path.announced
        if known not in self.tx.known:
            self.tx.known[known] = self._chain(path)
        return list(self.tx.known[known])

    def _chain(self, path: ScopePath) -> list[Scope]:
        chain = scope_rows.find_chain(self.tx, path)
        while True:
            try:
                self._check_chain(chain, path)
                return chain
            except Damaged:
                # A transaction that only appends sees each commit of others at once: one may have come in between.
                again = scope_rows.find_chain(self.tx, path)
                if again == chain or self._changed:
                    raise
                for scope in chain:
                    self.tx.known.pop(scope.id, None)
                    self._children.pop(scope.id, None)
                chain = again

    def _check_chain(self, chain: list[Scope], path: ScopePath) -> None:
        verified = self.keyring.first_verified(chain, path)
        for depth, step in enumerate(path.from_account):
            if depth == len(chain):
                self._check_absent(chain[:depth], step)
                raise _unknown_scope(step) if depth else _no_account()
            if depth >= verified:
                self.check_scope(chain[: depth + 1])

    def _check_absent(self, parents: list[Scope], path: ScopePath) -> None:
        """Raise Damaged if there must be a scope that was not found."""
        if parents and self.opens(parents[-1].path) and self._child_index(parents[-1]).digest(path.identifier):
            raise integrity.not_as_written(parents[-1].path, ChildIndex.NOUN, path.identifier)

    def children(self, chain: list[Scope]) -> Iterator[list[Scope]]:
        """Yield the verified chains of the scopes right below the last one of a chain, by identifier."""
        children = scope_rows.children_of(self.tx, chain[-1])
        if len({child.path for child in children}) != self.count_children(chain[-1]):
            raise integrity.not_as_written(chain[-1].path, ChildIndex.NOUN)
        for child in children:
            below = [*chain, child]
            self.check_scope(below)
            yield below

    def count_children(self, scope: Scope) -> int:
        """Return how many scopes there are right below a scope."""
        return self._child_index(scope).count

    def _child_index(self, scope: Scope) -> ChildIndex:
        if scope.id not in self._children:
            self._children[scope.id] = ChildIndex(self.tx, scope, self.keyring.proved)
        return self._children[scope.id]

    def check_scope(self, chain: list[Scope]) -> None:
        """Raise Damaged unless the last scope is the newest one that was signed, and commits to all its keys.

        What its parent commits to shows whether it is there and which key signs for it; no more of the scope whose key
        is held can be proved than that this key signed it.
        """
        scope, keys = chain[-1], scope_rows.keys_of(self.tx, chain[-1].id)
        states = [(key.generation, key.state, key.key_id, key.public_key, key.is_handed_out) for key in keys]
        if self.keyring.proved.get(scope.tag) != (scope, states):
            self._check_head(chain, keys)
        # While a transaction changes the keys, their scope is not signed yet.
        if scope.id not in self.tx.rekeyed:
            self.keyring.proved.put(scope.tag, (scope, states))
            self._check_in_parent(chain, keys)
            self.sight.see(scope)

    def _check_head(self, chain: list[Scope], keys: list[scope_rows.WrappedKey]) -> None:
        scope = chain[-1]
        what = f"The row of {scope.path}"
        if self._has_provable_parent(chain) and not fits_below(scope.id, chain[-2].id):
            raise integrity.changed_outside(what)
        generation = integrity.signed_generation(scope.tag)
        integrity.check_signature(self.key(chain, generation).public_key, scope, what)
        if scope.id in self.tx.rekeyed:
            return
        if integrity.digest_of_keys(keys) != scope.keys_digest:
            raise integrity.not_as_written(scope.path, "key generations")
        if self.keyring.active(self.tx, chain).generation != generation:
            raise integrity.changed_outside(what)

    def _check_in_parent(self, chain: list[Scope], keys: list[scope_rows.WrappedKey]) -> None:
        scope, parents = chain[-1], chain[:-1]
        if self._has_provable_parent(chain):
            known = self._child_index(parents[-1]).digest(scope.path.identifier)
            if known != integrity.identity_of(scope, keys):
                raise integrity.not_as_written(parents[-1].path, ChildIndex.NOUN, scope.path.identifier)

    def _has_provable_parent(self, chain: list[Scope]) -> bool:
        return len(chain) > 1 and self.opens(chain[-2].path)

    def opens(self, path: ScopePath) -> bool:
        """Tell whether our key opens a scope, whether it exists or not."""
        return self.keyring.opens(path)

    def handed_out_below(self, chain: list[Scope]) -> ScopePath | None:
        """Return a scope through which people without the key in use can write to the last scope of a chain."""
        return self.keyring.handed_out_below(self.tx, chain)

    def handed_out_between(self, chain: list[Scope], depth: int) -> ScopePath | None:
        """Return the lowest scope through which people who can't open that at `depth` can write to the last one."""
        return self.keyring.handed_out_between(self.tx, chain, depth)

    def is_handed_out(self, chain: list[Scope]) -> bool:
        """Tell whether the key of a scope was handed out."""
        return self.keyring.is_handed_out(self.tx, chain)

    def key(self, chain: list[Scope], generation: int) -> ScopeKey:
        """Return one generation of the scope's key."""
        return self.keyring.key(self.tx, chain, generation)

    def connectors(self, chain: list[Scope]) -> list[Connector]:
        """Return the proved connectors of the scope by identifier, including those removed by force."""
        scope = chain[-1]
        known = CONNECTORS + scope.id
        if known not in self.tx.known:
            connectors = connector_rows.connectors_of(self.tx, scope.id)
            for connector in connectors:
                self._check_digest(connector, f"The row of connector '{connector.identifier}' in {scope.path}")
            found = {connector.id: connector.digest for connector in connectors}
            if len(found) != len(connectors):
                raise integrity.not_as_written(scope.path, "connectors")
            _check_set(scope, found, self._connectors, scope.connectors_digest, "connectors")
            self.tx.known[known] = connectors
        return list(self.tx.known[known])

    def secret(self, chain: list[Scope], identifier: str) -> Secret | None:
        """Return the proved newest row of a secret of the scope, None if it is proved that there is none."""
        secret = secret_rows.find_secret(self.tx, chain[-1].id, identifier)
        digest = self._index(chain[-1]).digest(identifier)
        if secret is None and digest is None:
            return None
        if secret is None:
            raise integrity.not_as_written(chain[-1].path, "secrets", identifier)
        return self._proved(chain, secret, digest)

    def prove(self, chain: list[Scope], secret: Secret) -> Secret:
        """Return a secret's row, however it was found, if it is the newest one of the scope; raise Damaged."""
        return self._proved(chain, secret, self._index(chain[-1]).digest(secret.identifier))

    def _proved(self, chain: list[Scope], secret: Secret, digest: bytes | None) -> Secret:
        self.check_digest(chain, secret)
        if secret.digest != digest or secret.scope_id != chain[-1].id:
            raise integrity.not_as_written(chain[-1].path, "secrets", secret.identifier)
        return secret

    def check_digest(self, chain: list[Scope], secret: Secret, version: SecretVersion | None = None) -> None:
        """Raise Damaged unless the row of a secret, or of a version, matches its own digest: it may be an old one."""
        row = f"Version {version.version} of" if version else "The row of"
        self._check_digest(version or secret, f"{row} secret '{secret.identifier}' in {chain[-1].path}")

    def _check_digest(self, row: Connector | Secret | SecretVersion, what: str) -> None:
        if self._made.get(row.digest) != row and digest_of(row) != row.digest:
            raise integrity.changed_outside(what)

    def secrets(self, chain: list[Scope]) -> Iterator[Secret]:
        """Yield all secrets of the scope, proved, in no useful order; raise Damaged if one is missing."""
        for secret in self._index(chain[-1]).secrets():
            self.check_digest(chain, secret)
            yield secret

    def count_secrets(self, scope: Scope) -> int:
        """Return how many secrets a scope has."""
        return self._index(scope).count

    def check_index(self, chain: list[Scope]) -> None:
        """Raise Damaged unless the whole index of the scope's secrets is as it was last written."""
        self._index(chain[-1]).check_all()

    def _index(self, scope: Scope) -> SecretIndex:
        if scope.id not in self._indexes:
            self._indexes[scope.id] = SecretIndex(self.tx, scope, self.keyring.proved)
        return self._indexes[scope.id]

    def version(self, chain: list[Scope], secret: Secret, number: int) -> SecretVersion:
        """Return a proved version of a proved secret, none after the current one; raise Damaged if it is missing."""
        older = {} if number == secret.current_version else self._older_digests(chain, secret)
        return self._version(chain, secret, number, older)

    def check_versions(self, chain: list[Scope], secret: Secret) -> None:
        """Raise Damaged unless all versions of a proved secret are as they were last written."""
        older = self._older_digests(chain, secret)
        for number in range(1, secret.current_version + 1):
            self._version(chain, secret, number, older)

    def _version(self, chain: list[Scope], secret: Secret, number: int, older: Mapping[int, bytes]) -> SecretVersion:
        version = secret_rows.find_version(self.tx, secret.id, number)
        if version is None:
            raise Damaged(
                "missing_version",
                f"Version {number} of secret '{secret.identifier}' in {chain[-1].path} is missing from the store.",
                hint="Restore the newest backup, or declare the secret again.",
            )
        self.check_digest(chain, secret, version)
        if version.digest != older.get(number, secret.version_digest):
            raise integrity.not_as_written(chain[-1].path, f"versions of secret '{secret.identifier}'")
        return version

    def _older_digests(self, chain: list[Scope], secret: Secret) -> dict[int, bytes]:
        """Return the proved digests of the versions before a secret's current one."""
        older = dict(secret_rows.older_digests(self.tx, secret.id, secret.current_version))
        is_whole = list(older) == list(range(1, secret.current_version))
        if not is_whole or integrity.history_of(older.values()) != secret.history:
            raise integrity.not_as_written(chain[-1].path, f"versions of secret '{secret.identifier}'")
        return older

    def context(self, chain: list[Scope], secret: Secret, version: int) -> Context:
        scope = chain[-1]
        return Context(self.store_id, scope.path.level.value, scope.id, secret.id, secret.kind, "value", version)

    def fingerprint_key(self, chain: list[Scope], version: SecretVersion) -> FingerprintKey:
        """Return the key that the fingerprint of a version was made with."""
        return self.keyring.fingerprint_key(self.tx, chain, version.fingerprint_generation)

    def read_version(self, chain: list[Scope], secret: Secret, version: SecretVersion) -> bytes:
        """Return the value of a version."""
        key = self.key(chain, version.key_generation)
        return builtin.read(version.envelope, self.context(chain, secret, version.version), key)

    def create_scope(self, parents: list[Scope], scope: Scope) -> None:
        """Write a new scope and its first key."""
        key = ScopeKey.generate(scope.id, 1)
        first = scope_rows.WrappedKey(scope.id, key.generation, "active", key.key_id, key.public_key, 0, b"")
        blank = scope._replace(
            secrets_root=EMPTY_ROOT,
            children_root=EMPTY_ROOT,
            keys_digest=integrity.digest_of_keys([first]),
            audit_link=BEFORE_FIRST,
            epoch=parents[-1].epoch if parents else 0,
        )
        signed = integrity.tag_scope(blank, key)
        scope_rows.insert_scope(self.tx, signed)
        self.sight.keep(signed)
        self.keyring.keep(self.tx, [*parents, signed], key)
        insert_head(self.tx, first_head(signed, key))
        if parents:
            self._replace_child(parents, signed.path, integrity.identity_of(signed, [first]))
        self.note("create", scope.path, scope)

    def write_scope(self, chain: list[Scope]) -> None:
        """Sign and update the last scope of the chain. What it commits to stays as it is until `sign_heads`."""
        self.resign_scope([*chain[:-1], chain[-1]._replace(updated_at=self.now)])

    def resign_scope(self, chain: list[Scope]) -> None:
        """Sign and write the last scope of the chain without a change of what people declared."""
        scope = chain[-1]._replace(revision=chain[-1].revision + 1)
        signed = integrity.tag_scope(scope, self.keyring.active(self.tx, chain))
        scope_rows.update_scope(self.tx, signed)
        self.sight.keep(signed)
        # Not read again: many secrets of the scope may follow.
        self.tx.known[CHAIN + scope.path.announced] = [*chain[:-1], signed]

    def _replace_child(self, parents: list[Scope], path: ScopePath, identity: bytes | None) -> None:
        if self._child_index(parents[-1]).replace(path.identifier, identity):
            self._changed[parents[-1].path] = None

    def replace_secret(
        self, chain: list[Scope], old: Secret | None, new: Secret | None, value: NewValue | None = None
    ) -> Secret | None:
        """Write a secret in place of a proved one, and return it; None creates or deletes.

        `value` becomes the version that is the new row's current one.
        """
        version = self._new_version(chain, new, value) if new and value else None
        signed = _committing(old, new, version) if new else None
        for secret in filter(None, [signed or old]):
            digests = [one.digest if one else None for one in (old, signed)]
            self._index(chain[-1]).put(secret.identifier, *digests)
        self._changed[chain[-1].path] = None
        if signed and old:
            secret_rows.update_secret(self.tx, signed)
        elif signed:
            secret_rows.insert_secret(self.tx, signed)
        elif old:
            secret_rows.delete_secret(self.tx, old.id)
        if version:
            secret_rows.insert_version(self.tx, version)
        self._made.update({one.digest: one for one in (signed, version) if one})
        self._note_change(chain, old, signed)
        return signed

    def _new_version(self, chain: list[Scope], secret: Secret, new: NewValue) -> SecretVersion:
        key = self.keyring.for_wrapping(self.tx, chain)
        number, envelope = secret.current_version, new.envelope
        if envelope is None:
            envelope = builtin.keep(new.value, self.context(chain, secret, number), key)
        version = SecretVersion(
            secret_id=secret.id,
            version=number,
            key_generation=key.generation,
            fingerprint=key.fingerprint(secret.id, secret.kind, new.value),
            fingerprint_generation=key.generation,
            size=len(new.value),
            envelope=envelope,
            created_at=self.now,
            at_provider=new.at_provider,
        )
        return version._replace(digest=digest_of(version))

    def shares(self, chain: list[Scope]) -> list[Share]:
        """Return the proved shares that the scope has of other scopes' secrets."""
        shares = share_rows.shares_with(self.tx, chain[-1].id)
        # Those whose secret is gone are not among them.
        if {share.secret_id for share in shares} != self.share_tags(chain).keys():
            raise integrity.not_as_written(chain[-1].path, "shares")
        for share in shares:
            self.check_share(chain, share)
        return shares

    def check_share(self, chain: list[Scope], share: Share) -> None:
        """Raise Damaged unless the scope has this share now, and the secret's scope, which is above, signed it."""
        what = f"The share that {chain[-1].path} has of secret '{share.identifier}'"
        owners = [depth for depth, scope in enumerate(chain[:-1]) if scope.id == share.owner_id]
        if self.share_tags(chain).get(share.secret_id) != share.tag or not owners:
            raise integrity.not_as_written(chain[-1].path, "shares")
        public_key = self._public_key(chain[: owners[0] + 1], integrity.signed_generation(share.tag))
        integrity.check_signature(public_key, share, what)

    def _public_key(self, chain: list[Scope], generation: int) -> bytes:
        """Return the public half of a generation of a scope's key, as stored where we can't open the key."""
        if self.opens(chain[-1].path):
            return self.key(chain, generation).public_key
        keys = scope_rows.keys_of(self.tx, chain[-1].id)
        return next((key.public_key for key in keys if key.generation == generation), b"")

    def share_tags(self, chain: list[Scope]) -> dict[str, bytes]:
        """Return the proved tags of all shares of the scope by the ids of the secrets."""
        scope = chain[-1]
        if scope.id not in self._shares:
            found = share_rows.tags_of(self.tx, scope.id)
            _check_set(scope, found, self._shares, scope.shares_digest, "shares")
            self._shares[scope.id] = found
        return self._shares[scope.id]

    def replace_share(self, chain: list[Scope], old: Share | None, new: Share | None) -> None:
        """Write a signed share of a scope in place of `old`; None creates or deletes."""
        tags = self.share_tags(chain)
        for gone in filter(None, [old]):
            if tags.pop(gone.secret_id, None) != gone.tag:
                raise integrity.not_as_written(chain[-1].path, "shares")
            share_rows.delete_share(self.tx, gone)
        for added in filter(None, [new]):
            tags[added.secret_id] = added.tag
            share_rows.insert_share(self.tx, added)
        self._changed[chain[-1].path] = None

    def replace_connector(self, chain: list[Scope], old: Connector | None, new: Connector | None) -> None:
        """Write a connector in place of a proved one; None creates or deletes."""
        scope = chain[-1]
        digests = {one.id: one.digest for one in self.connectors(chain)}
        signed = new._replace(digest=digest_of(new)) if new else None
        if signed and old:
            connector_rows.update_connector(self.tx, signed)
        elif signed:
            connector_rows.insert_connector(self.tx, signed)
        elif old:
            connector_rows.delete_connector(self.tx, old.id)
        for gone in filter(None, [old]):
            del digests[gone.id]
        for added in filter(None, [signed]):
            digests[added.id] = added.digest
        self._connectors[scope.id] = digests
        self._changed[scope.path] = None
        self._note_change(chain, old, signed)

    def _note_change(self, chain: list[Scope], old: Secret | Connector | None, new: Secret | Connector | None) -> None:
        thing = new or old
        if thing:
            self.note("delete" if new is None else "update" if old else "create", chain[-1].path, thing)

    def record(self, chain: list[Scope], intent: Intent) -> None:
        """Sign and write an intent: what this process is about to do at a provider."""
        signed = integrity.sign(self.keyring.active(self.tx, chain), intent)
        intent_rows.insert_intent(self.tx, intent._replace(tag=signed))

    def check_intent(self, chain: list[Scope], intent: Intent) -> None:
        """Raise Damaged unless an intent is of the scope, and was signed with its key."""
        if intent.scope_id != chain[-1].id:
            # The rows that lead to the path of its scope were not proved.
            raise integrity.changed_outside(f"An intent of {chain[-1].path}")
        key = self.key(chain, integrity.signed_generation(intent.tag))
        integrity.check_tag(key, intent, f"An intent of {chain[-1].path}")

    def sign_heads(self) -> None:
        """Sign and write each scope whose rows this transaction has changed, once."""
        rekeyed = [scope_rows.path_of(self.tx, scope_id) for scope_id in self.tx.rekeyed]
        for path in rekeyed:
            chain = self.chain(path)
            if self._has_provable_parent(chain):
                identity = integrity.identity_of(chain[-1], scope_rows.keys_of(self.tx, chain[-1].id))
                self._replace_child(chain[:-1], path, identity)
        for path in dict.fromkeys([*self._changed, *rekeyed, *self.audited]):
            chain = self.chain(path)
            committing = self._with_commitments(chain[-1])
            if committing != chain[-1]:
                self.write_scope([*chain[:-1], committing])
        self._changed.clear()
        self.tx.rekeyed.clear()

    def _with_commitments(self, scope: Scope) -> Scope:
        """Return a scope that commits to its rows as this transaction leaves them."""
        if scope.id in self.tx.rekeyed:
            scope = scope._replace(keys_digest=integrity.digest_of_keys(scope_rows.keys_of(self.tx, scope.id)))
        if scope.id in self._connectors:
            scope = scope._replace(connectors_digest=integrity.digest_of_set(self._connectors[scope.id]))
        if scope.id in self._shares:
            scope = scope._replace(shares_digest=integrity.digest_of_set(self._shares[scope.id]))
        if index := self._indexes.get(scope.id):
            index.write()
            scope = scope._replace(secrets_root=index.root, secrets_depth=index.depth, secrets_count=index.count)
        if below := self._children.get(scope.id):
            below.write()
            scope = scope._replace(children_root=below.root, children_depth=below.depth, children_count=below.count)
        if scope.path in self.audited:
            sequence, link = self.audited[scope.path]
            scope = scope._replace(audit_sequence=sequence, audit_link=link)
        return scope

    def delete_scope(self, chain: list[Scope]) -> None:
        """Delete the last scope of a chain, which has no secrets, with its connectors and keys."""
        scope, above = chain[-1], chain[:-1]
        key = self.keyring.active(self.tx, above)
        close_chains(self.tx, scope, lambda generation: self.key(chain, generation), above[-1], key)
        self._replace_child(above, scope.path, None)
        self._changed.pop(scope.path, None)
        self.tx.rekeyed.discard(scope.id)
        scope_rows.delete_scope(self.tx, scope)
        self.note("delete", scope.path, scope)


def _check_set(
    scope: Scope, found: dict[str, bytes], changed: dict[str, dict[str, bytes]], digest: bytes, what: str
) -> None:
    """Raise Damaged unless rows are those that a scope commits to, or those that this transaction has written."""
    is_same = found == changed[scope.id] if scope.id in changed else integrity.digest_of_set(found) == digest
    if not is_same:
        raise integrity.not_as_written(scope.path, what)


def _committing(old: Secret | None, new: Secret, version: SecretVersion | None) -> Secret:
    """Return a secret's row that commits to its versions."""
    if version:
        history = old.history if old else b""
        if old and old.version_digest:
            history = integrity.next_history(history, old.version_digest)
        new = new._replace(version_digest=version.digest, history=history)
    return new._replace(digest=digest_of(new))


def _named(thing: Scope | Connector | Secret) -> tuple[str, str, str]:
    """Return a thing's kind, identifier and version."""
    if isinstance(thing, Scope):
        return "scope", thing.path.identifier, ""
    if isinstance(thing, Connector):
        return "connector", thing.identifier, ""
    return "secret", thing.identifier, str(thing.current_version or "")


def _unknown_scope(path: ScopePath) -> NotFound:
    if path.level is Level.PROJECT:
        message = f"The organization '{path.org}' has no project '{path.project}'."
    else:
        message = f"There is no organization '{path.org}'."
    return NotFound(
        "unknown_scope",
        message,
        hint="Declare it first with scoped.secrets.scope, or check 'org', 'project' and 'store'.",
    )


def _no_account() -> Damaged:
    return Damaged(
        "damaged_row",
        "The row of the account is missing from the store.",
        hint="Restore the newest backup of the store.",
    )
