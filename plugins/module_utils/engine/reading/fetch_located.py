# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second part of the road to a value: fetches what was located at secret managers, each value once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple, TypeAlias

from ...managers.base import Found, ValueKeeper
from ...model.errors import Conflict, Damaged, ScopedSecretsError, internal_error
from ...model.queries import Answer, Query
from ..providers.access import Access
from ..providers.fetch_cache import Fetches, in_parallel
from .resolver import Located

__all__ = ["batch_size", "complete"]

_Outcome: TypeAlias = "bytes | ScopedSecretsError"


class _Item(NamedTuple):
    """A value to fetch unless another caller does, and one of the queries that ask for it."""

    key: Hashable
    located: Located
    query: Query
    ttl: float | None


def complete(
    access: Access, fetches: Fetches, located: Mapping[Query, Located], opened: list[Query]
) -> dict[Query, Answer]:
    """Return the answer to each query; add to `opened` one query for each value that this call fetched."""
    keys = {query: one.fetch_key for query, one in located.items()}
    by_key: dict[Hashable, list[Query]] = {}
    for query, key in keys.items():
        by_key.setdefault(key, []).append(query)
    items = [_Item(key, located[queries[0]], queries[0], _shortest(queries)) for key, queries in by_key.items()]
    futures = _Round(access, fetches, opened).run(items)
    return {query: _answer(one, futures[keys[query]]) for query, one in located.items()}


def _shortest(queries: Iterable[Query]) -> float | None:
    """Return the shortest `cache_ttl` of several queries, None if none has one."""
    return min((query.cache_ttl for query in queries if query.cache_ttl is not None), default=None)


def _answer(located: Located, future: Future[bytes]) -> Answer:
    try:
        return located.answer(future.result())
    except ScopedSecretsError as error:
        return Answer(error=error)


class _Round:
    """What one call fetches, in as few requests as possible."""

    def __init__(self, access: Access, fetches: Fetches, opened: list[Query]) -> None:
        self._access = access
        self._fetches = fetches
        self._opened = opened
        self._futures: dict[Hashable, Future[bytes]] = {}

    def run(self, items: Sequence[_Item]) -> dict[Hashable, Future[bytes]]:
        """Fetch what nobody has fetched yet; return the values by key, some of them still being fetched by others."""
        for item in items:
            known = self._fetches.find(item.key, item.ttl)
            if known:
                self._futures[item.key] = known
        in_parallel(self._jobs([item for item in items if item.key not in self._futures]))
        return self._futures

    def _jobs(self, items: Sequence[_Item]) -> list[Callable[[], None]]:
        """Return one job for each request: items that one request can fetch go together."""
        batches: dict[Hashable, list[_Item]] = {}
        for item in items:
            batches.setdefault(item.located.connector.identity, []).append(item)
        return [
            partial(self._fetch_unclaimed, chunk)
            for batch in batches.values()
            for size in sorted({batch_size(item.located) for item in batch})
            for chunk in _chunks([item for item in batch if batch_size(item.located) == size], size)
        ]

    def _fetch_unclaimed(self, items: Sequence[_Item]) -> None:
        """Claim and fetch what nobody else fetches.

        A job claims its items only when it runs: a login may wait for a value of a job that has not started yet.
        """
        mine = []
        for item in items:
            self._futures[item.key], is_mine = self._fetches.claim(item.key, item.ttl)
            if is_mine:
                mine.append(item)
        if not mine:
            return
        self._opened += [item.query for item in mine]
        for item, outcome in zip(mine, self._outcomes(mine), strict=True):
            self._fetches.deliver(item.key, self._futures[item.key], outcome)

    def _outcomes(self, items: Sequence[_Item]) -> Sequence[_Outcome]:
        located = [item.located for item in items]
        try:
            return _fetch_batch(self._access, located) if len(located) > 1 else [_fetch(self._access, *located)]
        except ScopedSecretsError as error:
            return [error] * len(items)
        except Exception as error:
            return [internal_error(error)] * len(items)


def batch_size(located: Located) -> int:
    """Return how many such values one request fetches."""
    kind = located.connector.kind
    is_plain = not located.envelope and not located.version
    return kind.BATCH if is_plain and issubclass(kind, ValueKeeper) else 1


def _chunks(items: Sequence[_Item], size: int) -> list[Sequence[_Item]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _fetch(access: Access, located: Located) -> bytes:
    if located.envelope and located.context:
        return access.unseal(located.connector, located.envelope, located.context)
    found = access.read(located.connector, located.path, located.version)
    return _content(access, located, found)


def _content(access: Access, located: Located, found: Found) -> bytes:
    """Return the value in what a provider answered. Raises Damaged if it is not proved to be the secret's."""
    if not located.is_ours:
        return found.content
    value = access.value_in(located.connector, found.content)
    if located.proof and not located.proof.holds(located.kind, value):
        _check_changed(access, located, located.proof.scope_id)
    return value


def _check_changed(access: Access, located: Located, scope_id: str) -> None:
    """Raise Damaged for a value that is not the one which was written, unless it is newer and has the owner's mark."""
    if located.version:
        raise Damaged(
            "version_changed",
            f"{located.what}: {located.connector.what} has another value in version '{located.version}' than the one "
            "that was written there.",
            hint="Somebody changed that version, or another server answers. See the audit of the provider, and check "
            "where the connector leads. Then declare the value again.",
        )
    try:
        access.check_owner(located.connector, located.path, scope_id)
    except Conflict as error:
        if error.code != "foreign_secret":
            raise
        raise Damaged(
            "unproved_value",
            f"{located.what}: the value at '{located.path}' of {located.connector.what} is not the one that was "
            "written, and nothing there shows that it belongs to this secret. The scope's key was handed out, so the "
            "store alone doesn't prove that.",
            hint="See who wrote the value there. Then declare the secret with the right value; with 'adopt: true' if "
            "that may replace what is there.",
        ) from None


def _fetch_batch(access: Access, batch: Sequence[Located]) -> list[_Outcome]:
    found = access.read_many(batch[0].connector, [located.path for located in batch])
    return [_value(access, located, found[located.path]) for located in batch]


def _value(access: Access, located: Located, found: Found | ScopedSecretsError) -> _Outcome:
    if isinstance(found, ScopedSecretsError):
        return found
    try:
        return _content(access, located, found)
    except ScopedSecretsError as error:
        return error
