# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds, creates and opens a store, and proves that its keys belong to it."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from pathlib import Path
from typing import Any, NamedTuple

from ...crypto.exported_key import ExportedKey
from ...crypto.rootkey import DEFAULT_KDF, RootKey, create_key_file, from_base64, from_passphrase, read_key_file
from ...model.entities import Scope
from ...model.errors import Damaged, Forbidden, KeyRefused
from ...model.scopes import ACCOUNT, Level
from ...model.settings import Settings
from ...store.database import Database, Row, Transaction
from ...store.location import Location
from ...store.places import Place, place_at
from ...store.schema import STEPS, now, open_schema, run_steps
from ...store.scopes import path_of
from ...store.sqlite import memory_database
from .held_scope import HeldScope, exported_key_of
from .high_water import HighWaterMarks
from .keyring import Keyring
from .scope_ids import new_scope_id
from .session import Session

__all__ = [
    "OpenStore",
    "check_new_place",
    "kdf_of",
    "makes_own_key",
    "marks_of",
    "new_kdf",
    "open_database",
    "open_store",
    "refuse_scope_key",
    "root_key_of",
    "shown_root_key_id",
    "wrong_key",
]


class OpenStore(NamedTuple):
    """An open store with its keys.

    `marks` are what this machine remembers of it. `created`: sentences for users about what was just created.
    `is_pretended`: it is empty and only in memory.
    """

    database: Database
    store_id: str
    keyring: Keyring
    marks: HighWaterMarks
    created: tuple[str, ...] = ()
    is_pretended: bool = False


def open_store(settings: Settings, *, create: bool) -> OpenStore:
    """Open the store that `settings` name. If there is none yet, create it, or with `create` false pretend one.

    A pretended store is empty and in memory, so that check mode and reads leave nothing behind.
    Raises StoreRefused, KeyRefused, InvalidInput.
    """
    place = place_at(settings.store, allows_plain=settings.allow_plain_postgresql)
    try:
        notices: list[str] = []
        if not place.has_store():
            if settings.has_scope_key:
                raise _no_store_for(place)
            check_new_place(place, settings)
            if not create:
                return _pretend(settings)
            _create(settings, place, notices)
        return _open(settings, place, tuple(notices))
    finally:
        place.close()


def open_database(place: Place, settings: Settings) -> Database:
    """Return an existing store at this version's schema, without needing a key; raise StoreRefused."""
    database = _at_schema(place, settings)
    place.hand_over()
    return database


def _at_schema(place: Place, settings: Settings) -> Database:
    database = place.open()
    open_schema(database, f"The store {place}", is_upgrade_asked_for=settings.may_upgrade)
    return database


def _open(settings: Settings, place: Place, notices: tuple[str, ...]) -> OpenStore:
    store = _unlock(_at_schema(place, settings), place, settings, notices)
    place.hand_over()
    return store


def check_new_place(place: Place, settings: Settings) -> None:
    """Raise StoreRefused if a new store would vanish with the run, unless the settings allow that."""
    if not settings.may_be_ephemeral:
        place.check_lasting()


def _create(settings: Settings, place: Place, notices: list[str]) -> None:
    kdf = new_kdf() if settings.passphrase else {}
    root = root_key_of(settings, kdf, notices)
    place.create(lambda database: _initialise(database, root, kdf))
    notices.append(f"The store {place} was created.")


def _pretend(settings: Settings) -> OpenStore:
    kdf = new_kdf() if settings.passphrase else {}
    may_be_missing = makes_own_key(settings) and not os.path.exists(settings.root_key_file)
    root = RootKey(os.urandom(32), "a key in memory") if may_be_missing else root_key_of(settings, kdf, [])
    database = memory_database()
    _initialise(database, root, kdf)
    store_id = database.read(_store_row)["id"]
    return OpenStore(database, store_id, Keyring(store_id, root), HighWaterMarks(None), is_pretended=True)


def _initialise(database: Database, root: RootKey, kdf: dict[str, Any]) -> None:
    """Create the tables and the account in one transaction."""

    def work(tx: Transaction) -> None:
        store_id = str(uuid.uuid4())
        record = run_steps(database, tx, STEPS)
        tx.insert(
            "store",
            id=store_id,
            created_at=now(),
            schema_version=STEPS[-1].number,
            steps=record,
            root_key_id=root.key_id,
            kdf=json.dumps(kdf),
        )
        session = Session(tx, store_id, Keyring(store_id, root))
        account = Scope(
            new_scope_id(""), ACCOUNT, None, Level.ACCOUNT.value, created_at=session.now, updated_at=session.now
        )
        session.create_scope([], account)

    database.write(work)


def _unlock(database: Database, place: Place, settings: Settings, notices: tuple[str, ...]) -> OpenStore:
    row = database.read(_store_row)
    marks = marks_of(settings, row["id"])
    exported = exported_key_of(settings)
    if exported:
        return OpenStore(database, row["id"], _held_keyring(database, place, row["id"], exported), marks, notices)
    kdf = kdf_of(row)
    if settings.passphrase and not settings.root_key and not kdf:
        raise _no_passphrase(place)
    root = root_key_of(settings, kdf, [], may_create=False)
    if root.key_id != row["root_key_id"]:
        raise wrong_key(place, shown_root_key_id(row), root)
    return OpenStore(database, row["id"], Keyring(row["id"], root), marks, notices)


def marks_of(settings: Settings, store_id: str) -> HighWaterMarks:
    """Return what this machine remembers of a store at its place. Nothing without a folder, as the doctor tells.

    A backup that is restored elsewhere, to see if it is good, is another one of the same id.
    """
    if not settings.state_folder:
        return HighWaterMarks(None)
    try:
        # The id comes from the database: it must not lead to another folder.
        place = hashlib.sha256(Location.parse(settings.store).identity.encode()).hexdigest()[:16]
        return HighWaterMarks(Path(settings.state_folder, "seen", f"{uuid.UUID(store_id)}.{place}"))
    except OSError:
        return HighWaterMarks(None)
    except ValueError:
        raise Damaged(
            "damaged_row",
            "The id of the store was changed outside scoped.secrets.",
            hint="Restore the newest backup, and find out who can write to the database.",
        ) from None


def wrong_key(place: Place, wanted: str, root: RootKey) -> KeyRefused:
    """Return the error for a root key that is not the store's, whose id is `wanted` (empty: not to be shown)."""
    return KeyRefused(
        "wrong_key",
        f"The store {place} is sealed with {f'root key {wanted}' if wanted else 'another root key'}, not with the one "
        f"from {root}.",
        hint="Set 'root_key_file' (or SCOPED_SECRETS_ROOT_KEY, or the passphrase) to the key of this store, or "
        "'store' to the store of this key. If the root key was rotated, use the new one.",
    )


def _held_keyring(database: Database, place: Place, store_id: str, exported: ExportedKey) -> Keyring:
    """Return the keyring of one scope, after checking that its key signed the scope's row; raise KeyRefused."""
    if exported.store_id != store_id:
        raise KeyRefused(
            "wrong_key",
            f"The scope key from {exported.source} is for store {exported.store_id}, but {place} is store {store_id}.",
            hint="Set 'store' to the store of this key, or use a key of this store.",
        )

    def work(tx: Transaction) -> Keyring:
        path = path_of(tx, exported.key.scope_id)
        keyring = Keyring(store_id, HeldScope(exported.key, path, exported.source))
        Session(tx, store_id, keyring).chain(path)
        return keyring

    try:
        return database.read(work)
    except (Damaged, Forbidden):
        raise KeyRefused(
            "wrong_key",
            f"The scope key from {exported.source} opens nothing in the store {place}: its scope was removed, or the "
            "scope's row was altered.",
            hint="Export the key of an existing scope again with scoped.secrets.scope_key.",
        ) from None


def _no_store_for(place: Place) -> KeyRefused:
    return KeyRefused(
        "root_key_needed",
        f"There is no store {place} yet, and a scope key can't create one.",
        hint="Check 'store'. Only somebody with a root key can create a new store.",
    )


def _store_row(tx: Transaction) -> Row:
    return dict(tx.one("SELECT id, root_key_id, kdf FROM store") or {})


def kdf_of(row: Row) -> dict[str, Any]:
    """Return the settings that derive the root key from a passphrase, empty without one; raise Damaged."""
    try:
        kdf: dict[str, Any] = json.loads(row["kdf"])
        bytes.fromhex(kdf.get("salt", ""))
        complete = not kdf or (kdf.keys() >= {*DEFAULT_KDF, "salt"} and all(map(_is_plain, kdf.values())))
    except (ValueError, TypeError, AttributeError):
        complete = False
    if not complete:
        raise Damaged(
            "damaged_kdf",
            "The store's settings for deriving a key from a passphrase were altered.",
            hint="Restore the newest backup of the store.",
        )
    return kdf


def shown_root_key_id(row: Row) -> str:
    """Return the id of the store's root key, empty if it comes from a passphrase; raise Damaged."""
    return "" if kdf_of(row) else str(row["root_key_id"])


def _is_plain(value: object) -> bool:
    return isinstance(value, (str, int))


def new_kdf() -> dict[str, Any]:
    """Return settings that derive a new root key from a passphrase, with a random salt."""
    return {**DEFAULT_KDF, "salt": os.urandom(16).hex()}


def makes_own_key(settings: Settings) -> bool:
    """Tell whether a missing root key may be created: only at the local default, with no other key given."""
    keys = settings.root_key, settings.passphrase, settings.has_scope_key
    return settings.is_local_default and not any(keys)


def refuse_scope_key(settings: Settings) -> None:
    """Raise KeyRefused if the settings name a scope key."""
    if settings.has_scope_key:
        raise KeyRefused(
            "root_key_needed",
            "This needs the root key of the store, but the settings name a scope key, which takes precedence over it.",
            hint="Set 'scope_key' and 'scope_key_file' to '' for this task, and set 'root_key_file'.",
        )


def root_key_of(settings: Settings, kdf: dict[str, Any], notices: list[str], *, may_create: bool = True) -> RootKey:
    """Return the root key that the settings name: base64 text, a passphrase, or the key file.

    A missing key file may be created, which `notices` then tells. Raises KeyRefused.
    """
    refuse_scope_key(settings)
    if settings.root_key:
        return from_base64(settings.root_key, "SCOPED_SECRETS_ROOT_KEY")
    if settings.passphrase:
        return _from_passphrase(settings, kdf)
    if may_create and makes_own_key(settings) and not os.path.exists(settings.root_key_file):
        notices.append(
            f"A new root key was written to {settings.root_key_file}. Back it up now, separately from the store: "
            "without it, no secret in this store can be read again."
        )
        return create_key_file(settings.root_key_file)
    return read_key_file(settings.root_key_file)


def _from_passphrase(settings: Settings, kdf: dict[str, Any]) -> RootKey:
    return from_passphrase(
        settings.passphrase,
        salt=bytes.fromhex(kdf["salt"]),
        memory_kib=kdf["memory_kib"],
        iterations=kdf["iterations"],
        lanes=kdf["lanes"],
    )


def _no_passphrase(place: Place) -> KeyRefused:
    return KeyRefused(
        "wrong_key",
        f"The store {place} is not sealed with a passphrase.",
        hint="Unset SCOPED_SECRETS_PASSPHRASE and set 'root_key_file' to the key of this store.",
    )
