# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each statement of a change meets with each fault that a server or a network has, and the result is the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.opening import open_store
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.tests.stores.conftest import settings_at

if TYPE_CHECKING:
    from servers.postgresql import Postgresql
    from servers.postgresql_faults import StatementProxy

FAULTS = ("40001", "lost before", "lost after")
# What differs from those for the driver, not for a transaction: at the statements where it may.
OTHER_FAULTS = ("40P01", "57P01")
SCOPE = {"org": "payments", "project": "api"}
# What is there before, and the change that is watched.
CHANGES: dict[str, tuple[dict[str, Any] | None, dict[str, Any]]] = {
    "create": (None, {"value": b"new"}),
    "update": ({"value": b"old"}, {"value": b"new", "description": "changed"}),
    "delete": ({"value": b"old"}, {"state": "absent"}),
}
ROWS = """SELECT secret.description, secret.revision, secret.current_version, count(secret_version.version)
    FROM secret LEFT JOIN secret_version ON secret_id = id WHERE identifier = '{0}' GROUP BY secret.id"""
COUNTS = """SELECT (SELECT revision FROM scope WHERE identifier = 'api'), (SELECT sum(wraps) FROM scope_key),
    (SELECT count(*) FROM secret), (SELECT count(*) FROM secret_version)"""


@pytest.fixture(scope="module")
def proxy(postgresql: Postgresql) -> Iterator[StatementProxy]:
    from servers.postgresql_faults import serve_faults

    with serve_faults(postgresql.port) as proxy:
        yield proxy


class Watched:
    """A store, in which the same change is made to one secret after the other, through the proxy."""

    def __init__(self, postgresql: Postgresql, proxy: StatementProxy, name: str) -> None:
        self.before, self.change = CHANGES[name]
        self.proxy = proxy
        self.postgresql = postgresql
        self.url = postgresql.new_store()
        self.engine = Engine(settings_at(proxy.url(self.url)))
        for request in ({"org": "payments"}, SCOPE):
            self.engine.handle(Request("scope", request))
        self._made = 0

    def make(self, at: int = -1, fault: str = "") -> tuple[object, ...]:
        """Make the change to a new secret; return all that differs in the store by it."""
        self._made += 1
        identifier = f"item_{self._made}"
        self.proxy.clear()
        if self.before:
            self._declare({"identifier": identifier, **SCOPE, **self.before})
        before = self._counts()
        self.proxy.clear(at, fault)
        assert self._declare({"identifier": identifier, **SCOPE, **self.change})
        self.statements, self.has_failed = list(self.proxy.statements), self.proxy.has_failed
        grown = [now - then for now, then in zip(self._counts(), before, strict=True)]
        value = self.engine.resolve([Query(identifier, **SCOPE)])[0].value
        return value, grown, self.postgresql.run(ROWS.format(identifier), url=self.url)

    def _declare(self, params: dict[str, Any]) -> bool:
        return self.engine.handle(Request("secret_text", params)).changed

    def _counts(self) -> tuple[int, ...]:
        return tuple(map(int, self.postgresql.run(COUNTS, url=self.url)[0]))


def faults(statements: list[str]) -> Iterator[tuple[int, str]]:
    """Yield where what happens: at each statement each fault, and others where a transaction begins and ends."""
    for at, statement in enumerate(statements):
        yield from ((at, fault) for fault in FAULTS)
        if statement == "COMMIT" or statement.startswith(("BEGIN", "UPDATE store")):
            yield from ((at, fault) for fault in OTHER_FAULTS)


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_happens_to_a_statement_the_change_is_made_once(
    postgresql: Postgresql, proxy: StatementProxy, name: str
) -> None:
    watched = Watched(postgresql, proxy, name)
    expected = watched.make()
    # From the second time on, the index of the scope's secrets is known.
    assert watched.make() == expected
    statements = watched.statements
    assert statements.count("COMMIT") == 2
    for at, fault in faults(statements):
        assert watched.make(at, fault) == expected, f"{fault} at {at}: {statements[at]}"
        assert watched.has_failed, f"no {fault} at {at}: {statements[at]}"


# What PostgreSQL says where another one has just made the same table: its name, its type, or an index of them is taken.
@pytest.mark.parametrize("fault", ["42P07", "42710", "23505"])
def test_who_makes_a_store_just_after_another_one_begins_anew(
    postgresql: Postgresql, proxy: StatementProxy, fault: str
) -> None:
    statements = made(postgresql, proxy)
    first_table = next(at for at, statement in enumerate(statements) if statement.startswith("CREATE TABLE"))
    assert len(made(postgresql, proxy, first_table, fault)) > len(statements)


def made(postgresql: Postgresql, proxy: StatementProxy, at: int = -1, fault: str = "") -> list[str]:
    """Make a store through the proxy; return the statements."""
    proxy.clear(at, fault)
    open_store(settings_at(proxy.url(postgresql.new_store())), create=True).database.close()
    return list(proxy.statements)
