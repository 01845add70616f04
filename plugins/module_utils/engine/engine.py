# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: an open store, read by many. It runs inline in a face, or in a process of its own.

What modules declare is in declaring.py, what secret managers have in completing.py; both are loaded when needed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from ..model.errors import InvalidInput, KeyRefused, ScopedSecretsError
from ..model.queries import Answer, Query
from ..model.scopes import ACCOUNT, ScopePath, common_scope
from ..model.settings import Settings
from ..processes.caller import this_caller
from .audit.recorder import Recorder, read_event
from .providers.usage import Usage
from .reading.cache import AnswerCache
from .reading.resolver import Composed, Located, credential_not_value, locate
from .rows.opening import OpenStore, open_store
from .rows.session import Session

if TYPE_CHECKING:
    from ..credentials.host_logins import HostLogins
    from ..model.audit import Caller, Event
    from ..model.host_login import HostLogin
    from ..model.messages import Request, Result, Tell
    from ..store.database import Transaction
    from .providers.access import Access, Seen
    from .providers.fetch_cache import Fetches
    from .providers.providers import Providers
    from .reading.cache import Found

__all__ = ["Engine", "Shared"]

T = TypeVar("T")


class Shared:
    """What all engines of a process share: the logins of the run, what was fetched through them, and the counts.

    `folder` is the path of one that only this process uses, made when it is needed; empty: a temp folder. `caller` is
    who runs ansible-playbook, where this is a process of its own that serves it.
    """

    def __init__(self, folder: str = "", caller: Caller | None = None) -> None:
        self.usage = Usage()
        self.is_served = caller is not None
        self._caller = caller
        self._recorders: list[Recorder] = []
        # Counts the stores that were restored here: who has one open opens it anew.
        self.restored = 0
        self._folder = folder
        self._lock = threading.Lock()
        self._host_logins: HostLogins | None = None
        self._providers: Providers | None = None
        self._fetches: Fetches | None = None

    @property
    def caller(self) -> Caller:
        """Who runs ansible-playbook."""
        self._caller = self._caller or this_caller()
        return self._caller

    @property
    def providers(self) -> Providers:
        """The logins of the run."""
        from .providers.providers import Providers

        with self._lock:
            self._providers = self._providers or Providers(self.usage)
            return self._providers

    @property
    def fetches(self) -> Fetches:
        """What was fetched."""
        from .providers.fetch_cache import Fetches

        # Not a cached property: many threads must get the same one.
        with self._lock:
            self._fetches = self._fetches or Fetches()
            return self._fetches

    @property
    def host_logins(self) -> HostLogins:
        """What the run logs in at hosts with."""
        from ..credentials.host_logins import HostLogins

        with self._lock:
            self._host_logins = self._host_logins or HostLogins(self._folder)
            return self._host_logins

    def add_recorder(self, recorder: Recorder) -> None:
        self._recorders.append(recorder)

    def write_out(self) -> None:
        """Have what was gathered for the audit written."""
        for recorder in self._recorders:
            recorder.write_out()

    def take_notices(self) -> list[str]:
        """Return what people should be told about secret managers, once."""
        return self._providers.take_notices() if self._providers else []

    def close(self) -> None:
        """Give back what was taken at providers, and end what hosts were logged in at with."""
        if self._providers:
            self._providers.close()
        if self._host_logins:
            self._host_logins.close()


class Engine:
    """One open store. Belongs to the process that made it; many threads may call it."""

    def __init__(
        self, settings: Settings, *, place: str = "in the process of the task", shared: Shared | None = None
    ) -> None:
        self.settings = settings
        self.place = place
        self.shared = shared or Shared()
        self._open: OpenStore | None = None
        self._restored = self.shared.restored
        self._notices: list[str] = []
        self._cache = AnswerCache()
        self._has_settled = False
        self._preloaded: set[ScopePath] = set()
        self.audit = Recorder(settings, self._record, lambda: self.shared.caller, is_gathering=self.shared.is_served)
        self.shared.add_recorder(self.audit)
        # One connection serves one transaction at a time. Never held while a secret manager is asked.
        self._lock = threading.RLock()
        self._turns: WeakValueDictionary[Hashable, threading.Lock] = WeakValueDictionary()

    def handle(self, request: Request, tell: Tell | None = None) -> Result:
        """Return the result of a module's call; raise an error of the tree in model/errors.py."""
        from ..model.messages import tell_nobody
        from .dispatch import handle

        self.shared.usage.add("calls")
        result = handle(self, request, tell or tell_nobody)
        result.warnings = [*self.take_notices(), *result.warnings]
        return result

    def resolve(self, queries: Sequence[Query]) -> list[Answer]:
        """Return one answer per query, in order, all of one state of the store."""
        self.shared.usage.add("calls")
        events: list[Event] = []
        answers = self._resolve(queries, events)
        self.audit.take(events)
        return answers

    def preload(self, org: str, project: str) -> None:
        """Fetch what secret managers have for a scope, once in a run; raise an error of the tree for the scope.

        Does nothing in the process of a task, with which all that it fetched would end.
        """
        if not self.shared.is_served:
            return
        from .reading.preloading import preload

        self.shared.usage.add("calls")
        path = ScopePath.of(org, project)
        # Who comes meanwhile waits, so that nothing is fetched one by one.
        with self.turn(("preload", path)):
            if path not in self._preloaded:
                self.audit.take(preload(self, path))
                self._preloaded.add(path)

    def log_in(self, query: Query) -> HostLogin:
        """Return what a connection needs to log in with a credential; raise an error of the tree."""
        from .reading.credential_views import log_in

        self.shared.usage.add("calls")
        events: list[Event] = []
        found = self.locate([query])[0][query]
        try:
            credential = _credential(found, query)
            login = log_in(credential, self._parts([credential], events), self.shared.host_logins)
        except ScopedSecretsError as error:
            self.audit.take([*events, read_event("connect", query, found.subject, Answer(error=error))])
            raise
        self.audit.take([*events, read_event("connect", query, found.subject, Answer())])
        return login

    def log_out(self) -> None:
        """End the agent and remove the tickets; they are got anew for whoever logs in again."""
        self.shared.host_logins.close()

    def _resolve(self, queries: Sequence[Query], events: list[Event], *, composing: bool = True) -> list[Answer]:
        """Return one answer per query; add to `events` what was read."""
        located, missing = self.locate(queries)
        remote = {query: found for query, found in located.items() if isinstance(found, Located)}
        answers: dict[Query, Answer] = {q: found for q, found in located.items() if isinstance(found, Answer)}
        opened = [query for query in missing if query in answers and answers[query].error is None]
        answers.update(self._complete(remote, opened))
        self._count(queries, missing, remote, opened)
        composed = {query: found for query, found in located.items() if isinstance(found, Composed)}
        answers.update(self._compose(composed, events) if composing else {q: _no_value(q) for q in composed})
        events += [read_event("read", query, located[query].subject, answers[query]) for query in queries]
        return [answers[query]._replace(subject=None) for query in queries]

    def _compose(self, composed: dict[Query, Composed], events: list[Event]) -> dict[Query, Answer]:
        if not composed:
            return {}
        from .reading.credential_views import compose

        parts = self._parts(composed.values(), events)
        return {query: compose(one, parts, self.shared.host_logins) for query, one in composed.items()}

    def _parts(self, composed: Iterable[Composed], events: list[Event]) -> dict[Query, Answer]:
        """Return the values that make up credentials, all fetched in one go."""
        parts = list(dict.fromkeys(part for one in composed for part in one.parts.values()))
        return dict(zip(parts, self._resolve(parts, events, composing=False), strict=True))

    def answer(self, query: Query) -> Answer:
        """Return the answer to one query, as secret managers ask for their credentials."""
        found = self.locate([query])[0][query]
        answer = self._answer(query, found)
        self.audit.take([read_event("login", query, found.subject, answer)])
        return answer._replace(subject=None)

    def _answer(self, query: Query, found: Found) -> Answer:
        if isinstance(found, Composed):
            return _no_value(query)
        return found if isinstance(found, Answer) else self._complete({query: found}, [])[query]

    def locate(self, queries: Sequence[Query]) -> tuple[dict[Query, Found], list[Query]]:
        """Return what the store says to each query, and which of them it had to be asked for."""
        with self._lock:
            store = self.store(create=False)
            cache = self._cache.at(store.database.state())
            located = {query: found for query in queries if (found := cache.get(query))}
            missing = [query for query in dict.fromkeys(queries) if query not in located]
            seen = common_scope(ScopePath(query.org, query.project) for query in missing)
            fresh = self.read(lambda session: {q: locate(session, q) for q in missing}, seen) if missing else {}
            for query, found in fresh.items():
                cache.put(query, found)
        return {**located, **fresh}, missing

    def _complete(self, located: dict[Query, Located], opened: list[Query]) -> dict[Query, Answer]:
        if not located:
            return {}
        from .reading.fetch_located import complete

        return complete(self.access(), self.shared.fetches, located, opened)

    def _count(self, queries: Sequence[Query], missing: list[Query], remote: Any, opened: list[Query]) -> None:
        usage = self.shared.usage
        usage.add("reads", len(queries))
        usage.add("opened", len(opened))
        fetched = sum(query in remote for query in opened)
        from_store = sum(query not in remote for query in missing)
        usage.add("hits", len(queries) - from_store - fetched)

    def access(self, seen: Seen | None = None) -> Access:
        """Return the way to the secret managers of the store. `seen`: what was read there just now."""
        from .providers.access import Access

        return Access(self.store(create=False).store_id, self, self.shared.providers, self.shared.fetches, seen)

    def read(self, work: Callable[[Session], T], path: ScopePath = ACCOUNT) -> T:
        """Return what `work` makes of one consistent view of the store: of `path`, what is above and what is below."""
        with self._lock:
            store = self.store(create=False)
            scope = path.announced
            return store.database.read(lambda tx: work(Session(tx, store.store_id, store.keyring)), scope=scope)

    def write(self, work: Callable[[Session], T], path: ScopePath = ACCOUNT) -> T:
        """Return what `work` returns, once all it wrote is durable. It may be called several times."""
        with self._lock:
            store = self.store(create=True)
            scope = path.announced
            written = store.database.write(lambda tx: self._recorded(store, tx, work), scope=scope)
            self._cache.clear()
            return written

    def _recorded(self, store: OpenStore, tx: Transaction, work: Callable[[Session], T]) -> T:
        session = Session(tx, store.store_id, store.keyring)
        written = work(session)
        self.audit.within(session)
        return written

    def _record(self, work: Callable[[Session], object], path: ScopePath) -> None:
        """Let `work` add records of the audit; nothing happens where there is no store yet."""
        with self._lock:
            try:
                store = self.store(create=False)
            except KeyRefused:
                return  # Who can't open it did nothing there.
            if not store.is_pretended:
                # Nothing is recorded in a locked scope, but in the one whose key is held.
                scope = path.announced if store.keyring.opens(path) else ACCOUNT.announced
                store.database.append(lambda tx: work(Session(tx, store.store_id, store.keyring)), scope=scope)

    def turn(self, thing: Hashable) -> AbstractContextManager[object]:
        """Return what lets one caller at a time declare a thing. Only those of other processes meet then."""
        with self._lock:
            return self._turns.setdefault(thing, threading.Lock())

    def store(self, *, create: bool) -> OpenStore:
        """Return the open store. One that does not exist yet is pretended anew each time until it is to be created."""
        with self._lock:
            is_restored, self._restored = self._restored != self.shared.restored, self.shared.restored
            if self._open and (is_restored or self._open.database.dialect.is_replaced()):
                # Removed or restored in mid-run: what a process of its own would open now is what counts.
                self._open = None
                self._cache.clear()
            if self._open is None:
                opened = open_store(self.settings, create=create)
                if opened.is_pretended:
                    return opened
                self._open, self._notices = opened, list(opened.created)
            return self._open

    def take_notices(self) -> list[str]:
        """Return what people should be told about store, keys and secret managers, once."""
        with self._lock:
            notices, self._notices = self._notices, []
        return [*notices, *self.audit.take_notices(), *self.shared.take_notices()]

    def settle_left(self) -> tuple[str, ...]:
        """Put right what earlier runs left unfinished, once; return what people must be told of it."""
        with self._lock:
            is_first, self._has_settled = not self._has_settled, True
        if not is_first:
            return ()
        from .changes.intents import settle_left

        return settle_left(self).warnings

    def close(self, seconds: float) -> None:
        """Close the store once no transaction is under way, for good; leave it as it is after `seconds`."""
        self.audit.close(seconds)
        # The lock is kept: whoever asks from now on would open the store again.
        if self._lock.acquire(timeout=seconds) and self._open:
            self._open.database.close()
            self._open = None


def _credential(found: Found, query: Query) -> Composed:
    """Return what is found where it is a credential; raise what is wrong otherwise."""
    if isinstance(found, Answer) and found.error:
        raise found.error
    if not isinstance(found, Composed):
        raise InvalidInput(
            "not_for_ssh",
            f"'{query.reference}' is no credential, with which one could log in at a host.",
            hint="Declare one with scoped.secrets.secret_ssh, of that secret for example.",
        )
    return found


def _no_value(query: Query) -> Answer:
    return Answer(error=credential_not_value(query.reference))
