# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that make one call to an engine and are killed on the way, and what must be true after it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.synchronize import Barrier
from typing import Any, Protocol

from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.batch import Batch
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.change import Step
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.keys.scope_rotation import (
    RotationStep,
    ScopeRotation,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Intent
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Transaction
from ansible_collections.scoped.secrets.plugins.module_utils.store.intents import unfinished
from servers.faults import FaultProxy

__all__ = [
    "Call",
    "KillAt",
    "KillAtFileCall",
    "KillAtStatement",
    "KillRotationAt",
    "Killer",
    "count_statements",
    "declare",
    "intents",
    "run_and_kill",
    "run_at_once",
]

_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload([__name__, "psycopg"])


@dataclass(frozen=True)
class Call:
    """What a task declares; `items` are those of a manifest."""

    resource: str
    params: dict[str, Any] = field(repr=False)
    items: tuple[Call, ...] = ()

    @property
    def request(self) -> Request:
        return Request(self.resource, dict(self.params), False, tuple(one.request for one in self.items))


class Trap(Protocol):
    """Where a process is killed."""

    def arm(self) -> None:
        """Set it up, in the process that is to be killed."""


@dataclass(frozen=True)
class KillAt:
    """A step of a change, and whether the process is killed before or after it."""

    step: Step
    is_after: bool

    def __str__(self) -> str:
        return f"{'after' if self.is_after else 'before'} {self.step.value}"

    def arm(self) -> None:
        steps: dict[Step, Any] = dict(Batch.STEPS)
        steps[self.step] = self._trapped(steps[self.step])
        Batch.STEPS = steps

    def _trapped(self, taken: Callable[[Any], None]) -> Callable[[Any], object]:
        return lambda batch: _die() if not self.is_after else (taken(batch), _die())


@dataclass(frozen=True)
class KillRotationAt:
    """A step of the rotation of a scope's key, and which of its batches the process is killed before or after."""

    step: RotationStep
    batch: int
    is_after: bool

    def __str__(self) -> str:
        return f"{'after' if self.is_after else 'before'} {self.step.value} {self.batch}"

    def arm(self) -> None:
        steps = dict(ScopeRotation.STEPS)
        taken, left = steps[self.step], [self.batch]

        def trapped(rotation: ScopeRotation) -> bool:
            left[0] -= 1
            if left[0] == 0 and not self.is_after:
                _die()
            is_more = taken(rotation)
            if left[0] == 0:
                _die()
            return is_more

        ScopeRotation.STEPS = {**steps, self.step: trapped}


@dataclass(frozen=True)
class KillAtStatement:
    """The nth statement to the store, before or after which the process is killed."""

    number: int
    is_after: bool

    def arm(self) -> None:
        count_statements(self._look)

    def _look(self, number: int, is_done: bool) -> None:
        if (number, is_done) == (self.number, self.is_after):
            _die()


@dataclass(frozen=True)
class KillAtFileCall:
    """A function of `os` that changes files, and whether a process is killed before its first call or after it."""

    function: str
    is_after: bool

    def __str__(self) -> str:
        return f"{'after' if self.is_after else 'before'} {self.function}"

    def arm(self) -> None:
        taken = getattr(os, self.function)

        def trapped(*args: Any, **options: Any) -> None:
            if self.is_after:
                taken(*args, **options)
            _die()

        setattr(os, self.function, trapped)


def count_statements(look: Callable[[int, bool], None]) -> Callable[[], None]:
    """Call `look` with the number of each statement to a store, before it and once it is done. Return what ends it."""
    number, verbs = [0], {verb: getattr(Transaction, verb) for verb in ("one", "all", "run")}

    def watched(taken: Any) -> Any:
        def run(self: Transaction, statement: str, **parameters: Any) -> Any:
            number[0] += 1
            look(number[0], False)
            result = taken(self, statement, **parameters)
            look(number[0], True)
            return result

        return run

    def end() -> None:
        for verb, taken in verbs.items():
            setattr(Transaction, verb, taken)

    for verb, taken in verbs.items():
        setattr(Transaction, verb, watched(taken))
    return end


def declare(engine: Engine, call: Call) -> Any:
    return engine.handle(call.request)


def intents(engine: Engine) -> list[Intent]:
    return engine.read(lambda session: unfinished(session.tx))


def run_and_kill(settings: Settings, call: Call, *, at: Trap | None = None, killer: Killer | None = None) -> bool:
    """Make a call in a process of its own; tell whether it was killed on the way."""
    process = _FORKING.Process(target=_run, args=(settings, call, at))
    process.start()
    if killer:
        killer.victim = process.pid or 0
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
    return process.exitcode != 0


def run_at_once(settings: Settings, calls: Sequence[Call]) -> None:
    """Make each call in a process of its own, all at the same time; fail where one fails."""
    start = _FORKING.Barrier(len(calls))
    processes = [_FORKING.Process(target=_run_with_others, args=(settings, call, start)) for call in calls]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(calls)


def _run_with_others(settings: Settings, call: Call, start: Barrier) -> None:
    engine = Engine(settings)
    engine.store(create=False)
    start.wait(60)
    declare(engine, call)


def _run(settings: Settings, call: Call, at: Trap | None) -> None:
    if at:
        at.arm()
    declare(Engine(settings), call)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Killer:
    """Kills a process at the nth request of it that changes something, before the server gets it or after."""

    def __init__(self, proxy: FaultProxy, is_write: Callable[[str, str, str], bool], number: int, *, is_after: bool):
        self.victim = 0
        self._left = number
        self._is_write = is_write
        self._is_after = is_after
        self._lock = threading.Lock()
        proxy.watch = self._look

    def _look(self, method: str, path: str, target: str, is_answered: bool) -> None:
        if is_answered != self._is_after or not self._is_write(method, path, target):
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(self.victim, signal.SIGKILL)
