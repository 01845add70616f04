# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kerberos tickets of a run: each is fetched once for all callers and renewed before it expires."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple

from ..model.errors import ScopedSecretsError
from .kinit import TicketRequest, fetch, life_of

__all__ = ["TicketRequest", "Tickets"]


class _Ticket(NamedTuple):
    """The path of a ticket cache, and when its ticket begins and ends (Unix time)."""

    path: str
    begins: float
    ends: float

    @property
    def is_fresh(self) -> bool:
        """Whether more than half of its lifetime is left."""
        return time.time() < (self.begins + self.ends) / 2


class Tickets:
    """Ticket caches in a private folder, one for each principal, proof and configuration. Thread-safe.

    A request that was refused is not sent again, because the KDC would lock the account after a few attempts.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._flights: dict[TicketRequest, Future[_Ticket]] = {}
        self._paths: set[str] = set()

    def cache(self, request: TicketRequest) -> str:
        """Return the KRB5CCNAME of a cache with a valid ticket; it never changes. Raises ScopedSecretsError."""
        with self._lock:
            flight = self._flights.get(request)
            if is_mine := flight is None or _is_over(flight):
                earlier, flight = _ticket_of(flight), Future()
                self._flights[request] = flight
        if is_mine:
            self._fly(flight, request, earlier)
        return f"FILE:{flight.result().path}"

    def close(self) -> None:
        """Remove the caches."""
        with self._lock:
            paths, self._paths, self._flights = self._paths, set(), {}
        for path in paths:
            _unlink(path)

    def _fly(self, flight: Future[_Ticket], request: TicketRequest, earlier: _Ticket | None) -> None:
        """Fetch the ticket, and pass the result or the error to all who wait for this flight."""
        try:
            flight.set_result(self._renewed(request, earlier))
        except BaseException as error:
            flight.set_exception(error)

    def _renewed(self, request: TicketRequest, earlier: _Ticket | None) -> _Ticket:
        """Return a new ticket. If the KDC does not answer, keep the earlier one for half of its remaining lifetime."""
        path = earlier.path if earlier else self._new_path()
        try:
            return _fetch(request, path)
        except ScopedSecretsError as error:
            if earlier and error.retryable and time.time() < earlier.ends:
                return earlier._replace(begins=time.time())
            raise

    def _new_path(self) -> str:
        """Return a new path that reveals nothing about the ticket."""
        path = os.path.join(self._folder, f"ticket-{os.urandom(8).hex()}")
        with self._lock:
            self._paths.add(path)
        return path


def _fetch(request: TicketRequest, path: str) -> _Ticket:
    """Fetch a ticket and put it at `path` atomically, because others may be reading the earlier one."""
    begins, new = time.time(), f"{path}.new"
    try:
        fetch(request, new)
        ends = life_of(request, new)
        os.replace(new, path)
    finally:
        _unlink(new)
    return _Ticket(path, begins, ends)


def _is_over(flight: Future[_Ticket]) -> bool:
    """Return whether a flight must be repeated: its ticket is no longer fresh, or it failed temporarily."""
    if not flight.done():
        return False
    error = flight.exception()
    if isinstance(error, ScopedSecretsError):
        return error.retryable or error.code == "clock_skew"
    return error is not None or not flight.result().is_fresh


def _ticket_of(flight: Future[_Ticket] | None) -> _Ticket | None:
    return flight.result() if flight and flight.exception() is None else None


def _unlink(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)
