# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Epochs: what is restored from a backup begins a new one, so that machines that had seen a newer state accept it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from ...model.entities import Scope
from ...model.errors import Damaged
from ...model.scopes import ACCOUNT
from ...store.audit import heads_of
from .high_water import LAST_EPOCH, Mark, Sight
from .session import Session

__all__ = ["begin_epoch", "rolled_back"]


def begin_epoch(session: Session, seen: Mapping[str, Mark]) -> int:
    """Sign all scopes that the key opens in a new epoch, later than what was `seen`, and return that.

    The session must not know `seen`, so that it takes the store as it is.
    """
    chains = list(_chains(session))
    known = [*(chain[-1].epoch for chain in chains), *(mark.epoch for mark in seen.values())]
    # One that the holder of a lower key invented must not be in the way of a restore.
    epoch = max(int(time.time()), 1 + max(one for one in (0, *known) if one < LAST_EPOCH))
    for chain in chains:
        session.resign_scope([*chain[:-1], chain[-1]._replace(epoch=epoch)])
    return epoch


def rolled_back(session: Session, seen: Mapping[str, Mark]) -> list[Damaged]:
    """Return an error for each scope that the key opens and that, or whose audit, is older than what was `seen`.

    The session must not know `seen`, so that it takes the store as it is.
    """
    errors = []
    for chain in _chains(session):
        try:
            _see(session, chain[-1], Sight(seen))
        except Damaged as error:
            errors.append(error)
    return errors


def _see(session: Session, scope: Scope, sight: Sight) -> None:
    sight.see(scope)
    for head in heads_of(session.tx, scope.path.announced):
        if head.scope_id == scope.id:
            sight.see_audit(scope, head.sequence)


def _chains(session: Session) -> Iterator[list[Scope]]:
    held = session.keyring.held
    return _all_below(session, session.chain(held.path if held else ACCOUNT))


def _all_below(session: Session, chain: list[Scope]) -> Iterator[list[Scope]]:
    yield chain
    for below in session.children(chain):
        yield from _all_below(session, below)
