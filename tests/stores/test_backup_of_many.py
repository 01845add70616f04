# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup and its restore take as much memory of a store of many secrets as of one of few."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.tests.stores.conftest import settings_at
from ansible_collections.scoped.secrets.tests.unit.engine.full_store import back_up, many, restore


def test_five_times_as_many_secrets_take_no_more_memory(tmp_path: Path) -> None:
    peaks = {number: peaks_of(number, tmp_path / str(number)) for number in (200, 1_000)}
    for few, many_more in zip(*peaks.values(), strict=True):
        assert many_more < few + 2 * 1024 * 1024, peaks


def peaks_of(number: int, folder: Path) -> tuple[int, int]:
    """Return the most memory that a backup of so many secrets took, and its restore."""
    folder.mkdir()
    settings = settings_at(f"sqlite:///{folder}/store.db")
    engine, target = Engine(settings), Engine(settings._replace(store=f"sqlite:///{folder}/restored.db"))
    many(engine, number)
    backup = folder / "secrets.backup"
    return peak(lambda: back_up(engine, backup)), peak(lambda: restore(target, backup))


def peak(call: Callable[[], object]) -> int:
    """Return the most bytes that Python had at once while something lasted."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
