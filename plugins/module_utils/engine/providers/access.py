# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of secret managers. They are made between transactions, never within one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias, TypeVar, cast

from ...crypto.context import Context
from ...crypto.envelope import open_envelope, seal
from ...managers.base import Found, KeyKeeper, Manager, ValueKeeper, Writing
from ...managers.checks import WRITE, AccessProof, Aim
from ...managers.data_keys import DataKeyWrapping, data_keys_of
from ...model.entities import Scope
from ...model.errors import InvalidInput, NotFound, ScopedSecretsError
from ...model.queries import Answer, Query
from ...model.references import select_field
from ...model.scopes import ScopePath
from ..rows.scoped_connectors import ScopedConnector
from ..rows.session import Session
from .commands import check_command
from .fetch_cache import Fetches
from .logins import check_no_loop, references_of, used_secrets
from .machine_credentials import check_connector_takes
from .providers import Providers

__all__ = ["Access", "Allowed", "Seen"]

T = TypeVar("T")
Seen: TypeAlias = Mapping[tuple[Hashable, str], "Found | ScopedSecretsError"]
"""What value keepers have, or why it can't be read, by the identity of the connector and path."""


class Allowed(NamedTuple):
    """What connectors may use on this machine: the settings `allowed_commands` and `allowed_credentials`."""

    commands: str = ""
    taken: str = ""


NOTHING_ALLOWED = Allowed()


class Store(Protocol):
    """What Access needs of a runtime."""

    def read(self, work: Callable[[Session], T]) -> T: ...

    def answer(self, query: Query) -> Answer: ...


class Access:
    """The secret managers of one store, through the logins of the run."""

    def __init__(
        self,
        store_id: str,
        store: Store,
        providers: Providers,
        fetches: Fetches,
        seen: Seen | None = None,
        allowed: Allowed = NOTHING_ALLOWED,
    ) -> None:
        """`seen`: what was just read, and need not be read again. `allowed`: the settings of this machine."""
        self._store_id = store_id
        self._store = store
        self._providers = providers
        self._fetches = fetches
        self._seen = seen or {}
        self._allowed = allowed
        self.warnings: list[str] = []
        """Warnings for the user about these calls."""
        self.has_changed = False
        """Whether something was written or removed at a provider."""

    def call(self, connector: ScopedConnector, work: Callable[[Manager], T]) -> T:
        """Return the result of `work` on a connector's logged-in manager.

        Raises Forbidden for a locked connector, and for one that uses what it may not use on this machine.
        """
        connector.check_open()
        self._check_machine(connector)
        return self._providers.call(connector, self._credentials, work)

    def _check_machine(self, connector: ScopedConnector, credentials: Mapping[str, str] | None = None) -> None:
        check_command(connector, self._allowed.commands)
        check_connector_takes(connector, self._allowed.taken, credentials)

    def owner(self, connector: ScopedConnector, scope_id: str) -> str:
        """Return the mark that a connector leaves on what it creates for a scope at its provider."""
        return f"{self._store_id}/{connector.row.id}/{scope_id}"

    def _credentials(self, connector: ScopedConnector, again: bool) -> Mapping[str, str]:
        self._store.read(lambda session: check_no_loop(session, connector))
        credentials = self._referenced(connector, {}, 0 if again else None)
        self._check_machine(connector, credentials)
        return credentials

    def _referenced(self, connector: ScopedConnector, given: Mapping[str, str], ttl: int | None) -> dict[str, str]:
        """Return the values of the connector's references by option, except those in `given`."""
        named = {_filled_by(option): text for option, text in references_of(connector).items()}
        return {name: self._text(text, connector, name, ttl) for name, text in named.items() if name not in given}

    def _text(self, reference: str, connector: ScopedConnector, field: str, ttl: int | None) -> str:
        value = self.value(reference, connector.path, ttl)
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise InvalidInput(
                "credential_not_text",
                f"The secret '{reference}' is not text, and '{field}' of {connector.what} must be.",
                hint="Store it as text; a certificate or key in PEM form.",
            ) from None

    def value(self, reference: str, path: ScopePath, ttl: int | None = 0) -> bytes:
        """Return the value of a reference that a row of a scope has; raise its error. `ttl`: as of the lookup."""
        answer = self._store.answer(Query(reference, path.org, path.project, cache_ttl=ttl, is_stored=True))
        if answer.error:
            raise answer.error
        return answer.value

    def prove(
        self,
        connector: ScopedConnector,
        given: Mapping[str, str],
        proof: AccessProof,
        *,
        right: str = "",
        may_write: bool = True,
    ) -> dict[str, object]:
        """Log in with a connector before it is saved, and prove its access; return the options found on the way.

        `given` are the credentials that the task contains; the others are read again, without a cache. `proof` is
        filled in; `right` and `may_write` are those of an Aim.
        """
        self._check_machine(connector, given)
        credentials = {**self._referenced(connector, given, 0), **given}
        self._check_machine(connector, credentials)
        manager = self._providers.log_in(connector, credentials)
        try:
            manager.check(Aim(right, may_write, self._providers.turn(connector, credentials)), proof)
            if right == WRITE and may_write and not proof.has_writing:
                self.warnings.append(f"Writing of {connector.what} is {proof.write}.")
            return manager.settled()
        finally:
            manager.close()

    def check_references(self, connector: ScopedConnector) -> dict[str, str]:
        """Return the ids of the secrets that a connector would use, by option; raise for a missing one or a loop."""

        def work(session: Session) -> dict[str, str]:
            used = used_secrets(session, connector)
            check_no_loop(session, connector)
            return used

        return self._store.read(work)

    def in_store(self, work: Callable[[Session], T]) -> T:
        """Return the result of `work` on one consistent view of the store."""
        return self._store.read(work)

    def seal(self, connector: ScopedConnector, value: bytes, context: Context) -> bytes:
        """Return the envelope of a value, with a data key that the connector's provider wraps."""

        def work(manager: Manager) -> bytes:
            wrapping = DataKeyWrapping(data_keys_of(cast(KeyKeeper, manager)), context)
            return seal(value, context, wrapper=wrapping, connector_id=_id_of(connector))

        return self.call(connector, work)

    def unseal(self, connector: ScopedConnector, envelope: bytes, context: Context) -> bytes:
        """Return the value in an envelope that `seal` made."""

        def work(manager: Manager) -> bytes:
            wrapping = DataKeyWrapping(data_keys_of(cast(KeyKeeper, manager)), context)
            return open_envelope(envelope, context, wrapper=wrapping, connector_id=_id_of(connector))

        return self.call(connector, work)

    def read(self, connector: ScopedConnector, path: str, version: str = "") -> Found:
        """Return what a value keeper has at a path now."""
        return self.call(connector, lambda manager: cast(ValueKeeper, manager).read(path, version))

    def read_many(self, connector: ScopedConnector, paths: Sequence[str]) -> dict[str, Found | ScopedSecretsError]:
        """Return what a value keeper has at each path now, or why it can't be read, in one request."""

        def work(manager: Manager) -> dict[str, Found | ScopedSecretsError]:
            found = cast(ValueKeeper, manager).read_many(list(dict.fromkeys(paths)))
            for one in found.values():
                if isinstance(one, ScopedSecretsError) and one.code == "login_expired":
                    raise one
            return found

        return self.call(connector, work)

    def value_in(self, connector: ScopedConnector, content: bytes) -> bytes:
        """Return the value of a secret that we wrote, from what was read at its path."""
        return self.call(connector, lambda manager: cast(ValueKeeper, manager).value_in(content))

    def check_field(self, connector: ScopedConnector, path: str, key: str, what: str, *, version: str = "") -> None:
        """Raise NotFound unless a path exists and has this field."""
        content = self.read(connector, path, version).content
        if key:
            select_field(content, key, what)

    def context(self, scope: Scope, secret_id: str, kind: str, version: int) -> Context:
        """Return the context that the envelope of a value is bound to."""
        return Context(self._store_id, scope.path.level.value, scope.id, secret_id, kind, "value", version)

    def kept_value(self, connector: ScopedConnector, path: str) -> bytes | None:
        """Return the value of a secret of ours that a value keeper has now, None if it has none."""
        try:
            found = self._seen.get((connector.identity, path)) or self.read(connector, path)
            if isinstance(found, ScopedSecretsError):
                raise found
            return self.value_in(connector, found.content)
        except NotFound:
            return None

    def write(self, connector: ScopedConnector, path: str, value: bytes, writing: Writing) -> str:
        """Write a value to a value keeper and return its version there."""
        try:
            version = self.call(connector, lambda manager: cast(ValueKeeper, manager).write(path, value, writing))
        finally:
            self._forget(connector, path)
        self.has_changed = True
        return version

    def foresee(self, connector: ScopedConnector, path: str, value: bytes, writing: Writing) -> None:
        """Raise what `write` would raise because of what a value keeper has at a path."""
        self.call(connector, lambda manager: cast(ValueKeeper, manager).foresee(path, value, writing))

    def check_owner(self, connector: ScopedConnector, path: str, scope_id: str) -> None:
        """Raise foreign_secret unless a value keeper's mark says that a scope's secret is at a path."""
        owner = self.owner(connector, scope_id)
        self.call(connector, lambda manager: cast(ValueKeeper, manager).check_owner(path, owner))

    def relabel(self, connector: ScopedConnector, path: str, writing: Writing) -> None:
        """Bring description and tags of a secret of a scope up to date at a value keeper."""
        self.call(connector, lambda manager: cast(ValueKeeper, manager).relabel(path, writing))

    def remove(self, connector: ScopedConnector, path: str, scope_id: str) -> None:
        """Remove a secret of a scope from a value keeper."""
        owner = self.owner(connector, scope_id)
        try:
            self.call(connector, lambda manager: cast(ValueKeeper, manager).remove(path, owner))
        finally:
            self._forget(connector, path)
        self.has_changed = True

    def _forget(self, connector: ScopedConnector, path: str) -> None:
        self._fetches.forget(lambda key: isinstance(key, tuple) and key[:2] == (connector.identity, path))


def _filled_by(option: str) -> str:
    """Return the option that a reference fills. A reference in a dictionary (with a dot) is an option itself."""
    return option if "." in option else option.removesuffix("_ref")


def _id_of(connector: ScopedConnector) -> uuid.UUID:
    return uuid.UUID(connector.row.id)
