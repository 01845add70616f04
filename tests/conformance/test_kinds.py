# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No kind is left out, and no column of the table is without a test."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import kinds

from conformance.kinds import providers
from conformance.table import PROVED, rows


def test_every_kind_is_here() -> None:
    assert {one.KIND for one in providers()} == {"builtin", *kinds()}, "a kind needs a file in tests/conformance/kinds"


def test_no_two_have_one_name() -> None:
    names = [one.name() for one in providers()]
    assert sorted(names) == sorted(set(names))


def test_every_column_of_every_row_is_proved() -> None:
    proved = set(proofs())
    assert {(one.name(), column) for one in rows() for column in PROVED} <= proved
    assert {column for _name, column in proved} == set(PROVED)


def proofs() -> Iterator[tuple[str, str]]:
    """Yield each manager and column that a scenario of this folder is about."""
    for file in Path(__file__).parent.glob("test_*.py"):
        module = importlib.import_module(f"{__package__}.{file.stem}")
        for one in providers() if hasattr(module, "TOPIC") else ():
            yield from ((one.name(), each.proves) for each in module.TOPIC.scenarios_for(one) if each.proves)
