# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: requests in, results out. It runs inline in a face, or in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..model.errors import InvalidInput, NotFound
from ..model.messages import Request, Result
from ..model.queries import Answer, Query
from ..model.settings import Settings
from ..store.database import Transaction
from .cache import AnswerCache
from .defaults import ConnectorInfo, DefaultManagerResource
from .opening import OpenStore, open_store
from .resolver import resolve
from .resource import Action, Info, Plan, Resource
from .scopes import ScopeInfo, ScopeResource
from .secrets import SecretInfo, SecretResource
from .session import Session
from .usage import Usage

__all__ = ["Engine"]

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


class Engine:
    """One open store. Belongs to the process that made it."""

    def __init__(self, settings: Settings, *, place: str = "in the process of the task", usage: Usage | None = None):
        self._settings = settings
        self._place = place
        self._open: OpenStore | None = None
        self._notices: list[str] = []
        self._cache = AnswerCache()
        self._usage = usage or Usage()

    def handle(self, request: Request) -> Result:
        """Return the result of a module's call; raise an error of the tree in model/errors.py."""
        self._usage.add("calls")
        if request.resource == "doctor":
            return self._examine()
        if request.resource in INFOS:
            return self._list(INFOS[request.resource](request.params))
        if request.resource in RESOURCES:
            return self._declare(RESOURCES[request.resource](request.params), request.check_mode)
        raise InvalidInput(
            "unknown_resource",
            f"This engine knows no '{request.resource}'.",
            hint="Two versions of the collection may be installed: ansible-galaxy collection list scoped.secrets",
        )

    def resolve(self, queries: Sequence[Query]) -> list[Answer]:
        """Return one answer per query, in order, all of one state of the store."""
        store = self._store(create=False)
        cache = self._cache.at(store.database.state())
        answers = {query: answer for query in queries if (answer := cache.get(query))}
        missing = [query for query in dict.fromkeys(queries) if query not in answers]
        fresh = store.database.read(lambda tx: self._read(store, tx, missing)) if missing else {}
        for query, answer in fresh.items():
            cache.put(query, answer)
        self._count(len(queries), len(missing), fresh)
        answers.update(fresh)
        return [answers[query] for query in queries]

    def _read(self, store: OpenStore, tx: Transaction, queries: Sequence[Query]) -> dict[Query, Answer]:
        session = self._session(store, tx)
        return {query: resolve(session, query) for query in queries}

    def _count(self, asked: int, missing: int, fresh: dict[Query, Answer]) -> None:
        self._usage.add("calls")
        self._usage.add("reads", asked)
        self._usage.add("hits", asked - missing)
        self._usage.add("opened", sum(answer.error is None for answer in fresh.values()))

    def _examine(self) -> Result:
        # Imported here: what it asks for versions takes 20 ms to load, which every broker would wait for.
        from .doctor import examine

        checks = examine(self._settings, self._place)
        healthy = all(check["verdict"] != "error" for check in checks)
        return Result(returned={"healthy": healthy, "checks": checks, "usage": self._usage.counts()})

    def _list(self, info: Info) -> Result:
        store = self._store(create=False)
        return Result(returned={info.noun: store.database.read(lambda tx: info.views(self._session(store, tx)))})

    def _declare(self, resource: Resource[Any], check_mode: bool) -> Result:
        """Plan on a plain view first, so that a run which changes nothing takes no write lock."""
        store = self._store(create=not check_mode and not resource.absent)
        try:
            state, plan = store.database.read(lambda tx: _plan(resource, self._session(store, tx)))
        except NotFound as error:
            return _without_scope(resource, error, check_mode)
        is_predicted = check_mode and plan.action in (Action.CREATE, Action.UPDATE)
        if plan.action is not Action.NONE and not check_mode:
            state, plan = store.database.write(lambda tx: self._apply(resource, self._session(store, tx)))
            self._cache.clear()
        return Result(
            plan.action is not Action.NONE,
            {resource.noun: resource.predicted(state, plan) if is_predicted else resource.view(state)},
            plan.before,
            plan.after,
            [*self._take_notices(), *plan.warnings],
        )

    def _apply(self, resource: Resource[Any], session: Session) -> tuple[Any, Plan]:
        state, plan = _plan(resource, session)
        if plan.action is Action.NONE:
            return state, plan
        resource.apply(session, state, plan)
        return (state if plan.action is Action.DELETE else resource.load(session)), plan

    def _session(self, store: OpenStore, tx: Transaction) -> Session:
        return Session(tx, store.store_id, store.keyring)

    def _store(self, *, create: bool) -> OpenStore:
        """Return the open store. One that does not exist yet is pretended anew each time until it is to be created."""
        if self._open and self._open.database.dialect.is_replaced():
            # Removed or restored in mid-run: what a process of its own would open now is what counts.
            self._open = None
            self._cache.clear()
        if self._open is None:
            opened = open_store(self._settings, create=create)
            if opened.is_pretended:
                return opened
            self._open, self._notices = opened, list(opened.created)
        return self._open

    def _take_notices(self) -> list[str]:
        notices, self._notices = self._notices, []
        return notices


def _plan(resource: Resource[Any], session: Session) -> tuple[Any, Plan]:
    state = resource.load(session)
    return state, resource.plan(state)


def _without_scope(resource: Resource[Any], error: NotFound, check_mode: bool) -> Result:
    """A missing scope: nothing to remove there; in check mode an earlier task of the run may be about to make it."""
    if error.code != "unknown_scope" or not (resource.absent or check_mode):
        raise error
    if resource.absent:
        return Result(returned={resource.noun: None})
    warning = f"{error.message} In check mode it is taken for one that an earlier task of this run would make."
    return Result(changed=True, returned={resource.noun: resource.identity}, warnings=[warning])
