# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements for key rotations: which rows depend on which generation of a scope's key, and how to move them."""

from __future__ import annotations

from typing import NamedTuple

from ..model.entities import Intent, Secret, SecretVersion
from ..model.typed_rows import typed
from .database import StaleRow, Transaction
from .secrets import secret_of

__all__ = [
    "VersionLeft",
    "count_left",
    "count_on",
    "count_wrapped_elsewhere",
    "intents_of",
    "kept_after",
    "move_intent",
    "secrets_left",
    "set_root_key",
    "update_version",
    "versions_left",
]


class _Rows(NamedTuple):
    """Rows that belong to a scope, and the conditions (`on`) for depending on one generation of its key only."""

    tables: str
    of_scope: str
    on: tuple[str, ...]


def _signed(table: str) -> str:
    # A row tag starts with the generation that signed it.
    return f"substr({table}.tag, 1, 4) = :prefix"


_VERSION_ON = "secret_version.key_generation = :generation"
# By the names that users see. Add every new table whose rows are signed or wrapped by a scope's key, but for the row of
# the scope itself: whatever changes the keys signs it with the active one.
_ROWS = {
    "scope_keys": _Rows(
        "scope_key JOIN scope ON scope.id = scope_key.scope_id",
        "scope.parent_id = :scope AND scope_key.state <> 'destroyed'",
        ("scope_key.parent_generation = :generation",),
    ),
    "fingerprint_keys": _Rows(
        "scope_key",
        "scope_key.scope_id = :scope AND scope_key.state = 'destroyed'",
        ("scope_key.parent_generation = :generation",),
    ),
    "versions": _Rows(
        "secret_version JOIN secret ON secret.id = secret_version.secret_id", "secret.scope_id = :scope", (_VERSION_ON,)
    ),
    "shares": _Rows(
        "secret_share",
        "secret_share.scope_id = :scope",
        ("secret_share.key_generation = :generation",),
    ),
    "unfinished_changes": _Rows("intent", "intent.scope_id = :scope", (_signed("intent"),)),
}


def count_left(tx: Transaction, scope_id: str, generation: int) -> dict[str, int]:
    """Count the rows of a scope that need a generation of its key other than this one (0: all rows)."""
    return {
        name: _count(tx, rows, f"NOT ({' AND '.join(rows.on)})", scope_id, generation) for name, rows in _ROWS.items()
    }


def count_on(tx: Transaction, scope_id: str, generation: int) -> dict[str, int]:
    """Count the rows of a scope that need this generation of its key."""
    return {name: _count(tx, rows, f"({' OR '.join(rows.on)})", scope_id, generation) for name, rows in _ROWS.items()}


def _count(tx: Transaction, rows: _Rows, condition: str, scope_id: str, generation: int) -> int:
    statement = f"SELECT count(*) AS found FROM {rows.tables} WHERE {rows.of_scope} AND {condition}"
    parameters = {"scope": scope_id, "generation": generation, "prefix": generation.to_bytes(4, "big")}
    used = {name: value for name, value in parameters.items() if f":{name}" in statement}
    return tx.count(statement, **used)


def secrets_left(tx: Transaction, scope_id: str, generation: int, *, after: str, limit: int) -> list[Secret]:
    """Return the next secrets, by identifier, of which a version is not yet on this generation."""
    rows = tx.all(
        f"""SELECT * FROM secret WHERE scope_id = :scope AND identifier > :after
            AND EXISTS (SELECT 1 FROM secret_version WHERE secret_version.secret_id = secret.id AND NOT {_VERSION_ON})
        ORDER BY identifier LIMIT :limit""",
        scope=scope_id,
        after=after,
        generation=generation,
        limit=limit,
    )
    return [secret_of(row) for row in rows]


class VersionLeft(NamedTuple):
    """A version that is not yet on a generation, and the size of its value in bytes."""

    number: int
    size: int


def versions_left(tx: Transaction, secret_id: str, generation: int) -> list[VersionLeft]:
    """Return the versions of a secret that are not yet on this generation, oldest first."""
    rows = tx.all(
        f"""SELECT version, size FROM secret_version WHERE secret_id = :secret AND NOT {_VERSION_ON}
        ORDER BY version""",
        secret=secret_id,
        generation=generation,
    )
    return [VersionLeft(row["version"], row["size"]) for row in rows]


def update_version(tx: Transaction, old: SecretVersion, new: SecretVersion) -> None:
    """Update how a version is sealed; raise StaleRow if its row changed since it was read."""
    touched = tx.run(
        """UPDATE secret_version SET key_generation = :generation, envelope = :envelope, at_provider = :at_provider,
            digest = :digest WHERE secret_id = :secret AND version = :version AND envelope = :old_envelope
            AND at_provider = :old_at_provider AND key_generation = :old_generation""",
        generation=new.key_generation,
        envelope=new.envelope,
        at_provider=new.at_provider,
        digest=new.digest,
        secret=old.secret_id,
        version=old.version,
        old_envelope=old.envelope,
        old_at_provider=old.at_provider,
        old_generation=old.key_generation,
    )
    if touched != 1:
        raise StaleRow("secret_version")


def intents_of(tx: Transaction, scope_id: str) -> list[Intent]:
    """Return a scope's intents by id."""
    rows = tx.all("SELECT * FROM intent WHERE scope_id = :scope ORDER BY id", scope=scope_id)
    return [typed(Intent, row) for row in rows]


def move_intent(tx: Transaction, intent_id: str, tag: bytes) -> None:
    """Update the tag of an intent, if it still exists."""
    tx.run("UPDATE intent SET tag = :tag WHERE id = :id", tag=tag, id=intent_id)


def kept_after(tx: Transaction, connector_id: str, *, after: str, limit: int) -> list[Secret]:
    """Return the next secrets of a connector, in any scope, by id."""
    rows = tx.all(
        "SELECT * FROM secret WHERE connector_id = :connector AND id > :after ORDER BY id LIMIT :limit",
        connector=connector_id,
        after=after,
        limit=limit,
    )
    return [secret_of(row) for row in rows]


def count_wrapped_elsewhere(tx: Transaction, connector_id: str, mark: str) -> int:
    """Count the data keys of a connector's values that were not rewrapped with the key version `mark`."""
    return tx.count(
        """SELECT count(*) AS found FROM secret_version JOIN secret ON secret.id = secret_version.secret_id
        WHERE secret.connector_id = :connector AND secret_version.at_provider <> :mark""",
        connector=connector_id,
        mark=mark,
    )


def set_root_key(tx: Transaction, key_id: str, kdf: str) -> None:
    """Update the id of the root key that the store is sealed to, and its Argon2id parameters as JSON."""
    tx.run("UPDATE store SET root_key_id = :key_id, kdf = :kdf", key_id=key_id, kdf=kdf)
