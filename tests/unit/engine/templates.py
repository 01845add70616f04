# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores with content, made once in a process: each test gets a copy."""

from __future__ import annotations

import copy
import os
import sqlite3
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from functools import cache, wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import manager_kind
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud, MemoryVault, install
from ansible_collections.scoped.secrets.tests.unit.engine.stores import store_path

__all__ = ["made_once"]

Fill = Callable[[Engine], None]


class Template(NamedTuple):
    """A store, its root key, and what the secret managers in memory have."""

    store: bytes
    root_key: bytes
    cloud: dict[str, Any]


def made_once(fill: Fill) -> Fill:
    """Return a function that puts a copy of what `fill` declares at the place of an engine.

    It calls `fill` itself if the store exists, is on PostgreSQL, or has its root key from elsewhere than a file.
    """

    @wraps(fill)
    def copied(engine: Engine) -> None:
        if _is_new_file(engine.settings):
            _put(_template(fill), engine.settings)
            engine.store(create=False)
        else:
            fill(engine)

    return copied


def _is_new_file(settings: Settings) -> bool:
    has_other_key = settings.root_key or settings.passphrase or settings.has_scope_key
    return settings.store.startswith("sqlite:") and not store_path(settings).exists() and not has_other_key


@cache
def _template(fill: Fill) -> Template:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        cloud = install(patch)
        key = Path(folder) / "root.key"
        key.write_bytes(b64encode(os.urandom(32)))
        key.chmod(0o600)
        engine = Engine(Settings(f"sqlite:///{folder}/store/store.db", str(key)))
        fill(engine)
        engine.close(1)
        with closing(sqlite3.connect(store_path(engine.settings))) as database:
            return Template(database.serialize(), key.read_bytes(), _content(cloud))


def _put(template: Template, settings: Settings) -> None:
    path = store_path(settings)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(template.store)
    Path(settings.root_key_file).write_bytes(template.root_key)
    vars(_cloud()).update(copy.deepcopy(template.cloud))


def _cloud() -> Cloud:
    """Return the provider of the test that runs."""
    cloud: Cloud = manager_kind(MemoryVault.KIND).cloud  # type: ignore[attr-defined]
    return cloud


def _content(cloud: Cloud) -> dict[str, Any]:
    return {name: value for name, value in vars(cloud).items() if name not in ("lock", "before")}
