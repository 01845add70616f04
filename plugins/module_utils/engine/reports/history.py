# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the store is at least as new as this machine has seen it, and the way out if that was meant to be so."""

from __future__ import annotations

import os
from pathlib import Path

from ...model.checks import Check
from ...model.errors import Damaged, ScopedSecretsError
from ...model.settings import Settings
from ..providers.runtime import Runtime
from ..rows.high_water import began

__all__ = ["examine_history"]

_CHECK = "history"
# Shown of the scopes that are too old.
_MOST = 3


def examine_history(runtime: Runtime, *, is_accepted: bool, check_mode: bool) -> tuple[list[Check], bool]:
    """Return one check, or none if the store can't be opened, and whether the store was changed.

    `is_accepted`: an older store is accepted as it is. Check mode only says so.
    """
    try:
        if runtime.store(create=False).is_pretended:
            return [], False
        older = runtime.rolled_back()
        if older and is_accepted:
            return [_accepted(runtime, older, check_mode=check_mode)], True
    except ScopedSecretsError as error:
        return [_failed(error)] if isinstance(error, Damaged) else [], False
    return [_older(older) if older else _remembered(runtime.settings)], False


def _accepted(runtime: Runtime, older: list[Damaged], *, check_mode: bool) -> Check:
    scopes = f"{len(older)} {'scope' if len(older) == 1 else 'scopes'}"
    if check_mode:
        return Check(check=_CHECK, verdict="ok", message=f"{scopes} would be accepted in an older state", hint="")
    epoch = began(runtime.accept_rollback())
    message = (
        f"{scopes} accepted in an older state; machines that had seen a newer one accept it as restored at {epoch}"
    )
    return Check(check=_CHECK, verdict="ok", message=message, hint="")


def _older(older: list[Damaged]) -> Check:
    messages = [error.message for error in older[:_MOST]]
    if len(older) > _MOST:
        messages.append(f"So were {len(older) - _MOST} more scopes.")
    return {**_failed(older[0]), "message": " ".join(messages)}


def _failed(error: ScopedSecretsError) -> Check:
    return {"check": _CHECK, "verdict": "error", "message": error.message, "hint": error.hint, "code": error.code}


def _remembered(settings: Settings) -> Check:
    folder = settings.state_folder
    if folder and _can_be_written(Path(folder)):
        message = f"no scope is older than this machine has seen it; it remembers that in {folder}"
        return Check(check=_CHECK, verdict="ok", message=message, hint="")
    why = f"can't write to {folder}" if folder else "has no 'state_folder'"
    return Check(
        check=_CHECK,
        verdict="warning" if folder else "ok",
        message=f"This machine {why}, so it does not notice if the whole store is put back to an older state.",
        hint="Set 'state_folder' in ansible.cfg (SCOPED_SECRETS_STATE_FOLDER) to a folder that outlives the run.",
    )


def _can_be_written(folder: Path) -> bool:
    """Tell whether a folder can be written to, or made."""
    nearest = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
