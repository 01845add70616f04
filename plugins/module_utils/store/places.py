# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The place of a store, existing or not: an SQLite file, or a PostgreSQL database that others may share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from ..model.errors import StoreRefused
from .database import Database
from .lasting import check_lasting
from .location import Location
from .sqlite import SqliteDialect, create_file, unreachable

__all__ = ["Place", "place_at"]


class Place(ABC):
    """Checks, creates and opens the store at one location. Its text shows no password."""

    def __init__(self, location: Location) -> None:
        self._location = location

    def __str__(self) -> str:
        return str(self._location)

    @abstractmethod
    def has_store(self) -> bool:
        """Return whether a store, or anything that looks like one, exists here."""

    @abstractmethod
    def check_lasting(self) -> None:
        """Raise StoreRefused if a store created now would be lost when the run ends."""

    @abstractmethod
    def create(self, initialise: Callable[[Database], None]) -> bool:
        """Create the store completely or not at all. Leaves a store alone that another process created meanwhile.

        Return whether this call created it.
        """

    @abstractmethod
    def open(self) -> Database:
        """Open the existing store."""

    @abstractmethod
    def hand_over(self) -> None:
        """Pass the opened database on to the caller: `close` won't close it."""

    @abstractmethod
    def close(self) -> None:
        """Close what was opened and not handed over."""


class _File(Place):
    def has_store(self) -> bool:
        try:
            self._location.path.stat()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise unreachable(str(self._location.path), error) from None
        return True

    def check_lasting(self) -> None:
        check_lasting(self._location.path)

    def create(self, initialise: Callable[[Database], None]) -> bool:
        return create_file(self._location.path, initialise)

    def open(self) -> Database:
        return Database(SqliteDialect(str(self._location.path)))

    def hand_over(self) -> None:
        pass

    def close(self) -> None:
        # SQLite writes to the file when its last connection closes, but a refused store must stay unchanged.
        pass


class _Shared(Place):
    """A PostgreSQL database. One connection serves the checks and the work."""

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._database: Database | None = None

    def has_store(self) -> bool:
        return "store" in self._connected().table_names()

    def check_lasting(self) -> None:
        pass

    def create(self, initialise: Callable[[Database], None]) -> bool:
        # Imported here and below, so that runs with an SQLite store don't load it.
        from .postgresql.dialect import AlreadyMade, PostgresqlDialect

        self._check_free()
        database = Database(PostgresqlDialect(self._location, is_new=True))
        try:
            initialise(database)
        except AlreadyMade:
            return False
        finally:
            database.close()
        return True

    def _check_free(self) -> None:
        """Raise StoreRefused if another application has tables with our names."""
        names = self._connected().table_names()
        taken = sorted(names & {"scope", "secret", "connector"})
        if taken and "store" not in names:
            raise StoreRefused(
                "foreign_database",
                f"The database {self} has a table '{taken[0]}' that is not from scoped.secrets.",
                hint="Set 'store' to another database, or give the role a search_path with a schema of its own.",
            )

    def open(self) -> Database:
        return self._connected()

    def hand_over(self) -> None:
        self._database = None

    def close(self) -> None:
        if self._database:
            self._database.close()
            self._database = None

    def _connected(self) -> Database:
        from .postgresql.dialect import PostgresqlDialect

        self._database = self._database or Database(PostgresqlDialect(self._location))
        return self._database


def place_at(url: str, *, allows_plain: bool = False) -> Place:
    """Return the place for a store URL; raise InvalidInput. `allows_plain`: as of Location."""
    location = Location.parse(url, allows_plain=allows_plain)
    return _File(location) if location.engine == "sqlite" else _Shared(location)
