# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS errors, and helpers that add checks to moto's verbs."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import BaseResponse

__all__ = ["before", "error", "one_at_a_time", "replace"]


def error(code: str, message: str, *, status: int = 400) -> JsonRESTError:
    """Return an AWS error."""
    made = JsonRESTError(code, message)
    made.code = status
    return made


def replace(owner: type, name: str, new: object) -> None:
    """Replace the attribute of a moto class that has the name of `new`."""
    setattr(owner, name, new)


def one_at_a_time(service: type[BaseResponse]) -> None:
    """Serialize the requests to a service, since moto's threads iterate over data that other threads change."""
    original: Callable[..., Any] = service.call_action
    lock = threading.Lock()

    def alone(self: BaseResponse) -> Any:
        with lock:
            return original(self)

    replace(service, "call_action", alone)


def before(owner: type, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a moto verb call the decorated check first, with the same arguments."""
    original: Callable[..., Any] = getattr(owner, name)

    def decorate(check: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(original)
        def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
            check(self, *args, **kwargs)
            return original(self, *args, **kwargs)

        replace(owner, name, checked)
        return check

    return decorate
