# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a store is, or is to be: a file, or a database that others may use too."""

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
    """One place. Its text shows no password."""

    def __init__(self, location: Location) -> None:
        self._location = location

    def __str__(self) -> str:
        return str(self._location)

    @abstractmethod
    def has_store(self) -> bool:
        """Tell whether something is there; it may be of somebody else."""

    @abstractmethod
    def check_lasting(self) -> None:
        """Raise StoreRefused where a store that is made now would be gone with the run."""

    @abstractmethod
    def create(self, initialise: Callable[[Database], None]) -> bool:
        """Make the store, whole or not at all. One that another process made meanwhile is left as it is.

        Return whether it is the one made here.
        """

    @abstractmethod
    def open(self) -> Database:
        """Return the store that is there."""

    @abstractmethod
    def hand_over(self) -> None:
        """Leave what was opened to the caller."""

    @abstractmethod
    def close(self) -> None:
        """Give up what was opened and not handed over."""


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
        # The last connection that is closed writes to the file. A store that is refused stays as it is.
        pass


class _Shared(Place):
    """A database; it is connected to once, for looking and for working."""

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._database: Database | None = None

    def has_store(self) -> bool:
        return "store" in self._connected().table_names()

    def check_lasting(self) -> None:
        pass

    def create(self, initialise: Callable[[Database], None]) -> bool:
        # Imported here, and below: who keeps a store in a file does not load it.
        from .postgresql import AlreadyMade, PostgresqlDialect

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
        """Raise StoreRefused where tables of our names are somebody else's."""
        names = self._connected().table_names()
        taken = sorted(names & {"scope", "secret", "connector"})
        if taken and "store" not in names:
            raise StoreRefused(
                "foreign_database",
                f"{self}: it has a table '{taken[0]}' of somebody else.",
                hint="Set 'store' to a database of its own, or give the role a search_path with a schema of its own.",
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
        from .postgresql import PostgresqlDialect

        self._database = self._database or Database(PostgresqlDialect(self._location))
        return self._database


def place_at(url: str) -> Place:
    """Return the place that a URL names; raise InvalidInput."""
    location = Location.parse(url)
    return _File(location) if location.engine == "sqlite" else _Shared(location)
