# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scope keys: generated, wrapped under the parent's key, and unwrapped downward from the root key or a held one."""

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
from .proved import Proved

__all__ = ["Keyring"]


class Keyring:
    """The keys of one store, opened from the root key or from the key of one scope.

    In all methods, a chain is the list of scopes from the account down to one scope.
    """

    def __init__(self, store_id: str, top: RootKey | HeldScope, max_wraps: int = MAX_WRAPS) -> None:
        self._store_id = store_id
        self._top = top
        self._max_wraps = max_wraps
        # By scope and key id, so that the row of another scope never passes for this one's, and a transaction that was
        # rolled back leaves no wrong key. Keys stay open when a rotation rewraps them.
        self._opened: dict[tuple[object, ...], ScopeKey] = {}
        # Keys whose row proved that they were not handed out, by scope, generation and what the row holds.
        self._unmarked: set[tuple[str, int, bytes]] = set()
        self.proved = Proved()
        """What these keys have proved so far."""

    @property
    def held(self) -> HeldScope | None:
        """The scope whose key is used in place of the root key, None with a root key."""
        return self._top if isinstance(self._top, HeldScope) else None

    @property
    def root(self) -> RootKey:
        """The root key; raises KeyRefused if a scope key is used in its place."""
        if isinstance(self._top, HeldScope):
            raise KeyRefused(
                "root_key_needed",
                f"This needs the root key: the scope key from {self._top.source} only opens {self._top.path} and "
                "everything below it.",
                hint="Ask somebody with the root key to do it, or set 'root_key_file' and no scope key.",
            )
        return self._top

    def opens(self, path: ScopePath) -> bool:
        """Tell whether a scope can be opened, if it exists."""
        return self.held is None or self.held.opens(path)

    def first_verified(self, chain: list[Scope], path: ScopePath) -> int:
        """Return how many scopes of a chain can't be verified because they are above the one whose key is held.

        `path` is the scope that the chain was looked up for. Raises Forbidden if the key opens none of the chain.
        """
        return self.held.depth_in(chain, path) if self.held else 0

    def seal_account_key(self, account: Scope, key: ScopeKey, *, is_handed_out: bool) -> bytes:
        """Return a generation of the account's key wrapped by the root key, as its row stores it."""
        return self.root.wrap_account_key(key, self._context(account, key.generation, is_handed_out=is_handed_out))

    def key(self, tx: Transaction, chain: list[Scope], generation: int) -> ScopeKey:
        """Return one generation of a scope's key; raise KeyRefused for a wrong root key, Damaged for a broken row."""
        return self._open(tx, chain, self._row(tx, chain, generation))

    def fingerprint_key(self, tx: Transaction, chain: list[Scope], generation: int) -> FingerprintKey:
        """Return the key that a generation makes fingerprints with; it outlives a destroyed generation."""
        row = self._row(tx, chain, generation)
        if row.state != "destroyed":
            return self._open(tx, chain, row).fingerprint_key
        own = self.key(tx, chain, row.parent_generation)
        return own.unwrap_fingerprint_key(row.wrapped, self._fingerprint_context(chain[-1], generation))

    def active(self, tx: Transaction, chain: list[Scope]) -> ScopeKey:
        """Return the active generation of a scope's key, which signs new rows."""
        return self._open(tx, chain, self._active_row(tx, chain))

    def for_wrapping(self, tx: Transaction, chain: list[Scope], count: int = 1) -> ScopeKey:
        """Return the key to wrap `count` more keys with, and count these; renews a worn-out key first."""
        row = self._active_row(tx, chain)
        if row.wraps + count > self._max_wraps:
            row = self.renew(tx, chain)
        add_wraps(tx, row.scope_id, row.generation, count)
        return self._open(tx, chain, row)

    def renew(self, tx: Transaction, chain: list[Scope]) -> WrappedKey:
        """Create the next generation of a scope's key and make it active; older ones only decrypt from now on."""
        row = self._active_row(tx, chain)
        key = ScopeKey.generate(row.scope_id, keys_of(tx, row.scope_id)[0].generation + 1)
        retire_keys(tx, row.scope_id)
        self.keep(tx, chain, key)
        # Not counted as wraps: there are only a handful.
        for older in [row for row in keys_of(tx, row.scope_id) if row.state == "decrypt_only"]:
            context = self._older_context(chain[-1], older.generation)
            wrapped = key.wrap_child(self._open(tx, chain, older), context)
            replace_wrapped(tx, older._replace(under_active=wrapped))
        return self._active_row(tx, chain)

    def keep(self, tx: Transaction, chain: list[Scope], key: ScopeKey) -> WrappedKey:
        """Write a new generation of a scope's key, wrapped under its parent's."""
        # The holder of an older generation may have written rows that the new one signs again.
        is_handed_out = any(self.was_handed_out(tx, chain, older) for older in keys_of(tx, key.scope_id))
        parent_generation, wrapped = self._wrapped(tx, chain, key, is_handed_out=is_handed_out)
        row = WrappedKey(
            key.scope_id,
            key.generation,
            "active",
            key.key_id,
            key.public_key,
            parent_generation,
            wrapped,
            is_handed_out=is_handed_out,
        )
        insert_key(tx, row, now())
        return row

    def rewrap(self, tx: Transaction, chain: list[Scope], row: WrappedKey) -> None:
        """Rewrap a generation of a scope's key, under the parent's active generation or the root key."""
        self._rewrap(tx, chain, row, is_handed_out=self.was_handed_out(tx, chain, row))

    def _rewrap(self, tx: Transaction, chain: list[Scope], row: WrappedKey, *, is_handed_out: bool) -> None:
        parent_generation, wrapped = self._wrapped(tx, chain, self._open(tx, chain, row), is_handed_out=is_handed_out)
        new = row._replace(parent_generation=parent_generation, wrapped=wrapped, is_handed_out=is_handed_out)
        replace_wrapped(tx, new)

    def destroy(self, tx: Transaction, chain: list[Scope], generation: int) -> None:
        """Destroy a generation of a scope's key, except for its fingerprint key, which the active one wraps.

        If it was destroyed before, rewraps that fingerprint key. The caller checked that no row needs the generation.
        """
        kept = self.fingerprint_key(tx, chain, generation)
        key = self.for_wrapping(tx, chain)
        wrapped = key.wrap_fingerprint_key(kept, self._fingerprint_context(chain[-1], generation))
        row = self._row(tx, chain, generation)
        gone = row._replace(state="destroyed", under_active=b"")
        replace_wrapped(tx, gone._replace(parent_generation=key.generation, wrapped=wrapped))

    def mark_handed_out(self, tx: Transaction, chain: list[Scope]) -> None:
        """Mark the key of a scope as handed out, for good. The key of the parent scope, or the root key, signs that.

        All generations are marked, since the active one opens the older ones.
        """
        if self.held and self.held.is_last_of(chain):
            return  # Whoever handed out the held key marked it, and only a higher key could.
        for row in keys_of(tx, chain[-1].id):
            if row.state != "destroyed" and not row.is_handed_out:
                self._rewrap(tx, chain, row, is_handed_out=True)

    def is_handed_out(self, tx: Transaction, chain: list[Scope]) -> bool:
        """Return whether the key of a scope was handed out."""
        if self.held and self.held.is_last_of(chain):
            return True
        return any(self.was_handed_out(tx, chain, row) for row in keys_of(tx, chain[-1].id))

    def was_handed_out(self, tx: Transaction, chain: list[Scope], row: WrappedKey) -> bool:
        """Return whether a generation of a scope's key was handed out: yes, unless its row proves the contrary."""
        if row.is_handed_out or row.state == "destroyed":
            return row.is_handed_out
        proof = row.scope_id, row.generation, row.wrapped
        if proof not in self._unmarked:
            try:
                self._unwrap(tx, chain, row, self._context(chain[-1], row.generation, is_handed_out=False))
            except (Damaged, KeyRefused):
                return True
            self._unmarked.add(proof)
        return False

    def handed_out_below(self, tx: Transaction, chain: list[Scope]) -> ScopePath | None:
        """Return the first scope of a chain that somebody with a lower key than the one in use can write to.

        None if all who can write to the last scope hold the key in use or a higher one.
        """
        first = self.held.depth_in(chain, chain[-1].path) + 1 if self.held else 0
        below = (chain[: depth + 1] for depth in range(first, len(chain)))
        return next((part[-1].path for part in below if self.is_handed_out(tx, part)), None)

    def handed_out_between(self, tx: Transaction, chain: list[Scope], depth: int) -> ScopePath | None:
        """Return the lowest scope of a chain below the one at `depth` whose key was handed out, None without any."""
        below = (chain[: end + 1] for end in range(len(chain) - 1, depth, -1))
        return next((part[-1].path for part in below if self.is_handed_out(tx, part)), None)

    def _wrapped(self, tx: Transaction, chain: list[Scope], key: ScopeKey, *, is_handed_out: bool) -> tuple[int, bytes]:
        """Return a scope's key wrapped by its parent's, after the parent's generation (0: by the root key)."""
        if len(chain) == 1:
            self.check_in_force(tx)
            return 0, self.seal_account_key(chain[0], key, is_handed_out=is_handed_out)
        parent = self.for_wrapping(tx, chain[:-1])
        context = self._context(chain[-1], key.generation, is_handed_out=is_handed_out)
        return parent.generation, parent.wrap_child(key, context)

    def check_in_force(self, tx: Transaction) -> None:
        """Raise KeyRefused if the root key was rotated since the store was opened, before sealing anything to it."""
        row = tx.one("SELECT root_key_id FROM store")
        if row is None or row["root_key_id"] != self.root.key_id:
            raise KeyRefused(
                "wrong_key",
                f"The root key was rotated: the one from {self.root} is no longer in force.",
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
                f"Key generation {row.generation} of {chain[-1].path} was destroyed, but a row still needs it."
            )
        if self.held and self.held.is_last_of(chain):
            return self._own_of_held(tx, chain, row, self.held)
        scope = chain[-1]
        known = scope.path.level, scope.id, scope.parent_id, row.generation, row.key_id
        if known not in self._opened:
            key = self._unwrap(tx, chain, row, self._context(scope, row.generation, is_handed_out=row.is_handed_out))
            if key.key_id != row.key_id:
                raise damaged_key()
            self._opened[known] = key
        return self._opened[known]

    def _own_of_held(self, tx: Transaction, chain: list[Scope], row: WrappedKey, held: HeldScope) -> ScopeKey:
        """Return a generation of the held scope's key: the held one, or an older one if the held one is active."""
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

    def _context(self, scope: Scope, generation: int, *, is_handed_out: bool) -> bytes:
        place = self._store_id, scope.path.level.value, scope.id, scope.parent_id
        return encode_fields("scope key", *place, generation, int(is_handed_out))

    def _older_context(self, scope: Scope, generation: int) -> bytes:
        return encode_fields("older generation", self._store_id, scope.id, generation)

    def _fingerprint_context(self, scope: Scope, generation: int) -> bytes:
        return encode_fields("fingerprint key", self._store_id, scope.id, generation)


def _damaged(message: str) -> Damaged:
    return Damaged("damaged_scope_key", message, hint="Restore the newest backup of the store.")
