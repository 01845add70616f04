# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the collection's tarball reproducible: the same commit gives the same bytes."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

__all__ = ["make_reproducible"]


def make_reproducible(tarball: Path, seconds: int) -> None:
    """Rewrite a tarball: members sorted by name, without owners, and with one time (`seconds` since 1970)."""
    draft = tarball.with_suffix(".new")
    with (
        tarfile.open(tarball) as old,
        draft.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=seconds) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            new.addfile(_plain(member, seconds), old.extractfile(member) if member.isfile() else None)
    draft.replace(tarball)


def _plain(member: tarfile.TarInfo, seconds: int) -> tarfile.TarInfo:
    plain = tarfile.TarInfo(member.name)
    plain.type, plain.size, plain.mtime = member.type, member.size, seconds
    plain.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return plain
