# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches everything that secret managers have for a scope ahead of need, in as few requests as possible."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping

from ...model.audit import Event
from ...model.errors import Unavailable
from ...model.queries import Answer, Query
from ...model.scopes import ScopePath
from ...store.secrets import secrets_of
from ..audit.recorder import read_event
from ..providers.fetch_cache import WORKERS
from ..rows.session import Session
from .fetch_located import batch_size, complete
from .reader import Reader
from .resolver import Composed, Located

__all__ = ["preload"]

# Rounds of requests per chunk; between chunks it is checked whether the manager can be reached.
ROUNDS = 4


def preload(reader: Reader, path: ScopePath) -> list[Event]:
    """Fetch everything that secret managers have for a scope, and return the audit events.

    Raises NotFound or Forbidden for the scope. The error of a single secret is left to those who read it.
    """
    queries = reader.read(lambda session: list(_queries(session, path)), path)
    found, _missing = reader.locate(queries)
    parts = {part for one in found.values() if isinstance(one, Composed) for part in one.parts.values()}
    found = {**found, **reader.locate([part for part in parts if part not in found])[0]}
    located = {query: one for query, one in found.items() if isinstance(one, Located)}
    answers = _fetched(reader, located) if located else {}
    return [read_event("preload", query, located[query].subject, answer) for query, answer in answers.items()]


def _queries(session: Session, path: ScopePath) -> Iterator[Query]:
    """Yield a query for each credential, and for each secret that is at a secret manager."""
    for secret in secrets_of(session.tx, session.chain(path)[-1].id):
        if secret.connector_id or secret.is_credential:
            yield Query(secret.identifier, path.org, path.project)


def _fetched(reader: Reader, located: Mapping[Query, Located]) -> dict[Query, Answer]:
    """Return the answers of managers; one that can't be reached gets no further chunks."""
    answers: dict[Query, Answer] = {}
    by_connector: dict[Hashable, list[Query]] = {}
    for query, one in located.items():
        by_connector.setdefault(one.connector.identity, []).append(query)
    opened: list[Query] = []
    for queries in by_connector.values():
        for chunk in _chunks(queries, located):
            fresh = complete(reader.access(), reader.shared.fetches, {q: located[q] for q in chunk}, opened)
            answers.update(fresh)
            if any(isinstance(answer.error, Unavailable) for answer in fresh.values()):
                break
    reader.shared.usage.add("opened", len(opened))
    return answers


def _chunks(queries: list[Query], located: Mapping[Query, Located]) -> Iterator[list[Query]]:
    size = ROUNDS * WORKERS * batch_size(located[queries[0]])
    for start in range(0, len(queries), size):
        yield queries[start : start + size]
