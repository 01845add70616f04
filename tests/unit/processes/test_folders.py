# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders and links through which another user could replace a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.processes.folders import exposure_of, foreign_link
from ansible_collections.scoped.secrets.tests.unit.broker.brokers import OTHER_USER, needs_root


@pytest.mark.parametrize(
    ("mode", "is_exposed"),
    [(0o700, False), (0o755, False), (0o1777, False), (0o775, True), (0o757, True), (0o777, True)],
)
def test_a_folder_that_others_can_write_is_exposed(tmp_path: Path, mode: int, is_exposed: bool) -> None:
    tmp_path.chmod(mode)
    assert bool(exposure_of(str(tmp_path))) == is_exposed


@needs_root
def test_a_folder_of_another_user_is_exposed_but_not_one_of_root(tmp_path: Path) -> None:
    for folder, owner in (("theirs", OTHER_USER), ("roots", 0)):
        (tmp_path / folder).mkdir(mode=0o755)
        os.chown(tmp_path / folder, owner, -1)
    tmp_path.chmod(0o755)
    assert exposure_of(str(tmp_path / "theirs")) == f"belongs to user id {OTHER_USER}"
    assert exposure_of(str(tmp_path / "roots")) == ""


@needs_root
def test_the_first_link_of_another_user_is_found(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    for name, owner in (("ours", 0), ("theirs", OTHER_USER)):
        (tmp_path / name).symlink_to(tmp_path / "real")
        os.lchown(tmp_path / name, owner, -1)
    (tmp_path / "real" / "theirs.key").symlink_to("/etc/hostname")
    os.lchown(tmp_path / "real" / "theirs.key", OTHER_USER, -1)
    assert foreign_link(str(tmp_path / "real" / "x.key")) == ""
    assert foreign_link(str(tmp_path / "ours" / "x.key")) == ""
    assert foreign_link(str(tmp_path / "theirs" / "x.key")) == str(tmp_path / "theirs")
    assert foreign_link(str(tmp_path / "real" / "theirs.key")) == str(tmp_path / "real" / "theirs.key")
    assert foreign_link(str(tmp_path / "theirs" / "theirs.key")) == str(tmp_path / "theirs")
    (tmp_path / "by-ours").symlink_to("theirs")
    (tmp_path / "real" / "up").symlink_to("../by-ours/deeper")
    assert foreign_link(str(tmp_path / "by-ours" / "x.key")) == str(tmp_path / "theirs")
    assert foreign_link(str(tmp_path / "real" / "up" / "x.key")) == str(tmp_path / "theirs")


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert foreign_link(str(tmp_path / "a" / "x")) == ""
