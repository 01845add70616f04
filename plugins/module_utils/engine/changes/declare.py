# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declares resources: makes the store, and secret managers, what the resources say."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Sequence
from typing import Any, TypeAlias

from ...model.audit import Event, moment
from ...model.errors import ScopedSecretsError, Unavailable
from ...model.messages import Result
from ..providers.runtime import Runtime
from . import intents
from .batch import ALONE, Batch, Crew, Outcome
from .intents import Held, Moved, settle_once
from .resource import Resource

__all__ = ["Declared", "declare", "declare_all"]

Declared: TypeAlias = "Result | ScopedSecretsError | None"
"""What became of a resource. None: it was not begun."""

# Seconds for which a batch retries after losing a race; each loss means that another writer progressed.
PATIENCE = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 1.0
_jitter = random.SystemRandom()


def declare(runtime: Runtime, resource: Resource[Any], *, check_mode: bool) -> Result:
    """Declare one resource and return the result; raise a ScopedSecretsError."""
    try:
        runtime.store(create=not check_mode and not resource.absent)
        warnings = () if check_mode else settle_once(runtime)
    except ScopedSecretsError as error:
        _record_refusal(runtime, resource, error, check_mode)
        raise
    [outcome] = declare_all(runtime, [resource], check_mode=check_mode)
    if not isinstance(outcome, Result):
        raise outcome or Moved
    outcome.warnings = [*warnings, *outcome.warnings]
    return outcome


def declare_all(
    runtime: Runtime, resources: Sequence[Resource[Any]], crew: Crew = ALONE, *, check_mode: bool
) -> list[Declared]:
    """Declare resources in few transactions; return what became of each."""
    try:
        outcomes = _Retries(runtime, resources, crew, check_mode).run()
    except ScopedSecretsError as error:
        for resource in resources:
            _record_refusal(runtime, resource, error, check_mode)
        raise
    for resource, outcome in zip(resources, outcomes, strict=True):
        if isinstance(outcome, ScopedSecretsError):
            _record_refusal(runtime, resource, outcome, check_mode)
    return outcomes


class _Retries:
    """Resources that are declared again as long as others change them meanwhile."""

    def __init__(self, runtime: Runtime, resources: Sequence[Resource[Any]], crew: Crew, check_mode: bool) -> None:
        self._runtime = runtime
        self._resources = resources
        self._crew = crew
        self._check_mode = check_mode
        self._outcomes: dict[int, Outcome] = dict.fromkeys(range(len(resources)), Moved())

    def run(self) -> list[Declared]:
        until, pause = time.monotonic() + PATIENCE, _FIRST_PAUSE
        while left := self._left():
            batch = Batch(
                self._runtime, [self._resources[number] for number in left], self._crew, check_mode=self._check_mode
            )
            self._outcomes.update(zip(left, batch.run(), strict=True))
            self._tell_crew()
            if not self._crew.is_stopped():
                self._wait_for_holders()
                self._tell_crew()
            left = self._left()
            if self._crew.is_stopped():
                self._outcomes.update(dict.fromkeys(left))
            elif left and time.monotonic() > until:
                self._outcomes.update(dict.fromkeys(left, _changed_meanwhile()))
            elif left:
                time.sleep(_jitter.uniform(0, pause))
                pause = min(2 * pause, _LONGEST_PAUSE)
        return [None if isinstance(one, Moved) else one for one in self._outcomes.values()]

    def _left(self) -> list[int]:
        return [number for number, outcome in self._outcomes.items() if isinstance(outcome, Moved)]

    def _tell_crew(self) -> None:
        """Tell the crew of a failure. In check mode it may only be due to items that would be declared before."""
        if not self._check_mode and any(isinstance(one, ScopedSecretsError) for one in self._outcomes.values()):
            self._crew.has_failed()

    def _wait_for_holders(self) -> None:
        """Wait until others have finished with the same values, and fail where they take too long."""
        until = time.monotonic() + intents.PATIENCE
        for number, outcome in self._outcomes.items():
            if isinstance(outcome, Held):
                try:
                    outcome.wait(until)
                except ScopedSecretsError as error:
                    self._outcomes[number] = error


def _record_refusal(runtime: Runtime, resource: Resource[Any], error: ScopedSecretsError, check_mode: bool) -> None:
    if check_mode:
        return
    action = "delete" if resource.absent else "write"
    # The first error is the one that people must see.
    with contextlib.suppress(ScopedSecretsError):
        runtime.audit.take([Event(resource.path, action, error.code, resource.subject, moment())])


def _changed_meanwhile() -> Unavailable:
    return Unavailable(
        "changed_meanwhile",
        f"Others kept changing what this task declares, for {PATIENCE:.0f} seconds.",
        hint="Run the task again. Let only one playbook declare a secret.",
        retryable=True,
    )
