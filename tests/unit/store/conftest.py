# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new store for each test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Database
from ansible_collections.scoped.secrets.plugins.module_utils.store.schema import STEPS, SchemaStep
from ansible_collections.scoped.secrets.tests.unit.store.rows import new_shared_store, new_store


@pytest.fixture
def path(tmp_path: Path, shared_store: str) -> Path:
    if shared_store:
        pytest.skip("looks at SQLite's file or plans")
    return tmp_path / "store" / "store.db"


@pytest.fixture
def make_store(shared_stores: Callable[[], str], tmp_path: Path) -> Iterator[Callable[..., Database]]:
    """Return a function that creates another store with the given schema steps."""
    numbers = itertools.count()

    def make(steps: tuple[SchemaStep, ...] = STEPS) -> Database:
        url = shared_stores()
        return new_shared_store(url, steps) if url else new_store(tmp_path / f"{next(numbers)}" / "store.db", steps)

    with ExitStack() as closing_all:
        yield lambda *steps: closing_all.enter_context(closing(make(*steps)))


@pytest.fixture
def database(tmp_path: Path, shared_store: str) -> Iterator[Database]:
    opened = new_shared_store(shared_store) if shared_store else new_store(tmp_path / "store" / "store.db")
    yield opened
    opened.close()
