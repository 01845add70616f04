# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No kind is left out, and no column of the table is without a test."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import kinds

from conformance.kinds import providers
from conformance.provider import Provider
from conformance.table import PROVED, rows


def test_every_kind_is_here() -> None:
    assert {one.KIND for one in providers()} == {"builtin", *kinds()}, "a kind needs a file in tests/conformance/kinds"


def test_no_two_have_one_name() -> None:
    names = [one.name() for one in providers()]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("one", rows(), ids=lambda one: one.name())
def test_every_column_is_proved(one: type[Provider]) -> None:
    assert {column for chosen, column in proofs() if chosen is one} == set(PROVED)


def proofs() -> Iterator[tuple[type[Provider], str]]:
    """Yield each manager and column that a test of this folder is about."""
    for file in Path(__file__).parent.glob("test_*.py"):
        for thing in vars(importlib.import_module(f"{__package__}.{file.stem}")).values():
            marks = {mark.name: mark.args for mark in getattr(thing, "pytestmark", ())}
            if "proves" in marks:
                for mark in thing.pytestmark:
                    if mark.args[0] == "provider_class":
                        yield from ((chosen.values[0], marks["proves"][0]) for chosen in mark.args[1])
