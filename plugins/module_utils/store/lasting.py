# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a file is still there when the run is over: AWX throws the container of each job away."""

from __future__ import annotations

import os
from pathlib import Path

from ..model.errors import StoreRefused
from .mounts import MOUNTS, mount_of

__all__ = ["check_lasting"]

# The folder of a job of any kind (AWX, awx/main/tasks/jobs.py, BaseTask.build_env), and where its container has it.
_JOB_FOLDER = "AWX_PRIVATE_DATA_DIR"
_IN_CONTAINER = "/runner"
# What the root of a container is made of, and what is memory wherever it is mounted.
_LAYERS = frozenset(["aufs", "fuse-overlayfs", "fuse.fuse-overlayfs", "overlay"])
_MEMORY = frozenset(["ramfs", "tmpfs"])


def check_lasting(path: Path, mounts: str = MOUNTS) -> None:
    """Raise StoreRefused if this is a job of AWX and a new file at `path` would be gone with it.

    So it is in the job's folder, the home folder, the layers of the container itself, and memory. A volume that is
    mounted elsewhere stays.
    """
    job_folder = os.environ.get(_JOB_FOLDER)
    if job_folder and _goes(path, job_folder, mounts):
        raise StoreRefused(
            "store_dies_with_job",
            f"The store {path} would be made within this job of AWX, and be gone with its container.",
            hint="Set 'store' to a PostgreSQL database (docs/awx.md), or to a file on a volume that is mounted outside "
            f"{_IN_CONTAINER} and the home folder. Should it serve this one job: SCOPED_SECRETS_EPHEMERAL_STORE=on.",
        )


def _goes(path: Path, job_folder: str, mounts: str) -> bool:
    # Some containers have no home but the root.
    home = os.path.realpath(os.path.expanduser("~"))
    folders = {_IN_CONTAINER, os.path.realpath(job_folder), *({home} - {"/"})}
    real = Path(os.path.realpath(path))
    if any(real.is_relative_to(folder) for folder in folders):
        return True
    mount = mount_of(real.parent, mounts)
    return mount.kind in _MEMORY or (mount.point == "/" and mount.kind in _LAYERS)
