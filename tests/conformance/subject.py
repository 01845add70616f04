# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret manager under test: a provider, a connector to it in a store of its own, and what is done there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Capability
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Result

from conformance.provider import Options, Provider
from conformance.workplace import Workplace

__all__ = ["Subject"]

CONNECTOR = "subject"
NO_ROWS = {"secret": 0, "secret_version": 0, "connector": 0}


class Subject:
    """`manager` is the name that secrets give as their `secret_manager`."""

    def __init__(self, provider: Provider, folder: Path) -> None:
        self.provider = provider
        self.work = Workplace(folder)
        self.manager = CONNECTOR if provider.has_connector() else "builtin"
        self._options: dict[str, Options] = {}
        self._scopes: list[dict[str, Any]] = [{}]
        self._settled: list[str] = []
        self._settled_rows = NO_ROWS

    # Connectors.

    @property
    def resource(self) -> str:
        return f"connector_{self.provider.KIND}"

    def options(self, place: str = "") -> Options:
        """Return a connector's options, the same ones each time."""
        if place not in self._options:
            self._options[place] = self.provider.options(place)
            if self.provider.CREDENTIAL:
                self.work.watch.remember(self._options[place][self.provider.CREDENTIAL].encode())
        return self._options[place]

    def connect(self, place: str = "", **params: Any) -> Result:
        """Declare a connector, in the account unless another scope is named; nothing for the built-in manager."""
        if not self.provider.has_connector():
            return Result()
        return self.work.declare(self.resource, **{"identifier": CONNECTOR, **self.options(place), **params})

    def disconnect(self, **params: Any) -> Result:
        return self.work.declare(self.resource, identifier=CONNECTOR, state="absent", **params)

    def add_scope(self, **scope: Any) -> None:
        self.work.declare("scope", **scope)
        self._scopes.append(scope)

    # Secrets.

    def keep(self, identifier: str, value: str | bytes, **params: Any) -> Result:
        """Declare a text secret, or a file for bytes, at the manager under test."""
        kind, raw = ("text", value.encode()) if isinstance(value, str) else ("file", value)
        given = {"secret_manager": self.manager, "value": raw, **params}
        return self.work.declare(f"secret_{kind}", identifier=identifier, **given)

    def refer(self, identifier: str, reference: str, **params: Any) -> Result:
        """Declare a secret that the provider has."""
        given = {"secret_manager": self.manager, "reference": reference, **params}
        return self.work.declare("secret_text", identifier=identifier, **given)

    def drop(self, identifier: str, **params: Any) -> Result:
        """Remove a secret; one that its manager can't delete is forgotten, by force."""
        forced = {"force": True} if self._is_stuck(identifier, params) else {}
        return self.work.declare("secret_text", **{"identifier": identifier, "state": "absent", **forced, **params})

    def _is_stuck(self, identifier: str, params: dict[str, Any]) -> bool:
        """Tell whether the manager under test keeps a secret and can't delete it."""
        scope = {name: params[name] for name in ("org", "project") if name in params}
        found = self.work.view("secret_info", identifier=identifier, **scope)
        is_kept = any(one["secret_manager"] != "builtin" and "reference_to" not in one for one in found)
        return is_kept and Capability.DELETE not in self.provider.able()

    def read(self, reference: str, **query: Any) -> bytes:
        return self.work.read(reference, **query)

    def refused_read(self, reference: str, **query: Any) -> ScopedSecretsError:
        return self.work.refused(lambda: self.read(reference, **query))

    def new_run(self) -> None:
        """Begin anew, with no login, nothing in memory, and no request counted."""
        self.work.new_run()
        self.provider.forget_requests()

    def names(self, **scope: str) -> list[str]:
        """Return the secrets of a scope."""
        return [secret["identifier"] for secret in self.work.view("secret_info", **scope)]

    # Counts.

    @property
    def writes(self) -> int:
        """How many requests changed something at the provider since `forget_requests`."""
        return sum(map(self.provider.is_write, self.provider.requests))

    @property
    def reads(self) -> int:
        return sum(map(self.provider.is_read, self.provider.requests))

    @property
    def logins(self) -> int:
        return sum(map(self.provider.is_login, self.provider.requests))

    # The end.

    def settle(self) -> None:
        """Begin: what is declared now stays when the rest is cleared away, and no request is counted yet."""
        self._settled = self.names()
        self._settled_rows = self._rows()
        self.provider.forget_requests()

    def clear(self) -> None:
        """Remove what was declared since `settle`, and prove that nothing of it is left."""
        for name in self.names():
            if name not in self._settled:
                self.drop(name)
        # A run remembers what others have at the provider.
        if self.provider.foreign:
            self.work.new_run()
        self._prove_nothing_is_left()
        self.provider.forget_requests()

    def leave(self) -> None:
        """Remove all that was declared, and prove that nothing of it is left, here or at the provider."""
        self._settled, self._settled_rows = [], NO_ROWS
        for scope in reversed(self._scopes[1:]):
            self.work.declare("scope", **scope, state="absent", force=True)
        for connector in self.work.view("connector_info"):
            if connector["kind"] != "builtin":
                self._leave(connector)
        for name in self.names():
            self.drop(name)
        self._prove_nothing_is_left()

    def _leave(self, connector: dict[str, Any]) -> None:
        for secret in self.work.view("secret_info", secret_manager=connector["identifier"]):
            self.drop(secret["identifier"])
        kind = f"connector_{connector['kind']}"
        self.work.declare(kind, identifier=connector["identifier"], state="absent", force=connector["is_default"])

    def _prove_nothing_is_left(self) -> None:
        if Capability.DELETE in self.provider.able():
            assert self.provider.present() <= self.provider.foreign
        assert self._rows() == self._settled_rows
        self.work.search_store()
        for path in self.provider.remains() | self.provider.foreign:
            self.provider.remove(path)
        self.provider.foreign.clear()

    def _rows(self) -> dict[str, int]:
        return {table: self.work.rows(table) for table in NO_ROWS}
