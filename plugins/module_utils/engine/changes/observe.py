# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What value keepers have of many secrets that are about to be declared, in as few requests as can be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from typing import NamedTuple

from ...managers.base import ValueKeeper
from ...model.errors import ScopedSecretsError
from ..providers.access import Access, Seen
from ..rows.scoped_connectors import Keeper

__all__ = ["Place", "look_at"]


class Place(NamedTuple):
    """Where a value keeper has a value."""

    keeper: Keeper
    path: str


def look_at(places: Iterable[Place], access: Callable[[], Access], pool: Executor) -> Seen:
    """Return what lies at those places of which one request reads several."""

    def look(batch: list[Place]) -> Seen:
        keeper, paths = batch[0].keeper, [place.path for place in batch]
        try:
            found = access().read_many(keeper, paths)
        except ScopedSecretsError as error:
            found = dict.fromkeys(paths, error)
        return {(keeper.connector.id, path): one for path, one in found.items()}

    return {at: one for seen in pool.map(look, _batches(places)) for at, one in seen.items()}


def _batches(places: Iterable[Place]) -> Iterator[list[Place]]:
    by_connector: dict[str, list[Place]] = {}
    for place in places:
        by_connector.setdefault(place.keeper.connector.id, []).append(place)
    for several in by_connector.values():
        kind = several[0].keeper.kind
        size = kind.BATCH if issubclass(kind, ValueKeeper) else 1
        if size > 1:
            for start in range(0, len(several), size):
                yield several[start : start + size]
