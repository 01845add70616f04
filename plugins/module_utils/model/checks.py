# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the doctor found, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["FAIL_ON", "Check", "counted", "with_summary"]

Check = dict[str, Any]
"""`check`, `verdict` (ok, warning, error), `message`, `hint`, and `code` of an error."""

FAIL_ON = ("never", "error", "warning")
_RANKS = ("ok", "warning", "error")


def with_summary(checks: Sequence[Check], fail_on: str) -> dict[str, Any]:
    """Return what a task returns of its checks; with `failed` and `msg` if they are as bad as `fail_on` says."""
    worst = max((_RANKS.index(check["verdict"]) for check in checks), default=0)
    summary = _summary_of(checks, _RANKS[worst])
    is_failed = fail_on != "never" and worst >= _RANKS.index(fail_on)
    found = {"summary": summary, "healthy": _RANKS[worst] != "error", "checks": list(checks)}
    return {**found, "failed": True, "msg": summary} if is_failed else found


def _summary_of(checks: Sequence[Check], worst: str) -> str:
    """Return one line: how many checks found something, and the first of the worst."""
    if worst == "ok":
        return f"{counted(len(checks), 'check')}, all ok."
    number = {name: sum(check["verdict"] == name for check in checks) for name in _RANKS}
    counts = " and ".join(counted(number[name], name) for name in ("error", "warning") if number[name])
    first = next(check for check in checks if check["verdict"] == worst)
    return f"{counts} in {counted(len(checks), 'check')}. First {first['check']}: {first['message']}"


def counted(count: int, what: str) -> str:
    """Return a number with its noun."""
    return f"{count} {what}{'' if count == 1 else 's'}"
