# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a face reaches the engine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..model.messages import Answer, Query, Request, Result
    from ..model.settings import Settings

__all__ = ["Client", "connect"]


class Client(Protocol):
    """The two calls that a face can make; both raise the errors of model/errors.py."""

    def handle(self, request: Request) -> Result: ...

    def resolve(self, queries: Sequence[Query]) -> list[Answer]: ...


# By process: a database connection must not cross a fork. What a parent opened stays referenced in the child, so that
# the child never closes it.
_clients: dict[tuple[int, Settings], Client] = {}


def connect(settings: Settings) -> Client:
    """Return this process's client for a store. The engine is imported here, when it is first needed."""
    key = (os.getpid(), settings)
    if key not in _clients:
        from ..engine.engine import Engine

        _clients[key] = Engine(settings)
    return _clients[key]
