# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the doctor tries out: the database, writing to it, its rows, the sinks of the audit, the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from ...model.audit import moment
from ...model.checks import Check, counted
from ...model.errors import ScopedSecretsError
from ...model.scopes import ACCOUNT, ScopePath
from ...model.settings import Settings
from ...model.typed_rows import damaged_column
from ...sinks.base import Sink, sinks_of
from ...store.audit import newest_record
from ...store.database import Transaction
from ...store.location import Location
from ...store.sqlite import check_room
from ..audit.chains import save_marks, verify_all_chains
from ..providers.runtime import Runtime
from ..rows.session import Session
from ..things.scopes import verify_rows

__all__ = ["examine_health"]

# Clocks of machines that share a store may differ by this much.
_AHEAD = timedelta(minutes=5)


def examine_health(runtime: Runtime, *, is_verified: bool, check_mode: bool) -> list[Check]:
    """Return one check for each thing that was tried, or none if there is no store, or it can't be opened.

    `is_verified`: all rows that the key opens are verified too, which takes longer the more there are, and of the audit
    what is new. Check mode does not remember that.
    """
    try:
        if runtime.store(create=False).is_pretended:
            return list(_sinks(runtime.settings))
    except ScopedSecretsError:
        return list(_sinks(runtime.settings))  # The check of the store reports why.
    return [
        *_untold(runtime),
        _tried("database", lambda: _database(runtime)),
        _tried("writing", lambda: _writing(runtime)),
        *(_verified(runtime, check_mode=check_mode) if is_verified else []),
        _tried("clock", lambda: _clock(runtime)),
        *_sinks(runtime.settings),
    ]


def _untold(runtime: Runtime) -> Iterator[Check]:
    """Yield a check for each thing that could not be recorded, by this run or an earlier one."""
    runtime.shared.write_out()
    for trouble in dict.fromkeys(runtime.shared.troubles()):
        hint = "See the check 'audit sink', and 'writing' if the records go to the store."
        yield {"check": "audit records", "verdict": "warning", "message": trouble, "hint": hint}


def _tried(check: str, work: Callable[[], tuple[str, str, str]]) -> Check:
    """Return the check for a verdict, a message and a hint, or for the error that was raised."""
    try:
        verdict, message, hint = work()
    except ScopedSecretsError as error:
        return {"check": check, "verdict": "error", "message": error.message, "hint": error.hint, "code": error.code}
    return {"check": check, "verdict": verdict, "message": message, "hint": hint}


def _database(runtime: Runtime) -> tuple[str, str, str]:
    faults = runtime.store(create=False).database.faults()
    if not faults:
        return "ok", "The database is whole.", ""
    message = f"The database is damaged: {'; '.join(faults)}."
    return "error", message, "Restore the newest backup. Check the disk that the store is on."


class _TriedOut(Exception):
    """Ends a transaction that must leave nothing."""


def _writing(runtime: Runtime) -> tuple[str, str, str]:
    location = Location.parse(runtime.settings.store)
    if location.engine == "sqlite":
        check_room(location.path)

    def work(tx: Transaction) -> None:
        tx.run("UPDATE store SET root_key_id = root_key_id")
        raise _TriedOut

    with suppress(_TriedOut):
        runtime.store(create=False).database.write(work)
    return "ok", "The store can be written.", ""


def _verified(runtime: Runtime, *, check_mode: bool) -> Iterator[Check]:
    yield _tried("rows", lambda: _rows(runtime))
    yield _tried("audit", lambda: _audit(runtime, check_mode=check_mode))


def _audit(runtime: Runtime, *, check_mode: bool) -> tuple[str, str, str]:
    count, found = runtime.read(verify_all_chains)
    for path, marks in found.items() if not check_mode else ():
        save_marks(runtime.append, path, marks)
    return "ok", f"No audit record of {counted(count, 'chain')} is missing, and none is wrong that is new.", ""


def _rows(runtime: Runtime) -> tuple[str, str, str]:
    count = runtime.read(lambda session: sum(1 for _path in _verified_scopes(session)))
    return "ok", f"All rows of {counted(count, 'scope')} are as they were written.", ""


def _verified_scopes(session: Session) -> Iterator[ScopePath]:
    held = session.keyring.held
    pending = [session.chain(held.path if held else ACCOUNT)]
    while pending:
        chain = pending.pop()
        verify_rows(session, chain)
        yield chain[-1].path
        pending += session.children(chain)


def _clock(runtime: Runtime) -> tuple[str, str, str]:
    newest = runtime.read(lambda session: newest_record(session.tx))
    now = moment()
    if newest and _read(newest) > datetime.fromisoformat(now) + _AHEAD:
        message = f"The clock of this machine says {now}, but the store was changed at {newest}."
        return "warning", message, "Set the clock, here or where that change was made: secrets expire by it."
    return "ok", f"The clock says {now}, which fits what is in the store.", ""


def _read(text: str) -> datetime:
    """Return a moment of the database; raise Damaged for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise damaged_column() from None
    if found.tzinfo is None:
        raise damaged_column()
    return found


def _sinks(settings: Settings) -> Iterator[Check]:
    for sink in sinks_of(settings.audit_sink) if settings.audit != "off" else []:
        yield _tried("audit sink", partial(_sink, sink))


def _sink(sink: Sink) -> tuple[str, str, str]:
    sink.write([])
    return "ok", f"Audit records can be written to {sink.where}.", ""
