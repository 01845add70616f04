# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL and servers that speak its protocol: one database for many control nodes.

Writers take turns, as in SQLite: each first updates the single row of `store`, and so waits for the writer before it.
They run in READ COMMITTED, where every statement after that wait sees all commits and nobody else writes: that is as
serial as SERIALIZABLE. In SERIALIZABLE and REPEATABLE READ a transaction's snapshot dates from its first statement, the
one that waits, so every writer that had to wait fails and starts over: 20 writers make each other fail more than eight
times within seconds (measured on PostgreSQL 15, in both). Engines that only have SERIALIZABLE (CockroachDB) report
40001, and the transaction runs again.

Nothing is kept in a session: no prepared statements, no SET outside a transaction, no advisory locks. So it works
through a connection pooler that may use another session for each transaction.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, ClassVar

from ...model.errors import (
    Damaged,
    InvalidInput,
    MissingLibrary,
    ScopedSecretsError,
    StoreRefused,
    Unavailable,
)
from ...model.libraries import check_version
from ..database import Dialect, Mark, StaleRow
from ..location import Location
from .failures import denial_of, reason_of, shown_state
from .tls import check_encrypted, host_of, notice_of, tls_options

__all__ = ["REQUIREMENT", "AlreadyMade", "PostgresqlDialect", "driver", "plain_connection"]

REQUIREMENT = "psycopg[binary]>=3.2.1"
OLDEST_SERVER = 130000

# Where a pooler shares a session, others may have left a search path there, and a temporary table is found before ours
# unless its schema is named last (PostgreSQL, "search_path").
_GIVEN = r"""coalesce(nullif(pg_catalog.btrim(pg_catalog.regexp_replace(pg_catalog.current_setting('search_path'),
    '(^|,)\s*"?pg_temp[^,]*', '', 'g'), ', '), ''), 'public')"""
_OURS = f"""CASE WHEN pg_catalog.to_regclass('scoped_secrets.store') IS NOT NULL
    THEN 'scoped_secrets' ELSE {_GIVEN} END"""
_LIMITS = "SET LOCAL statement_timeout = '90s'; SET LOCAL idle_in_transaction_session_timeout = '60s'"
_READ = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_LIMITS}"
# lock_timeout is long enough for a queue of writers, and below statement_timeout so that the error names the lock.
_WRITE = f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {_LIMITS}; SET LOCAL lock_timeout = '60s'"

_SCOPE = re.compile(r"[A-Za-z0-9_$/]*")

# Characters of a token, and the number of tokens kept: few enough that the whole row fits into one database page.
_TOKEN = 8
_REMEMBERED = 200
# An acknowledged commit must be on the disk, whatever the server's default is.
_DURABLE = """SELECT set_config('synchronous_commit', 'on', true)
    WHERE current_setting('synchronous_commit') = 'off'"""
_TURN = f"""UPDATE store SET revision = revision + 1, writers = substr(:token || writers, 1, {_TOKEN * _REMEMBERED})
    RETURNING id, revision, CASE WHEN current_setting('synchronous_commit') = 'off'
    THEN set_config('synchronous_commit', 'on', true) END"""

# Defaults for libpq options that the URL doesn't set. A server that vanishes silently is noticed in half a minute.
_DEFAULTS = {
    "application_name": "scoped.secrets",
    "client_encoding": "UTF8",
    "connect_timeout": "10",
    "keepalives_count": "3",
    "keepalives_idle": "20",
    "keepalives_interval": "5",
    "tcp_user_timeout": "30000",
}

# PostgreSQL, "Serialization Failure Handling": a unique violation may also be due to another transaction's recent
# commit. So may a missing parent (23503) and a table that is just being created: a table comes with a type of the same
# name, which is reported as a duplicate (42710) before the table itself is visible.
_AGAIN = frozenset(["40001", "40P01", "23503", "23505", "42P07", "42710"])
# The server shuts down, starts up, or has ended this session.
_LOST = frozenset(["57P01", "57P02", "57P03", "57P05", "25P03"])
_READ_ONLY = "25006"
# Rows in one INSERT: a statement takes at most 65,535 parameters.
_ROWS_AT_ONCE = 100
_WRONG_VALUE = re.compile(r"invalid \w+ value")


class _Connection:
    """Wraps psycopg's connection to take statements with `:name` parameters."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def execute(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Any:
        cursor = self._raw.execute(_pyformat(statement) if parameters else statement, parameters or None)
        if statement == "COMMIT" and cursor.statusmessage != "COMMIT":
            # COMMIT rolls back a failed transaction without an error.
            raise StaleRow(statement)
        return cursor

    def executemany(self, statement: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows, many in one statement. psycopg's own method sends one statement per row."""
        insert, _values = statement.split(" VALUES ")
        marks = f"({', '.join(['%s'] * len(rows[0]))})"
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            chunk = rows[start : start + _ROWS_AT_ONCE]
            values = [value for row in chunk for value in row.values()]
            self._raw.execute(f"{insert} VALUES {', '.join([marks] * len(chunk))}", values)

    @property
    def server_version(self) -> str:
        return str(self._raw.info.parameter_status("server_version"))

    @property
    def in_transaction(self) -> bool:
        return not self._raw.closed and self._raw.info.transaction_status.name in ("ACTIVE", "INTRANS", "INERROR")

    def close(self) -> None:
        self._raw.close()


@lru_cache(maxsize=256)
def _pyformat(statement: str) -> str:
    return re.sub(r"(?<!:):([a-z_]\w*)", r"%(\1)s", statement.replace("%", "%%"))


class PostgresqlDialect(Dialect):
    """A PostgreSQL database. Our tables are in the first schema of its search_path. `is_new`: they get created."""

    types: ClassVar[Mapping[str, str]] = {"bytes": "BYTEA", "integer": "BIGINT", "identifier": 'TEXT COLLATE "C"'}
    upgrades_unasked: ClassVar[bool] = False
    is_file: ClassVar[bool] = False

    def __init__(self, location: Location, *, is_new: bool = False) -> None:
        self._location = location
        self._is_new = is_new
        self._has_failover = "," in location.url.partition("?")[0]
        # Where the URL names a schema, that is where the store is.
        path = _GIVEN if "search_path" in location.url.partition("?")[2] else _OURS
        self._set_path = f"SELECT pg_catalog.set_config('search_path', {path} || ', pg_temp', true)"
        self._host = ""
        self._store_id = ""
        self._is_replaced = False

    def connect(self) -> _Connection:
        psycopg = driver()
        from psycopg.rows import dict_row

        raw = psycopg.connect(**self.options(), autocommit=True, row_factory=dict_row, prepare_threshold=None)
        try:
            self.accept(raw)
        except StoreRefused:
            raw.close()
            raise
        return _Connection(raw)

    def accept(self, raw: Any) -> None:
        """Take note of where a new connection leads. Raises StoreRefused for one without TLS, or an old server."""
        info, has_tls = raw.info, bool(raw.pgconn.ssl_in_use)
        self._host = info.host
        # A service can name a host of this machine, and the address of another one.
        where = info.hostaddr or info.host
        check_encrypted(self._location, info.get_parameters(), where, has_tls=has_tls)
        self.notice = notice_of(info.get_parameters(), where, has_tls=has_tls)
        if info.server_version < OLDEST_SERVER:
            raise StoreRefused(
                "unsupported_store",
                f"The store {self._where} is on PostgreSQL {info.server_version // 10000}, which is too old.",
                hint=f"Use PostgreSQL {OLDEST_SERVER // 10000} or newer.",
            )

    @property
    def _where(self) -> str:
        """The store, and the host that it is at where its URL names none or several."""
        named = self._location.url.partition("://")[2].partition("/")[0].rpartition("@")[2]
        is_plain = not self._host or self._host == named.rpartition(":")[0] or self._host == named
        return str(self._location) if is_plain else f"{self._location} at {self._host}"

    def options(self) -> dict[str, Any]:
        """Return the libpq options from the URL, and our defaults for others.

        Raises InvalidInput, and StoreRefused for a URL that forbids TLS to another machine.
        """
        from psycopg.conninfo import conninfo_to_dict

        try:
            given = conninfo_to_dict(self._location.url)
        except Exception:
            # libpq's error quotes what it can't parse, which may be a part of the password.
            raise _malformed(str(self._location)) from None
        self._host = self._host or host_of(given)
        failover = {"target_session_attrs": "read-write"} if self._has_failover else {}
        # PGHOSTADDR, or the address of a service, would get the password that is meant for this host.
        here = {"hostaddr": ""} if given.get("host") else {}
        return {**_DEFAULTS, **failover, **here, **given, **tls_options(self._location, given)}

    def begin(self, connection: Any, *, write: bool, scope: str) -> Mark | None:
        self._begin(connection, _WRITE if write else _READ, scope)
        if not write:
            return None
        if self._is_new:
            self._check_new(connection)
            return None
        token = base64.urlsafe_b64encode(os.urandom(_TOKEN * 3 // 4)).decode()
        row = connection.execute(_TURN, {"token": token}).fetchone()
        if row is None:
            raise _damaged(self._where)
        self._recognise(row["id"])
        return token, row["revision"]

    def _begin(self, connection: Any, statements: str, scope: str) -> None:
        # Without a scope the transaction sees all rows, as from the account; with an invalid scope it sees none.
        announced = (scope or "account") if _SCOPE.fullmatch(scope) else ""
        connection.execute(f"{statements}; {self._set_path}; SET LOCAL scoped_secrets.scope = '{announced}'")

    def _ask(self, connection: Any, query: str) -> Any:
        """Return the cursor of a query without parameters, with our search path, in one round trip.

        Statements that are sent together are one transaction (PostgreSQL, "Multiple Statements in a Simple Query").
        """
        cursor = connection.execute(f"{self._set_path}; {query}")
        cursor.nextset()
        return cursor

    def begin_appending(self, connection: Any, *, scope: str) -> None:
        # Takes no turn, so other writers continue, and the revision stays, so cached answers remain valid.
        self._begin(connection, f"{_WRITE}; {_DURABLE}", scope)

    def _check_new(self, connection: Any) -> None:
        """Raise AlreadyMade if the tables exist. Processes that create them concurrently wait, then run again.

        Raises StoreRefused for a database with another encoding than UTF8, and where the tables would be temporary
        ones, because no schema of the search path exists.
        """
        query = "SELECT current_schema() AS name, pg_catalog.current_setting('server_encoding') AS encoding"
        schema, encoding = connection.execute(query).fetchone().values()
        if encoding != "UTF8":
            raise StoreRefused(
                "unsupported_store",
                f"The store {self._where} is in a database with the encoding {encoding}, which can't hold all text.",
                hint="Create the database with ENCODING 'UTF8' TEMPLATE template0 (docs/postgresql.md).",
            )
        if not schema or schema.startswith("pg_temp"):
            raise StoreRefused(
                "foreign_database",
                f"The search path of the store {self._where} names no schema that exists.",
                hint="Create the schema, or correct 'options' in 'store', or the search path of its role.",
            )
        if "store" in self.table_names(connection):
            raise AlreadyMade

    def was_kept(self, connection: Any, mark: Mark) -> bool:
        token, revision = mark
        row = self._ask(connection, "SELECT revision, writers FROM store").fetchone()
        tokens = [row["writers"][start : start + _TOKEN] for start in range(0, len(row["writers"]), _TOKEN)]
        if token in tokens:
            return True
        if row["revision"] - revision >= _REMEMBERED:
            raise Unavailable(
                "write_in_doubt",
                f"The connection to the store {self._where} broke during a commit. Others have written too much "
                "since to tell whether the change was kept.",
                hint="Run it again. A change that was kept is not made twice.",
                retryable=True,
            )
        return False

    def table_names(self, connection: Any) -> set[str]:
        query = "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = pg_catalog.current_schema()"
        return {row["tablename"] for row in self._ask(connection, query)}

    def engine(self, connection: Any) -> str:
        return f"PostgreSQL {connection.server_version}"

    def size(self, connection: Any) -> int:
        row = self._ask(connection, "SELECT pg_database_size(current_database()) AS size").fetchone()
        return int(row["size"])

    def state(self, connection: Any) -> object:
        # Every write first increments the revision.
        row = self._ask(connection, "SELECT id, revision FROM store").fetchone()
        if row is None:
            raise _damaged(self._where)
        self._recognise(row["id"])
        return row["id"], row["revision"]

    def _recognise(self, store_id: str) -> None:
        self._store_id = self._store_id or store_id
        self._is_replaced = self._is_replaced or self._store_id != store_id

    def is_replaced(self) -> bool:
        return self._is_replaced

    def must_retry(self, error: Exception) -> bool:
        return getattr(error, "sqlstate", None) in _AGAIN

    def is_lost(self, error: Exception) -> bool:
        state = getattr(error, "sqlstate", None)
        if state is None:
            return _is_operational(error) and not (denial_of(str(error)) or _WRONG_VALUE.search(str(error)))
        return state in _LOST or state.startswith("08") or (state == _READ_ONLY and self._has_failover)

    def translate(self, error: Exception) -> ScopedSecretsError | None:
        if not isinstance(error, driver().Error):
            return None
        state = getattr(error, "sqlstate", None)
        if state is None:
            return self._without_state(error)
        for prefix, make in _ERRORS.items():
            if state.startswith(prefix):
                return make(self._where, shown_state(state))
        return _failed(self._where, shown_state(state))

    def _without_state(self, error: Exception) -> ScopedSecretsError:
        """Return our error for one that libpq or psycopg raised itself, without an SQLSTATE."""
        if isinstance(error, driver().DataError):
            return InvalidInput(
                "text_not_storable",
                f"The store {self._where} can't store text with a NUL character.",
                hint="Remove it from names, descriptions, tags and options. Values may contain any byte.",
            )
        if _WRONG_VALUE.search(str(error)):
            return _malformed(self._where)
        denial = denial_of(str(error))
        return _denied(self._where, *denial) if denial else _unavailable(self._where, reason_of(str(error)))


@contextmanager
def plain_connection(location: Location, **options: Any) -> Iterator[Any]:
    """Yield a psycopg connection in a transaction, for work outside a store; raise our errors in place of psycopg's."""
    dialect = PostgresqlDialect(location)
    try:
        with driver().connect(**{**dialect.options(), **options}) as raw:
            dialect.accept(raw)
            yield raw
    except driver().Error as error:
        raise dialect.translate(error) or error from None


class AlreadyMade(Exception):
    """Another process has created the tables meanwhile."""


def driver() -> Any:
    """Return psycopg; raise MissingLibrary. Only stores on PostgreSQL need it."""
    needed_for = "for a store on PostgreSQL"
    try:
        import psycopg
    except ImportError:
        raise MissingLibrary("missing_library", requirement=REQUIREMENT, needed_for=needed_for) from None
    check_version(REQUIREMENT, needed_for)
    return psycopg


def _is_operational(error: Exception) -> bool:
    return isinstance(error, (driver().OperationalError, driver().InterfaceError))


def _malformed(where: str) -> ScopedSecretsError:
    return InvalidInput(
        "malformed_store_url",
        f"The store URL {where} is malformed, or has an option or value that libpq does not know.",
        hint="Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE with libpq's options.",
    )


def _damaged(where: str, _state: str = "") -> ScopedSecretsError:
    return Damaged(
        "damaged_store",
        f"The store {where} is damaged.",
        hint="Check the server's log, and restore the newest backup.",
    )


def _denied(where: str, reason: str, hint: str = "") -> ScopedSecretsError:
    return StoreRefused(
        "store_denied",
        f"The store {where} can't be used with this login: {reason}.",
        hint=hint
        or "Check user, password, database and TLS options of 'store', and the role's rights (docs/postgresql.md). "
        "Without 'allow_plain_postgresql', a server on another machine must have TLS.",
    )


def _unavailable(where: str, reason: str) -> ScopedSecretsError:
    return Unavailable(
        "store_unavailable",
        f"The store {where} does not answer: {reason}.",
        hint="Check that the server runs and can be reached from here, then run it again.",
        retryable=True,
    )


def _busy(where: str, state: str) -> ScopedSecretsError:
    return Unavailable(
        "store_busy",
        f"The store {where} stayed locked, or took too long (SQLSTATE {state}).",
        hint="Look for sessions that hold a transaction open (pg_stat_activity), then run it again.",
        retryable=True,
    )


def _full(where: str, _state: str) -> ScopedSecretsError:
    return StoreRefused(
        "store_full",
        f"No space is left to write the store {where}. The change was rolled back.",
        hint="Free space on the server's disk, then run it again.",
    )


def _read_only(where: str, _state: str) -> ScopedSecretsError:
    return StoreRefused(
        "store_read_only",
        f"The store {where} can't be written.",
        hint="It is a standby or read-only. List all hosts in 'store': postgresql://HOST1,HOST2/DATABASE.",
    )


def _foreign(where: str, _state: str) -> ScopedSecretsError:
    return StoreRefused(
        "foreign_database",
        f"{where} is not a store of scoped.secrets.",
        hint="Set 'store' to another database, or check the role's search_path.",
    )


def _failed(where: str, state: str) -> ScopedSecretsError:
    return StoreRefused(
        "store_failed",
        f"The store {where} failed: SQLSTATE {state}.",
        hint="Check the server's log.",
    )


def _forbidden(where: str, state: str) -> ScopedSecretsError:
    return _denied(where, f"the role lacks a right (SQLSTATE {state})")


# By the start of the SQLSTATE (PostgreSQL, Appendix A).
_ERRORS = {
    "08": _unavailable,
    "25006": _read_only,
    "25P03": _busy,
    "28": _denied,
    "40": _busy,
    "3D": _denied,
    "3F": _foreign,
    "42501": _forbidden,
    "42P01": _foreign,
    "53100": _full,
    "53": _unavailable,
    "55P03": _busy,
    "57014": _busy,
    "57P": _unavailable,
    "XX001": _damaged,
    "XX002": _damaged,
}
