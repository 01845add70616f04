# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many things declared in one go: in the order of their references, side by side where secret managers are asked.

What is to go does so after all else, what uses others first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any, NamedTuple

from ...model.errors import Conflict, ScopedSecretsError
from ...model.manifests import invalid_manifest
from ...model.messages import Request, Result, Tell
from ..changes.batch_local import declare_together
from ..changes.batch_remote import Crew, declare_side_by_side
from ..changes.resource import Resource
from ..dispatch import declare, resource_of
from ..rows.session import Session
from .order import Thing, order_of, thing_of, things_of
from .pruning import maker_of, unlisted
from .removal_order import RemovalOrder

if TYPE_CHECKING:
    from ..engine import Engine

__all__ = ["declare_manifest", "items_of"]

# Items that one transaction writes: others wait for it to end.
CHUNK = 200
# Items that are at secret managers between two transactions.
GROUP = 100
STOPPED = "an earlier item failed"
STATUSES = ("ok", "changed", "failed", "skipped")


class Item(NamedTuple):
    """One item of a manifest: what it declares, and how. `is_pruned`: it is not listed any more, and goes."""

    request: Request
    thing: Thing
    resource: Resource[Any]
    is_pruned: bool = False

    @property
    def is_removal(self) -> bool:
        return self.resource.absent or self.is_pruned


class Outcome(NamedTuple):
    """What became of an item: its result, the error, or neither where it was not begun."""

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


def declare_manifest(engine: Engine, request: Request, tell: Tell) -> Result:
    """Declare the items of a request, and return one result for each, in the order in which they are listed."""
    items = items_of(request)
    engine.store(create=not request.check_mode and not all(item.is_removal for item in items))
    warnings = () if request.check_mode else engine.settle_left()
    items += _pruned(engine, request, items)
    run = _Run(engine, items, request, tell)
    run.declare()
    run.remove()
    result = run.result()
    result.warnings = [*warnings, *result.warnings]
    return result


def items_of(request: Request) -> list[Item]:
    """Return the items; raise InvalidInput for all that can't be, and for a thing that is listed twice."""
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


def _pruned(engine: Engine, request: Request, items: Sequence[Item]) -> list[Item]:
    """Return an item for each thing that the manifest made earlier and no longer lists, where it is to go."""
    if not request.params.get("prune"):
        return []
    listed = {thing for item in items for thing in things_of(item.request)}
    maker, check_mode = maker_of(request.params), request.check_mode
    removals = engine.read(lambda session: unlisted(session, maker, listed, check_mode=check_mode))
    return [Item(one, thing_of(one), resource_of(one), is_pruned=True) for one in removals]


class _Run:
    """One manifest, on its way."""

    def __init__(self, engine: Engine, items: Sequence[Item], request: Request, tell: Tell) -> None:
        self._engine = engine
        self._items = items
        self._check_mode = request.check_mode
        self._stops = request.params.get("on_error", "stop") == "stop"
        self._threads = max(1, int(request.params.get("max_parallel", 8)))
        self._tell = tell
        self._outcomes: dict[int, Outcome] = {}
        self._unused: set[int] = set()
        self._has_failed = False
        self._step = max(50, len(items) // 10)

    def declare(self) -> None:
        """Declare what is to be there, each item once those that it needs are done."""
        numbers = [number for number, item in enumerate(self._items) if not item.is_removal]
        before = order_of([self._items[n].request for n in numbers], [self._items[n].thing for n in numbers])
        self._go({numbers[place]: {numbers[one] for one in earlier} for place, earlier in before.items()})

    def remove(self) -> None:
        """Remove what is to go, after all else: what uses others before these."""
        numbers = [number for number, item in enumerate(self._items) if item.is_removal]
        before = self._engine.read(lambda session: self._removals(session, numbers)) if numbers else {}
        self._go({numbers[place]: {numbers[one] for one in earlier} for place, earlier in before.items()})

    def _removals(self, session: Session, numbers: Sequence[int]) -> dict[int, set[int]]:
        """Return which of the removals come before which; find out which nothing uses by then, in check mode."""
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
        """Declare items, each once those that come before it are done."""
        sorter = TopologicalSorter(order)
        sorter.prepare()
        with ThreadPoolExecutor(self._threads) as pool:
            running: dict[Future[Outcome], int] = {}
            while sorter.is_active():
                ready = [number for number in sorter.get_ready() if not self._is_skipped(number, order[number], sorter)]
                for number in [*self._local(ready), *self._side_by_side(ready, pool)]:
                    sorter.done(number)
                    ready.remove(number)
                running.update({pool.submit(self._declare_one, n, order[n]): n for n in ready})
                for future in wait(running, return_when=FIRST_COMPLETED).done if running else ():
                    number = running.pop(future)
                    self._finish(number, future.result())
                    sorter.done(number)

    def _is_skipped(self, number: int, earlier: Iterable[int], sorter: TopologicalSorter[int]) -> bool:
        """Leave out an item that needs one which failed, or all once one has, as the user wants it."""
        missing = [one for one in earlier if self._outcomes[one].status in ("failed", "skipped")]
        if missing:
            thing = self._items[missing[0]].thing
            uses_it, needed = f"{thing}, which uses it, still is there", f"{thing}, which it needs, was not declared"
            why = uses_it if self._items[number].is_removal else needed
        elif self._has_stopped:
            why = STOPPED
        else:
            return False
        self._finish(number, Outcome(why=why))
        sorter.done(number)
        return True

    @property
    def _has_stopped(self) -> bool:
        return self._stops and self._has_failed

    def _local(self, ready: Sequence[int]) -> list[int]:
        """Declare in few transactions those that only the store is involved in; return which these were."""
        done = []
        for start in range(0, len(ready), CHUNK):
            chunk = ready[start : start + CHUNK]
            resources = [self._items[number].resource for number in chunk]
            results = declare_together(self._engine, resources, check_mode=self._check_mode)
            for number, result in zip(chunk, results, strict=True):
                if result is not None:
                    self._finish(number, Outcome(result))
                    done.append(number)
        return done

    def _side_by_side(self, ready: Sequence[int], pool: ThreadPoolExecutor) -> list[int]:
        """Declare in few transactions those that secret managers have a part in; return which these were."""
        crew = Crew(pool, lambda: self._has_stopped, self._fail)
        left = [n for n in ready if n not in self._outcomes and self._items[n].resource.goes_with_others]
        for start in range(0, len(left), GROUP):
            group = left[start : start + GROUP]
            resources = [self._items[number].resource for number in group]
            outcomes = declare_side_by_side(self._engine, resources, crew, check_mode=self._check_mode)
            for number, outcome in zip(group, outcomes, strict=True):
                if isinstance(outcome, ScopedSecretsError):
                    self._finish(number, Outcome(error=outcome))
                elif outcome:
                    self._finish(number, Outcome(outcome))
        return [number for number in left if number in self._outcomes]

    def _fail(self) -> None:
        self._has_failed = True

    def _declare_one(self, number: int, earlier: Iterable[int] = ()) -> Outcome:
        """Declare an item by itself. Called by many threads."""
        resource = self._items[number].resource
        if self._has_stopped:
            return Outcome(why=STOPPED)
        try:
            return Outcome(declare(self._engine, resource, self._check_mode))
        except ScopedSecretsError as error:
            if number in self._unused and isinstance(error, Conflict) and not resource.force:
                # Planned as if what uses it were gone: by then it is.
                resource.force = True
                outcome = self._declare_one(number)
                return outcome._replace(result=replace(outcome.result, warnings=[])) if outcome.result else outcome
            is_made = not self._items[number].is_removal
            if self._check_mode and is_made and any(self._outcomes[one].status == "changed" for one in earlier):
                return Outcome(_presumed(resource, error))
            self._fail()
            return Outcome(error=error)

    def _finish(self, number: int, outcome: Outcome) -> None:
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
    """What an item becomes that can't be planned before those that it needs are there."""
    warning = f"{error.message} In check mode it is taken for something that this manifest would make."
    return Result(changed=True, returned={resource.noun: resource.identity}, warnings=[warning])


def _view(item: Item, outcome: Outcome) -> dict[str, Any]:
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
