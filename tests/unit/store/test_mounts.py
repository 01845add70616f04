# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The innermost and newest mount tells a path's file system; links are resolved, and any name works."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.store.mounts import Mount, mount_of

ROOT = "36 35 0:44 / / rw - ext4 /dev/a rw\n"
NET = "37 36 0:45 / /net rw shared:7 master:2 - nfs host:/export rw\n"
INNER = "38 37 0:46 / /net/local rw - ext4 /dev/b rw\n"
OVER = "39 37 0:47 / /net/over rw - ext4 /dev/c rw\n40 39 0:48 / /net/over rw - nfs4 host:/x rw\n"


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    file = tmp_path / "mountinfo"
    # The outer mount comes last, to show that its position in the list doesn't matter.
    file.write_text(ROOT + INNER + OVER + NET)
    return file


@pytest.mark.parametrize(
    ("folder", "found"),
    [
        ("/srv", Mount("/", "ext4")),
        ("/netx", Mount("/", "ext4")),
        ("/net/deep/er", Mount("/net", "nfs")),
        ("/net/local", Mount("/net/local", "ext4")),
        ("/net/over", Mount("/net/over", "nfs4")),
    ],
)
def test_innermost_and_newest_mount_counts(mounts: Path, folder: str, found: Mount) -> None:
    assert mount_of(Path(folder), str(mounts)) == found


def test_symbolic_links_are_resolved(mounts: Path, tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.mkdir()
    link.symlink_to(target)
    mounts.write_text(f"{ROOT}37 36 0:45 / {target} rw - nfs host:/export rw\n")
    assert mount_of(link, str(mounts)) == Mount(str(target), "nfs")


def test_mount_points_may_contain_any_bytes(mounts: Path) -> None:
    mounts.write_bytes(
        ROOT.encode() + b"37 36 0:1 / /mnt/B\xc3\xbcro\\040x rw - nfs4 x rw\n38 36 0:2 / /mnt/\xff rw - ext4 y rw\n"
    )
    assert mount_of(Path("/mnt/Büro x"), str(mounts)).kind == "nfs4"
    assert mount_of(Path("/mnt/else"), str(mounts)).kind == "ext4"


def test_unknown_without_mountinfo(tmp_path: Path) -> None:
    assert mount_of(tmp_path, str(tmp_path / "none")) == ("", "")
