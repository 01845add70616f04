# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements on scopes, their keys and their default managers."""

from __future__ import annotations

import json
from typing import NamedTuple

from ..model.entities import Scope
from ..model.scopes import ACCOUNT, Level, ScopePath
from ..model.typed_rows import damaged_column, stored_text, typed
from .database import CHAIN, CONNECTORS, MANAGERS, Row, Transaction

__all__ = [
    "WrappedKey",
    "add_wraps",
    "children_of",
    "children_wrapped_elsewhere",
    "defaults_made_by",
    "delete_scope",
    "find_chain",
    "insert_key",
    "insert_scope",
    "keys_of",
    "path_of",
    "replace_wrapped",
    "retire_keys",
    "scopes_made_by",
    "set_default",
    "update_scope",
]

_SELECT = """SELECT scope.*, default_manager.connector_id AS default_connector_id, default_manager.made_by AS default_by
    FROM scope LEFT JOIN default_manager ON default_manager.scope_id = scope.id"""


class WrappedKey(NamedTuple):
    """A generation of a scope's key, wrapped by its parent's key of `parent_generation` (0: by the root key).

    `state` is active (exactly one generation of a scope), decrypt_only or destroyed. Of a destroyed generation only the
    fingerprint key is left, wrapped by the scope's own key of `parent_generation`. `wraps` counts the keys that it
    wrapped. `under_active` holds an older generation wrapped by the active one, for a reader who has only that.
    `is_handed_out` says that the key was exported; `wrapped` is bound to it. `public_key` proves what the key signed.
    """

    scope_id: str
    generation: int
    state: str
    key_id: str
    public_key: bytes
    parent_generation: int
    wrapped: bytes
    wraps: int = 0
    under_active: bytes = b""
    is_handed_out: bool = False


def find_chain(tx: Transaction, path: ScopePath) -> list[Scope]:
    """Return the scopes from the account down to `path`, as far as they exist."""
    chain: list[Scope] = []
    for step in path.from_account:
        if step == ACCOUNT:
            row = tx.one(f"{_SELECT} WHERE scope.parent_id IS NULL")
        else:
            row = tx.one(
                f"{_SELECT} WHERE scope.parent_id = :parent AND scope.identifier = :identifier",
                parent=chain[-1].id,
                identifier=step.identifier,
            )
        if row is None:
            break
        chain.append(_scope(row, step))
    return chain


def children_of(tx: Transaction, scope: Scope) -> list[Scope]:
    """Return the organizations of the account, or the projects of an organization, by identifier."""
    rows = tx.all(f"{_SELECT} WHERE scope.parent_id = :parent ORDER BY scope.identifier", parent=scope.id)
    return [_scope(row, _below(scope.path, row["identifier"])) for row in rows]


def children_wrapped_elsewhere(tx: Transaction, scope: Scope, generation: int, limit: int) -> list[Scope]:
    """Return at most `limit` child scopes with a key that is not wrapped by this generation of the scope's key."""
    rows = tx.all(
        f"""{_SELECT} WHERE scope.parent_id = :parent AND EXISTS (SELECT 1 FROM scope_key
            WHERE scope_key.scope_id = scope.id AND scope_key.state <> 'destroyed'
            AND scope_key.parent_generation <> :generation)
        ORDER BY scope.identifier LIMIT :limit""",
        parent=scope.id,
        generation=generation,
        limit=limit,
    )
    return [_scope(row, _below(scope.path, row["identifier"])) for row in rows]


def _below(path: ScopePath, identifier: str) -> ScopePath:
    return ScopePath(path.org, stored_text(identifier)) if path.org else ScopePath(stored_text(identifier))


def _scope(row: Row, path: ScopePath) -> Scope:
    return typed(Scope, row, path=path, default_made_by=row["default_by"] or "")


def insert_scope(tx: Transaction, scope: Scope) -> None:
    tx.forget(CHAIN, MANAGERS)
    tx.insert(
        "scope",
        id=scope.id,
        parent_id=scope.parent_id,
        level=scope.path.level.value,
        identifier=scope.path.identifier,
        made_by=scope.made_by,
        revision=scope.revision,
        created_at=scope.created_at,
        **_changeable(scope),
    )


def update_scope(tx: Transaction, scope: Scope) -> None:
    """Update a scope's changeable columns; raise StaleRow unless the stored row has the revision before `scope`'s."""
    tx.forget(CHAIN, MANAGERS)
    tx.update("scope", scope.id, scope.revision - 1, **_changeable(scope))


def _changeable(scope: Scope) -> dict[str, object]:
    return {
        "name": scope.name,
        "description": scope.description,
        "tags": json.dumps(scope.tags, sort_keys=True),
        "builtin_enabled": int(scope.builtin_enabled),
        "inherits_managers": int(scope.inherits_managers),
        "secrets_root": scope.secrets_root,
        "secrets_depth": scope.secrets_depth,
        "secrets_count": scope.secrets_count,
        "children_root": scope.children_root,
        "children_depth": scope.children_depth,
        "children_count": scope.children_count,
        "connectors_digest": scope.connectors_digest,
        "shares_digest": scope.shares_digest,
        "keys_digest": scope.keys_digest,
        "audit_sequence": scope.audit_sequence,
        "audit_link": scope.audit_link,
        "epoch": scope.epoch,
        "updated_at": scope.updated_at,
        "tag": scope.tag,
    }


def path_of(tx: Transaction, scope_id: str) -> ScopePath:
    """Return the path of an existing scope."""
    names: list[str] = []
    row = tx.one("SELECT parent_id, identifier FROM scope WHERE id = :id", id=scope_id)
    while row and row["parent_id"]:
        names.insert(0, stored_text(row["identifier"]))
        if len(names) > Level.PROJECT.depth:
            raise damaged_column()
        row = tx.one("SELECT parent_id, identifier FROM scope WHERE id = :id", id=row["parent_id"])
    return ScopePath(*names)


def scopes_made_by(tx: Transaction, manifest: str) -> list[str]:
    """Return the ids of the scopes that a manifest created."""
    return _ids(tx, "SELECT id FROM scope WHERE made_by = :manifest AND made_by <> ''", manifest)


def defaults_made_by(tx: Transaction, manifest: str) -> list[str]:
    """Return the ids of the scopes whose default manager a manifest set."""
    statement = "SELECT scope_id AS id FROM default_manager WHERE made_by = :manifest AND made_by <> ''"
    return _ids(tx, statement, manifest)


def _ids(tx: Transaction, statement: str, manifest: str) -> list[str]:
    return [row["id"] for row in tx.all(statement, manifest=manifest)]


def delete_scope(tx: Transaction, scope: Scope) -> None:
    """Delete a scope that has no secrets, with its connectors and keys."""
    tx.forget(CHAIN, CONNECTORS, MANAGERS)
    tx.known.pop(scope.id, None)
    for statement in (
        "DELETE FROM default_manager WHERE scope_id = :id",
        "DELETE FROM secret_reference WHERE user_kind = 'connector' "
        "AND user_id IN (SELECT id FROM connector WHERE scope_id = :id)",
        "DELETE FROM secret_share WHERE scope_id = :id",
        "DELETE FROM intent WHERE scope_id = :id",
        "DELETE FROM connector WHERE scope_id = :id",
        "DELETE FROM scope_key WHERE scope_id = :id",
        "DELETE FROM secret_index WHERE scope_id = :id",
        "DELETE FROM scope_child WHERE scope_id = :id",
        "DELETE FROM scope_index WHERE scope_id = :id",
        "DELETE FROM scope WHERE id = :id",
    ):
        tx.run(statement, id=scope.id)


def set_default(tx: Transaction, scope: Scope, connector_id: str | None, made_by: str = "") -> None:
    """Make a connector the default manager of a scope (None: the built-in one). `made_by` names a manifest."""
    tx.forget(CHAIN, MANAGERS)
    tx.run("DELETE FROM default_manager WHERE scope_id = :id", id=scope.id)
    if connector_id:
        tx.insert("default_manager", scope_id=scope.id, connector_id=connector_id, made_by=made_by)


def keys_of(tx: Transaction, scope_id: str) -> list[WrappedKey]:
    """Return the generations of a scope's key, newest first. Cached, because every row to verify needs them."""
    if scope_id not in tx.known:
        rows = tx.all(
            "SELECT scope_id, generation, state, key_id, public_key, parent_generation, wrapped, wraps, under_active, "
            "is_handed_out FROM scope_key WHERE scope_id = :id ORDER BY generation DESC",
            id=scope_id,
        )
        tx.known[scope_id] = [_wrapped_key(row) for row in rows]
    found: list[WrappedKey] = tx.known[scope_id]
    return found


def _wrapped_key(row: Row) -> WrappedKey:
    return typed(WrappedKey, row)


def _rekey(tx: Transaction, scope_id: str) -> None:
    tx.known.pop(scope_id, None)
    tx.rekeyed.add(scope_id)


def insert_key(tx: Transaction, key: WrappedKey, created_at: str) -> None:
    _rekey(tx, key.scope_id)
    tx.insert(
        "scope_key",
        scope_id=key.scope_id,
        generation=key.generation,
        state=key.state,
        key_id=key.key_id,
        public_key=key.public_key,
        parent_generation=key.parent_generation,
        wrapped=key.wrapped,
        wraps=key.wraps,
        under_active=key.under_active,
        is_handed_out=int(key.is_handed_out),
        created_at=created_at,
    )


def retire_keys(tx: Transaction, scope_id: str) -> None:
    """Make the active generation decrypt_only: it still opens values, but wraps no more."""
    _rekey(tx, scope_id)
    tx.run("UPDATE scope_key SET state = 'decrypt_only' WHERE scope_id = :id AND state = 'active'", id=scope_id)


def replace_wrapped(tx: Transaction, key: WrappedKey) -> None:
    """Update how a generation is wrapped, its state, and whether it was handed out."""
    _rekey(tx, key.scope_id)
    tx.run(
        "UPDATE scope_key SET state = :state, parent_generation = :parent, wrapped = :wrapped, "
        "under_active = :under_active, is_handed_out = :handed_out "
        "WHERE scope_id = :id AND generation = :generation",
        id=key.scope_id,
        generation=key.generation,
        state=key.state,
        parent=key.parent_generation,
        wrapped=key.wrapped,
        under_active=key.under_active,
        handed_out=int(key.is_handed_out),
    )


def add_wraps(tx: Transaction, scope_id: str, generation: int, count: int) -> None:
    """Add `count` to the number of keys that this generation has wrapped."""
    tx.run(
        "UPDATE scope_key SET wraps = wraps + :count WHERE scope_id = :id AND generation = :generation",
        id=scope_id,
        generation=generation,
        count=count,
    )
    for index, key in enumerate(known := tx.known.get(scope_id, ())):
        if key.generation == generation:
            known[index] = key._replace(wraps=key.wraps + count)
