# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenarios of a topic: which managers each is for, and which column of the table it proves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Capability

from conformance.kinds import providers
from conformance.provider import Provider

__all__ = ["MODES", "Scenario", "Topic"]

Play = Callable[..., None]

MODES: Mapping[str, bool] = {"check mode": True, "for real": False}
"""For `each`, of what is the same in both."""


@dataclass(frozen=True)
class Scenario:
    """Something that a manager must do. It is played once for each of the named arguments, if there are any."""

    play: Play
    fits: Callable[[type[Provider]], bool]
    proves: str
    each: Mapping[str, Any] | None
    alone: bool

    @property
    def takes(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Yield a name for each time that it is played, and what it is played with."""
        name = self.play.__name__
        if self.each is None:
            yield name, ()
        else:
            yield from ((f"{name}[{which}]", (given,)) for which, given in self.each.items())


class Topic:
    """Scenarios that a manager goes through one after another, with one connector."""

    def __init__(self) -> None:
        self._scenarios: list[Scenario] = []

    def asked_of(
        self,
        *,
        able: Capability | tuple[Capability, ...] = (),
        unable: Capability | None = None,
        connector: bool | None = None,
        login: bool | None = None,
        keeps_values: bool | None = None,
        refuses_empty: bool | None = None,
        option: str = "",
        variants: bool = False,
        proves: str = "",
        each: Mapping[str, Any] | None = None,
        alone: bool = False,
    ) -> Callable[[Play], Play]:
        """Add a scenario for managers that are so, are `able` to do all that, and have the `option`; None: either way.

        `variants`: also for those that have no row of their own in the table, for they differ in few things only.
        `proves`: the column of the table that it proves. `each`: what it is played with, one after another, by name.
        `alone`: it gets a store of its own, without a connector.
        """
        wanted = {"has_connector": connector, "has_login": login, "keeps_values": keeps_values}

        def fits(one: type[Provider]) -> bool:
            needed = {able} if isinstance(able, Capability) else set(able)
            is_able = needed <= one.able() and (unable is None or unable not in one.able())
            is_so = all(value is None or getattr(one, name)() is value for name, value in wanted.items())
            manager = one.manager()
            has_option = not option or (manager is not None and option in manager.OPTIONS)
            is_meant = variants or bool(one.TITLE)
            return is_able and is_so and is_meant and has_option and refuses_empty in (None, one.REFUSES_EMPTY)

        def add(play: Play) -> Play:
            self._scenarios.append(Scenario(play, fits, proves, each, alone))
            return play

        return add

    def scenarios_for(self, one: type[Provider]) -> list[Scenario]:
        return [scenario for scenario in self._scenarios if scenario.fits(one)]

    def managers(self) -> pytest.MarkDecorator:
        """Run a test with every manager that a scenario is for."""
        # Tests of one server go to one worker, which then starts no other.
        chosen = [
            pytest.param(one, id=one.name(), marks=pytest.mark.xdist_group(one.SERVER or "none"))
            for one in providers()
            if self.scenarios_for(one)
        ]
        return pytest.mark.parametrize("provider_class", chosen)
