# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates the root key file, with a random key or a given one. An existing file is never overwritten."""

from __future__ import annotations

import os

from ...crypto.rootkey import RootKey, create_key_file, from_base64, read_key_file
from ...model.errors import KeyRefused
from ...model.messages import Result, View
from ...model.settings import Settings
from ...store.overview import store_row
from ...store.places import place_at
from ..rows.opening import open_database, refuse_scope_key, shown_root_key_id, wrong_key

__all__ = ["see_to_root_key"]


def see_to_root_key(settings: Settings, *, check_mode: bool) -> Result:
    """Create the key file that the settings name unless it exists, and return its path and the key's id.

    In check mode the id of a random key is empty. Raises KeyRefused, StoreRefused, InvalidInput.
    """
    refuse_scope_key(settings)
    path = settings.root_key_file
    given = from_base64(settings.root_key, "'root_key'") if settings.root_key else None
    if os.path.lexists(path):
        return _result(path, _read_matching(path, given))
    _check_store(settings, given)
    if check_mode:
        return _result(path, given, is_new=True)
    create_key_file(path, settings.root_key)
    # Another process may have created the file first; read back the key that is there.
    result = _result(path, _read_matching(path, given), is_new=True)
    result.warnings.append(
        f"A new root key was written to {path}. Back it up now, separately from the store: without it, no secret in "
        "this store can be read again."
    )
    return result


def _read_matching(path: str, given: RootKey | None) -> RootKey:
    """Return the key in a file; raise KeyRefused if it differs from the given one."""
    found = read_key_file(path)
    if given and found.key_id != given.key_id:
        raise KeyRefused(
            "other_root_key",
            f"The file {path} already holds root key {found.key_id}, but the given key is {given.key_id}.",
            hint="A root key file is never overwritten. Run scoped.secrets.store_info to see which key opens the "
            "store, and move the file away if it holds the other one.",
        )
    return found


def _check_store(settings: Settings, given: RootKey | None) -> None:
    """Raise KeyRefused if the store exists and the given key (None: a new one) would not open it."""
    place = place_at(settings.store, allows_plain=settings.allow_plain_postgresql)
    try:
        if not place.has_store():
            return
        database = open_database(place, settings)
        try:
            row = database.read(store_row)
        finally:
            database.close()
    finally:
        place.close()
    shown = shown_root_key_id(row)
    if given is None:
        raise KeyRefused(
            "missing_key_file",
            f"The root key file {settings.root_key_file} does not exist, but the store {place} already has a root key"
            f"{f', {shown}' if shown else ', which comes from a passphrase'}.",
            hint="Restore the file from its backup, or set 'root_key' to that key. No other key opens this store.",
        )
    if given.key_id != row["root_key_id"]:
        raise wrong_key(place, shown, given)


def _result(path: str, key: RootKey | None, *, is_new: bool = False) -> Result:
    shown: View = {"file": path, "id": key.key_id if key else ""}
    return Result(is_new, {"root_key": shown}, after=shown if is_new else {})
