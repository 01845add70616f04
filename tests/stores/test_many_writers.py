# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many processes write to one store at once, also while its server goes away, and nothing acknowledged is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from signal import SIGKILL
from typing import TYPE_CHECKING

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.opening import open_store
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.stores.conftest import ENGINES, settings_at
from ansible_collections.scoped.secrets.tests.stores.writers import (
    SCOPE,
    Writers,
    Written,
    audited,
    check_kept,
    declare_scope,
)

if TYPE_CHECKING:
    from servers.hosts import Host
    from servers.postgresql import Postgresql

PROCESSES = 20
WRITES = 50


@pytest.mark.parametrize(
    ("settings", "writes"), [("sqlite", WRITES), ("pgbouncer", WRITES // 5)], indirect=["settings"]
)
def test_every_write_of_many_processes_counts(settings: Settings, writes: int) -> None:
    """R1. On PostgreSQL without a pooler: the next test."""
    engine = declare_scope(settings)
    writers = Writers(settings, PROCESSES, writes)
    writers.begin()
    check_all(engine, writers.acknowledged(), "this machine", writes)


def check_all(engine: Engine, written: list[Written], where: str, writes: int) -> None:
    assert len(written) == PROCESSES * writes
    check_kept(engine, written)
    print(f"{PROCESSES} processes on {where}: {len(written)} writes, all kept")


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    """Two hosts; none where this machine makes none."""
    from servers.hosts import NoHosts, serve

    with ExitStack() as exits:
        try:
            made = exits.enter_context(serve())
        except NoHosts as error:
            print(f"no network namespaces: {error}")
            made = []
        yield made


@pytest.mark.servers
def test_every_write_of_many_processes_on_two_hosts_counts(hosts: list[Host]) -> None:
    from servers.postgresql import serve

    with serve(hosts) as server:
        settings = settings_at(server.new_store())
        engine = declare_scope(settings)
        writers = Writers(settings, PROCESSES, WRITES, hosts)
        writers.begin()
        clients = "SELECT client_addr FROM pg_stat_activity WHERE client_addr << inet '198.18.0.0/15'"
        seen: set[object] = set()
        while len(seen) < len(hosts):
            seen.update(server.run(clients))
        check_all(engine, writers.acknowledged(), f"{len(seen)} hosts" if hosts else "this machine", WRITES)


@pytest.mark.parametrize("settings", ENGINES[:2], indirect=True)
def test_writers_that_are_killed_leave_a_record_of_each_write_and_of_no_other(settings: Settings) -> None:
    engine = declare_scope(settings)
    writers = Writers(settings, 8, 10_000)
    writers.begin()
    while kept(engine).total() < 40:
        pass
    writers.kill()
    acknowledged = Counter((identifier, version) for _label, identifier, version in writers.acknowledged(rc=-SIGKILL))
    assert acknowledged <= kept(engine)
    assert audited(engine) == kept(engine)


def kept(engine: Engine) -> Counter[tuple[str, int]]:
    """Return the versions of all secrets that are there."""
    listed = engine.handle(Request("secret_info", SCOPE)).returned["secrets"]
    return Counter((one["identifier"], version + 1) for one in listed for version in range(one["version"]))


@pytest.fixture
def own_server() -> Iterator[Postgresql]:
    """A server that a test may stop."""
    from servers.postgresql import serve

    with serve() as server:
        yield server


@pytest.mark.servers
@pytest.mark.parametrize("crash", [False, True], ids=["restart", "crash"])
def test_a_server_that_goes_away_and_comes_back_loses_nothing(own_server: Postgresql, crash: bool) -> None:
    settings = settings_at(own_server.new_store())
    engine = declare_scope(settings)
    writers = Writers(settings, 8, 20)
    writers.begin()
    for enough in (20, 60):
        seen = 0
        while seen < enough:
            (seen,) = own_server.run("SELECT sum(current_version) FROM secret", url=settings.store)[0]
            seen = seen or 0
        own_server.stop(crash=crash)
        own_server.start()
    written = writers.acknowledged()
    assert len(written) == 8 * 20
    check_kept(engine, written)


@pytest.mark.parametrize("settings", ENGINES[1:], indirect=True)
def test_one_of_many_that_come_first_makes_the_store(settings: Settings) -> None:
    with ThreadPoolExecutor() as pool:
        stores = list(pool.map(lambda _number: open_store(settings, create=True), range(8)))
    assert len({store.store_id for store in stores}) == 1
    for store in stores:
        store.database.close()


def test_two_that_declare_the_same_tree_at_once_both_succeed_and_make_it_once(settings: Settings) -> None:
    def declare(_number: int) -> list[bool]:
        engine = Engine(settings)
        tree = [("scope", {"org": "payments"}), ("scope", SCOPE)]
        tree += [("secret_text", {**SCOPE, "identifier": f"item_{number}", "value": b"v"}) for number in range(10)]
        return [engine.handle(Request(resource, params)).changed for resource, params in tree]

    open_store(settings, create=True).database.close()
    with ThreadPoolExecutor() as pool:
        changed = list(pool.map(declare, range(2)))
    listed = Engine(settings).handle(Request("secret_info", SCOPE)).returned["secrets"]
    assert [secret["version"] for secret in listed] == [1] * 10
    assert not any(one and other for one, other in zip(*changed, strict=True))
