# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new store for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Database
from ansible_collections.scoped.secrets.tests.unit.store.rows import new_shared_store, new_store


@pytest.fixture
def path(tmp_path: Path, shared_store: str) -> Path:
    if shared_store:
        pytest.skip("looks at the file of SQLite")
    return tmp_path / "store" / "store.db"


@pytest.fixture
def database(tmp_path: Path, shared_store: str) -> Iterator[Database]:
    opened = new_shared_store(shared_store) if shared_store else new_store(tmp_path / "store" / "store.db")
    yield opened
    opened.close()
