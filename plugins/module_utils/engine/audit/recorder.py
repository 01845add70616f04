# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records the audit of an engine. Reads are batched; a write is recorded in its own transaction."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from ...model.audit import NOTHING, OK, Caller, Event, Subject, moment
from ...model.errors import ScopedSecretsError, Unavailable, internal_error
from ...model.queries import Answer, Query
from ...model.scopes import ACCOUNT, ScopePath, common_scope
from ...model.settings import Settings
from ...sinks.base import sinks_of
from ...store.audit import StoredEvent, find_event
from ..rows.session import Session
from . import chain as audit_chain
from .untold import Untold

__all__ = ["Recorder", "read_event", "record_view"]

# A served run writes its reads once there are this many, or after this many seconds.
BATCH = 500
INTERVAL = 0.5

Append = Callable[[Callable[[Session], Any], ScopePath], None]


def read_event(action: str, query: Query, subject: Subject | None, answer: Answer) -> Event:
    """Return the event of a read, with the error code as its outcome if it failed."""
    return Event(_path_of(query), action, answer.error.code if answer.error else OK, subject or NOTHING, moment())


def _path_of(query: Query) -> ScopePath:
    try:
        return ScopePath.of(query.org, query.project)
    except ScopedSecretsError:
        return ACCOUNT


def _were_committed(session: Session, records: Sequence[StoredEvent]) -> bool:
    return bool(records) and find_event(session.tx, records[0].scope_id, records[0].sequence) == records[0]


def _by_path(events: Sequence[Event]) -> list[tuple[ScopePath, list[Event]]]:
    """Return the events by scope, sorted so that all writers lock the chains in the same order."""
    ordered = sorted(events, key=lambda event: event.path)
    return [(path, list(each)) for path, each in groupby(ordered, key=lambda event: event.path)]


class _EventBatch:
    """Events that are written together, and whether that was done or failed."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.is_done = False
        self.error: ScopedSecretsError | None = None


class Recorder:
    """Records events as the setting `audit` says: off, on (a failure warns), or required (a failure stops the action).

    `append` runs a transaction that adds records. `is_gathering`: this process outlives the task, so reads may wait.
    """

    def __init__(
        self, settings: Settings, append: Append, caller: Callable[[], Caller], *, is_gathering: bool = False
    ) -> None:
        self._is_on = settings.audit != "off"
        self._is_required = settings.audit == "required"
        self._is_gathering = is_gathering and not self._is_required
        self._has_store = "store" in settings.audit_sink.split(",")
        self._sinks = sinks_of(settings.audit_sink) if self._is_on else []
        self._append = append
        self._caller = caller
        self._batch = _EventBatch()
        self._lock = threading.Lock()
        # One batch is written at a time; events that arrive meanwhile share the next one.
        self._turn = threading.Lock()
        self._wake = threading.Event()
        self._full = threading.Event()
        self._thread: threading.Thread | None = None
        self._has_warned = False
        self._untold = Untold(settings) if self._is_on else None
        self._notices: list[str] = []
        self.troubles: list[str] = []
        """All warnings so far, also those that were taken."""

    def take(self, events: Sequence[Event]) -> None:
        """Record events. If that is required, they are written on return; raises Unavailable if that fails."""
        if not self._is_on or not events:
            return
        with self._lock:
            batch = self._batch
            batch.events += events
            is_first = self._is_gathering and self._thread is None
            if self._is_gathering:
                self._start()
                self._wake.set()
                if len(batch.events) >= BATCH:
                    self._full.set()
        if is_first:
            self._begin()
        if not self._is_gathering:
            self._flush(batch)
            if batch.error:
                self._fail(batch.error)

    def _begin(self) -> None:
        """Tell what an earlier run could not tell, and find out now whether the sinks can be written."""
        earlier = self._untold.take() if self._untold else []
        with self._lock:
            self._notices += earlier
            self.troubles += earlier
        try:
            self._to_sinks([], [])
        except ScopedSecretsError as error:
            self._warn(error)

    def within(self, session: Session) -> None:
        """Record what a transaction has written as part of it: both commit, or neither does. Raises as `take` does."""
        if not self._is_on or not session.written:
            return
        try:
            groups = _by_path(session.written) if self._has_store else []
            caller = self._caller()
            records = [one for path, events in groups for one in audit_chain.append(session, path, events, caller)]
            self._to_sinks(session.written, records)
        except ScopedSecretsError as error:
            self._fail(error)

    def ensure(self, path: ScopePath) -> None:
        """Raise Unavailable if records are required but can't be written, before something that can't be undone."""
        if not self._is_required:
            return
        try:
            if self._has_store:
                self._append(lambda session: audit_chain.append(session, path, [], self._caller()), path)
            self._to_sinks([], [])
        except ScopedSecretsError as error:
            raise _no_record(error) from None

    def take_notices(self) -> list[str]:
        """Return the warnings for users, each once."""
        with self._lock:
            notices, self._notices = self._notices, []
        return notices

    def write_out(self) -> None:
        """Write the gathered events; a failure becomes a warning."""
        batch = self._batch
        self._flush(batch)
        if batch.error:
            self._warn(batch.error)

    def close(self, seconds: float) -> None:
        """Write the gathered events, waiting for at most `seconds`."""
        thread, self._is_gathering = self._thread, False
        if thread:
            self._wake.set()
            self._full.set()
            thread.join(seconds)
        # Nobody asks any more.
        if self._untold:
            self._untold.keep(self.take_notices())

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        """Write gathered events whenever a batch is full or the interval is over. Runs in a thread."""
        is_last = False
        while not is_last:
            self._wake.wait()
            self._full.wait(INTERVAL)
            self._wake.clear()
            self._full.clear()
            is_last = not self._is_gathering
            self.write_out()

    def _flush(self, batch: _EventBatch) -> None:
        with self._turn:
            if batch.is_done:
                return
            with self._lock:
                self._batch = _EventBatch()
            try:
                self._write(batch.events)
            except ScopedSecretsError as error:
                batch.error = error
            except Exception as error:
                batch.error = internal_error(error)
            batch.is_done = True

    def _write(self, events: Sequence[Event]) -> None:
        if events:
            self._to_sinks(events, self._to_store(events) if self._has_store else [])

    def _to_store(self, events: Sequence[Event]) -> list[StoredEvent]:
        """Append events to their chains and return the records, none if there is no store yet."""
        groups = _by_path(events)
        attempts: list[list[StoredEvent]] = [[]]

        def work(session: Session) -> None:
            # An earlier attempt may have been committed although its reply was lost.
            kept = next((records for records in attempts if _were_committed(session, records)), None)
            caller = self._caller()
            attempts.append(
                kept or [one for path, each in groups for one in audit_chain.append(session, path, each, caller)]
            )

        self._append(work, common_scope(path for path, _events in groups))
        return attempts[-1]

    def _to_sinks(self, events: Sequence[Event], records: Sequence[StoredEvent]) -> None:
        if self._sinks:
            caller = self._caller()
            views = [record_view(one) for one in records] or [_event_view(event, caller) for event in events]
            lines = [json.dumps(view) for view in views]
            for sink in self._sinks:
                sink.write(lines)

    def _fail(self, error: ScopedSecretsError) -> None:
        """Raise Unavailable if records are required, else warn once."""
        if self._is_required:
            raise _no_record(error)
        self._warn(error)

    def _warn(self, error: ScopedSecretsError) -> None:
        with self._lock:
            if not self._has_warned:
                self._has_warned = True
                warning = (
                    f"What this run does can't be recorded: {error} The run continues without audit records. Set "
                    "'audit' to 'required' to stop it instead."
                )
                self._notices.append(warning)
                self.troubles.append(warning)


def _no_record(error: ScopedSecretsError) -> ScopedSecretsError:
    return Unavailable(
        "audit_not_written",
        f"The audit record can't be written, and 'audit' is 'required'. {error.message}",
        hint=error.hint,
        retryable=error.retryable,
    )


def _event_view(event: Event, caller: Caller) -> dict[str, Any]:
    subject = event.subject
    return {
        "at": event.at,
        "scope": shown_scope(event.path.announced),
        "action": event.action,
        "outcome": event.outcome,
        "kind": subject.kind,
        "of_scope": shown_scope(subject.scope),
        "identifier": subject.identifier,
        "id": subject.id,
        "version": subject.version,
        "user": caller.user,
        "host": caller.host,
        "job": caller.job,
        "run": caller.run,
    }


def record_view(record: StoredEvent) -> dict[str, Any]:
    """Return a stored record as users see it."""
    return {
        "at": record.recorded_at,
        "scope": shown_scope(record.scope),
        "sequence": record.sequence,
        "action": record.action,
        "outcome": record.outcome,
        "kind": record.kind,
        "of_scope": shown_scope(record.of_scope),
        "identifier": record.identifier,
        "id": record.thing_id,
        "version": record.version,
        "user": record.user_name,
        "host": record.host,
        "job": record.job,
        "run": record.run,
        "chain": record.scope_id,
        "mac": record.mac.hex(),
    }


def shown_scope(announced: str) -> str:
    """Return a scope's name for people: account, ORG or ORG/PROJECT."""
    return announced.removeprefix("account/")
