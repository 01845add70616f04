# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second part of the road to a value: what was located at secret managers is fetched, each thing once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple, cast

from ..managers.base import Manager, ValueKeeper
from ..model.errors import ScopedSecretsError, internal_error
from ..model.queries import Answer, Query
from .access import Access
from .fetching import Fetches, in_parallel
from .resolver import Located

__all__ = ["complete"]


class _Errand(NamedTuple):
    """A value that this call must bring."""

    located: Located
    key: Hashable
    future: Future[bytes]


def complete(
    access: Access, fetches: Fetches, located: Mapping[Query, Located], opened: list[Query]
) -> dict[Query, Answer]:
    """Return the answer to each query; add to `opened` one query for each value that was fetched for this call."""
    futures: dict[Query, Future[bytes]] = {}
    errands: list[_Errand] = []
    for query, one in located.items():
        futures[query], is_mine = fetches.claim(one.fetch_key, query.cache_ttl)
        if is_mine:
            errands.append(_Errand(one, one.fetch_key, futures[query]))
            opened.append(query)
    in_parallel(_jobs(access, fetches, errands))
    return {query: _answer(one, futures[query]) for query, one in located.items()}


def _answer(located: Located, future: Future[bytes]) -> Answer:
    try:
        return located.answer(future.result())
    except ScopedSecretsError as error:
        return Answer(error=error)


def _jobs(access: Access, fetches: Fetches, errands: Sequence[_Errand]) -> list[Callable[[], None]]:
    """Put errands together that one request can do."""
    jobs: list[Callable[[], None]] = []
    batches: dict[str, list[_Errand]] = {}
    for errand in errands:
        if _batch_size(errand.located) > 1:
            batches.setdefault(errand.located.keeper.connector.id, []).append(errand)
        else:
            jobs.append(partial(_bring_one, access, fetches, errand))
    for batch in batches.values():
        size = _batch_size(batch[0].located)
        chunks = [batch[start : start + size] for start in range(0, len(batch), size)]
        jobs += [partial(_bring_batch, access, fetches, chunk) for chunk in chunks]
    return jobs


def _batch_size(located: Located) -> int:
    """Return how many such values one request brings."""
    kind = located.keeper.kind
    is_plain = not located.envelope and not located.version and issubclass(kind, ValueKeeper)
    return kind.BATCH if is_plain and issubclass(kind, ValueKeeper) else 1


def _bring_one(access: Access, fetches: Fetches, errand: _Errand) -> None:
    outcome: bytes | ScopedSecretsError
    try:
        outcome = _fetch(access, errand.located)
    except ScopedSecretsError as error:
        outcome = error
    except Exception as error:
        outcome = internal_error(error)
    fetches.bring(errand.key, errand.future, outcome)


def _fetch(access: Access, located: Located) -> bytes:
    if located.envelope and located.context:
        return access.unseal(located.keeper, located.envelope, located.context)
    found = access.read(located.keeper, located.path, located.version)
    return access.value_in(located.keeper, found.content) if located.is_ours else found.content


def _bring_batch(access: Access, fetches: Fetches, batch: list[_Errand]) -> None:
    if len(batch) == 1:
        _bring_one(access, fetches, batch[0])
        return
    for errand, outcome in zip(batch, _fetch_batch(access, batch), strict=True):
        fetches.bring(errand.key, errand.future, outcome)


def _fetch_batch(access: Access, batch: list[_Errand]) -> list[bytes | ScopedSecretsError]:
    def work(manager: Manager) -> list[bytes | ScopedSecretsError]:
        keeper = cast(ValueKeeper, manager)
        found = keeper.read_many(list(dict.fromkeys(errand.located.path for errand in batch)))
        outcomes: list[bytes | ScopedSecretsError] = []
        for errand in batch:
            one = found[errand.located.path]
            if not isinstance(one, ScopedSecretsError):
                outcomes.append(keeper.value_in(one.content) if errand.located.is_ours else one.content)
            elif one.code == "login_expired":
                raise one
            else:
                outcomes.append(one)
        return outcomes

    try:
        return access.call(batch[0].located.keeper, work)
    except ScopedSecretsError as error:
        return [error] * len(batch)
    except Exception as error:
        return [internal_error(error)] * len(batch)
