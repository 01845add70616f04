# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declares the items of a manifest: in the order of their references, side by side at secret managers.

Removals come last, and what uses other things is removed before these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from graphlib import TopologicalSorter
from typing import Any, NamedTuple

from ...model.errors import Conflict, ScopedSecretsError
from ...model.manifests import invalid_manifest
from ...model.messages import Request, Result, Tell
from ..changes.batch import Crew
from ..changes.declare import Declared, declare_all
from ..changes.intents import settle_once
from ..changes.resource import Resource
from ..providers.runtime import Runtime
from ..rows.session import Session
from ..things.registry import resource_of
from .order import Thing, order_of, thing_of, things_of
from .pruning import maker_of, unlisted
from .removal_order import RemovalOrder

__all__ = ["declare_manifest", "items_of"]

# Items per batch. Other writers wait while its transactions run.
BATCH = 200
STOPPED = "an earlier item failed"
STATUSES = ("ok", "changed", "failed", "skipped")


class Item(NamedTuple):
    """One item of a manifest. `is_pruned`: the manifest made it earlier and no longer lists it."""

    request: Request
    thing: Thing
    resource: Resource[Any]
    is_pruned: bool = False

    @property
    def is_removal(self) -> bool:
        return self.resource.absent or self.is_pruned


class ItemOutcome(NamedTuple):
    """What became of an item: its result, the error, or `why` it was not begun."""

    result: Result | None = None
    error: ScopedSecretsError | None = None
    why: str = ""

    @property
    def status(self) -> str:
        if self.error:
            return "failed"
        if self.result is None:
            return "skipped"
        return "changed" if self.result.changed else "ok"


def declare_manifest(runtime: Runtime, request: Request, tell: Tell) -> Result:
    """Declare the items of a request; return one result for each, in the order in which they are listed."""
    items = items_of(request)
    runtime.store(create=not request.check_mode and not all(item.is_removal for item in items))
    warnings = () if request.check_mode else settle_once(runtime)
    items += _pruned(runtime, request, items)
    run = _Run(runtime, items, request, tell)
    run.declare()
    run.remove()
    result = run.result()
    result.warnings = [*warnings, *result.warnings]
    return result


def items_of(request: Request) -> list[Item]:
    """Return the items; raise InvalidInput that names every invalid item, and things that are listed twice."""
    items, wrong, maker = [], [], maker_of(request.params)
    for number, one in enumerate(request.items, 1):
        try:
            item = Item(one, thing_of(one), resource_of(one))
            item.resource.made_by = maker
            items.append(item)
        except ScopedSecretsError as error:
            wrong.append(f"item {number} ({one.resource}): {error.message}")
    seen = Counter(item.thing for item in items)
    wrong += [f"{thing} is listed {count} times" for thing, count in seen.items() if count > 1]
    if wrong:
        raise invalid_manifest(wrong)
    return items


def _pruned(runtime: Runtime, request: Request, items: Sequence[Item]) -> list[Item]:
    """Return a removal for each thing that the manifest made earlier and no longer lists."""
    if not request.params.get("prune"):
        return []
    listed = {thing for item in items for thing in things_of(item.request)}
    maker, check_mode = maker_of(request.params), request.check_mode
    removals = runtime.read(lambda session: unlisted(session, maker, listed, check_mode=check_mode))
    return [Item(one, thing_of(one), resource_of(one), is_pruned=True) for one in removals]


class _Run:
    """One manifest while it is declared."""

    def __init__(self, runtime: Runtime, items: Sequence[Item], request: Request, tell: Tell) -> None:
        self._runtime = runtime
        self._items = items
        self._check_mode = request.check_mode
        self._stops = request.params.get("on_error", "stop") == "stop"
        self._threads = max(1, int(request.params.get("max_parallel", 8)))
        self._tell = tell
        self._outcomes: dict[int, ItemOutcome] = {}
        self._unused: set[int] = set()
        self._has_failed = False
        self._step = max(50, len(items) // 10)

    def declare(self) -> None:
        """Declare what the manifest lists, each item after those that it needs."""
        numbers = [number for number, item in enumerate(self._items) if not item.is_removal]
        before = order_of([self._items[n].request for n in numbers], [self._items[n].thing for n in numbers])
        self._go({numbers[place]: {numbers[one] for one in earlier} for place, earlier in before.items()})

    def remove(self) -> None:
        """Remove what must go, each item after those that use it."""
        numbers = [number for number, item in enumerate(self._items) if item.is_removal]
        before = self._runtime.read(lambda session: self._removals(session, numbers)) if numbers else {}
        self._go({numbers[place]: {numbers[one] for one in earlier} for place, earlier in before.items()})

    def _removals(self, session: Session, numbers: Sequence[int]) -> dict[int, set[int]]:
        """Return the order of the removals. In check mode, find out what nothing will use by then."""
        order = RemovalOrder(session, [self._items[number].thing for number in numbers])
        if self._check_mode:
            changing = [
                thing
                for number, outcome in self._outcomes.items()
                if outcome.status == "changed"
                for thing in things_of(self._items[number].request)
            ]
            self._unused = {numbers[place] for place in order.unused(changing)}
        return order.before()

    def _go(self, order: Mapping[int, set[int]]) -> None:
        """Declare items in this order: each number is declared after those it maps to."""
        sorter = TopologicalSorter(order)
        sorter.prepare()
        with ThreadPoolExecutor(self._threads) as pool:
            running: dict[Future[Declared], int] = {}
            while sorter.is_active():
                ready = [number for number in sorter.get_ready() if not self._is_skipped(number, order[number], sorter)]
                for number in self._batched(ready, pool, order):
                    sorter.done(number)
                    ready.remove(number)
                running.update({pool.submit(self._alone, number): number for number in ready})
                for future in wait(running, return_when=FIRST_COMPLETED).done if running else ():
                    number = running.pop(future)
                    self._finish(number, future.result(), order[number])
                    sorter.done(number)

    def _is_skipped(self, number: int, earlier: Iterable[int], sorter: TopologicalSorter[int]) -> bool:
        """Skip an item if one that it needs has failed or, with `on_error: stop`, if any has."""
        missing = [one for one in earlier if self._outcomes[one].status in ("failed", "skipped")]
        if missing:
            thing = self._items[missing[0]].thing
            uses_it, needed = f"{thing}, which uses it, still is there", f"{thing}, which it needs, was not declared"
            why = uses_it if self._items[number].is_removal else needed
        elif self._has_stopped:
            why = STOPPED
        else:
            return False
        self._note(number, ItemOutcome(why=why))
        sorter.done(number)
        return True

    @property
    def _has_stopped(self) -> bool:
        return self._stops and self._has_failed

    def _batched(self, ready: Sequence[int], pool: ThreadPoolExecutor, order: Mapping[int, Iterable[int]]) -> list[int]:
        """Declare the items that may share their transactions; return their numbers."""
        numbers = [number for number in ready if self._items[number].resource.is_batchable]
        for start in range(0, len(numbers), BATCH):
            batch = numbers[start : start + BATCH]
            resources = [self._items[number].resource for number in batch]
            declared = declare_all(self._runtime, resources, self._crew(pool), check_mode=self._check_mode)
            for number, one in zip(batch, declared, strict=True):
                self._finish(number, one, order[number])
        return numbers

    def _alone(self, number: int) -> Declared:
        """Declare one item in transactions of its own. Called by many threads."""
        resources, crew = [self._items[number].resource], self._crew()
        try:
            return declare_all(self._runtime, resources, crew, check_mode=self._check_mode)[0]
        except ScopedSecretsError as error:
            return error

    def _crew(self, pool: ThreadPoolExecutor | None = None) -> Crew:
        return Crew(pool, lambda: self._has_stopped, self._fail)

    def _fail(self) -> None:
        self._has_failed = True

    def _finish(self, number: int, declared: Declared, earlier: Iterable[int]) -> None:
        """Note what became of an item, once those that it needs (`earlier`) were declared."""
        if isinstance(declared, ScopedSecretsError):
            self._note(number, self._failed(number, declared, earlier))
        else:
            self._note(number, ItemOutcome(declared, why="" if declared else STOPPED))

    def _failed(self, number: int, error: ScopedSecretsError, earlier: Iterable[int]) -> ItemOutcome:
        resource = self._items[number].resource
        if number in self._unused and isinstance(error, Conflict) and not resource.force:
            # Check mode assumes that what uses it is already removed.
            resource.force = True
            declared = self._alone(number)
            if isinstance(declared, Result):
                return ItemOutcome(replace(declared, warnings=[]))
            error = declared or error
        is_made = not self._items[number].is_removal
        if self._check_mode and is_made and any(self._outcomes[one].status == "changed" for one in earlier):
            return ItemOutcome(_presumed(resource, error))
        self._fail()
        return ItemOutcome(error=error)

    def _note(self, number: int, outcome: ItemOutcome) -> None:
        self._outcomes[number] = outcome
        if len(self._outcomes) % self._step == 0:
            self._tell(f"{len(self._outcomes)} of {len(self._items)} items")

    def result(self) -> Result:
        outcomes = [self._outcomes[number] for number in range(len(self._items))]
        counts = Counter(outcome.status for outcome in outcomes)
        views = [_view(item, outcome) for item, outcome in zip(self._items, outcomes, strict=True)]
        done = [outcome.result for outcome in outcomes if outcome.result]
        pruned = sum(one["status"] == "changed" for one, item in zip(views, self._items, strict=True) if item.is_pruned)
        return Result(
            changed=counts["changed"] > 0,
            returned={
                "results": views,
                "counts": {**{status: counts[status] for status in STATUSES}, "pruned": pruned},
            },
            warnings=list(dict.fromkeys(warning for result in done for warning in result.warnings)),
        )


def _presumed(resource: Resource[Any], error: ScopedSecretsError) -> Result:
    """Return the result of an item that can't be planned until the items it needs exist."""
    warning = f"{error.message} Check mode assumes that this manifest creates it."
    return Result(changed=True, returned={resource.noun: resource.identity}, warnings=[warning])


def _view(item: Item, outcome: ItemOutcome) -> dict[str, Any]:
    view = {"module": item.request.resource, "item": str(item.thing), "status": outcome.status}
    if item.is_pruned:
        view["state"] = "absent"
    if outcome.error:
        error = outcome.error
        return {**view, "code": error.code, "msg": error.message, "hint": error.hint}
    if outcome.result is None:
        return {**view, "msg": f"Not {'removed' if item.is_removal else 'declared'}: {outcome.why}."}
    result = outcome.result
    return {**view, **result.returned, "before": result.before, "after": result.after}
