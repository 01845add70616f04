# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How AWS says no, and how a check gets before a verb of moto."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError

__all__ = ["before", "error"]

# moto's server answers requests in threads, and its verbs look first and write then.
ONE_AT_A_TIME = threading.RLock()


def error(code: str, message: str, *, status: int = 400) -> JsonRESTError:
    """Return an AWS error."""
    made = JsonRESTError(code, message)
    made.code = status
    return made


def before(owner: type, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Have a verb of moto call the decorated check first, with the verb's own arguments."""
    original: Callable[..., Any] = getattr(owner, name)

    def decorate(check: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(original)
        def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
            with ONE_AT_A_TIME:
                check(self, *args, **kwargs)
                return original(self, *args, **kwargs)

        setattr(owner, name, checked)
        return check

    return decorate
