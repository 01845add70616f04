# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same files give the same tarball, whoever packs them and when."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

from release.tarball import make_reproducible

FILES = {"MANIFEST.json": b"{}", "plugins/a.py": b"a = 1\n", "plugins/run": b"#!/bin/sh\n"}


def packed(folder: Path, names: list[str], mode: int, mtime: int) -> Path:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(FILES[name])
        file.chmod(mode | (0o100 if name.endswith("run") else 0))
        os.utime(file, (mtime, mtime))
    tarball = folder / "scoped-secrets.tar.gz"
    with tarfile.open(tarball, "w:gz") as tar:
        for name in names:
            tar.add(folder / name, name)
    return tarball


def test_the_same_bytes(tmp_path: Path) -> None:
    one = packed(tmp_path / "one", list(FILES), 0o600, 1)
    other = packed(tmp_path / "other", list(reversed(FILES)), 0o664, 2_000_000_000)
    for tarball in (one, other):
        make_reproducible(tarball, 1_700_000_000)
    assert one.read_bytes() == other.read_bytes()
    with tarfile.open(one) as tar:
        assert {member.name: tar.extractfile(member).read() for member in tar} == FILES  # type: ignore[union-attr]
        assert [(member.mode, member.mtime, member.uname) for member in tar] == [
            (0o644, 1_700_000_000, ""),
            (0o644, 1_700_000_000, ""),
            (0o755, 1_700_000_000, ""),
        ]
