# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root key rotation: wraps the account's key under another root key, in one transaction."""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

from ...crypto.rootkey import RootKey, create_key_file, from_base64, from_passphrase, read_key_file
from ...model.errors import InvalidInput, KeyRefused, NotFound
from ...model.messages import Result, Tell
from ...model.scopes import ACCOUNT
from ...model.settings import Settings
from ...store.rotation import set_root_key
from ...store.scopes import keys_of, replace_wrapped
from ..providers.runtime import Runtime
from ..rows.keyring import Keyring
from ..rows.opening import kdf_of, new_kdf, open_store
from ..rows.session import Session

__all__ = ["no_store", "rotate_root"]

_FORMS = ("new_root_key_file", "new_root_key", "new_passphrase")

View = dict[str, Any]


class _NewRoot(NamedTuple):
    """The new root key (None: its file is created later) and its key derivation settings (empty: no passphrase)."""

    key: RootKey | None
    kdf: View


def rotate_root(runtime: Runtime, params: View, *, check_mode: bool, tell: Tell) -> Result:
    """Rotate the root key and return the result.

    Raises ScopedSecretsError; until the transaction commits, the old key stays in force.
    """
    form = _form(params)
    try:
        store = runtime.store(create=False)
        if store.is_pretended:
            raise no_store()
        old = store.keyring.root
    except KeyRefused as error:
        return _already_rotated(runtime.settings, params, error)
    new = _new_root(runtime, form, params)
    if new.key and new.key.key_id == old.key_id:
        return _result(old, old, left=0)
    if check_mode:
        return _result(old, new.key, left=runtime.read(_account_keys))
    # Write the key file before the store depends on it. An existing file is never overwritten.
    key = new.key or create_key_file(params["new_root_key_file"])
    tell(f"Rotating the root key from {old} to {key}")
    runtime.write(lambda session: _rewrap(session, key, new.kdf))
    left = runtime.read(lambda session: _left(session, old, key))
    return _result(old, key, left=left, warnings=[_what_next(form, params, old)])


def _form(params: View) -> str:
    given = [name for name in _FORMS if params.get(name)]
    if len(given) != 1:
        raise InvalidInput(
            "new_root_key_needed",
            "A root key rotation needs one form of the new key, but this task sets "
            + (f"{len(given)}: {', '.join(given)}." if given else "none."),
            hint="Set one of new_root_key_file (created if it does not exist), new_root_key and new_passphrase.",
        )
    return given[0]


def _new_root(runtime: Runtime, form: str, params: View) -> _NewRoot:
    """Return the new root key."""
    if form == "new_root_key":
        return _NewRoot(from_base64(params[form], "'new_root_key'"), {})
    if form == "new_root_key_file":
        return _NewRoot(read_key_file(params[form]) if os.path.lexists(params[form]) else None, {})
    # The passphrase may be the one in force: derive with the store's salt before choosing a new one.
    kdf = runtime.read(lambda session: kdf_of(dict(session.tx.one("SELECT kdf FROM store") or {})))
    present = _from_passphrase(params[form], kdf) if kdf else None
    if present and present.key_id == runtime.store(create=False).keyring.root.key_id:
        return _NewRoot(present, kdf)
    kdf = new_kdf()
    return _NewRoot(_from_passphrase(params[form], kdf), kdf)


def _from_passphrase(passphrase: str, kdf: View) -> RootKey:
    salt, numbers = bytes.fromhex(kdf["salt"]), {name: kdf[name] for name in ("memory_kib", "iterations", "lanes")}
    return from_passphrase(passphrase, salt=salt, **numbers)


def _rewrap(session: Session, new: RootKey, kdf: View) -> None:
    """Wrap all generations of the account's key under the new root key."""
    session.keyring.check_in_force(session.tx)
    chain = session.chain(ACCOUNT)
    other = Keyring(session.store_id, new)
    for row in keys_of(session.tx, chain[-1].id):
        if row.state != "destroyed":
            key = session.key(chain, row.generation)
            is_handed_out = session.keyring.was_handed_out(session.tx, chain, row)
            wrapped = other.seal_account_key(chain[-1], key, is_handed_out=is_handed_out)
            replace_wrapped(session.tx, row._replace(wrapped=wrapped, is_handed_out=is_handed_out))
    set_root_key(session.tx, new.key_id, json.dumps(kdf))


def _account_keys(session: Session) -> int:
    """Count the keys that the root key wraps."""
    account = session.chain(ACCOUNT)[-1]
    return sum(row.state != "destroyed" for row in keys_of(session.tx, account.id))


def _left(session: Session, old: RootKey, new: RootKey) -> int:
    """Count the account keys that the old root key still opens; raise KeyRefused unless the new one opens them all."""
    reopened = Session(session.tx, session.store_id, Keyring(session.store_id, new))
    chain = reopened.chain(ACCOUNT)
    left = 0
    for row in keys_of(session.tx, chain[-1].id):
        if row.state != "destroyed":
            reopened.key(chain, row.generation)
            left += _opens(Keyring(session.store_id, old), session, chain, row.generation)
    return left


def _opens(keyring: Keyring, session: Session, chain: list[Any], generation: int) -> bool:
    try:
        keyring.key(session.tx, chain, generation)
    except KeyRefused:
        return False
    return True


def _already_rotated(settings: Settings, params: View, error: KeyRefused) -> Result:
    """Return the result for a store that already uses the new root key, as after an interrupted run."""
    form = _form(params)
    if error.code != "wrong_key":
        raise error
    given = {"root_key": "", "passphrase": "", form.removeprefix("new_"): params[form]}
    try:
        store = open_store(settings._replace(**given), create=False)
    except KeyRefused:
        raise error from None
    root = store.keyring.root
    store.database.close()
    warning = f"The store already uses the root key from {root}, but the settings name another. {_next(form, params)}"
    return _result(root, root, left=0, warnings=[warning])


def no_store() -> NotFound:
    """Return the error for a store that does not exist yet."""
    return NotFound(
        "no_store",
        "There is no store yet, so there is no key to rotate.",
        hint="Check 'store'. The first task that declares something creates the store.",
    )


def _what_next(form: str, params: View, old: RootKey) -> str:
    return (
        f"The store now uses a new root key. {_next(form, params)} Back up the new key, make a new backup of the "
        f"store, and keep the old one (from {old}) for as long as you keep backups that need it."
    )


def _next(form: str, params: View) -> str:
    if form == "new_root_key_file":
        return f"Set 'root_key_file' to {params[form]} from now on."
    name = "SCOPED_SECRETS_ROOT_KEY" if form == "new_root_key" else "SCOPED_SECRETS_PASSPHRASE"
    return f"Set {name} to the new one from now on."


def _result(old: RootKey, new: RootKey | None, *, left: int, warnings: list[str] | None = None) -> Result:
    before, after = old.shown_id, new.shown_id if new else None
    view: View = {
        "target": "root",
        "old_root_key_id": before,
        "root_key_id": after,
        "left": {"account_keys": left} if left else {},
        "left_total": left,
    }
    shown: View = {"rotation": view}
    changed = new is None or new.key_id != old.key_id
    return Result(changed, shown, {"root_key_id": before}, {"root_key_id": after}, warnings or [])
