# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An open store and its transactions, and the way to secret managers."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Protocol, TypeVar
from weakref import WeakValueDictionary

from ...model.audit import OK, Event, Subject, moment
from ...model.entities import Scope
from ...model.errors import Damaged, KeyRefused, ScopedSecretsError
from ...model.queries import Answer, Query
from ...model.scopes import ACCOUNT, ScopePath
from ...model.settings import Settings
from ..audit.recorder import Recorder
from ..rows.epochs import begin_epoch, rolled_back
from ..rows.high_water import Mark, Sight, began
from ..rows.missing_store import explained
from ..rows.opening import OpenStore, open_store
from ..rows.session import Session
from .shared import Shared

if TYPE_CHECKING:
    from ...store.database import Transaction
    from .access import Access, Seen

__all__ = ["Runtime"]

T = TypeVar("T")


class _RunTransaction(Protocol):
    """Runs a transaction of a database."""

    def __call__(self, work: Callable[[Transaction], T], *, scope: str = "") -> T: ...


class Runtime(ABC):
    """One store, opened when it is first used. Belongs to the process that created it; many threads may call it."""

    def __init__(
        self, settings: Settings, *, place: str = "in the process of the task", shared: Shared | None = None
    ) -> None:
        self.settings = settings
        self.place = place
        self.shared = shared or Shared()
        self._open: OpenStore | None = None
        self._restored = self.shared.restored
        self._notices: list[str] = []
        self._has_settled = False
        self.audit = Recorder(settings, self.append, lambda: self.shared.caller, is_gathering=self.shared.is_served)
        self.shared.add_recorder(self.audit)
        # One connection serves one transaction at a time. Never held while a secret manager is asked.
        self._lock = threading.RLock()
        self._turns: WeakValueDictionary[Hashable, threading.Lock] = WeakValueDictionary()

    @abstractmethod
    def answer(self, query: Query) -> Answer:
        """Return the answer to a secret manager that asks for one of its credentials."""

    @abstractmethod
    def forget_answers(self) -> None:
        """Forget what was read from the store before it changed."""

    def access(self, seen: Seen | None = None) -> Access:
        """Return the way to the secret managers of the store. `seen`: what was just read there."""
        from .access import Access, Allowed

        allowed = Allowed(self.settings.allowed_commands, self.settings.allowed_credentials)
        shared = self.shared
        return Access(self.store(create=False).store_id, self, shared.providers, shared.fetches, seen, allowed)

    def read(self, work: Callable[[Session], T], path: ScopePath = ACCOUNT) -> T:
        """Return the result of `work` on one consistent view of the store.

        `path` is the scope that `work` needs, with all scopes above and below it.
        """
        with self._lock:
            store = self.store(create=False)
            return self._within(store, store.database.read, work, path)

    def write(self, work: Callable[[Session], T], path: ScopePath = ACCOUNT) -> T:
        """Return the result of `work` once everything it wrote is durable. `work` may be called several times."""
        with self._lock:
            store = self.store(create=True)
            written = self._within(store, store.database.write, lambda session: self._written(session, work), path)
            self.forget_answers()
            return written

    def _written(self, session: Session, work: Callable[[Session], T]) -> T:
        written = work(session)
        self.audit.within(session)
        # What the scopes sign includes their audit.
        session.sign_heads()
        return written

    def append(self, work: Callable[[Session], object], path: ScopePath) -> None:
        """Let `work` add audit records, or move the heads of their chains. Does nothing while there is no store."""
        with self._lock:
            try:
                store = self.store(create=False)
            except KeyRefused:
                return  # Without the key nothing happened, so there is nothing to record.
            if not store.is_pretended:
                # What was refused in a locked scope is recorded in the scope whose key is held.
                scope = path if store.keyring.opens(path) else ACCOUNT
                self._within(store, store.database.append, work, scope)

    def rolled_back(self) -> list[Damaged]:
        """Return an error for each scope that is older than this machine has seen it; the store is read as it is."""
        with self._lock:
            store = self.store(create=False)
            seen = store.marks.seen()
            return store.database.read(lambda tx: rolled_back(Session(tx, store.store_id, store.keyring), seen))

    def accept_rollback(self) -> int:
        """Accept the store as it is, for all machines, and return the epoch that begins so."""
        with self._lock:
            store = self.store(create=False)
            seen = store.marks.seen()
            sights: list[Sight] = []

            def step(tx: Transaction) -> int:
                session = Session(tx, store.store_id, store.keyring)
                sights.append(session.sight)
                return self._written(session, lambda session: _accepted(session, seen))

            epoch = store.database.write(step)
            self._remember(store, sights[-1])
            self.forget_answers()
            return epoch

    def _within(self, store: OpenStore, run: _RunTransaction, work: Callable[[Session], T], path: ScopePath) -> T:
        """Return the result of `work` in a transaction, which must not see less than others saw before it began."""
        seen = store.marks.seen()
        sights: list[Sight] = []

        def step(tx: Transaction) -> T:
            session = Session(tx, store.store_id, store.keyring, seen)
            sights.append(session.sight)
            return work(session)

        result = run(step, scope=path.announced)
        self._remember(store, sights[-1])
        return result

    def _remember(self, store: OpenStore, sight: Sight) -> None:
        store.marks.add(sight.marks)
        if sight.restored:
            self._notices.append(_restored(sight.restored))
        if not self.shared.is_served:
            with suppress(OSError):
                store.marks.save()

    def turn(self, thing: Hashable) -> AbstractContextManager[object]:
        """Return a lock for `thing`, so that the threads of this process declare it one after the other."""
        with self._lock:
            return self._turns.setdefault(thing, threading.Lock())

    def store(self, *, create: bool) -> OpenStore:
        """Return the open store.

        While none exists and `create` is false, return an empty one in memory, a new one each time.
        """
        with self._lock:
            is_restored, self._restored = self._restored != self.shared.restored, self.shared.restored
            if self._open and (is_restored or self._open.database.dialect.is_replaced()):
                # The file was removed or restored during the run: use what is there now.
                self._open = None
                self.forget_answers()
            if self._open is None:
                opened = open_store(self.settings, create=create)
                if opened.is_pretended:
                    return opened
                self._open, self._notices = opened, [*opened.created, *filter(None, [opened.database.dialect.notice])]
            return self._open

    def explained(self, error: ScopedSecretsError) -> ScopedSecretsError:
        """Return an error that says that there is no store, if that is why something is missing."""
        if error.category != "not_found" or self._open or not self.store(create=False).is_pretended:
            return error
        return explained(error, self.settings)

    def take_notices(self) -> list[str]:
        """Return new notices about the store, its keys and secret managers, each once."""
        with self._lock:
            notices, self._notices = self._notices, []
        return [*notices, *self.audit.take_notices(), *self.shared.take_notices()]

    def is_first_change(self) -> bool:
        """Return True for the first call only: before it changes anything, a run finishes what others left."""
        with self._lock:
            is_first, self._has_settled = not self._has_settled, True
        return is_first

    def close(self, seconds: float) -> None:
        """Close the store for good, once its transaction has ended; leave it open if that takes over `seconds`."""
        self.audit.close(seconds)
        # The lock is never released: a later caller would open the store again.
        if self._lock.acquire(timeout=seconds) and self._open:
            with suppress(OSError):
                self._open.marks.save()
            self._open.database.close()
            self._open = None


def _accepted(session: Session, seen: Mapping[str, Mark]) -> int:
    held = session.keyring.held
    path = held.path if held else ACCOUNT
    session.written.append(Event(path, "accept_rollback", OK, Subject("store", path.announced), moment()))
    return begin_epoch(session, seen)


def _restored(scope: Scope) -> str:
    return (
        f"The store was restored at {began(scope.epoch)}: {scope.path} is at revision {scope.revision} again, and what "
        "was written to it later is gone. You see this once, because this machine had seen it."
    )
