# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor: checks each part of an installation by itself, with a verdict and the next step."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from ...credentials.key_failures import BCRYPT
from ...managers.registry import kinds
from ...model.checks import Check
from ...model.errors import Forbidden, ScopedSecretsError
from ...model.libraries import installed_version, is_new_enough, package_of
from ...model.settings import Settings
from ...model.version import VERSION
from ...store.connectors import scopes_with_connectors
from ...store.intents import pending_intents
from ...store.location import Location
from ...store.places import Place, place_at
from ...store.postgresql.dialect import REQUIREMENT as PSYCOPG
from ...store.postgresql.rights import weaknesses
from ...store.scopes import path_of
from ..changes.intents import Settled, settle_left
from ..providers.commands import check_command
from ..providers.machine_credentials import check_connector_takes
from ..providers.runtime import Runtime
from ..rows.opening import OpenStore, open_store
from ..rows.scoped_connectors import ScopedConnector, load_managers
from ..rows.session import Session

__all__ = ["CRYPTOGRAPHY", "examine", "examine_commands", "examine_unfinished", "used_settings"]

CRYPTOGRAPHY = "cryptography>=44"


def examine(settings: Settings, place: str) -> list[Check]:
    """Return the checks: `check`, `verdict` (ok, warning, error), `message`, `hint`, and `code` of an error.

    Raises nothing.
    """
    return [
        _ok(
            "versions",
            f"scoped.secrets {VERSION}, ansible-core {installed_version('ansible-core') or 'none'}, Python {_python()}",
        ),
        _ok("engine", place),
        *_check_store(settings),
        _check_library("builtin", CRYPTOGRAPHY),
        _check_library("store", PSYCOPG, "" if settings.store.startswith("postgresql:") else "stores on PostgreSQL"),
        _check_library("SSH keys", BCRYPT, "SSH keys with a passphrase"),
        *(
            _check_library(name, requirement, f"connectors of the kind {name}")
            for name, kind in kinds().items()
            for requirement in kind.REQUIREMENTS
        ),
    ]


def used_settings(settings: Settings) -> dict[str, str]:
    """Return `store` without its password, the option that the key comes from as `key_option`, and `root_key_file`."""
    try:
        store = str(Location.parse(settings.store))
    except ScopedSecretsError:
        store = ""  # The check of the store reports a malformed URL.
    options = ("scope_key", "scope_key_file", "root_key", "passphrase")
    option = next((name for name in options if getattr(settings, name)), "root_key_file")
    return {"store": store, "key_option": option, "root_key_file": settings.root_key_file}


def examine_unfinished(runtime: Runtime, *, check_mode: bool) -> list[Check]:
    """Settle the changes that other runs left unfinished at secret managers, or count them in check mode.

    Returns one check, or none if the store can't be opened.
    """
    try:
        if check_mode:
            outcome = Settled(pending=runtime.read(lambda session: pending_intents(session.tx)))
        else:
            outcome = settle_left(runtime)
    except ScopedSecretsError:
        return []  # The check of the store reports why.
    settled = f"{outcome.settled} changes of interrupted runs were settled" if outcome.settled else ""
    if not (outcome.pending or outcome.warnings):
        return [_ok("unfinished changes", settled or "none")]
    pending = f"{outcome.pending} are pending" if outcome.pending else ""
    message = "; ".join(filter(None, [settled, pending, *outcome.warnings]))
    hint = "Check that their secret managers can be reached; the next run that declares something tries again."
    return [{"check": "unfinished changes", "verdict": "warning", "message": message, "hint": hint}]


def examine_commands(runtime: Runtime) -> list[Check]:
    """List the connectors that may not use what they name here.

    Returns one check, or none if the store can't be opened.
    """
    try:
        refused = runtime.read(lambda session: list(_refused(session, runtime.settings)))
    except ScopedSecretsError:
        return []  # The check of the store reports why.
    if not refused:
        return [_ok("commands", "All connectors may use the programs, files and identities of this machine they name.")]
    message = f"These connectors may not use the programs, files or identities they name: {', '.join(refused)}."
    hint = (
        "Their secrets can only be read with the key of their own scope, or if 'allowed_commands' or "
        "'allowed_credentials' lists what they use."
    )
    return [Check(check="commands", verdict="warning", message=message, hint=hint)]


def _refused(session: Session, settings: Settings) -> Iterator[str]:
    for connector in _open_connectors(session):
        try:
            check_command(connector, settings.allowed_commands)
            check_connector_takes(connector, settings.allowed_credentials)
        except Forbidden:
            yield connector.what


def _open_connectors(session: Session) -> Iterator[ScopedConnector]:
    paths = sorted(path_of(session.tx, scope_id) for scope_id in scopes_with_connectors(session.tx))
    for path in filter(session.opens, paths):
        for connector in load_managers(session, session.chain(path)).connectors:
            if connector.path == path and not connector.row.is_removed:
                yield connector


def _check_store(settings: Settings) -> list[Check]:
    """Open the store with its key, or report which of the two fails."""
    try:
        place = place_at(settings.store, allows_plain=settings.allow_plain_postgresql)
        store = open_store(settings, create=False)
    except ScopedSecretsError as error:
        key = "scope key" if settings.has_scope_key else "root key"
        name = key if error.category == "key_refused" else "store"
        return [_failed(name, error)]
    try:
        return [_store(place, store), _key(store), *_rights(settings, store)]
    finally:
        store.database.close()


def _store(place: Place, store: OpenStore) -> Check:
    if store.is_pretended:
        hint = "The first task that declares something creates it. If it should exist already, check 'store'."
        return {"check": "store", "verdict": "warning", "message": f"There is no store {place} yet.", "hint": hint}
    return _ok("store", f"{place}, id {store.store_id}, {store.database.engine}")


def _rights(settings: Settings, store: OpenStore) -> list[Check]:
    """Check what the role of a shared store may do, and others in its database."""
    if store.is_pretended or not settings.store.startswith("postgresql:"):
        return []
    found = store.database.read(weaknesses)
    if not found:
        return [_ok("rights in the database", "The role of 'store' and all others may do what they need, and no more.")]
    hint = "Run scoped.secrets.store_database, or the statements in docs/postgresql by hand."
    return [{"check": "rights in the database", "verdict": "warning", "message": f"{'; '.join(found)}.", "hint": hint}]


def _key(store: OpenStore) -> Check:
    if store.is_pretended:
        return _ok("root key", "there is no store to open yet")
    held = store.keyring.held
    if held:
        message = f"{held.source}, generation {held.key.generation}; it opens {held.path} and everything below"
        return _ok("scope key", message)
    root = store.keyring.root
    return _ok("root key", f"{root}; it opens the account and everything below")


def _check_library(user: str, requirement: str, only_for: str = "") -> Check:
    """Check that a library is installed and new enough; with `only_for`, not everybody needs it: never an error."""
    check = f"library for {user}"
    name = package_of(requirement)
    found = installed_version(name)
    if is_new_enough(found, requirement):
        return _ok(check, f"{name} {found}")
    message = f"{name} {found} is too old" if found else f"{name} is not installed"
    command = f"pip install '{requirement}'"
    if only_for:
        return _ok(check, f"{message}; only {only_for} need it: {command}")
    hint = f"Install it where ansible-playbook runs: {command}"
    return {"check": check, "verdict": "error", "message": message, "hint": hint}


def _python() -> str:
    return f"{platform.python_version()} on {platform.system()}"


def _ok(check: str, message: str) -> Check:
    return {"check": check, "verdict": "ok", "message": message, "hint": ""}


def _failed(check: str, error: ScopedSecretsError) -> Check:
    return {"check": check, "verdict": "error", "message": error.message, "hint": error.hint, "code": error.code}
