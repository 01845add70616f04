# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves by a write that leaves nothing that a connector can write.

The secret that is written has an owner mark of its own. One that a killed check left is taken over by the next one.
"""

from __future__ import annotations

from ..model.errors import Conflict, ScopedSecretsError
from .base import ValueKeeper, Writing
from .checks import PROBE, Turn

__all__ = ["VALUE", "write_probe"]

VALUE = b"Not a secret. A check of scoped.secrets wrote this, and removes it."
_DESCRIPTIONS = ("Written by a check of scoped.secrets", "Changed by a check of scoped.secrets")
_TRIES = 3
_DISTURBED = frozenset({"provider_conflict", "secret_scheduled_for_deletion", "unknown_path"})
"""Errors that a check of the same connector on another machine causes."""


def write_probe(keeper: ValueKeeper, path: str, turn: Turn, *, by_hand: str) -> None:
    """Write, change, read and remove a secret at `path`, unless a check of this run already did.

    The keeper removes without a trace. `by_hand` says how people do that. Raises what was refused, probe_left.
    """
    with turn.lock:
        if turn.is_done:
            return
        try:
            _use(keeper, path)
        except ScopedSecretsError as error:
            raise _removed_after(error, keeper, path, by_hand) from None
        try:
            keeper.remove(path, PROBE)
        except ScopedSecretsError as error:
            raise _left(keeper, path, error, by_hand) from None
        turn.is_done = True


def _use(keeper: ValueKeeper, path: str) -> None:
    first, second = (Writing(PROBE, description=description) for description in _DESCRIPTIONS)
    for tries_left in reversed(range(_TRIES)):
        try:
            keeper.write(path, VALUE, first)
            keeper.relabel(path, second)
            keeper.read(path)
            return
        except ScopedSecretsError as error:
            if error.code not in _DISTURBED or not tries_left:
                raise


def _removed_after(error: ScopedSecretsError, keeper: ValueKeeper, path: str, by_hand: str) -> ScopedSecretsError:
    """Remove what may be there after an error; return the error, which says so if that fails."""
    if error.code == "foreign_secret":
        return error
    try:
        keeper.remove(path, PROBE)
    except ScopedSecretsError as other:
        return type(error)(
            error.code,
            f"{error.message} The check may have left '{path}' there, which could not be removed: {other.message}",
            hint=f"{error.hint} {_removal(by_hand)}",
            retryable=error.retryable,
        )
    return error


def _left(keeper: ValueKeeper, path: str, why: ScopedSecretsError, by_hand: str) -> Conflict:
    return Conflict(
        "probe_left",
        f"The check of {keeper.connector.what} wrote '{path}' there and could not remove it: {why.message}",
        hint=f"{why.hint} {_removal(by_hand)}",
    )


def _removal(by_hand: str) -> str:
    return f"The next check that writes removes it, or you do: {by_hand}"
