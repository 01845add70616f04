# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One small database class over the plain drivers. Dialect files hold what differs between engines.

Statements are written once, with `:name` parameters, in SQL that every engine takes.
"""

from __future__ import annotations

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

# What a write transaction leaves in the store that it alone makes: a token, and the store's revision.
Mark = tuple[str, int]

# What the names of known rows begin with: the scopes down to one, its connectors, and the managers that it may use.
CHAIN, CONNECTORS, MANAGERS = "chain of ", "connectors of ", "managers of "

ATTEMPTS = 8
# Seconds that a store which was there may be away: it restarts, or another server takes over.
PATIENCE = 45.0
_jitter = random.SystemRandom()


class StaleRow(Exception):
    """A row changed between read and write: the whole transaction runs again."""


class Dialect(ABC):
    """What differs between database engines."""

    types: ClassVar[Mapping[str, str]]  # the column types that `{…}` names in schema steps
    upgrades_unasked: ClassVar[bool] = True

    @abstractmethod
    def connect(self) -> Any:
        """Return a DB-API connection whose rows are mappings; raise the typed errors of this collection."""

    @abstractmethod
    def begin(self, connection: Any, *, write: bool, scope: str) -> Mark | None:
        """Open a transaction for what `scope` may see. Return what its COMMIT leaves, None where none is ever lost."""

    def begin_appending(self, connection: Any, *, scope: str) -> None:
        """Open a transaction that adds rows on which no answer depends, if possible without keeping writers waiting."""
        self.begin(connection, write=True, scope=scope)

    def was_kept(self, connection: Any, mark: Mark) -> bool:
        """Tell, within a later write transaction, whether the COMMIT of an earlier one took place."""
        return False

    @abstractmethod
    def table_names(self, connection: Any) -> set[str]:
        """Return the names of all tables in the database."""

    @abstractmethod
    def engine(self, connection: Any) -> str:
        """Return the engine's name and version, for people."""

    @abstractmethod
    def state(self, connection: Any) -> object:
        """Return what differs once anybody else has written, None where that can't be told."""

    def size(self, connection: Any) -> int | None:
        """Return how many bytes the database takes, None where that can't be told."""
        return None

    def is_replaced(self) -> bool:
        """Tell whether what `connect` opened is no longer what stands there, so that others see another store."""
        return False

    @abstractmethod
    def must_retry(self, error: Exception) -> bool:
        """Tell whether the whole transaction may succeed when run again."""

    def is_lost(self, error: Exception) -> bool:
        """Tell whether the connection can't be used any more, or can't be had just now."""
        return False

    @abstractmethod
    def translate(self, error: Exception) -> ScopedSecretsError | None:
        """Return our error for the driver's, or None for one that is not the driver's."""


class Transaction:
    """The statements of one transaction."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        # Rows that this transaction has read and would read again: whoever writes them takes them out.
        self.known: dict[str, Any] = {}

    def forget(self, *kinds: str) -> None:
        """Let go of what is known and may be other rows by now: all whose names begin with one of these."""
        for name in [name for name in self.known if name.startswith(kinds)]:
            del self.known[name]

    def one(self, statement: str, **parameters: Any) -> Row | None:
        """Return the first row, or None."""
        row: Row | None = self._connection.execute(statement, parameters).fetchone()
        return row

    def all(self, statement: str, **parameters: Any) -> list[Row]:
        """Return all rows."""
        rows: list[Row] = self._connection.execute(statement, parameters).fetchall()
        return rows

    def run(self, statement: str, **parameters: Any) -> int:
        """Execute and return how many rows it touched."""
        count: int = self._connection.execute(statement, parameters).rowcount
        return count

    def insert(self, table: str, **columns: Any) -> None:
        """Insert one row."""
        self.run(_insert(table, *columns), **columns)

    def insert_all(self, table: str, rows: Sequence[Row]) -> None:
        """Insert rows of the same columns."""
        self._connection.executemany(_insert(table, *rows[0]), rows)

    def update(self, table: str, key: str, revision: int, **columns: Any) -> None:
        """Update the row `id = key` and count its revision up; raise StaleRow if it is no longer at `revision`."""
        if self.run(_update(table, *columns), _key=key, _revision=revision, **columns) != 1:
            raise StaleRow(table)


# Tables have few ways to be written to, and rows are many.
@lru_cache(maxsize=256)
def _insert(table: str, *columns: str) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)})"


@lru_cache(maxsize=256)
def _update(table: str, *columns: str) -> str:
    changes = ", ".join(f"{name} = :{name}" for name in columns)
    return f"UPDATE {table} SET revision = revision + 1, {changes} WHERE id = :_key AND revision = :_revision"


class Database:
    """A connection, and transactions that run as a whole or not at all. Never to be carried across a fork.

    `scope`: whose rows a transaction may touch, where the engine can keep it to them.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._connection: Any = None
        try:
            self._connect()
        except _Lost as lost:
            raise lost.error from None

    def read(self, work: Callable[[Transaction], T], *, scope: str = "") -> T:
        """Return what `work` makes of one consistent view of the store. It may be called several times."""
        return self._steadily(lambda: self._once(work, write=False, scope=scope, doubts=[]))

    def write(self, work: Callable[[Transaction], T], *, scope: str = "") -> T:
        """Return what `work` returns, once all it wrote is durable. It may be called several times."""
        doubts: list[tuple[Mark, T]] = []
        return self._steadily(lambda: self._once(work, write=True, scope=scope, doubts=doubts))

    def append(self, work: Callable[[Transaction], T], *, scope: str = "") -> T:
        """Return what `work` returns, once the rows that it added are durable: such on which no answer depends.

        It may be called several times, and must find out by itself whether an earlier call's rows were kept after all.
        """
        return self._steadily(lambda: self._append_once(work, scope))

    def table_names(self) -> set[str]:
        return self._steadily(lambda: self.dialect.table_names(self._connection))

    def state(self) -> object:
        """Return what differs once another connection has written, None where that can't be told."""
        return self._steadily(lambda: self.dialect.state(self._connection))

    @property
    def engine(self) -> str:
        """The engine's name and version, for people."""
        return self._steadily(lambda: self.dialect.engine(self._connection))

    def size(self) -> int | None:
        """Return how many bytes it takes, None where that can't be told."""
        return self._translated(lambda: self.dialect.size(self._connection))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _connect(self) -> None:
        self._connection = self._translated(self.dialect.connect)

    def _steadily(self, step: Callable[[], T]) -> T:
        """Return what `step` returns; run it again when it was overtaken, or its connection was lost."""
        overtaken = lost = 0
        until = time.monotonic() + PATIENCE
        while True:
            try:
                if self._connection is None:
                    self._connect()
                return self._translated(step)
            except _Again as again:
                overtaken += 1
                if overtaken == ATTEMPTS:
                    raise again.error from None
                time.sleep(_jitter.uniform(0, 0.02 * 2**overtaken))
            except _Lost as loss:
                self._drop()
                lost += 1
                if time.monotonic() > until:
                    raise loss.error from None
                time.sleep(_jitter.uniform(0, min(1.0, 0.02 * 2**lost)))

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _once(self, work: Callable[[Transaction], T], *, write: bool, scope: str, doubts: list[tuple[Mark, T]]) -> T:
        """Run a transaction. `doubts`: marks and results of earlier attempts of whose COMMIT no answer came.

        They are looked for first: what was kept already must not be written twice.
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
            self._roll_back()
            raise
        return result

    def _append_once(self, work: Callable[[Transaction], T], scope: str) -> T:
        try:
            self.dialect.begin_appending(self._connection, scope=scope)
            result = work(Transaction(self._connection))
            self._connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        return result

    def _roll_back(self) -> None:
        # A failed COMMIT may have ended the transaction itself.
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
    """`error` is what happened, for those who give up."""

    def __init__(self, error: ScopedSecretsError) -> None:
        super().__init__()
        self.error = error


class _Again(_Failed):
    """Run the transaction again, unless that was tried often enough."""


class _Lost(_Failed):
    """Connect anew and run it again, unless that takes too long."""


def _busy() -> Unavailable:
    return Unavailable(
        "store_busy",
        f"The store was changed by others in all {ATTEMPTS} attempts to write.",
        hint="Run it again; fewer parallel runs on one store help.",
        retryable=True,
    )
