# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL, its pooler and the fault proxy behave as the store tests assume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from servers.postgresql import POOL, url_of
from servers.postgresql_faults import FAULTS, StatementProxy, serve_faults

if TYPE_CHECKING:
    from servers.postgresql import Postgresql


def test_each_store_has_a_place_of_its_own(postgresql: Postgresql) -> None:
    one, other = postgresql.new_store(), postgresql.new_store()
    postgresql.run("CREATE TABLE mine (id TEXT)", url=one)
    with pytest.raises(psycopg.errors.UndefinedTable):
        postgresql.run("SELECT * FROM mine", url=other)


def test_passwords_and_tls_are_asked_for(postgresql: Postgresql) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        postgresql.run("SELECT 1", url=postgresql.url().replace(":Canary", ":wrong"))
    with pytest.raises(psycopg.OperationalError, match="rejects connection"):
        postgresql.run("SELECT 1", url=postgresql.url("tls_only"))


def test_the_pooler_gives_many_a_few_connections(postgresql: Postgresql, pgbouncer: int) -> None:
    url = url_of(pgbouncer, postgresql.new_database())
    clients = [psycopg.connect(url, autocommit=True, prepare_threshold=None) for _number in range(POOL * 3)]
    servers = {client.execute("SELECT pg_backend_pid()").fetchone() for client in clients for _again in range(3)}
    assert 1 <= len(servers) <= POOL
    for client in clients:
        client.close()


def meet(proxy: StatementProxy, url: str, fault: str) -> str:
    """Inject a fault into the second of three statements, and return the outcome."""
    proxy.clear(1, fault)
    with psycopg.connect(proxy.url(url), autocommit=True) as client:
        client.execute("BEGIN")
        try:
            client.execute("INSERT INTO numbers VALUES (%s)", [1])
        except psycopg.Error as error:
            return "closed" if client.closed else f"{error.sqlstate} {client.info.transaction_status.name}"
        client.execute("COMMIT")
    return "kept"


def test_each_fault_is_injected_once(postgresql: Postgresql) -> None:
    url = postgresql.new_store()
    postgresql.run("CREATE TABLE numbers (number INTEGER)", url=url)
    with serve_faults(postgresql.port) as proxy:
        met = {fault: meet(proxy, url, fault) for fault in ("", *FAULTS)}
        assert met == {
            "": "kept",
            "40001": "40001 INERROR",
            "40P01": "40P01 INERROR",
            "lost before": "closed",
            "lost after": "closed",
            "57P01": "closed",
        }
    assert postgresql.run("SELECT count(*) FROM numbers", url=url) == [(1,)]
