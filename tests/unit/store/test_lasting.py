# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In an AWX job a new file must be on a mounted volume; outside of one, any path is accepted."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.store.lasting import check_lasting
from ansible_collections.scoped.secrets.tests.unit.store.rows import error_of

CONTAINER = "36 35 0:44 / / rw - overlay overlay rw\n"
MACHINE = "36 35 0:44 / / rw - ext4 /dev/a rw\n"
VOLUMES = "37 36 0:45 / /srv/secrets rw - ext4 /dev/b rw\n38 36 0:46 / /scratch rw - tmpfs tmpfs rw\n"


@pytest.fixture
def in_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", "/var/lib/awx/projects/awx_42_x")
    monkeypatch.setenv("HOME", "/home/runner")


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    file = tmp_path / "mountinfo"
    file.write_text(CONTAINER + VOLUMES)
    return file


@pytest.mark.usefixtures("in_job")
@pytest.mark.parametrize("path", ["/srv/secrets/store.db", "/srv/secrets/not/yet/there/store.db"])
def test_mounted_volume_is_accepted(path: str, mounts: Path) -> None:
    check_lasting(Path(path), str(mounts))


@pytest.mark.usefixtures("in_job")
@pytest.mark.parametrize(
    "path",
    [
        "/runner/project/store.db",
        "/home/runner/.local/share/scoped_secrets/store.db",
        "/var/lib/awx/projects/awx_42_x/store.db",
        "/srv/store.db",
        "/srv/secrets/../store.db",
        "/scratch/store.db",
    ],
)
def test_paths_lost_with_the_job_are_refused(path: str, mounts: Path) -> None:
    error = error_of(lambda: check_lasting(Path(path), str(mounts)))
    assert (error.code, path in error.message) == ("store_dies_with_job", True)
    assert "SCOPED_SECRETS_EPHEMERAL_STORE=on" in error.hint


@pytest.mark.usefixtures("in_job")
@pytest.mark.parametrize(
    ("point", "kind", "is_lost"),
    [
        *(("/", kind, True) for kind in ("aufs", "fuse-overlayfs", "fuse.fuse-overlayfs", "overlay", "ramfs", "tmpfs")),
        *(("/srv", kind, True) for kind in ("ramfs", "tmpfs")),
        *(("/srv", kind, False) for kind in ("overlay", "ext4", "nfs4")),
        ("/", "ext4", False),
    ],
)
def test_container_layers_and_memory_are_lost(mounts: Path, point: str, kind: str, is_lost: bool) -> None:
    mounts.write_text(MACHINE + f"37 36 0:45 / {point} rw - {kind} x rw\n")
    if is_lost:
        assert error_of(lambda: check_lasting(Path("/srv/store.db"), str(mounts))).code == "store_dies_with_job"
    else:
        check_lasting(Path("/srv/store.db"), str(mounts))


@pytest.mark.usefixtures("in_job")
def test_job_without_a_container_may_use_the_disk(mounts: Path) -> None:
    mounts.write_text(MACHINE)
    check_lasting(Path("/srv/store.db"), str(mounts))
    assert error_of(lambda: check_lasting(Path("/home/runner/store.db"), str(mounts))).code == "store_dies_with_job"


@pytest.mark.usefixtures("in_job")
def test_container_with_home_folder_at_the_root(mounts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/")
    check_lasting(Path("/srv/secrets/store.db"), str(mounts))
    assert error_of(lambda: check_lasting(Path("/.local/store.db"), str(mounts))).code == "store_dies_with_job"


def test_outside_a_job_any_path_is_accepted(mounts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWX_PRIVATE_DATA_DIR", raising=False)
    check_lasting(Path("/runner/store.db"), str(mounts))
