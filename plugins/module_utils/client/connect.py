# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a face reaches the engine: through the broker of its run, or in its own process."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from ..masking.revealed_settings import reveal_key_file, reveal_settings
from ..masking.revealing import reveal
from .through_broker import BrokerClient, NoBroker

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..model.host_login import HostLogin
    from ..model.messages import Request, Result, Tell
    from ..model.queries import Answer, Query
    from ..model.settings import Settings

    # Both have the same methods.
    Reached: TypeAlias = BrokerClient | Engine

__all__ = ["Client", "connect"]

T = TypeVar("T")


class Client:
    """Calls the engine through the broker. Without a broker it runs an engine in this process, and a notice says so."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reached: Reached | None = None
        self._notices: list[str] = []
        self._has_revealed_key = False
        reveal_settings(settings)

    def handle(self, request: Request, tell: Tell | None = None) -> Result:
        """Return the result of a module's call; raise an error of the tree in model/errors.py."""
        from ..model.messages import tell_nobody

        for one in (request, *request.items):
            if "value" in one.params:
                reveal(one.params["value"])
        return self._call(lambda reached: reached.handle(request, tell or tell_nobody))

    def resolve(self, queries: Sequence[Query]) -> list[Answer]:
        """Return one answer per query, in order; raise an error of the tree if the store can't be read at all."""
        answers = self._call(lambda reached: reached.resolve(queries))
        for answer in answers:
            if answer.value:
                reveal(answer.value, answer.kind)
        return answers

    def preload(self, org: str, project: str) -> None:
        """Fetch all values that secret managers hold for a scope. Without a broker to keep them, do nothing."""
        self._call(lambda reached: reached.preload(org, project))

    def open_host_login(self, query: Query) -> HostLogin:
        """Return how a connection logs in to a host with a credential; raise an error of the tree."""
        login = self._call(lambda reached: reached.open_host_login(query))
        reveal(login.password)
        return login

    def close_host_logins(self) -> None:
        """Stop the agent and remove the tickets of this process. A broker keeps its own for the whole run."""
        if self._reached:
            self._reached.close_host_logins()

    def take_notices(self) -> list[str]:
        """Return the notices of this client and its engine, each of them once."""
        notices, self._notices = self._notices, []
        return notices + (self._reached.take_notices() if self._reached else [])

    def _call(self, call: Callable[[Reached], T]) -> T:
        try:
            return call(self._reached or self._reach())
        except NoBroker as error:
            return call(self._go_inline(str(error)))
        finally:
            # Afterwards, because the first call may create the key.
            self._has_revealed_key = self._has_revealed_key or reveal_key_file(self._settings)

    def _reach(self) -> Reached:
        if not self._settings.through_broker:
            return self._go_inline("")
        self._reached = BrokerClient(self._settings)
        return self._reached

    def _go_inline(self, why: str) -> Reached:
        from ..engine.engine import Engine

        if why:
            self._notices.append(
                f"No broker is available: {why}. Each task opens the store itself, which is slower. Set "
                "SCOPED_SECRETS_BROKER=off to run without a broker and without this notice."
            )
        self._reached = Engine(self._settings)
        return self._reached


# Keyed by process because a connection must not be used across a fork. A child keeps its parent's client in here, so
# that it never closes the parent's connection.
_clients: dict[tuple[int, Settings], Client] = {}


def connect(settings: Settings) -> Client:
    """Return this process's client for these settings."""
    key = (os.getpid(), settings)
    if key not in _clients:
        _clients[key] = Client(settings)
    return _clients[key]
