# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The road to values: what the store answers, and what is fetched from secret managers for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ...model.errors import InvalidInput, ScopedSecretsError
from ...model.queries import Answer, Query
from ...model.references import credential_not_value
from ...model.scopes import ScopePath, common_scope
from ...model.settings import Settings
from ..audit.recorder import read_event
from ..providers.runtime import Runtime
from ..providers.shared import Shared
from ..rows.missing_store import explained
from .cache import AnswerCache
from .resolver import Composed, Located, locate

if TYPE_CHECKING:
    from ...model.audit import Event
    from ...model.host_login import HostLogin
    from .cache import Found

__all__ = ["Reader"]


class Reader(Runtime):
    """Answers queries, in as few transactions and requests as possible."""

    def __init__(
        self, settings: Settings, *, place: str = "in the process of the task", shared: Shared | None = None
    ) -> None:
        super().__init__(settings, place=place, shared=shared)
        self._cache = AnswerCache()

    def forget_answers(self) -> None:
        self._cache.clear()

    def resolve(self, queries: Sequence[Query]) -> list[Answer]:
        """Return one answer per query, in their order, all from one state of the store."""
        self.shared.usage.add("calls")
        events: list[Event] = []
        answers = self._resolve(queries, events)
        self.audit.take(events)
        return answers

    def open_host_login(self, query: Query) -> HostLogin:
        """Return what a connection needs to log in at a host with a credential; raise a ScopedSecretsError."""
        from .credential_views import open_host_login

        self.shared.usage.add("calls")
        events: list[Event] = []
        found = self.locate([query])[0][query]
        try:
            credential = _credential(found, query)
            parts, allowed = self._parts([credential], events), self.settings.allowed_credentials
            login = open_host_login(credential, parts, self.shared.host_logins, allowed)
        except ScopedSecretsError as error:
            self.audit.take([*events, read_event("connect", query, found.subject, Answer(error=error))])
            raise
        self.audit.take([*events, read_event("connect", query, found.subject, Answer())])
        return login

    def close_host_logins(self) -> None:
        """End the ssh-agent and remove the tickets. The next login at a host makes new ones."""
        self.shared.host_logins.close()

    def _resolve(self, queries: Sequence[Query], events: list[Event], *, composing: bool = True) -> list[Answer]:
        """Return one answer per query; add the reads to `events`."""
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
        from .credential_views import compose

        parts, allowed = self._parts(composed.values(), events), self.settings.allowed_credentials
        return {query: compose(one, parts, self.shared.host_logins, allowed) for query, one in composed.items()}

    def _parts(self, composed: Iterable[Composed], events: list[Event]) -> dict[Query, Answer]:
        """Return the values that make up credentials, all fetched together."""
        parts = list(dict.fromkeys(part for one in composed for part in one.parts.values()))
        return dict(zip(parts, self._resolve(parts, events, composing=False), strict=True))

    def answer(self, query: Query) -> Answer:
        found = self.locate([query])[0][query]
        answer = self._answer(query, found)
        self.audit.take([read_event("login", query, found.subject, answer)])
        return answer._replace(subject=None)

    def _answer(self, query: Query, found: Found) -> Answer:
        if isinstance(found, Composed):
            return _no_value(query)
        return found if isinstance(found, Answer) else self._complete({query: found}, [])[query]

    def locate(self, queries: Sequence[Query]) -> tuple[dict[Query, Found], list[Query]]:
        """Return what the store says to each query, and the queries that were not in the cache."""
        with self._lock:
            store = self.store(create=False)
            cache = self._cache.at(store.database.state())
            located = {query: found for query in queries if (found := cache.get(query))}
            missing = [query for query in dict.fromkeys(queries) if query not in located]
            seen = common_scope(ScopePath(query.org, query.project) for query in missing)
            fresh = self.read(lambda session: {q: locate(session, q) for q in missing}, seen) if missing else {}
            if store.is_pretended:
                fresh = {query: self._explained(found) for query, found in fresh.items()}
            for query, found in fresh.items():
                cache.put(query, found)
        return {**located, **fresh}, missing

    def _explained(self, found: Found) -> Found:
        if isinstance(found, Answer) and found.error:
            return found._replace(error=explained(found.error, self.settings))
        return found

    def _complete(self, located: dict[Query, Located], opened: list[Query]) -> dict[Query, Answer]:
        if not located:
            return {}
        from .fetch_located import complete

        return complete(self.access(), self.shared.fetches, located, opened)

    def _count(self, queries: Sequence[Query], missing: list[Query], remote: Any, opened: list[Query]) -> None:
        usage = self.shared.usage
        usage.add("reads", len(queries))
        usage.add("opened", len(opened))
        fetched = sum(query in remote for query in opened)
        from_store = sum(query not in remote for query in missing)
        usage.add("hits", len(queries) - from_store - fetched)


def _credential(found: Found, query: Query) -> Composed:
    """Return `found` if it is a credential; raise the error that stands in the way otherwise."""
    if isinstance(found, Answer) and found.error:
        raise found.error
    if not isinstance(found, Composed):
        raise InvalidInput(
            "not_for_ssh",
            f"'{query.reference}' is not a credential, so you can't log in at a host with it.",
            hint="Declare a credential with scoped.secrets.secret_ssh, for example one that uses this secret.",
        )
    return found


def _no_value(query: Query) -> Answer:
    return Answer(error=credential_not_value(query.reference))
