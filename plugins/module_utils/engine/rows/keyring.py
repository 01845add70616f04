# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scope keys: made, wrapped under the parent's key, unwrapped on the way down from the root key, or a scope's."""

from __future__ import annotations

from ...crypto.encoding import encode_fields
from ...crypto.rootkey import RootKey
from ...crypto.scopekey import MAX_WRAPS, FingerprintKey, ScopeKey, damaged_key
from ...model.entities import Scope
from ...model.errors import Damaged, KeyRefused
from ...model.scopes import ScopePath
from ...store.database import Transaction
from ...store.schema import now
from ...store.scopes import WrappedKey, add_wraps, insert_key, keys_of, replace_wrapped, retire_keys
from .held_scope import HeldScope

__all__ = ["Keyring"]


class Keyring:
    """The keys of one store that the root key, or the key of one scope, opens.

    A chain is the scopes from the account down to one scope.
    """

    def __init__(self, store_id: str, top: RootKey | HeldScope, max_wraps: int = MAX_WRAPS) -> None:
        self._store_id = store_id
        self._top = top
        self._max_wraps = max_wraps
        # By place and the key's own name: the row of another scope is not this one's, and a transaction that was rolled
        # back leaves no wrong key here. How it is wrapped may change: what is open stays so after a rotation.
        self._opened: dict[tuple[object, ...], ScopeKey] = {}

    @property
    def source(self) -> str:
        """Where the root key, or the scope's, came from, in words."""
        return self._top.source

    @property
    def held(self) -> HeldScope | None:
        """The scope whose key is held in place of the root key."""
        return self._top if isinstance(self._top, HeldScope) else None

    @property
    def root(self) -> RootKey:
        """The root key, which a backup is sealed to; raise KeyRefused where a scope's key is held."""
        if isinstance(self._top, HeldScope):
            raise KeyRefused(
                "root_key_needed",
                f"This is about the whole store, and the scope key from {self._top.source} opens {self._top.path} and "
                "what lies below it.",
                hint="Leave it to who has the root key, or set 'root_key_file' and no scope key.",
            )
        return self._top

    def opens(self, path: ScopePath) -> bool:
        """Tell whether a scope can be opened, if it exists."""
        return self.held is None or self.held.opens(path)

    def first_verified(self, chain: list[Scope], path: ScopePath) -> int:
        """Return how many scopes of a chain can't be verified, since they lie above the one whose key is held.

        `path` is what the chain was looked up for; raise Forbidden where nothing of it can be opened.
        """
        return self.held.depth_in(chain, path) if self.held else 0

    def seal_account_key(self, account: Scope, key: ScopeKey) -> bytes:
        """Return a generation of the account's key as its row has it."""
        return self.root.wrap_account_key(key, self._context(account, key.generation))

    def key(self, tx: Transaction, chain: list[Scope], generation: int) -> ScopeKey:
        """Return one generation of a scope's key; raise KeyRefused for a wrong root key, Damaged for a broken row."""
        return self._open(tx, chain, self._row(tx, chain, generation))

    def fingerprint_key(self, tx: Transaction, chain: list[Scope], generation: int) -> FingerprintKey:
        """Return what fingerprints were made with by a generation of a scope's key, which may be destroyed."""
        row = self._row(tx, chain, generation)
        if row.state != "destroyed":
            return self._open(tx, chain, row).fingerprint_key
        own = self.key(tx, chain, row.parent_generation)
        return own.unwrap_fingerprint_key(row.wrapped, self._fingerprint_context(chain[-1], generation))

    def active(self, tx: Transaction, chain: list[Scope]) -> ScopeKey:
        """Return the generation of a scope's key that new rows are signed with."""
        return self._open(tx, chain, self._active_row(tx, chain))

    def for_wrapping(self, tx: Transaction, chain: list[Scope], count: int = 1) -> ScopeKey:
        """Return the key to wrap some more keys with, and count these. A worn-out generation is replaced first."""
        row = self._active_row(tx, chain)
        if row.wraps + count > self._max_wraps:
            row = self.renew(tx, chain)
        add_wraps(tx, row.scope_id, row.generation, count)
        return self._open(tx, chain, row)

    def renew(self, tx: Transaction, chain: list[Scope]) -> WrappedKey:
        """Make the next generation of a scope's key; the active one opens from now on, and wraps none any more."""
        row = self._active_row(tx, chain)
        key = ScopeKey.generate(row.scope_id, keys_of(tx, row.scope_id)[0].generation + 1)
        retire_keys(tx, row.scope_id)
        self.keep(tx, chain, key)
        # Not counted as wraps: there are a handful at the most.
        for older in [row for row in keys_of(tx, row.scope_id) if row.state == "decrypt_only"]:
            context = self._older_context(chain[-1], older.generation)
            wrapped = key.wrap_child(self._open(tx, chain, older), context)
            replace_wrapped(tx, older._replace(under_active=wrapped))
        return self._active_row(tx, chain)

    def keep(self, tx: Transaction, chain: list[Scope], key: ScopeKey) -> WrappedKey:
        """Write a new generation of a scope's key, wrapped under its parent's."""
        parent_generation, wrapped = self._wrapped(tx, chain, key)
        row = WrappedKey(key.scope_id, key.generation, "active", key.key_id, parent_generation, wrapped)
        insert_key(tx, row, now())
        return row

    def rewrap(self, tx: Transaction, chain: list[Scope], row: WrappedKey) -> None:
        """Wrap a generation of a scope's key anew, under the parent's active one or the root key."""
        parent_generation, wrapped = self._wrapped(tx, chain, self._open(tx, chain, row))
        replace_wrapped(tx, row._replace(parent_generation=parent_generation, wrapped=wrapped))

    def destroy(self, tx: Transaction, chain: list[Scope], generation: int) -> None:
        """Forget a generation of a scope's key, or wrap anew what is left of one: its fingerprint key.

        Whoever calls this has made sure that nothing else needs it.
        """
        kept = self.fingerprint_key(tx, chain, generation)
        key = self.for_wrapping(tx, chain)
        wrapped = key.wrap_fingerprint_key(kept, self._fingerprint_context(chain[-1], generation))
        row = self._row(tx, chain, generation)
        gone = row._replace(state="destroyed", under_active=b"")
        replace_wrapped(tx, gone._replace(parent_generation=key.generation, wrapped=wrapped))

    def _wrapped(self, tx: Transaction, chain: list[Scope], key: ScopeKey) -> tuple[int, bytes]:
        """Return the generation of the parent's key that wraps a scope's (0: the root key), and what that makes."""
        if len(chain) == 1:
            self.check_in_force(tx)
            return 0, self.seal_account_key(chain[0], key)
        parent = self.for_wrapping(tx, chain[:-1])
        return parent.generation, parent.wrap_child(key, self._context(chain[-1], key.generation))

    def check_in_force(self, tx: Transaction) -> None:
        """Raise KeyRefused if the root key was rotated since the store was opened: nothing more is sealed to it."""
        row = tx.one("SELECT root_key_id FROM store")
        if row is None or row["root_key_id"] != self.root.key_id:
            raise KeyRefused(
                "wrong_key",
                f"The root key was rotated meanwhile: {self.source} is key {self.root.key_id}, and no longer in force.",
                hint="Set 'root_key_file' (or SCOPED_SECRETS_ROOT_KEY, or the passphrase) to the new root key.",
            )

    def _row(self, tx: Transaction, chain: list[Scope], generation: int) -> WrappedKey:
        for row in keys_of(tx, chain[-1].id):
            if row.generation == generation:
                return row
        raise _damaged(f"Key generation {generation} of {chain[-1].path} is missing.")

    def _active_row(self, tx: Transaction, chain: list[Scope]) -> WrappedKey:
        for row in keys_of(tx, chain[-1].id):
            if row.state == "active":
                return row
        raise _damaged(f"There is no active key of {chain[-1].path}.")

    def _open(self, tx: Transaction, chain: list[Scope], row: WrappedKey) -> ScopeKey:
        if row.state == "destroyed":
            raise _damaged(
                f"Key generation {row.generation} of {chain[-1].path} was destroyed, and a row still needs it."
            )
        if self.held and self.held.is_last_of(chain):
            return self._own_of_held(tx, chain, row, self.held)
        scope = chain[-1]
        known = scope.path.level, scope.id, scope.parent_id, row.generation, row.key_id
        if known not in self._opened:
            key = self._unwrap(tx, chain, row, self._context(scope, row.generation))
            if key.key_id != row.key_id:
                raise damaged_key()
            self._opened[known] = key
        return self._opened[known]

    def _own_of_held(self, tx: Transaction, chain: list[Scope], row: WrappedKey, held: HeldScope) -> ScopeKey:
        """Return a generation of the key that is held: that very one, or an older one if it is the active one."""
        if row.generation == held.key.generation:
            return held.key
        scope = chain[-1]
        known = scope.path.level, scope.id, scope.parent_id, row.generation, row.key_id
        if known not in self._opened:
            if not row.under_active or self._active_row(tx, chain).generation != held.key.generation:
                raise held.outdated(row.generation)
            context = self._older_context(scope, row.generation)
            self._opened[known] = held.key.unwrap_child(
                row.under_active, scope_id=row.scope_id, generation=row.generation, context=context
            )
        return self._opened[known]

    def _unwrap(self, tx: Transaction, chain: list[Scope], row: WrappedKey, context: bytes) -> ScopeKey:
        if len(chain) == 1:
            return self.root.unwrap_account_key(
                row.wrapped, scope_id=row.scope_id, generation=row.generation, context=context
            )
        parent = self.key(tx, chain[:-1], row.parent_generation)
        return parent.unwrap_child(row.wrapped, scope_id=row.scope_id, generation=row.generation, context=context)

    def _context(self, scope: Scope, generation: int) -> bytes:
        return encode_fields("scope key", self._store_id, scope.path.level.value, scope.id, scope.parent_id, generation)

    def _older_context(self, scope: Scope, generation: int) -> bytes:
        return encode_fields("older generation", self._store_id, scope.id, generation)

    def _fingerprint_context(self, scope: Scope, generation: int) -> bytes:
        return encode_fields("fingerprint key", self._store_id, scope.id, generation)


def _damaged(message: str) -> Damaged:
    return Damaged("damaged_scope_key", message, hint="Restore the newest backup of the store.")
