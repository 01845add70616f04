# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scope key rotation: creates a new generation and moves all rows to it in batches, while others read and write.

Data keys and the keys of scopes below are rewrapped; no value is decrypted, and what the scope commits to stays as it
is, but for its keys. Each batch is one transaction that leaves the store consistent, so the next rotation can resume an
interrupted one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from enum import Enum
from typing import ClassVar, NamedTuple

from ...crypto.scopekey import ScopeKey
from ...managers import builtin
from ...model.entities import Scope, Secret
from ...model.errors import Conflict, NotFound
from ...model.messages import Tell
from ...model.scopes import ScopePath
from ...store.rotation import (
    VersionLeft,
    count_left,
    count_on,
    intents_of,
    move_intent,
    secrets_left,
    update_version,
    versions_left,
)
from ...store.scopes import children_wrapped_elsewhere, keys_of
from ..audit import chain as audit_chain
from ..providers.runtime import Runtime
from ..rows import integrity
from ..rows.session import Session
from ..rows.sharing import resign_shares, rewrap_shares

__all__ = ["RotationStep", "ScopeRotation", "destroy_generation", "generations_of", "is_destroyable"]

# Value bytes moved in one transaction; only a single larger secret exceeds this.
_BATCH_BYTES = 8 * 1024 * 1024
# Maximum passes; a concurrent rotation or a worn-out key can move rows to yet another generation.
_ROUNDS = 5


class RotationStep(Enum):
    """The steps, in order. KEYS and SECRETS run in batches."""

    BEGIN = "begin"
    KEYS = "keys"
    ROWS = "rows"
    SECRETS = "secrets"


class _Page(NamedTuple):
    """Secrets to move in one transaction with their versions to move, and the last identifier (empty: none)."""

    secrets: list[tuple[Secret, list[VersionLeft]]]
    last: str

    @property
    def data_keys(self) -> int:
        return sum(len(versions) for secret, versions in self.secrets if secret.connector_id is None)


class ScopeRotation:
    """One rotation of the key of the scope `path`. `batch_size`: secrets, or scopes below, moved per transaction."""

    def __init__(self, runtime: Runtime, path: ScopePath, *, batch_size: int, tell: Tell) -> None:
        self._runtime = runtime
        self._path = path
        self._batch_size = batch_size
        self._tell = tell
        self._after = ""
        self._total = 0
        self.is_resumed = False
        self.moved: Counter[str] = Counter()
        """How many rows were moved to the new generation, by the names in the result."""

    def run(self) -> dict[str, int]:
        """Rotate, and return how many rows are left on other generations: none, unless others keep moving rows."""
        for number in range(_ROUNDS):
            for step in list(RotationStep)[number and 1 :]:
                self._after = ""
                while self.STEPS[step](self):
                    pass
            left = self._runtime.read(self._left, self._path)
            if not any(left.values()):
                break
        return left

    def _left(self, session: Session) -> dict[str, int]:
        chain = session.chain(self._path)
        return count_left(session.tx, chain[-1].id, session.keyring.active(session.tx, chain).generation)

    def begin(self) -> bool:
        """Create the next generation, unless rows still need moving to the active one."""
        self.is_resumed, generation, self._total = self._runtime.write(self._begin, self._path)
        verb = "Resuming the rotation to" if self.is_resumed else "Rotating to"
        self._tell(f"{verb} generation {generation} of the key of {self._path}, {self._total} versions")
        return False

    def _begin(self, session: Session) -> tuple[bool, int, int]:
        chain = session.chain(self._path)
        left = self._left(session)
        is_resumed = any(left.values())
        if not is_resumed:
            session.keyring.renew(session.tx, chain)
            left = self._left(session)
        return is_resumed, session.keyring.active(session.tx, chain).generation, left["versions"]

    def move_keys(self) -> bool:
        """Rewrap the keys of a batch of scopes below; tell whether there were any."""
        moved = self._runtime.write(self._move_keys, self._path)
        self.moved.update(moved)
        return moved["scope_keys"] > 0

    def _move_keys(self, session: Session) -> Counter[str]:
        chain, tx = session.chain(self._path), session.tx
        scope, generation = chain[-1], session.keyring.active(tx, chain).generation
        moved: Counter[str] = Counter()
        for child in children_wrapped_elsewhere(tx, scope, generation, self._batch_size):
            below = [*chain, child]
            session.check_scope(below)
            for row in keys_of(tx, child.id):
                if row.state != "destroyed" and row.parent_generation != generation:
                    session.keyring.rewrap(tx, below, row)
                    moved["scope_keys"] += 1
        for row in keys_of(tx, scope.id):
            if row.state == "destroyed" and row.parent_generation != generation:
                session.keyring.destroy(tx, chain, row.generation)
                moved["fingerprint_keys"] += 1
        return moved

    def move_rows(self) -> bool:
        """Rewrap the shares that the scope was given; re-sign its unfinished changes and its audit head."""
        self.moved.update(self._runtime.write(self._move_rows, self._path))
        return False

    def _move_rows(self, session: Session) -> Counter[str]:
        chain, key = self._chain_and_key(session)
        intents = [
            intent
            for intent in intents_of(session.tx, chain[-1].id)
            if integrity.signed_generation(intent.tag) != key.generation
        ]
        for intent in intents:
            session.check_intent(chain, intent)
            move_intent(session.tx, intent.id, integrity.sign(key, intent))
        audit_chain.resign_head(session, chain)
        return Counter(shares=rewrap_shares(session, chain), unfinished_changes=len(intents))

    def move_secrets(self) -> bool:
        """Move the versions of a batch of secrets; tell whether there was one."""
        moved, last = self._runtime.write(self._move_secrets, self._path)
        before = self.moved["versions"]
        self.moved.update(moved)
        self._after = last
        self._show_progress(before)
        return bool(last)

    def _show_progress(self, before: int) -> None:
        """Report progress about twenty times, however many batches there are."""
        done, step = self.moved["versions"], max(1, self._total // 20)
        if done // step > before // step:
            self._tell(f"Moved {done} of {max(done, self._total)} versions")

    def _move_secrets(self, session: Session) -> tuple[Counter[str], str]:
        chain, key = self._chain_and_key(session)
        page = self._page(session, chain[-1], key.generation)
        if page.data_keys:
            key = session.keyring.for_wrapping(session.tx, chain, page.data_keys)
        moved: Counter[str] = Counter()
        for secret, versions in page.secrets:
            session.prove(chain, secret)
            for version in versions:
                _move_version(session, chain, secret, version.number, key)
            resign_shares(session, chain, secret)
            moved.update(versions=len(versions))
        return moved, page.last

    def _chain_and_key(self, session: Session) -> tuple[list[Scope], ScopeKey]:
        chain = session.chain(self._path)
        return chain, session.keyring.active(session.tx, chain)

    def _page(self, session: Session, scope: Scope, generation: int) -> _Page:
        size = 0
        found: list[tuple[Secret, list[VersionLeft]]] = []
        secrets = secrets_left(session.tx, scope.id, generation, after=self._after, limit=self._batch_size)
        for secret in secrets:
            versions = versions_left(session.tx, secret.id, generation)
            size += sum(version.size for version in versions)
            if found and size > _BATCH_BYTES:
                break
            found.append((secret, versions))
        return _Page(found, found[-1][0].identifier if found else "")

    # Each returns whether it must be called again for another batch.
    STEPS: ClassVar[Mapping[RotationStep, Callable[[ScopeRotation], bool]]] = {
        RotationStep.BEGIN: begin,
        RotationStep.KEYS: move_keys,
        RotationStep.ROWS: move_rows,
        RotationStep.SECRETS: move_secrets,
    }


def _move_version(session: Session, chain: list[Scope], secret: Secret, number: int, key: ScopeKey) -> None:
    """Move a version to a generation, and rewrap its data key if the scope's own key wraps it."""
    version = session.version(chain, secret, number)
    envelope = version.envelope
    if secret.connector_id is None:
        old = session.key(chain, version.key_generation)
        envelope = builtin.rewrap(envelope, session.context(chain, secret, number), old, key)
    update_version(session.tx, version, version._replace(key_generation=key.generation, envelope=envelope))


def generations_of(session: Session, path: ScopePath) -> list[dict[str, object]]:
    """Return the generations of a scope's key, newest first, with how many rows need each."""
    scope = session.chain(path)[-1]
    return [
        {
            "generation": row.generation,
            "state": row.state,
            "rows": 0 if row.state == "destroyed" else sum(count_on(session.tx, scope.id, row.generation).values()),
        }
        for row in keys_of(session.tx, scope.id)
    ]


def destroy_generation(session: Session, path: ScopePath, generation: int) -> bool:
    """Destroy a generation of a scope's key; return False if it already was. Raises as `is_destroyable` does."""
    if not is_destroyable(session, path, generation):
        return False
    chain = session.chain(path)
    # The audit head may still be signed with this generation, and `is_destroyable` does not count it.
    audit_chain.resign_head(session, chain)
    session.keyring.destroy(session.tx, chain, generation)
    return True


def is_destroyable(session: Session, path: ScopePath, generation: int) -> bool:
    """Return True if a generation of a scope's key can be destroyed, False if it already was.

    Raises NotFound for one that never existed, Conflict for the active one and for one that rows need.
    """
    chain = session.chain(path)
    row = next((row for row in keys_of(session.tx, chain[-1].id) if row.generation == generation), None)
    if row is None:
        raise _unknown(path, generation)
    if row.state == "destroyed":
        return False
    needed = {name: count for name, count in count_on(session.tx, chain[-1].id, generation).items() if count}
    if row.state == "active" or needed:
        raise _in_use(path, generation, needed, is_active=row.state == "active")
    return True


def _unknown(path: ScopePath, generation: int) -> NotFound:
    return NotFound(
        "unknown_generation",
        f"The key of {path} has no generation {generation}.",
        hint="Run scoped.secrets.key_rotation in check mode to list the generations.",
    )


def _in_use(path: ScopePath, generation: int, needed: Mapping[str, int], *, is_active: bool) -> Conflict:
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in needed.items())
    reason = "it is the active one" if is_active else f"it is still needed by {counts}"
    return Conflict(
        "generation_in_use",
        f"Generation {generation} of the key of {path} can't be destroyed: {reason}.",
        hint="Rotate the key first: set 'target: scope' and remove 'destroy_generation'.",
        details=dict(needed),
    )
