# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of one transaction: verified when they are read, signed when they are written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

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
from .audit_head import first_head
from .integrity import Summand
from .keyring import Keyring

__all__ = ["SignedRows"]

_Signed: TypeAlias = "Scope | Connector | Secret | SecretVersion | Share | Intent"


class _HeadChange(NamedTuple):
    """The rows that a scope's head no longer commits to, and those that it commits to now."""

    removed: list[Summand]
    added: list[Summand]


class SignedRows:
    """Reads and writes the rows of one transaction. A chain is the scopes from the account down to one of them.

    `sign_heads` must be called once, when everything is written.
    """

    def __init__(self, tx: Transaction, store_id: str, keyring: Keyring) -> None:
        self.tx = tx
        self.store_id = store_id
        self.keyring = keyring
        self.now = now()
        self.written: list[Event] = []
        """The writes of this transaction, for the audit."""
        self._head_changes: dict[ScopePath, _HeadChange] = {}

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
        verified = self.keyring.first_verified(chain, path)
        for depth, step in enumerate(path.from_account):
            if depth == len(chain):
                raise _unknown_scope(step) if depth else _no_account()
            if depth >= verified:
                self.check(chain[: depth + 1], chain[depth])
        return chain

    def opens(self, path: ScopePath) -> bool:
        """Tell whether our key opens a scope, whether it exists or not."""
        return self.keyring.opens(path)

    def handed_out_below(self, chain: list[Scope]) -> ScopePath | None:
        """Return a scope through which people without the key in use can write to the last scope of a chain."""
        return self.keyring.handed_out_below(self.tx, chain)

    def is_handed_out(self, chain: list[Scope]) -> bool:
        """Tell whether the key of a scope was handed out."""
        return self.keyring.is_handed_out(self.tx, chain)

    def key_of(self, chain: list[Scope], tag: bytes) -> ScopeKey:
        """Return the generation of the scope's key that made a row's tag."""
        return self.key(chain, integrity.signed_generation(tag))

    def key(self, chain: list[Scope], generation: int) -> ScopeKey:
        """Return one generation of the scope's key."""
        return self.keyring.key(self.tx, chain, generation)

    def check(self, chain: list[Scope], row: _Signed) -> None:
        """Raise Damaged unless this row was signed with the scope's key."""
        table, fields, what = _describe(chain[-1], row)
        self.key_of(chain, row.tag).check_row_tag(row.tag[4:], what, table, *fields)

    def connectors(self, chain: list[Scope]) -> list[Connector]:
        """Return the verified connectors of the scope by identifier, including those removed by force."""
        known = CONNECTORS + chain[-1].id
        if known not in self.tx.known:
            connectors = connector_rows.connectors_of(self.tx, chain[-1].id)
            for connector in connectors:
                self.check(chain, connector)
            self.tx.known[known] = connectors
        return list(self.tx.known[known])

    def secret(self, chain: list[Scope], identifier: str) -> Secret | None:
        """Return a verified secret of the scope, or None."""
        secret = secret_rows.find_secret(self.tx, chain[-1].id, identifier)
        if secret:
            self.check(chain, secret)
        return secret

    def version(self, chain: list[Scope], secret: Secret, number: int) -> SecretVersion:
        """Return a verified version of a secret, none after the current one; raise Damaged if it is missing."""
        version = secret_rows.find_version(self.tx, secret.id, number)
        if version is None:
            raise Damaged(
                "missing_version",
                f"Version {number} of secret '{secret.identifier}' in {chain[-1].path} is missing from the store.",
                hint="Restore the newest backup, or declare the secret again.",
            )
        self.check(chain, version)
        return version

    def context(self, chain: list[Scope], secret: Secret, version: int) -> Context:
        scope = chain[-1]
        return Context(self.store_id, scope.path.level.value, scope.id, secret.id, secret.kind, "value", version)

    def write_version(
        self, chain: list[Scope], secret: Secret, value: bytes, *, envelope: bytes | None = None, at_provider: str = ""
    ) -> None:
        """Write a value as the current version of a secret whose row is already written.

        `envelope`: what a key keeper sealed; empty if a value keeper has the value, in version `at_provider`; None to
        seal it here.
        """
        key = self.keyring.for_wrapping(self.tx, chain)
        number = secret.current_version
        if envelope is None:
            envelope = builtin.keep(value, self.context(chain, secret, number), key)
        version = SecretVersion(
            secret_id=secret.id,
            version=number,
            key_generation=key.generation,
            fingerprint=key.fingerprint(secret.id, secret.kind, value),
            fingerprint_generation=key.generation,
            size=len(value),
            envelope=envelope,
            created_at=self.now,
            at_provider=at_provider,
        )
        secret_rows.insert_version(self.tx, integrity.tag_version(version, key))

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
        signed = integrity.tag_scope(scope._replace(head=integrity.EMPTY_HEAD), key)
        scope_rows.insert_scope(self.tx, signed)
        self.keyring.keep(self.tx, [*parents, signed], key)
        insert_head(self.tx, first_head(signed, key))
        self.note("create", scope.path, scope)

    def write_scope(self, chain: list[Scope]) -> None:
        """Sign and update the last scope of the chain. Its head stays as it is until `sign_heads`."""
        scope = chain[-1]._replace(updated_at=self.now)
        signed = integrity.tag_scope(scope, self.keyring.active(self.tx, chain))
        scope_rows.update_scope(self.tx, signed)
        # Not read again: many secrets of the scope may follow.
        self.tx.known[CHAIN + scope.path.announced] = [*chain[:-1], signed._replace(revision=scope.revision + 1)]

    def replace_secret(self, chain: list[Scope], old: Secret | None, new: Secret | None) -> Secret | None:
        """Sign and write a secret in place of `old`, and return it; None creates or deletes."""
        signed = integrity.tag_secret(new, self.keyring.active(self.tx, chain)) if new else None
        self._move_head(chain, old, signed)
        if signed and old:
            secret_rows.update_secret(self.tx, signed)
        elif signed:
            secret_rows.insert_secret(self.tx, signed)
        elif old:
            secret_rows.delete_secret(self.tx, old.id)
        self._note_change(chain, old, signed)
        return signed

    def shares(self, chain: list[Scope]) -> list[Share]:
        """Return the verified shares that the scope has of other scopes' secrets."""
        shares = share_rows.shares_with(self.tx, chain[-1].id)
        for share in shares:
            self.check(chain, share)
        return shares

    def replace_share(self, chain: list[Scope], old: Share | None, new: Share | None) -> None:
        """Write a signed share of a scope in place of `old`; None creates or deletes."""
        self._move_head(chain, old, new)
        if old:
            share_rows.delete_share(self.tx, old)
        if new:
            share_rows.insert_share(self.tx, new)

    def replace_connector(self, chain: list[Scope], old: Connector | None, new: Connector | None) -> None:
        """Sign and write a connector in place of `old`; None creates or deletes."""
        signed = integrity.tag_connector(new, self.keyring.active(self.tx, chain)) if new else None
        self._move_head(chain, old, signed)
        if signed and old:
            connector_rows.update_connector(self.tx, signed)
        elif signed:
            connector_rows.insert_connector(self.tx, signed)
        elif old:
            connector_rows.delete_connector(self.tx, old.id)
        self._note_change(chain, old, signed)

    def _note_change(self, chain: list[Scope], old: Secret | Connector | None, new: Secret | Connector | None) -> None:
        thing = new or old
        if thing:
            self.note("delete" if new is None else "update" if old else "create", chain[-1].path, thing)

    def record(self, chain: list[Scope], intent: Intent) -> None:
        """Sign and write an intent: what this process is about to do at a provider."""
        signed = integrity.sign(self.keyring.active(self.tx, chain), "intent", *integrity.intent_fields(intent))
        intent_rows.insert_intent(self.tx, intent._replace(tag=signed))

    def move_head(self, path: ScopePath, *, remove: Iterable[Summand], add: Iterable[Summand]) -> None:
        """Have `sign_heads` sign the scope, its head committing to `add` in place of `remove`."""
        change = self._head_changes.setdefault(path, _HeadChange([], []))
        change.removed.extend(remove)
        change.added.extend(add)

    def _move_head(self, chain: list[Scope], old: Summand | None, new: Summand | None) -> None:
        self.move_head(chain[-1].path, remove=[old] if old else [], add=[new] if new else [])

    def sign_heads(self) -> None:
        """Sign and write each scope whose rows this transaction has changed, once."""
        for path, change in self._head_changes.items():
            chain = self.chain(path)
            head = integrity.move_head(chain[-1].head, remove=change.removed, add=change.added)
            self.write_scope([*chain[:-1], chain[-1]._replace(head=head)])
        self._head_changes.clear()

    def delete_scope(self, scope: Scope) -> None:
        """Delete a scope that has no secrets, with its connectors and keys."""
        self._head_changes.pop(scope.path, None)
        scope_rows.delete_scope(self.tx, scope)
        self.note("delete", scope.path, scope)


def _named(thing: Scope | Connector | Secret) -> tuple[str, str, str]:
    """Return a thing's kind, identifier and version."""
    if isinstance(thing, Scope):
        return "scope", thing.path.identifier, ""
    if isinstance(thing, Connector):
        return "connector", thing.identifier, ""
    return "secret", thing.identifier, str(thing.current_version or "")


def _describe(scope: Scope, row: _Signed) -> tuple[str, tuple[bytes | str | int | None, ...], str]:
    if isinstance(row, Scope):
        return "scope", integrity.scope_fields(row), f"The row of {row.path}"
    if isinstance(row, Connector):
        return "connector", integrity.connector_fields(row), f"The row of connector '{row.identifier}' in {scope.path}"
    if isinstance(row, Intent):
        return "intent", integrity.intent_fields(row), f"An intent of {scope.path}"
    if isinstance(row, Share):
        what = f"The share that {scope.path} has of secret '{row.identifier}'"
        return "secret_share", integrity.share_fields(row), what
    if isinstance(row, Secret):
        return "secret", integrity.secret_fields(row), f"The row of secret '{row.identifier}' in {scope.path}"
    return "secret_version", integrity.version_fields(row), f"Version {row.version} of a secret in {scope.path}"


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
