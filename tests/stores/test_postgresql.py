# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store on PostgreSQL: how it is reached, made, recognised, upgraded, and what is said when it can't be used."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows import opening
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.opening import open_store
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request, Result
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store import database as database_module
from ansible_collections.scoped.secrets.plugins.module_utils.store import schema
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Database, Transaction
from ansible_collections.scoped.secrets.plugins.module_utils.store.location import Location
from ansible_collections.scoped.secrets.plugins.module_utils.store.postgresql import dialect as dialect_module
from ansible_collections.scoped.secrets.plugins.module_utils.store.postgresql.dialect import PostgresqlDialect
from ansible_collections.scoped.secrets.tests.stores.conftest import settings_at

if TYPE_CHECKING:
    from servers.postgresql import Postgresql
    from servers.postgresql_faults import StatementProxy


def error_of(settings: Settings) -> ScopedSecretsError:
    """Return what an engine says that can't open its store, and check that no password is in it."""
    from servers.postgresql import PASSWORD

    with pytest.raises(ScopedSecretsError) as caught:
        write(Engine(settings), "a")
    told = f"{caught.value} {caught.value.to_dict()} {caught.value!r}"
    assert not [secret for secret in (PASSWORD, quote(PASSWORD, safe=""), "hunter22") if secret in told]
    assert caught.value.hint
    return caught.value


def write(engine: Engine, identifier: str, **params: Any) -> Result:
    return engine.handle(Request("secret_text", {"identifier": identifier, "value": b"v", **params}))


def read(engine: Engine, reference: str) -> bytes:
    answer = engine.resolve([Query(reference)])[0]
    if answer.error:
        raise answer.error
    return answer.value


def opened(settings: Settings) -> Database:
    return Database(PostgresqlDialect(Location.parse(settings.store)))


def test_any_text_and_bytes_come_back(shared: Settings) -> None:
    engine = Engine(shared)
    text = "50 % of :name, %s and %(x)s; it's \\ \N{LEFT DOUBLE QUOTATION MARK}ü \N{GRINNING FACE}"
    write(engine, "a", value=bytes(range(256)), description=text, tags={text: text})
    fresh = Engine(shared)
    assert read(fresh, "a") == bytes(range(256))
    view = fresh.handle(Request("secret_info", {"identifier": "a"})).returned["secrets"][0]
    assert (view["description"], view["tags"]) == (text, {text: text})


def test_a_text_that_postgresql_does_not_keep_is_refused(shared: Settings) -> None:
    write(Engine(shared), "a")
    with pytest.raises(ScopedSecretsError) as caught:
        write(Engine(shared), "b", description="a\0b")
    assert caught.value.code == "text_not_storable"


def test_identifiers_are_in_the_order_of_their_bytes(shared: Settings) -> None:
    """Whatever the database's own order is: pages go by it, and both engines list alike."""
    engine = Engine(shared)
    for identifier in ("b", "_a", "B", "a-b", "a$", "aZ", "ab"):
        write(engine, identifier)
    listed = engine.handle(Request("secret_info", {})).returned["secrets"]
    assert [view["identifier"] for view in listed] == sorted(["b", "_a", "B", "a-b", "a$", "aZ", "ab"])


def test_without_a_key_nothing_is_made(shared: Settings, postgresql: Postgresql, tmp_path: Path) -> None:
    keyless = shared._replace(root_key="", root_key_file=str(tmp_path / "root.key"))
    assert error_of(keyless).code == "missing_key_file"
    assert postgresql.run("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()", url=shared.store) == []
    assert list(tmp_path.iterdir()) == []


def test_check_mode_and_reads_make_nothing(shared: Settings, postgresql: Postgresql) -> None:
    engine = Engine(shared)
    assert engine.handle(Request("secret_text", {"identifier": "a", "value": b"v"}, check_mode=True)).changed
    assert engine.handle(Request("secret_info", {})).returned["secrets"] == []
    assert postgresql.run("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()", url=shared.store) == []


def test_tables_of_somebody_else_are_left_alone(shared: Settings, postgresql: Postgresql) -> None:
    postgresql.run("CREATE TABLE secret (id TEXT)", url=shared.store)
    assert error_of(shared).code == "foreign_database"
    postgresql.run("DROP TABLE secret", "CREATE TABLE store (id TEXT)", url=shared.store)
    assert error_of(shared).code == "foreign_database"


def test_a_store_that_is_made_anew_in_mid_run_is_noticed(shared: Settings, postgresql: Postgresql) -> None:
    engine, other = Engine(shared), Engine(shared)
    write(engine, "a")
    query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    tables = ", ".join(name for (name,) in postgresql.run(query, url=shared.store))
    postgresql.run(f"DROP TABLE {tables} CASCADE", url=shared.store)
    write(other, "b")
    assert (read(engine, "b"), read(other, "b")) == (b"v", b"v")
    assert engine.resolve([Query("a")])[0].error.code == "unknown_secret"


def test_what_another_process_writes_is_seen_at_once(shared: Settings) -> None:
    one, other = Engine(shared), Engine(shared)
    write(one, "a", value=b"first")
    assert (read(one, "a"), read(other, "a")) == (b"first", b"first")
    write(one, "a", value=b"second")
    assert read(other, "a") == b"second"


def test_an_answer_that_is_known_costs_one_query(shared: Settings, postgresql: Postgresql) -> None:
    from servers.postgresql_faults import serve_faults

    with serve_faults(postgresql.port) as proxy:
        # Without a record, which an engine that serves one task only writes by itself.
        engine = Engine(shared._replace(store=proxy.url(shared.store), audit="off"))
        write(engine, "a")
        read(engine, "a")
        proxy.clear()
        assert read(engine, "a") == b"v"
        (sent,) = proxy.statements
        # The first part sets the search path, in the same message.
        assert sent.split("; ")[1:] == ["SELECT id, revision FROM store"]


def test_a_read_is_one_view_whatever_is_written_meanwhile(shared: Settings) -> None:
    write(Engine(shared), "a")
    one, other = opened(shared), opened(shared)

    def names(tx: Transaction) -> list[str]:
        before = tx.one("SELECT name FROM scope")
        other.write(lambda theirs: theirs.run("UPDATE scope SET name = 'theirs'"))
        after = tx.one("SELECT name FROM scope")
        assert before
        assert after
        return [before["name"], after["name"]]

    assert one.read(names) == ["account", "account"]
    assert one.read(lambda tx: tx.one("SELECT name FROM scope")) == {"name": "theirs"}


def test_a_read_can_not_write(shared: Settings) -> None:
    write(Engine(shared), "a")
    with pytest.raises(ScopedSecretsError) as caught:
        opened(shared).read(lambda tx: tx.run("UPDATE scope SET name = 'x'"))
    assert caught.value.code == "store_read_only"


def test_a_failure_that_somebody_swallows_does_not_look_like_success(
    shared: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL answers COMMIT with a ROLLBACK then, and calls it no error."""
    monkeypatch.setattr(database_module, "ATTEMPTS", 2)
    write(Engine(shared), "a")

    def work(tx: Transaction) -> None:
        tx.run("UPDATE scope SET name = 'lost'")
        try:
            tx.run("UPDATE scope SET name = NULL")
        except Exception:
            return

    with pytest.raises(ScopedSecretsError) as caught:
        opened(shared).write(work)
    assert caught.value.code == "store_busy"


def test_a_session_keeps_nothing(shared: Settings, postgresql: Postgresql) -> None:
    engine = Engine(shared)
    for number in range(20):
        write(engine, "a", value=b"%d" % number)
        read(engine, "a")
    connection = engine.store(create=False).database._connection
    assert connection.execute("SELECT count(*) AS found FROM pg_prepared_statements").fetchone() == {"found": 0}
    assert connection.execute("SELECT count(*) AS found FROM pg_locks WHERE locktype = 'advisory'").fetchone() == {
        "found": 0
    }
    shown = [connection.execute(f"SHOW {name}").fetchone()[name] for name in ("statement_timeout", "lock_timeout")]
    assert shown == ["0", "0"]


def test_limits_hold_within_a_transaction(shared: Settings) -> None:
    write(Engine(shared), "a")
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_isolation")

    def limits(tx: Transaction) -> list[str]:
        return [(tx.one(f"SHOW {name}") or {})[name] for name in names]

    assert opened(shared).write(limits) == ["90s", "1min", "1min", "read committed"]
    assert opened(shared).read(limits) == ["90s", "0", "1min", "repeatable read"]


def test_who_waits_too_long_for_the_others_is_told(shared: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    write(Engine(shared), "a")
    monkeypatch.setattr(
        dialect_module, "_WRITE", dialect_module._WRITE.replace("lock_timeout = '60s'", "lock_timeout = 50")
    )
    with pytest.raises(ScopedSecretsError) as caught:
        opened(shared).write(lambda _tx: write(Engine(shared), "b"))
    assert (caught.value.code, caught.value.retryable) == ("store_busy", True)


def test_an_acknowledged_write_is_on_the_disk_whatever_the_server_does_by_default(shared: Settings) -> None:
    write(Engine(shared), "a")
    lazy = shared._replace(store=shared.store.replace("search_path", "synchronous_commit%3Doff%20-csearch_path"))

    def shown(tx: Transaction) -> object:
        return (tx.one("SHOW synchronous_commit") or {})["synchronous_commit"]

    assert opened(lazy).read(shown) == "off"
    assert opened(lazy).write(shown) == "on"
    assert opened(shared).write(shown) == "on"


# --- how it is reached


def test_tls_is_verified_as_the_url_says(postgresql: Postgresql, tmp_path: Path) -> None:
    from servers.identities import Authority

    trusted = postgresql.url("tls_only", sslmode="verify-full", sslrootcert=str(postgresql.authority))
    engine = Engine(settings_at(trusted))
    write(engine, "a")
    connection = engine.store(create=False).database._connection
    assert connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone() == {"ssl": True}
    stranger = postgresql.url("tls_only", sslmode="verify-full", sslrootcert=str(Authority(tmp_path).ca))
    error = error_of(settings_at(stranger))
    assert (error.code, "certificate verify failed" in error.message) == ("store_denied", True)
    assert error_of(settings_at(postgresql.url("tls_only"))).code == "store_denied"


def test_the_password_may_come_as_libpq_takes_it(
    shared: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from servers.postgresql import PASSWORD, USER

    plain = shared.store.replace(f":{quote(PASSWORD, safe='')}@", "@")
    assert plain != shared.store
    assert error_of(shared._replace(store=plain)).code == "store_denied"
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    write(Engine(shared._replace(store=plain)), "a")
    monkeypatch.delenv("PGPASSWORD")
    quoted = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    (tmp_path / "pgpass").write_text(f"*:*:*:{USER}:{quoted}\n")
    (tmp_path / "pgpass").chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    assert read(Engine(shared._replace(store=plain)), "a") == b"v"


def test_a_service_names_all(postgresql: Postgresql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from servers.postgresql import PASSWORD, USER

    lines = ["[secrets]", "host=127.0.0.1", f"port={postgresql.port}", f"user={USER}", f"password={PASSWORD}"]
    lines += [f"dbname={postgresql.new_database()}", "sslmode=disable"]
    (tmp_path / "services.conf").write_text("\n".join(lines))
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services.conf"))
    write(Engine(settings_at("postgresql://?service=secrets")), "a")


def test_a_store_in_a_schema_of_its_own_stays_apart_from_the_usual_one(postgresql: Postgresql) -> None:
    database = postgresql.new_database()
    names = ("team", "scoped_secrets", "late")
    key = settings_at("x").root_key
    for name in names:
        postgresql.run(f"CREATE SCHEMA {name}", url=postgresql.url(database))
        settings = settings_at(postgresql.url(database, options=f"-csearch_path={name}"))._replace(root_key=key)
        Engine(settings).handle(Request("secret_text", {"identifier": "a", "value": name.encode()}))
    for name in names:
        settings = settings_at(postgresql.url(database, options=f"-csearch_path={name}"))._replace(root_key=key)
        assert read(Engine(settings), "a") == name.encode()


def test_of_several_hosts_the_one_that_can_be_written_is_taken(shared: Settings, postgresql: Postgresql) -> None:
    here = f"@127.0.0.1:{postgresql.port}/"
    several = shared.store.replace(here, f"@127.0.0.1:1,127.0.0.1:{postgresql.port}/")
    write(Engine(shared._replace(store=several)), "a")
    standby = several.replace("search_path", "default_transaction_read_only%3Don%20-csearch_path")
    assert error_of(shared._replace(store=standby)).code == "store_unavailable"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (":Canary", ":hunter22", "store_denied"),
        ("/scoped?", "/nowhere?", "store_denied"),
        ("sslmode=disable", "sslmode=nonsense", "malformed_store_url"),
        ("sslmode=disable", "hunter22=disable", "malformed_store_url"),
        ("sslmode=disable", "sslmode=disable&password=%zzhunter22", "malformed_store_url"),
        ("@127.0.0.1:", "@no-such-host.invalid:", "plain_postgresql"),
        ("sslmode=disable", "sslmode=prefer&host=no-such-host.invalid", "malformed_store_url"),
        ("@127.0.0.1:", "@hunter22@127.0.0.1:", "malformed_store_url"),
        ("options=-csearch_path", "options=-cnonsense", "store_denied"),
        ("search_path%3D", "search_path%3Dnot_", "foreign_database"),
    ],
)
def test_what_is_wrong_is_said_and_no_password_is(shared: Settings, old: str, new: str, code: str) -> None:
    assert old in shared.store
    assert error_of(shared._replace(store=shared.store.replace(old, new))).code == code


def test_a_missing_driver_is_named(shared: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    error = error_of(shared)
    assert (error.category, "pip install 'psycopg[binary]>=3.2.1'" in error.hint) == ("missing_library", True)


def test_an_old_server_is_refused(shared: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect_module, "OLDEST_SERVER", 990000)
    assert error_of(shared).code == "unsupported_store"


# --- what happens on the way


@pytest.fixture
def proxy(postgresql: Postgresql) -> Any:
    from servers.postgresql_faults import serve_faults

    with serve_faults(postgresql.port) as proxy:
        yield proxy


def test_a_write_in_doubt_that_can_not_be_found_any_more_is_an_error(shared: Settings, proxy: StatementProxy) -> None:
    write(Engine(shared), "a")
    database, other = opened(shared._replace(store=proxy.url(shared.store))), opened(shared)

    class Meanwhile(PostgresqlDialect):
        """Others write so much before the connection is back that the token is pushed out."""

        def was_kept(self, connection: Any, mark: tuple[str, int]) -> bool:
            connection.execute("ROLLBACK")
            for _turn in range(dialect_module._REMEMBERED):
                other.write(lambda tx: tx.one("SELECT 1 AS one"))
            return super().was_kept(connection, mark)

    database.dialect = Meanwhile(Location.parse(proxy.url(shared.store)))
    proxy.clear(3, "lost after")
    with pytest.raises(ScopedSecretsError) as caught:
        database.write(lambda tx: tx.run("UPDATE scope SET name = 'kept'"))
    assert (caught.value.code, caught.value.retryable) == ("write_in_doubt", True)
    assert proxy.statements[3] == "COMMIT"


def test_a_store_that_does_not_come_back_is_given_up(
    shared: Settings, proxy: StatementProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "PATIENCE", 0.5)
    engine = Engine(shared._replace(store=proxy.url(shared.store)))
    write(engine, "a")
    proxy.close()
    proxy.clear(0, "lost before")
    with pytest.raises(ScopedSecretsError) as caught:
        engine.resolve([Query("a")])
    assert (caught.value.code, caught.value.retryable) == ("store_unavailable", True)


# --- upgrades

LATER = (
    *schema.STEPS,
    schema.SchemaStep(schema.STEPS[-1].number + 1, ("CREATE TABLE later (id {identifier}, n {integer})",)),
)


def test_an_upgrade_waits_until_it_is_asked_for(shared: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    write(Engine(shared), "a")
    monkeypatch.setattr(opening, "open_schema", _to_later)
    error = error_of(shared)
    assert (error.code, "SCOPED_SECRETS_UPGRADE_STORE" in error.hint) == ("store_too_old", True)
    assert "later" not in opened(shared).table_names()
    assert read(Engine(shared._replace(may_upgrade=True)), "a") == b"v"
    assert "later" in opened(shared).table_names()
    assert read(Engine(shared), "a") == b"v"
    monkeypatch.undo()
    assert error_of(shared).code == "store_too_new"
    recorded = opened(shared).read(lambda tx: tx.one("SELECT steps FROM store"))
    assert recorded
    assert [step["checksum"] for step in json.loads(recorded["steps"])] == [step.checksum for step in LATER]


def _to_later(database: Database, where: str, *, is_upgrade_asked_for: bool) -> None:
    schema.open_schema(database, where, LATER, is_upgrade_asked_for=is_upgrade_asked_for)


def test_the_doctor_names_engine_and_driver(shared: Settings) -> None:
    open_store(shared, create=True).database.close()
    checks = {check["check"]: check for check in Engine(shared).handle(Request("doctor", {})).returned["checks"]}
    assert "PostgreSQL 1" in checks["store"]["message"]
    assert checks["library for store"]["verdict"] == "ok"


def test_a_store_that_lost_its_own_row_is_damaged(shared: Settings, postgresql: Postgresql) -> None:
    engine = Engine(shared)
    write(engine, "a")
    assert read(engine, "a") == b"v"
    postgresql.run("DELETE FROM store", url=shared.store)
    for call in (lambda: read(engine, "a"), lambda: write(engine, "b")):
        with pytest.raises(ScopedSecretsError) as caught:
            call()
        assert caught.value.code == "damaged_store"


def test_the_size_of_the_database_is_told(shared: Settings) -> None:
    engine = Engine(shared)
    write(engine, "a")
    assert engine.handle(Request("store_info", {})).returned["store"]["size"] > 1024**2


def test_a_database_of_another_encoding_is_refused_before_tables_are_made(
    shared: Settings, postgresql: Postgresql
) -> None:
    name = f"latin_{os.getpid()}"
    postgresql.run(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    error = error_of(shared._replace(store=postgresql.url(name)))
    assert (error.code, "LATIN1" in error.message) == ("unsupported_store", True)
    assert postgresql.run("SELECT FROM pg_tables WHERE schemaname = 'public'", url=postgresql.url(name)) == []
    postgresql.run(f"DROP DATABASE {name}")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"service": "nope"}, "its service is not defined"),
        ({"options": "-cno_such_setting=1"}, "it does not take a setting in 'options'"),
        ({"require_auth": "none"}, "it wants another way to log in"),
    ],
)
def test_what_a_url_asks_for_in_vain(
    shared: Settings, postgresql: Postgresql, options: dict[str, str], words: str
) -> None:
    error = error_of(shared._replace(store=postgresql.url(**options)))
    assert (error.retryable, words in error.message) == (False, True), error


def test_a_pooler_that_takes_no_options(shared: Settings, postgresql: Postgresql, pgbouncer: int) -> None:
    from servers.postgresql import url_of

    error = error_of(shared._replace(store=url_of(pgbouncer, options="-csearch_path=public")))
    assert (error.code, "its pooler takes no such option" in error.message) == ("store_denied", True)
