# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one request reads for many secrets: only at kinds that read several, connector by connector."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.observe import ValueLocation, read_together
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.scoped_connectors import ScopedConnector
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Connector
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Unavailable
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import MemoryBatch

SIZE = MemoryBatch.BATCH
AWAY = Unavailable("provider_unavailable", "It is away.", hint="Wait.", retryable=True)


def at(connector: str, count: int, kind: str = "memory_batch") -> list[ValueLocation]:
    row = ScopedConnector(Connector(connector, "s", kind, connector, "n"), ACCOUNT)
    return [ValueLocation(row, f"p{number}") for number in range(count)]


class Asked:
    """Stands for the way to secret managers: notes what is asked, and fails for connector `away`."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, int]] = []

    def read_many(self, connector: ScopedConnector, paths: list[str]) -> dict[str, Any]:
        self.requests.append((connector.row.id, len(paths)))
        if connector.row.id == "away":
            raise AWAY
        return {path: f"{connector.row.id} {path}" for path in paths}


def test_two_values_are_read_together_where_two_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: Any = Asked()
    monkeypatch.setattr(MemoryBatch, "BATCH", 2)
    read_together(at("a", 3), lambda: asked, lambda work, batches: list(map(work, batches)))
    assert asked.requests == [("a", 2), ("a", 1)]


@pytest.mark.parametrize(
    ("locations", "requests"),
    [
        ([], []),
        (at("a", 1), [("a", 1)]),
        (at("a", 2), [("a", 2)]),
        (at("a", SIZE), [("a", SIZE)]),
        (at("a", 2 * SIZE + 1), [("a", SIZE), ("a", SIZE), ("a", 1)]),
        ([*at("a", 2), *at("b", 3), *at("a", 4)[2:]], [("a", 4), ("b", 3)]),
        (at("one by one", 3, "memory_vault"), []),
        (at("keys", 3, "memory_kms"), []),
        ([*at("away", 2), *at("a", 2)], [("away", 2), ("a", 2)]),
    ],
)
def test_each_request_reads_as_much_as_it_can(locations: list[ValueLocation], requests: list[tuple[str, int]]) -> None:
    asked: Any = Asked()
    seen = read_together(locations, lambda: asked, lambda work, batches: list(map(work, batches)))
    assert asked.requests == requests
    read = {connector for connector, _count in requests}
    found = [one for one in locations if one.connector.row.id in read]
    assert seen == {
        (one.connector.identity, one.path): AWAY
        if one.connector.row.id == "away"
        else f"{one.connector.row.id} {one.path}"
        for one in found
    }
