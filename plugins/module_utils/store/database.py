# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small database class on top of the plain drivers. The dialect files hold the differences between engines.

Statements are written once, with `:name` parameters, in SQL that every engine understands.
"""

from __future__ import annotations

import contextlib
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, TypeVar

from ..model.errors import ScopedSecretsError, Unavailable

__all__ = ["CHAIN", "CONNECTORS", "Database", "Dialect", "Mark", "Row", "StaleRow", "Transaction"]

T = TypeVar("T")
Row = Mapping[str, Any]


# Identifies a write transaction in the store: its token, and the store's revision after it.
Mark = tuple[str, int]

# Key prefixes of a transaction's cached rows: the chain of scopes down to one, the connectors of a scope, and the
# managers that a scope may use.
CHAIN, CONNECTORS, MANAGERS = "chain of ", "connectors of ", "managers of "

ATTEMPTS = 8
# Seconds to go on reconnecting to a lost store while its server restarts or fails over.
PATIENCE = 45.0
_jitter = random.SystemRandom()


class StaleRow(Exception):
    """A row changed between read and write. The whole transaction runs again."""


class Dialect(ABC):
    """The differences between database engines. `notice` is a warning of every run about the connection.

    `is_file`: a database is one file.
    """

    types: ClassVar[Mapping[str, str]]  # the column types for `{…}` in schema steps
    upgrades_unasked: ClassVar[bool] = True
    is_file: ClassVar[bool] = True
    notice = ""

    @abstractmethod
    def connect(self) -> Any:
        """Return a DB-API connection whose rows are mappings; raise the errors of this collection or the driver."""

    @abstractmethod
    def begin(self, connection: Any, *, write: bool, scope: str) -> Mark | None:
        """Begin a transaction on the rows that `scope` may see. Return its mark, None if a COMMIT is never in doubt."""

    def begin_appending(self, connection: Any, *, scope: str) -> None:
        """Begin a transaction that only adds rows on which no cached answer depends. Avoids blocking other writers."""
        self.begin(connection, write=True, scope=scope)

    def faults(self, connection: Any) -> list[str]:
        """Return what is wrong with the files of the database."""
        return []

    def was_kept(self, connection: Any, mark: Mark) -> bool:
        """Return whether an earlier transaction was committed. Called within a later write transaction."""
        return False

    @abstractmethod
    def table_names(self, connection: Any) -> set[str]:
        """Return the names of all tables in the database."""

    @abstractmethod
    def engine(self, connection: Any) -> str:
        """Return the engine's name and version, for people."""

    @abstractmethod
    def state(self, connection: Any) -> object:
        """Return a value that changes whenever another connection has written, None if unknown."""

    def size(self, connection: Any) -> int | None:
        """Return the size of the database in bytes, None if unknown."""
        return None

    def is_replaced(self) -> bool:
        """Return whether another store has replaced the one that `connect` opened, or it was removed."""
        return False

    @abstractmethod
    def must_retry(self, error: Exception) -> bool:
        """Return whether the whole transaction may succeed if it runs again."""

    def is_lost(self, error: Exception) -> bool:
        """Return whether the connection is broken, or can't be opened at the moment."""
        return False

    @abstractmethod
    def translate(self, error: Exception) -> ScopedSecretsError | None:
        """Return our error for the driver's, or None for one that is not the driver's."""


class Transaction:
    """The statements of one transaction."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        # Caches rows for repeated reads within this transaction. Whoever writes such rows drops them from here.
        self.known: dict[str, Any] = {}
        # The ids of scopes whose keys this transaction has changed, so that their signed rows must follow.
        self.rekeyed: set[str] = set()

    def forget(self, *prefixes: str) -> None:
        """Drop the cached rows whose keys start with one of these prefixes."""
        for name in [name for name in self.known if name.startswith(prefixes)]:
            del self.known[name]

    def one(self, statement: str, **parameters: Any) -> Row | None:
        """Return the first row, or None."""
        row: Row | None = self._connection.execute(statement, parameters).fetchone()
        return row

    def all(self, statement: str, **parameters: Any) -> list[Row]:
        """Return all rows."""
        rows: list[Row] = self._connection.execute(statement, parameters).fetchall()
        return rows

    def count(self, statement: str, **parameters: Any) -> int:
        """Return the column `found` of the only row."""
        return int(self._connection.execute(statement, parameters).fetchone()["found"])

    def run(self, statement: str, **parameters: Any) -> int:
        """Execute a statement and return the number of affected rows."""
        count: int = self._connection.execute(statement, parameters).rowcount
        return count

    def insert(self, table: str, **columns: Any) -> None:
        """Insert one row."""
        self.run(_insert(table, *columns), **columns)

    def insert_all(self, table: str, rows: Sequence[Row]) -> None:
        """Insert rows that have the same columns."""
        self._connection.executemany(_insert(table, *rows[0]), rows)

    def update(self, table: str, key: str, revision: int, **columns: Any) -> None:
        """Update the row with `id = key` and increment its revision; raise StaleRow if it is not at `revision`."""
        if self.run(_update(table, *columns), _key=key, _revision=revision, **columns) != 1:
            raise StaleRow(table)


# Cached, because few distinct statements write many rows.
@lru_cache
def _insert(table: str, *columns: str) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)})"


@lru_cache
def _update(table: str, *columns: str) -> str:
    changes = ", ".join(f"{name} = :{name}" for name in columns)
    return f"UPDATE {table} SET revision = revision + 1, {changes} WHERE id = :_key AND revision = :_revision"


class Database:
    """A connection with atomic transactions. Must not be used across a fork.

    `scope` restricts a transaction to the rows of a scope, if the engine supports that.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._connection: Any = None
        try:
            self._connect()
        except _Lost as lost:
            raise lost.error from None

    def read(self, work: Callable[[Transaction], T], *, scope: str = "") -> T:
        """Return the result of `work`, which sees one consistent state of the store and may be called repeatedly."""
        return self._retrying(lambda: self._once(work, write=False, scope=scope, doubts=[]))

    def write(self, work: Callable[[Transaction], T], *, scope: str = "") -> T:
        """Return the result of `work` once its writes are durable. `work` may be called repeatedly."""
        doubts: list[tuple[Mark, T]] = []
        return self._retrying(lambda: self._once(work, write=True, scope=scope, doubts=doubts))

    def append(self, work: Callable[[Transaction], T], *, scope: str = "") -> T:
        """Return the result of `work` once the rows that it added are durable. No cached answer may depend on them.

        `work` may be called repeatedly, and must itself detect rows that an earlier call has committed.
        """
        return self._retrying(lambda: self._append_once(work, scope))

    def table_names(self) -> set[str]:
        return self._retrying(lambda: self.dialect.table_names(self._connection))

    def state(self) -> object:
        """Return a value that changes whenever another connection has written, None if unknown."""
        return self._retrying(lambda: self.dialect.state(self._connection))

    @property
    def engine(self) -> str:
        """The engine's name and version, for people."""
        return self._retrying(lambda: self.dialect.engine(self._connection))

    def faults(self) -> list[str]:
        """Return what is wrong with the files of the database, empty if nothing is, or if the engine can't tell."""
        return self._retrying(lambda: self.dialect.faults(self._connection))

    def size(self) -> int | None:
        """Return the size of the database in bytes, None if unknown."""
        return self._retrying(lambda: self.dialect.size(self._connection))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _connect(self) -> None:
        self._connection = self._translated(self.dialect.connect)

    def _retrying(self, step: Callable[[], T]) -> T:
        """Return the result of `step`. Retries after losing a race or the connection."""
        conflicts = losses = 0
        deadline = 0.0
        while True:
            try:
                if self._connection is None:
                    self._connect()
                return self._translated(step)
            except _Again as again:
                conflicts += 1
                if conflicts == ATTEMPTS:
                    raise again.error from None
                time.sleep(_jitter.uniform(0, 0.02 * 2**conflicts))
            except _Lost as lost:
                self._drop()
                losses += 1
                # Counts from the first loss: until then, the step may have waited long for other writers.
                deadline = deadline or time.monotonic() + PATIENCE
                if time.monotonic() > deadline:
                    raise lost.error from None
                time.sleep(_jitter.uniform(0, min(1.0, 0.02 * 2**losses)))

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _once(self, work: Callable[[Transaction], T], *, write: bool, scope: str, doubts: list[tuple[Mark, T]]) -> T:
        """Run a transaction. `doubts` holds marks and results of earlier attempts whose COMMIT got no answer.

        Looks for those first, because a change that was committed must not be written again.
        """
        try:
            mark = self.dialect.begin(self._connection, write=write, scope=scope)
            for earlier, kept in doubts:
                if self.dialect.was_kept(self._connection, earlier):
                    self._roll_back()
                    return kept
            result = work(Transaction(self._connection))
            if mark:
                doubts.append((mark, result))
            self._connection.execute("COMMIT")
        except BaseException:
            self._abandon()
            raise
        return result

    def _append_once(self, work: Callable[[Transaction], T], scope: str) -> T:
        try:
            self.dialect.begin_appending(self._connection, scope=scope)
            result = work(Transaction(self._connection))
            self._connection.execute("COMMIT")
        except BaseException:
            self._abandon()
            raise
        return result

    def _abandon(self) -> None:
        """Roll back after a failure. If the connection is lost by now, that failure still counts."""
        with contextlib.suppress(Exception):
            self._roll_back()

    def _roll_back(self) -> None:
        # A failed COMMIT may already have ended the transaction.
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _translated(self, step: Callable[[], T]) -> T:
        try:
            return step()
        except ScopedSecretsError:
            raise
        except Exception as error:
            if isinstance(error, StaleRow):
                raise _Again(_busy()) from None
            ours = self.dialect.translate(error)
            if ours and self.dialect.must_retry(error):
                raise _Again(ours) from None
            if ours is None:
                raise
            if self.dialect.is_lost(error):
                raise _Lost(ours) from None
            raise ours from None


class _Failed(Exception):
    """A step failed and can be retried. `error` is raised if retrying is given up."""

    def __init__(self, error: ScopedSecretsError) -> None:
        self.error = error


class _Again(_Failed):
    """Run the transaction again, up to ATTEMPTS times."""


class _Lost(_Failed):
    """Reconnect and run it again, for PATIENCE seconds."""


def _busy() -> Unavailable:
    return Unavailable(
        "store_busy",
        f"Other writers changed the store during each of {ATTEMPTS} attempts to write.",
        hint="Run it again, with fewer parallel runs on this store.",
        retryable=True,
    )
