# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secret managers that a scope may use, which of them a new secret goes to, and what they are called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...managers import builtin
from ...managers.base import KeyKeeper, Manager
from ...managers.registry import manager_kind
from ...model.entities import Connector, Scope
from ...model.errors import Conflict, Forbidden, NotFound
from ...model.scopes import ScopePath
from ...store.connectors import connectors_of
from ...store.database import MANAGERS
from .held_scope import HeldScope
from .session import Session

__all__ = ["Managers", "ScopedConnector", "connector_removed", "load_managers"]


class ScopedConnector(NamedTuple):
    """A connector, and the scope that it belongs to. A locked one is not verified: use nothing but its name.

    `handed_out` is a scope whose key was handed out, so that people without the key in use can write the connector.
    """

    row: Connector
    path: ScopePath
    locked_by: HeldScope | None = None
    handed_out: ScopePath | None = None

    def check_open(self) -> None:
        """Raise Forbidden if the connector is locked."""
        if self.locked_by:
            raise self.locked_by.locked(self.path)

    @property
    def what(self) -> str:
        return f"connector '{self.row.identifier}' of {self.path}"

    @property
    def label(self) -> str:
        """A short name, unique in the store."""
        return "/".join(filter(None, [self.path.org, self.path.project, self.row.identifier]))

    @property
    def identity(self) -> tuple[str, ScopePath, int, bytes]:
        """What it is, for what a run keeps of it. Its id alone is chosen by whoever can write to its scope."""
        return self.row.id, self.path, self.row.revision, self.row.digest

    @property
    def kind(self) -> type[Manager]:
        return manager_kind(self.row.kind)

    @property
    def keeps_keys(self) -> bool:
        return issubclass(self.kind, KeyKeeper)

    def seen_from(self, path: ScopePath) -> str:
        """Return the connector's name in a scope: with `org.` or `account.` before one of a higher scope."""
        prefix = "" if path == self.path else f"{self.path.level.value}."
        return prefix + self.row.identifier


class Managers(NamedTuple):
    """The connectors of a scope and of those above it, the nearest scope first, including those removed by force.

    `inherits`: the account lets scopes use the connectors of higher ones.
    """

    scope: Scope
    connectors: list[ScopedConnector]
    inherits: bool = False

    def connector(self, connector_id: str | None) -> ScopedConnector | None:
        """Return a connector by its id, None for the built-in manager or an unknown id."""
        return next((k for k in self.connectors if k.row.id == connector_id), None)

    def name_of(self, connector_id: str | None) -> str:
        """Return the scope's name for a manager."""
        connector = self.connector(connector_id)
        return connector.seen_from(self.scope.path) if connector else builtin.NAME

    @property
    def default(self) -> str:
        """The name of the manager that new secrets go to."""
        return self.name_of(self.scope.default_connector_id)

    @property
    def usable(self) -> list[ScopedConnector]:
        """The connectors that new secrets of the scope may go to."""
        return [k for k in self._present() if k.path == self.scope.path or (self.inherits and not k.locked_by)]

    def _present(self) -> Iterator[ScopedConnector]:
        return (connector for connector in self.connectors if not connector.row.is_removed)

    @property
    def names(self) -> list[str]:
        """The names of the managers that new secrets of the scope may go to."""
        own = [connector.seen_from(self.scope.path) for connector in self.usable]
        return [builtin.NAME, *own] if self.scope.builtin_enabled else own

    def for_new(self, name: str | None) -> ScopedConnector | None:
        """Return the connector for a new secret: the named one or the default, None for the built-in manager.

        Raises NotFound, Forbidden for one of another scope, Conflict for a built-in manager that is switched off.
        """
        connector = self.connector(self.scope.default_connector_id) if name is None else self.find(name)
        if connector is None:
            self._check_builtin()
        elif connector not in self.usable:
            connector.check_open()
            # It became the default while scopes could use those above them.
            raise self._other_scope(connector)
        return connector

    def find(self, name: str) -> ScopedConnector | None:
        """Return the named connector, None for the built-in manager, even a disabled one. Raises as `for_new` does."""
        if name == builtin.NAME:
            return None
        for connector in self.usable:
            if connector.seen_from(self.scope.path) == name:
                return connector
        raise self._of_other_scope(name) or self._unknown(name)

    def _check_builtin(self) -> None:
        if not self.scope.builtin_enabled:
            raise Conflict(
                "builtin_disabled",
                f"The built-in secret manager of {self.scope.path} is switched off and takes no new secrets.",
                hint=f"Use a connector of the scope ({', '.join(self.names) or 'it has none yet'}), make one the "
                "default with scoped.secrets.default_secret_manager, or set 'builtin_manager: enabled' on the scope.",
            )

    def _of_other_scope(self, name: str) -> Forbidden | None:
        """Return the error if the named manager exists in another scope; raise Forbidden for a locked one."""
        identifier, usable = name.rpartition(".")[2], self.usable
        others = (k for k in self._present() if k not in usable and k.row.identifier == identifier)
        other = next(others, None)
        if other and name != identifier:
            other.check_open()
        return self._other_scope(other) if other else None

    def _other_scope(self, other: ScopedConnector) -> Forbidden:
        return Forbidden(
            "manager_of_other_scope",
            f"The {other.what} belongs to another scope, so {self.scope.path} can't use it.",
            hint=f"The secret managers of {self.scope.path} are: {', '.join(self.names) or 'none'}. Declare a "
            "connector there, or set 'inherited_managers: allowed' on the account to let all scopes use higher ones.",
        )

    def _unknown(self, name: str) -> NotFound:
        return NotFound(
            "unknown_connector",
            f"There is no connector '{name}' in {self.scope.path}.",
            hint=f"Its secret managers are: {', '.join(self.names) or 'none'}.",
        )


def connector_removed(what: str, connector: ScopedConnector | None) -> Conflict:
    """Return the error for a secret whose connector was removed by force. `what` begins a sentence."""
    removed = f"the connector '{connector.row.identifier}', which was removed" if connector else "a removed connector"
    return Conflict(
        "connector_removed",
        f"{what} is kept by {removed}.",
        hint="Declare the connector again, with the same identifier and location: its secrets can be read again then.",
    )


def load_managers(session: Session, chain: list[Scope]) -> Managers:
    """Return the connectors of the last scope of a chain and of those above it; all but locked ones are verified.

    They are loaded once in a transaction.
    """
    known, name = session.tx.known, MANAGERS + chain[-1].id
    if name not in known or known[name].scope != chain[-1]:
        known[name] = _load(session, chain)
    managers: Managers = known[name]
    return managers


def _load(session: Session, chain: list[Scope]) -> Managers:
    connectors = [
        connector for depth in reversed(range(len(chain))) for connector in _connectors_of(session, chain[: depth + 1])
    ]
    return Managers(chain[-1], connectors, chain[0].inherits_managers and session.opens(chain[0].path))


def _connectors_of(session: Session, chain: list[Scope]) -> list[ScopedConnector]:
    path = chain[-1].path
    if session.opens(path):
        rows = session.connectors(chain)
        handed_out = session.handed_out_below(chain) if rows else None
        return [ScopedConnector(row, path, handed_out=handed_out) for row in rows]
    return [ScopedConnector(row, path, session.keyring.held) for row in connectors_of(session.tx, chain[-1].id)]
