# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what value keepers have of many secrets, in as few requests as possible."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from ...managers.base import ValueKeeper
from ...model.errors import ScopedSecretsError
from ..providers.access import Access, Seen
from ..rows.scoped_connectors import ScopedConnector

__all__ = ["ValueLocation", "read_together"]

Each: TypeAlias = "Callable[[Callable[[list[ValueLocation]], Seen], list[list[ValueLocation]]], list[Seen]]"


class ValueLocation(NamedTuple):
    """The path of a value at a value keeper."""

    connector: ScopedConnector
    path: str


def read_together(locations: Iterable[ValueLocation], access: Callable[[], Access], each: Each) -> Seen:
    """Return what is at the locations, as far as one request can read several of them.

    `each` maps a function over a list; it may use threads.
    """

    def read(batch: list[ValueLocation]) -> Seen:
        connector, paths = batch[0].connector, [location.path for location in batch]
        try:
            found = access().read_many(connector, paths)
        except ScopedSecretsError as error:
            found = dict.fromkeys(paths, error)
        return {(connector.identity, path): one for path, one in found.items()}

    return {key: one for seen in each(read, list(_batches(locations))) for key, one in seen.items()}


def _batches(locations: Iterable[ValueLocation]) -> Iterator[list[ValueLocation]]:
    by_connector: dict[Hashable, list[ValueLocation]] = {}
    for location in locations:
        by_connector.setdefault(location.connector.identity, []).append(location)
    for several in by_connector.values():
        kind = several[0].connector.kind
        size = kind.BATCH if issubclass(kind, ValueKeeper) else 1
        if size > 1:
            for start in range(0, len(several), size):
                yield several[start : start + size]
