# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be done at secret managers. Always between transactions, never within one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias, TypeVar, cast

from ...crypto.context import Context
from ...crypto.envelope import open_envelope, seal
from ...managers.base import Found, KeyKeeper, Manager, ValueKeeper, Writing
from ...managers.data_keys import DataKeyWrapping, data_keys_of
from ...model.entities import Scope
from ...model.errors import InvalidInput, NotFound, ScopedSecretsError
from ...model.queries import Answer, Query
from ...model.references import select_field
from ...model.scopes import ScopePath
from ..rows.scoped_connectors import Keeper
from ..rows.session import Session
from .fetch_cache import Fetches
from .logins import check_no_loop, references_of, used_secrets
from .providers import Providers

__all__ = ["Access", "Seen"]

T = TypeVar("T")
Seen: TypeAlias = "Mapping[tuple[str, str], Found | ScopedSecretsError]"
"""What lies at paths of value keepers, by connector id and path, or why it can't be read."""


class Store(Protocol):
    """What this needs of an engine: reading its store, and the one road to a value."""

    def read(self, work: Callable[[Session], T]) -> T: ...

    def answer(self, query: Query) -> Answer: ...


class Access:
    """The secret managers of one store, through the logins of the run."""

    def __init__(
        self, store_id: str, store: Store, providers: Providers, fetches: Fetches, seen: Seen | None = None
    ) -> None:
        """`seen` is what was read just now, and need not be read again."""
        self._store_id = store_id
        self._store = store
        self._providers = providers
        self._fetches = fetches
        self._seen = seen or {}
        self.warnings: list[str] = []
        """What people must be told of what was done here."""
        self.has_changed = False
        """Whether a provider was made to keep or remove something."""

    def call(self, keeper: Keeper, work: Callable[[Manager], T]) -> T:
        """Return what `work` makes of a connector's logged-in manager; raise Forbidden for a locked connector."""
        keeper.check_open()
        return self._providers.call(keeper, self.owner(keeper), self._credentials, work)

    def owner(self, keeper: Keeper) -> str:
        """Return the mark of what a connector makes at its provider."""
        return f"{self._store_id}/{keeper.connector.id}"

    def _credentials(self, keeper: Keeper, again: bool) -> Mapping[str, str]:
        self._store.read(lambda session: check_no_loop(session, keeper))
        return self._referenced(keeper, {}, 0 if again else None)

    def _referenced(self, keeper: Keeper, given: Mapping[str, str], ttl: int | None) -> dict[str, str]:
        """Return what the connector's references name, by the options that they stand for, without those given."""
        named = {_filled_by(option): text for option, text in references_of(keeper).items()}
        return {name: self._text(text, keeper, name, ttl) for name, text in named.items() if name not in given}

    def _text(self, reference: str, keeper: Keeper, field: str, ttl: int | None) -> str:
        value = self.value(reference, keeper.path, ttl)
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise InvalidInput(
                "credential_not_text",
                f"The secret '{reference}' is no text, as '{field}' of {keeper.what} must be.",
                hint="Keep it as text or, for a certificate or key, in PEM form.",
            ) from None

    def value(self, reference: str, path: ScopePath, ttl: int | None = 0) -> bytes:
        """Return what a reference from a scope names; raise what stands in the way. `ttl`: as a lookup's cache_ttl."""
        answer = self._store.answer(Query(reference, path.org, path.project, cache_ttl=ttl))
        if answer.error:
            raise answer.error
        return answer.value

    def prove(self, keeper: Keeper, given: Mapping[str, str]) -> dict[str, object]:
        """Log in as a connector that is about to be saved, and prove its access; return what to keep with it.

        `given` has those credentials that came as themselves; the others are read anew, as they are now.
        """
        manager = self._providers.log_in(keeper, self.owner(keeper), {**self._referenced(keeper, given, 0), **given})
        try:
            manager.check()
            return manager.settled()
        finally:
            manager.close()

    def check_references(self, keeper: Keeper) -> dict[str, str]:
        """Return the secrets (id) that a connector would use, by option; raise for one that is not there, or a loop."""

        def work(session: Session) -> dict[str, str]:
            used = used_secrets(session, keeper)
            check_no_loop(session, keeper)
            return used

        return self._store.read(work)

    def in_store(self, work: Callable[[Session], T]) -> T:
        """Return what `work` makes of one consistent view of the store."""
        return self._store.read(work)

    def seal(self, keeper: Keeper, value: bytes, context: Context) -> bytes:
        """Return the envelope of a value, its data key wrapped by the connector's provider."""

        def work(manager: Manager) -> bytes:
            wrapping = DataKeyWrapping(data_keys_of(cast(KeyKeeper, manager)), context)
            return seal(value, context, wrapper=wrapping, connector_id=_id_of(keeper))

        return self.call(keeper, work)

    def unseal(self, keeper: Keeper, envelope: bytes, context: Context) -> bytes:
        """Return the value in an envelope that `seal` made."""

        def work(manager: Manager) -> bytes:
            wrapping = DataKeyWrapping(data_keys_of(cast(KeyKeeper, manager)), context)
            return open_envelope(envelope, context, wrapper=wrapping, connector_id=_id_of(keeper))

        return self.call(keeper, work)

    def read(self, keeper: Keeper, path: str, version: str = "") -> Found:
        """Return what lies at a path of a value keeper now."""
        return self.call(keeper, lambda manager: cast(ValueKeeper, manager).read(path, version))

    def read_many(self, keeper: Keeper, paths: Sequence[str]) -> dict[str, Found | ScopedSecretsError]:
        """Return what lies at each path of a value keeper now, or why it can't be read: as many as a request brings."""

        def work(manager: Manager) -> dict[str, Found | ScopedSecretsError]:
            found = cast(ValueKeeper, manager).read_many(list(dict.fromkeys(paths)))
            for one in found.values():
                if isinstance(one, ScopedSecretsError) and one.code == "login_expired":
                    raise one
            return found

        return self.call(keeper, work)

    def value_in(self, keeper: Keeper, content: bytes) -> bytes:
        """Return the value of a secret of ours out of what was read at its path."""
        return self.call(keeper, lambda manager: cast(ValueKeeper, manager).value_in(content))

    def check_field(self, keeper: Keeper, path: str, key: str, what: str) -> None:
        """Raise NotFound unless there is something at a path, and a field of that name in it."""
        content = self.read(keeper, path).content
        if key:
            select_field(content, key, what)

    def context(self, scope: Scope, secret_id: str, kind: str, version: int) -> Context:
        """Return what the envelope of a value is bound to."""
        return Context(self._store_id, scope.path.level.value, scope.id, secret_id, kind, "value", version)

    def kept_value(self, keeper: Keeper, path: str) -> bytes | None:
        """Return the value that a value keeper has of a secret of ours now, None where it has none."""
        try:
            found = self._seen.get((keeper.connector.id, path)) or self.read(keeper, path)
            if isinstance(found, ScopedSecretsError):
                raise found
            return self.value_in(keeper, found.content)
        except NotFound:
            return None

    def write(self, keeper: Keeper, path: str, value: bytes, writing: Writing) -> str:
        """Keep a value at a value keeper and return its version there."""
        try:
            version = self.call(keeper, lambda manager: cast(ValueKeeper, manager).write(path, value, writing))
        finally:
            self._forget(keeper, path)
        self.has_changed = True
        return version

    def remove(self, keeper: Keeper, path: str) -> None:
        """Remove a secret of ours at a value keeper."""
        try:
            self.call(keeper, lambda manager: cast(ValueKeeper, manager).remove(path))
        finally:
            self._forget(keeper, path)
        self.has_changed = True

    def _forget(self, keeper: Keeper, path: str) -> None:
        self._fetches.forget(lambda key: isinstance(key, tuple) and key[0] == keeper.connector.id and key[2] == path)


def _filled_by(option: str) -> str:
    """Return the option that a reference stands for. One in a dictionary (with a dot) has its own name."""
    return option if "." in option else option.removesuffix("_ref")


def _id_of(keeper: Keeper) -> uuid.UUID:
    return uuid.UUID(keeper.connector.id)
