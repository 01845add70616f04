# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No path that a user gives is written where a symbolic link of another user leads."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.rootkey import create_key_file
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.sinks.base import sinks_of
from ansible_collections.scoped.secrets.tests.unit.broker.brokers import OTHER_USER, needs_root
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, error_of

Writer = Callable[[Engine, Settings, str], object]


def _store(_engine: Engine, settings: Settings, path: str) -> None:
    declare(Engine(settings._replace(store=f"sqlite:///{path}")), "scope")


def _sink(_engine: Engine, _settings: Settings, path: str) -> None:
    for sink in sinks_of(f"file://{path},syslog://{path}"):
        sink.write(["record"])


# By what writes: how, and the code of its refusal.
WRITERS: dict[str, tuple[Writer, str]] = {
    "scope_key": (lambda engine, _settings, path: declare(engine, "scope_key", dest=path), "dest_taken"),
    "store_backup": (lambda engine, _settings, path: declare(engine, "store_backup", dest=path), "dest_taken"),
    "store": (_store, "exposed_store_folder"),
    "root_key_file": (lambda _engine, _settings, path: create_key_file(path), "exposed_key_folder"),
    "audit_sink": (_sink, "audit_not_written"),
}


@needs_root
@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("dest", ["link/file", "link/new/file", "by-ours/file", "file"])
def test_a_link_of_another_user_is_not_followed(
    engine: Engine, settings: Settings, writer: str, dest: str, tmp_path: Path
) -> None:
    (tmp_path / "theirs").mkdir()
    for link, target in (("link", "theirs"), ("file", "theirs/file")):
        (tmp_path / link).symlink_to(tmp_path / target)
        os.lchown(tmp_path / link, OTHER_USER, -1)
    (tmp_path / "by-ours").symlink_to("link")
    declare(engine, "scope")
    do, code = WRITERS[writer]
    error = error_of(lambda: do(engine, settings, str(tmp_path / dest)))
    if (writer, dest) != ("root_key_file", "file"):
        assert (error.code, "symbolic link of another user" in error.message) == (code, True)
    assert list((tmp_path / "theirs").iterdir()) == []


def test_a_link_of_ones_own_is_followed(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("ours")
    declare(engine, "scope")
    for name, (do, _code) in WRITERS.items():
        if name != "audit_sink":
            do(engine, settings, str(tmp_path / "link" / name))
    sinks_of(f"file://{tmp_path}/link/audit")[0].write(["record"])
    names = {"scope_key", "store_backup", "store", "root_key_file", "audit"}
    assert {path.name for path in (tmp_path / "ours").iterdir()} >= names
