# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logged-in secret managers of a run: each connector logs in once, however many threads use it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

from ...managers.base import ConnectorContext, Manager
from ...managers.checks import Turn
from ...managers.path_templates import names_of
from ...model.errors import ScopedSecretsError
from ..rows.scoped_connectors import ScopedConnector
from .usage import Usage

__all__ = ["Credentials", "Providers", "describe"]

T = TypeVar("T")
Credentials = Callable[[ScopedConnector, bool], Mapping[str, str]]
"""Returns a connector's credentials by option. May read other secret managers.

If the second argument is true, credentials cached in this run are fetched again."""


def describe(connector: ScopedConnector) -> Manager:
    """Return a manager without a login, to ask for the path of a name or whether a value is allowed."""
    return connector.kind(connector.row.options, ConnectorContext(connector.what))


def _names_of(connector: ScopedConnector, identifier: str) -> list[str]:
    template, path = str(connector.row.options.get("path_template") or ""), connector.path
    return names_of(template, identifier, path.org, path.project, is_own=True)


class _Slot:
    """A connector's logged-in manager. The lock lets one thread log in while others wait for it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.manager: Manager | None = None


class Providers:
    """Lends logged-in managers, and logs in again once if a login has expired."""

    def __init__(self, usage: Usage) -> None:
        self._usage = usage
        self._slots: dict[Hashable, _Slot] = {}
        self._lock = threading.Lock()
        self._turns: dict[bytes, Turn] = {}
        self._told: set[str] = set()
        self._notices: list[str] = []

    def call(self, connector: ScopedConnector, credentials: Credentials, work: Callable[[Manager], T]) -> T:
        """Return what `work` returns for the connector's manager; raise what it or the login raises."""
        manager = self._logged_in(connector, credentials)
        try:
            return work(manager)
        except ScopedSecretsError as error:
            if error.code != "login_expired":
                raise
            self._drop(connector, manager)
        return work(self._logged_in(connector, credentials, again=True))

    def log_in(self, connector: ScopedConnector, credentials: Mapping[str, str]) -> Manager:
        """Return a new manager, logged in with these credentials; raise what the login raises."""
        meter = self._usage.meter(connector.label)
        context = ConnectorContext(connector.what, meter, lambda name: _names_of(connector, name))
        manager = connector.kind({**connector.row.options, **credentials}, context)
        self._tell(manager.notices)
        manager.login()
        return manager

    def turn(self, connector: ScopedConnector, credentials: Mapping[str, str]) -> Turn:
        """Return the turn that all checks of a connector share while its options and credentials are the same."""
        options = connector.row.options
        found = {"settled", *options.get("settled", ())}
        given = {name: value for name, value in options.items() if name not in found}
        asked = json.dumps([connector.what, given, dict(credentials)], sort_keys=True, default=str)
        with self._lock:
            return self._turns.setdefault(hashlib.sha256(asked.encode()).digest(), Turn())

    def _tell(self, notices: list[str]) -> None:
        with self._lock:
            self._notices += [notice for notice in notices if notice not in self._told]
            self._told.update(notices)

    def take_notices(self) -> list[str]:
        """Return the notices of the managers in use, each once."""
        with self._lock:
            notices, self._notices = self._notices, []
        return notices

    def close(self) -> None:
        """Close the managers, so that they release their tokens at their providers."""
        for slot in list(self._slots.values()):
            if slot.manager:
                slot.manager.close()

    def _logged_in(self, connector: ScopedConnector, credentials: Credentials, *, again: bool = False) -> Manager:
        slot = self._slot(connector)
        with slot.lock:
            if slot.manager is None:
                slot.manager = self.log_in(connector, credentials(connector, again))
            return slot.manager

    def _slot(self, connector: ScopedConnector) -> _Slot:
        # A connector that was changed needs a new login.
        with self._lock:
            return self._slots.setdefault(connector.identity, _Slot())

    def _drop(self, connector: ScopedConnector, manager: Manager) -> None:
        slot = self._slot(connector)
        with slot.lock:
            if slot.manager is manager:
                slot.manager = None
