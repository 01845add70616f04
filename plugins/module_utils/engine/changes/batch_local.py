# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several things declared in one transaction, where no secret manager has a part in any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...model.errors import ScopedSecretsError
from ...model.messages import Result
from ...model.scopes import common_scope
from ..rows.session import Session
from .resource import Action, Resource

if TYPE_CHECKING:
    from ..engine import Engine

__all__ = ["declare_together"]


def declare_together(engine: Engine, resources: Sequence[Resource[Any]], *, check_mode: bool) -> list[Result | None]:
    """Return a result for each; None for one to declare by itself, for it fails or a secret manager has a part in it.

    What is as it should be is found out without a write lock.
    """
    scope = common_scope(resource.path for resource in resources)
    seen = engine.read(lambda session: [_look(session, one, check_mode) for one in resources], scope)
    changing = [resource for resource, (is_due, _result) in zip(resources, seen, strict=True) if is_due]
    try:
        written = engine.write(lambda session: [_declare(session, one) for one in changing], scope) if changing else []
    except ScopedSecretsError:
        # Nothing was written. By themselves, all but the one that is to blame succeed.
        written = [None] * len(changing)
    rest = iter(written)
    return [next(rest) if is_due else result for is_due, result in seen]


def _look(session: Session, resource: Resource[Any], check_mode: bool) -> tuple[bool, Result | None]:
    """Return whether something is to be written here, and the result of what needs no writing."""
    try:
        state = resource.load(session)
        if not resource.is_in_store(state):
            return False, None
        plan = resource.plan(state)
    except ScopedSecretsError:
        return False, None
    if plan.action is Action.NONE or check_mode:
        return False, resource.result(state, plan, is_predicted=check_mode)
    return True, None


def _declare(session: Session, resource: Resource[Any]) -> Result | None:
    state = resource.load(session)
    if not resource.is_in_store(state):
        return None
    plan = resource.plan(state)
    if plan.action is not Action.NONE:
        resource.apply(session, state, plan, None)
        state = state if plan.action is Action.DELETE else resource.load(session)
    return resource.result(state, plan)
