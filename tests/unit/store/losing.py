# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A driver that loses its connection, or a race, at the statement that a test names. Below it is a real SQLite file."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError, Unavailable
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Mark
from ansible_collections.scoped.secrets.plugins.module_utils.store.sqlite import SqliteDialect

__all__ = ["LosingDialect"]


class Lost(Exception):
    """The driver's error for a connection that is broken, or can't be opened."""


class Overtaken(Exception):
    """The driver's error for a transaction that must run again."""


class LosingDialect(SqliteDialect):
    """Works like PostgreSQL: a write leaves a mark in the store, which tells later whether it was committed.

    `faults` has what happens at the next statements that begin with a word: the connection is lost before the statement
    is executed, or after it was; or the transaction is overtaken. At "connect" the server refuses connections.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.faults: defaultdict[str, list[str]] = defaultdict(list)
        self.opened = 0
        self.closed = 0

    def connect(self) -> Any:
        if self.fault_at("connect"):
            raise Lost
        self.opened += 1
        return LosingConnection(super().connect(), self)

    def begin(self, connection: Any, *, write: bool, scope: str) -> Mark | None:  # type: ignore[override]
        super().begin(connection, write=write, scope=scope)
        if not write:
            return None
        token = uuid.uuid4().hex
        connection.execute("UPDATE store SET writers = writers || :token", {"token": token})
        return token, 0

    def was_kept(self, connection: Any, mark: Mark) -> bool:
        return mark[0] in connection.execute("SELECT writers FROM store").fetchone()["writers"]

    def engine(self, connection: Any) -> str:
        if self.fault_at("engine"):
            raise Lost
        return super().engine(connection)

    def must_retry(self, error: Exception) -> bool:
        return isinstance(error, Overtaken)

    def is_lost(self, error: Exception) -> bool:
        return isinstance(error, Lost)

    def translate(self, error: Exception) -> ScopedSecretsError | None:
        if isinstance(error, (Lost, Overtaken)):
            code = "store_unavailable" if isinstance(error, Lost) else "store_busy"
            return Unavailable(code, "The store does not answer.", hint="Wait.", retryable=True)
        return super().translate(error)

    def fault_at(self, statement: str) -> str:
        """Return what happens at a statement now, empty for nothing."""
        faults = self.faults[statement.split()[0]]
        return faults.pop(0) if faults else ""


class LosingConnection:
    """SQLite's connection, until it is lost: what was not committed is rolled back then."""

    def __init__(self, real: Any, dialect: LosingDialect) -> None:
        self._real = real
        self._dialect = dialect
        self._is_lost = False

    def execute(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Any:
        fault = "before" if self._is_lost else self._dialect.fault_at(statement)
        if fault == "before":
            raise self._lose()
        if fault == "overtaken":
            raise Overtaken
        cursor = self._real.execute(statement, parameters or {})
        if fault == "after":
            raise self._lose()
        return cursor

    def _lose(self) -> Lost:
        self._is_lost = True
        self._real.close()
        return Lost()

    @property
    def in_transaction(self) -> bool:
        return not self._is_lost and self._real.in_transaction

    def close(self) -> None:
        self._dialect.closed += 1
        self._real.close()
