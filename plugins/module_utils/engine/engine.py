# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: requests in, results out. It runs inline in a face, or in a process of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from ..model.errors import InvalidInput, NotFound, ScopedSecretsError, Unavailable
from ..model.messages import Request, Result
from ..model.queries import Answer, Query
from ..model.settings import Settings
from .access import Access
from .cache import AnswerCache
from .completing import complete
from .connector_views import ConnectorCheck, ConnectorInfo
from .connectors import ConnectorResource
from .defaults import DefaultManagerResource
from .fetching import Fetches
from .opening import OpenStore, open_store
from .providers import Providers
from .resolver import Located, locate
from .resource import Action, Info, Plan, Resource
from .scopes import ScopeInfo, ScopeResource
from .secret_views import SecretInfo
from .secrets import SecretResource
from .session import Session
from .usage import Usage

__all__ = ["INFOS", "RESOURCES", "Engine", "Shared"]

T = TypeVar("T")
ATTEMPTS = 5

RESOURCES: dict[str, Callable[[dict[str, Any]], Resource[Any]]] = {
    "scope": ScopeResource,
    "default_secret_manager": DefaultManagerResource,
    "secret_text": partial(SecretResource, kind="text"),
    "secret_file": partial(SecretResource, kind="file"),
}
INFOS: dict[str, Callable[[dict[str, Any]], Info]] = {
    "scope_info": ScopeInfo,
    "connector_info": ConnectorInfo,
    "secret_info": SecretInfo,
}
# The rest of the name is the kind: connector_hashicorp_vault, …
_CONNECTOR = "connector_"


class Shared:
    """What all engines of a process share: the logins of the run, what was fetched through them, and the counts."""

    def __init__(self) -> None:
        self.usage = Usage()
        self.providers = Providers(self.usage)
        self.fetches = Fetches()


class _Moved(Exception):
    """The store changed while a secret manager was asked: all begins anew."""


class Engine:
    """One open store. Belongs to the process that made it; many threads may call it."""

    def __init__(
        self, settings: Settings, *, place: str = "in the process of the task", shared: Shared | None = None
    ) -> None:
        self._settings = settings
        self._place = place
        self._shared = shared or Shared()
        self._open: OpenStore | None = None
        self._notices: list[str] = []
        self._cache = AnswerCache()
        # One connection serves one transaction at a time. Never held while a secret manager is asked.
        self._lock = threading.RLock()

    def handle(self, request: Request) -> Result:
        """Return the result of a module's call; raise an error of the tree in model/errors.py."""
        self._shared.usage.add("calls")
        result = self._handle(request)
        result.warnings = [*self.take_notices(), *result.warnings]
        return result

    def _handle(self, request: Request) -> Result:
        if request.resource == "doctor":
            return self._examine()
        if request.resource == "connector_check":
            return self._check_connector(ConnectorCheck(request.params))
        if request.resource in INFOS:
            return self._list(INFOS[request.resource](request.params))
        return self._declare(_resource(request), request.check_mode)

    def resolve(self, queries: Sequence[Query]) -> list[Answer]:
        """Return one answer per query, in order, all of one state of the store."""
        located, missing = self._locate(queries)
        remote = {query: found for query, found in located.items() if isinstance(found, Located)}
        answers: dict[Query, Answer] = {q: found for q, found in located.items() if isinstance(found, Answer)}
        opened = [query for query in missing if query in answers and answers[query].error is None]
        if remote:
            answers.update(complete(self._access(self._store(create=False)), self._shared.fetches, remote, opened))
        self._count(queries, missing, remote, opened)
        return [answers[query] for query in queries]

    def _locate(self, queries: Sequence[Query]) -> tuple[dict[Query, Answer | Located], list[Query]]:
        """Return what the store says to each query, and which of them it had to be asked for."""
        with self._lock:
            store = self._store(create=False)
            cache = self._cache.at(store.database.state())
            located = {query: found for query in queries if (found := cache.get(query))}
            missing = [query for query in dict.fromkeys(queries) if query not in located]
            fresh = self._read(store, lambda session: {q: locate(session, q) for q in missing}) if missing else {}
            for query, found in fresh.items():
                cache.put(query, found)
        return {**located, **fresh}, missing

    def _count(self, queries: Sequence[Query], missing: list[Query], remote: Any, opened: list[Query]) -> None:
        usage = self._shared.usage
        usage.add("calls")
        usage.add("reads", len(queries))
        usage.add("opened", len(opened))
        fetched = sum(query in remote for query in opened)
        from_store = sum(query not in remote for query in missing)
        usage.add("hits", len(queries) - from_store - fetched)

    def answer(self, query: Query) -> Answer:
        """Return the answer to one query, as secret managers ask for their credentials."""
        located, _missing = self._locate([query])
        found = located[query]
        if isinstance(found, Answer):
            return found
        return complete(self._access(self._store(create=False)), self._shared.fetches, {query: found}, [])[query]

    def read(self, work: Callable[[Session], T]) -> T:
        """Return what `work` makes of one consistent view of the store."""
        return self._read(self._store(create=False), work)

    def take_notices(self) -> list[str]:
        """Return what people should be told about store, keys and secret managers, once."""
        with self._lock:
            notices, self._notices = self._notices, []
        return [*notices, *self._shared.providers.take_notices()]

    def settle(self, seconds: float) -> None:
        """Return when no transaction is under way, or after `seconds`."""
        if self._lock.acquire(timeout=seconds):
            self._lock.release()

    def _examine(self) -> Result:
        # Imported here: what it asks for versions takes 20 ms to load, which every broker would wait for.
        from .doctor import examine

        checks = examine(self._settings, self._place)
        healthy = all(check["verdict"] != "error" for check in checks)
        return Result(returned={"healthy": healthy, "checks": checks, "usage": self._shared.usage.counts()})

    def _check_connector(self, check: ConnectorCheck) -> Result:
        store = self._store(create=False)
        keeper, view = self._read(store, check.load)
        return Result(returned={check.noun: check.outcome(self._access(store), keeper, view)})

    def _list(self, info: Info) -> Result:
        store = self._store(create=False)
        return Result(returned={info.noun: self._read(store, info.views)})

    def _declare(self, resource: Resource[Any], check_mode: bool) -> Result:
        store = self._store(create=not check_mode and not resource.absent)
        for _attempt in range(ATTEMPTS):
            try:
                return self._declare_once(store, resource, check_mode)
            except _Moved:
                continue
        raise Unavailable(
            "changed_meanwhile",
            f"What this task declares was changed by others in all of {ATTEMPTS} attempts.",
            hint="Run it again; let one playbook declare a secret, not several at once.",
            retryable=True,
        )

    def _declare_once(self, store: OpenStore, resource: Resource[Any], check_mode: bool) -> Result:
        """Plan on a plain view first, so that a run which changes nothing takes no write lock."""
        access = self._access(store)
        try:
            state = resource.observe(access, self._read(store, resource.load))
        except NotFound as error:
            return _without_scope(resource, error, check_mode)
        plan = resource.plan(state)
        is_predicted = check_mode and plan.action in (Action.CREATE, Action.UPDATE)
        if plan.action is not Action.NONE and not check_mode:
            prepared = resource.prepare(access, state, plan)
            state, plan = self._write(store, partial(_apply, resource, state, plan, prepared))
        return Result(
            plan.action is not Action.NONE,
            {resource.noun: resource.predicted(state, plan) if is_predicted else resource.view(state)},
            plan.before,
            plan.after,
            list(plan.warnings),
        )

    def _access(self, store: OpenStore) -> Access:
        return Access(store.store_id, self, self._shared.providers, self._shared.fetches)

    def _read(self, store: OpenStore, work: Callable[[Session], T]) -> T:
        with self._lock:
            return store.database.read(lambda tx: work(Session(tx, store.store_id, store.keyring)))

    def _write(self, store: OpenStore, work: Callable[[Session], T]) -> T:
        with self._lock:
            written = store.database.write(lambda tx: work(Session(tx, store.store_id, store.keyring)))
            self._cache.clear()
            return written

    def _store(self, *, create: bool) -> OpenStore:
        """Return the open store. One that does not exist yet is pretended anew each time until it is to be created."""
        with self._lock:
            if self._open is None:
                opened = open_store(self._settings, create=create)
                if opened.is_pretended:
                    return opened
                self._open, self._notices = opened, list(opened.created)
            return self._open


def _resource(request: Request) -> Resource[Any]:
    if request.resource in RESOURCES:
        return RESOURCES[request.resource](request.params)
    if request.resource.startswith(_CONNECTOR):
        return ConnectorResource(request.params, kind=request.resource.removeprefix(_CONNECTOR))
    raise InvalidInput(
        "unknown_resource",
        f"This engine knows no '{request.resource}'.",
        hint="Two versions of the collection may be installed: ansible-galaxy collection list scoped.secrets",
    )


def _apply(resource: Resource[Any], before: Any, plan: Plan, prepared: Any, session: Session) -> tuple[Any, Plan]:
    """Apply a plan to the state as it is now: made anew where only the store is involved, else the very same."""
    state = resource.with_observed(resource.load(session), before)
    if prepared is None:
        plan = resource.plan(state)
        if plan.action is Action.NONE:
            return state, plan
    elif resource.guard(state) != resource.guard(before):
        raise _Moved
    resource.apply(session, state, plan, prepared)
    return (state if plan.action is Action.DELETE else resource.load(session)), plan


def _without_scope(resource: Resource[Any], error: ScopedSecretsError, check_mode: bool) -> Result:
    """A missing scope: nothing to remove there; in check mode an earlier task of the run may be about to make it."""
    if error.code != "unknown_scope" or not (resource.absent or check_mode):
        raise error
    if resource.absent:
        return Result(returned={resource.noun: None})
    warning = f"{error.message} In check mode it is taken for one that an earlier task of this run would make."
    return Result(changed=True, returned={resource.noun: resource.identity}, warnings=[warning])
