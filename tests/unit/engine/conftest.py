# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of each test: a root key, a place for a store, an engine on it, and secret managers in memory."""

from __future__ import annotations

import base64
import itertools
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.credentials import openssh_form
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.rootkey import DEFAULT_KDF, KDF_LIMITS
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.sqlite import SqliteDialect
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud, install


@pytest.fixture(autouse=True)
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    return install(monkeypatch)


@pytest.fixture(autouse=True)
def quick_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make deriving a key from a passphrase cheap; the tests of crypto and credentials cover the real cost."""
    monkeypatch.setitem(DEFAULT_KDF, "memory_kib", 64)
    monkeypatch.setitem(KDF_LIMITS, "memory_kib", (64, 64 * 1024))
    monkeypatch.setattr(openssh_form, "_ROUNDS", 1)


@pytest.fixture(autouse=True)
def quick_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let SQLite not wait for the disk; the tests of the store look at what it does in fact."""
    connect = SqliteDialect.connect

    def without_waiting(dialect: SqliteDialect) -> sqlite3.Connection:
        connection = connect(dialect)
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    monkeypatch.setattr(SqliteDialect, "connect", without_waiting)


@pytest.fixture
def new_place(tmp_path: Path, shared_stores: Callable[[], str]) -> Callable[[], str]:
    """A function that returns the URL of a place without a store."""
    numbers = itertools.count()
    return lambda: shared_stores() or f"sqlite:///{tmp_path}/store_{next(numbers)}/store.db"


@pytest.fixture
def settings(tmp_path: Path, new_place: Callable[[], str]) -> Settings:
    key_file = tmp_path / "root.key"
    key_file.write_bytes(base64.b64encode(os.urandom(32)))
    key_file.chmod(0o600)
    return Settings(new_place(), str(key_file))


@pytest.fixture
def elsewhere(settings: Settings, new_place: Callable[[], str]) -> Callable[[], Settings]:
    """A function that returns settings of another place without a store, with the same root key."""
    return lambda: settings._replace(store=new_place())


@pytest.fixture
def engine(settings: Settings, cloud: Cloud) -> Engine:
    return Engine(settings)
