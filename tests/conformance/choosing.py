# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which managers a test is for, and which column of the table it proves."""

from __future__ import annotations

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Capability

from conformance.kinds import providers
from conformance.provider import Provider

__all__ = ["managers", "proves"]


def managers(
    *,
    able: Capability | tuple[Capability, ...] = (),
    unable: Capability | None = None,
    connector: bool | None = None,
    login: bool | None = None,
    keeps_values: bool | None = None,
    refuses_empty: bool | None = None,
    option: str = "",
    variants: bool = False,
) -> pytest.MarkDecorator:
    """Run a test with every manager that is so, is `able` to do all that, and has the `option`; None: either way.

    `variants`: also with those that have no row of their own in the table, for they differ in few things only.
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

    # Tests of one server go to one worker, which then starts no other.
    chosen = [
        pytest.param(one, id=one.name(), marks=pytest.mark.xdist_group(one.SERVER or "none"))
        for one in providers()
        if fits(one)
    ]
    return pytest.mark.parametrize("provider_class", chosen)


def proves(column: str) -> pytest.MarkDecorator:
    """Say that a test proves this column of the table, for the managers that it runs with."""
    return pytest.mark.proves(column)
