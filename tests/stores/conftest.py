# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores on either engine."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings

ENGINES = ("sqlite", "postgresql", "pgbouncer")


def settings_at(url: str) -> Settings:
    return Settings(url, "/none", root_key=base64.b64encode(os.urandom(32)).decode())


@pytest.fixture
def shared(request: pytest.FixtureRequest) -> Settings:
    """An empty place for a store on PostgreSQL."""
    return settings_at(request.getfixturevalue("postgresql").new_store())


@pytest.fixture(params=ENGINES)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """An empty place for a store on each engine, and through a pooler."""
    if request.param == "sqlite":
        return settings_at(f"sqlite:///{tmp_path}/store/store.db")
    server = request.getfixturevalue("postgresql")
    if request.param == "postgresql":
        return settings_at(server.new_store())
    from servers.postgresql import url_of

    return settings_at(url_of(request.getfixturevalue("pgbouncer"), server.new_database()))
