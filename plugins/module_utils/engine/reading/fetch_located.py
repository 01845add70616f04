# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second part of the road to a value: what was located at secret managers is fetched, each thing once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple, TypeAlias

from ...managers.base import Found, ValueKeeper
from ...model.errors import ScopedSecretsError, internal_error
from ...model.queries import Answer, Query
from ..providers.access import Access
from ..providers.fetch_cache import Fetches, in_parallel
from .resolver import Located

__all__ = ["batch_size", "complete"]

_Outcome: TypeAlias = "bytes | ScopedSecretsError"


class _Errand(NamedTuple):
    """A value that is to be brought, unless somebody else does so first, and one query that asks for it."""

    key: Hashable
    located: Located
    query: Query
    ttl: float | None


def complete(
    access: Access, fetches: Fetches, located: Mapping[Query, Located], opened: list[Query]
) -> dict[Query, Answer]:
    """Return the answer to each query; add to `opened` one query for each value that was fetched for this call."""
    keys = {query: one.fetch_key for query, one in located.items()}
    asking: dict[Hashable, list[Query]] = {}
    for query, key in keys.items():
        asking.setdefault(key, []).append(query)
    errands = [_Errand(key, located[queries[0]], queries[0], _shortest(queries)) for key, queries in asking.items()]
    futures = _Round(access, fetches, opened).run(errands)
    return {query: _answer(one, futures[keys[query]]) for query, one in located.items()}


def _shortest(queries: Iterable[Query]) -> float | None:
    """Return the `cache_ttl` that suits all."""
    return min((query.cache_ttl for query in queries if query.cache_ttl is not None), default=None)


def _answer(located: Located, future: Future[bytes]) -> Answer:
    try:
        return located.answer(future.result())
    except ScopedSecretsError as error:
        return Answer(error=error)


class _Round:
    """What one call fetches, in as few requests as can be."""

    def __init__(self, access: Access, fetches: Fetches, opened: list[Query]) -> None:
        self._access = access
        self._fetches = fetches
        self._opened = opened
        self._futures: dict[Hashable, Future[bytes]] = {}

    def run(self, errands: Sequence[_Errand]) -> dict[Hashable, Future[bytes]]:
        """Return what is there, or on its way by others, by key."""
        for errand in errands:
            known = self._fetches.find(errand.key, errand.ttl)
            if known:
                self._futures[errand.key] = known
        in_parallel(self._jobs([errand for errand in errands if errand.key not in self._futures]))
        return self._futures

    def _jobs(self, errands: Sequence[_Errand]) -> list[Callable[[], None]]:
        """Put errands together that one request can do."""
        batches: dict[str, list[_Errand]] = {}
        for errand in errands:
            batches.setdefault(errand.located.keeper.connector.id, []).append(errand)
        return [
            partial(self._bring, chunk)
            for batch in batches.values()
            for size in sorted({batch_size(errand.located) for errand in batch})
            for chunk in _chunks([errand for errand in batch if batch_size(errand.located) == size], size)
        ]

    def _bring(self, errands: Sequence[_Errand]) -> None:
        """Fetch what nobody else does. Claimed here and not before: a login may need what another job is to bring."""
        mine = []
        for errand in errands:
            self._futures[errand.key], is_mine = self._fetches.claim(errand.key, errand.ttl)
            if is_mine:
                mine.append(errand)
        if not mine:
            return
        self._opened += [errand.query for errand in mine]
        for errand, outcome in zip(mine, self._outcomes(mine), strict=True):
            self._fetches.bring(errand.key, self._futures[errand.key], outcome)

    def _outcomes(self, errands: Sequence[_Errand]) -> Sequence[_Outcome]:
        located = [errand.located for errand in errands]
        try:
            return _fetch_batch(self._access, located) if len(located) > 1 else [_fetch(self._access, *located)]
        except ScopedSecretsError as error:
            return [error] * len(errands)
        except Exception as error:
            return [internal_error(error)] * len(errands)


def batch_size(located: Located) -> int:
    """Return how many such values one request brings."""
    kind = located.keeper.kind
    is_plain = not located.envelope and not located.version
    return kind.BATCH if is_plain and issubclass(kind, ValueKeeper) else 1


def _chunks(errands: Sequence[_Errand], size: int) -> list[Sequence[_Errand]]:
    return [errands[start : start + size] for start in range(0, len(errands), size)]


def _fetch(access: Access, located: Located) -> bytes:
    if located.envelope and located.context:
        return access.unseal(located.keeper, located.envelope, located.context)
    found = access.read(located.keeper, located.path, located.version)
    return access.value_in(located.keeper, found.content) if located.is_ours else found.content


def _fetch_batch(access: Access, batch: Sequence[Located]) -> list[_Outcome]:
    found = access.read_many(batch[0].keeper, [located.path for located in batch])
    return [_value(access, located, found[located.path]) for located in batch]


def _value(access: Access, located: Located, found: Found | ScopedSecretsError) -> _Outcome:
    if isinstance(found, ScopedSecretsError):
        return found
    try:
        return access.value_in(located.keeper, found.content) if located.is_ours else found.content
    except ScopedSecretsError as error:
        return error
