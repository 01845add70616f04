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
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeVar

from ..model.errors import ScopedSecretsError, Unavailable

__all__ = ["Database", "Dialect", "Row", "StaleRow", "Transaction"]

T = TypeVar("T")
Row = Mapping[str, Any]

ATTEMPTS = 8
_jitter = random.SystemRandom()


class StaleRow(Exception):
    """A row changed between read and write: the whole transaction runs again."""


class Dialect(ABC):
    """What differs between database engines."""

    types: ClassVar[Mapping[str, str]]  # the column types that `{…}` names in schema steps

    @abstractmethod
    def connect(self) -> Any:
        """Return a DB-API connection whose rows are mappings; raise the typed errors of this collection."""

    @abstractmethod
    def begin(self, connection: Any, *, write: bool) -> None:
        """Open a transaction."""

    @abstractmethod
    def table_names(self, connection: Any) -> set[str]:
        """Return the names of all tables in the database."""

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

    @abstractmethod
    def translate(self, error: Exception) -> ScopedSecretsError | None:
        """Return our error for the driver's, or None for one that is not the driver's."""


class Transaction:
    """The statements of one transaction."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

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
        names = ", ".join(columns)
        self.run(f"INSERT INTO {table} ({names}) VALUES ({_named(columns, ', ', '{0}')})", **columns)

    def update(self, table: str, key: str, revision: int, **columns: Any) -> None:
        """Update the row `id = key` and count its revision up; raise StaleRow if it is no longer at `revision`."""
        touched = self.run(
            f"UPDATE {table} SET revision = revision + 1, {_named(columns, ', ', '{1} = {0}')} "
            "WHERE id = :_key AND revision = :_revision",
            _key=key,
            _revision=revision,
            **columns,
        )
        if touched != 1:
            raise StaleRow(table)


def _named(columns: Iterable[str], separator: str, pattern: str) -> str:
    return separator.join(pattern.format(":" + name, name) for name in columns)


class Database:
    """A connection, and transactions that run as a whole or not at all. Never to be carried across a fork."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        with_errors = self._translated
        self._connection = with_errors(dialect.connect)

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Return what `work` makes of one consistent view of the store."""
        return self._attempts(work, write=False)

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Return what `work` returns, once all it wrote is durable. It may be called several times."""
        return self._attempts(work, write=True)

    def table_names(self) -> set[str]:
        return self._translated(lambda: self.dialect.table_names(self._connection))

    def state(self) -> object:
        """Return what differs once another connection has written, None where that can't be told."""
        return self._translated(lambda: self.dialect.state(self._connection))

    def size(self) -> int | None:
        """Return how many bytes it takes, None where that can't be told."""
        return self._translated(lambda: self.dialect.size(self._connection))

    def close(self) -> None:
        self._connection.close()

    def _attempts(self, work: Callable[[Transaction], T], *, write: bool) -> T:
        for attempt in range(ATTEMPTS):
            try:
                return self._translated(lambda: self._once(work, write=write))
            except _Again:
                if attempt + 1 < ATTEMPTS:
                    time.sleep(_jitter.uniform(0, 0.02 * 2**attempt))
        raise Unavailable(
            "store_busy",
            f"The store was changed by others in all {ATTEMPTS} attempts to write.",
            hint="Run it again; fewer parallel runs on one store help.",
            retryable=True,
        )

    def _once(self, work: Callable[[Transaction], T], *, write: bool) -> T:
        self.dialect.begin(self._connection, write=write)
        try:
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
            if isinstance(error, StaleRow) or self.dialect.must_retry(error):
                raise _Again from None
            ours = self.dialect.translate(error)
            if ours is None:
                raise
            raise ours from None


class _Again(Exception):
    """Run the transaction again."""
