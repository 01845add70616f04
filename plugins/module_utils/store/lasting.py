# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that a new store file will outlast the run: AWX deletes the container of each job."""

from __future__ import annotations

import os
from pathlib import Path

from ..model.errors import StoreRefused
from .mounts import MOUNTS, mount_of

__all__ = ["check_lasting"]

# Names the folder of any AWX job (awx/main/tasks/jobs.py, BaseTask.build_env), which its container mounts at /runner.
_JOB_FOLDER = "AWX_PRIVATE_DATA_DIR"
_IN_CONTAINER = "/runner"
# File system types of container layers, and those that are in memory.
_LAYERS = frozenset(["aufs", "fuse-overlayfs", "fuse.fuse-overlayfs", "overlay"])
_MEMORY = frozenset(["ramfs", "tmpfs"])


def check_lasting(path: Path, mounts: str = MOUNTS) -> None:
    """Raise StoreRefused if this is an AWX job and a new file at `path` would be lost with it.

    Lost are the job's folder, the home folder, the layers of the container itself, and memory. A volume that is mounted
    elsewhere stays.
    """
    job_folder = os.environ.get(_JOB_FOLDER)
    if job_folder and _is_lost(path, job_folder, mounts):
        raise StoreRefused(
            "store_dies_with_job",
            f"A new store at {path} would be lost with the container of this AWX job.",
            hint="Set 'store' to a PostgreSQL database (docs/awx.md), or to a file on a volume that is mounted outside "
            f"{_IN_CONTAINER} and the home folder. For a store of this one job set SCOPED_SECRETS_EPHEMERAL_STORE=on.",
        )


def _is_lost(path: Path, job_folder: str, mounts: str) -> bool:
    # In some containers the home folder is /.
    home = os.path.realpath(os.path.expanduser("~"))
    folders = {_IN_CONTAINER, os.path.realpath(job_folder), *({home} - {"/"})}
    real = Path(os.path.realpath(path))
    if any(real.is_relative_to(folder) for folder in folders):
        return True
    mount = mount_of(real.parent, mounts)
    return mount.kind in _MEMORY or (mount.point == "/" and mount.kind in _LAYERS)
