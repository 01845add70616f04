# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines are appended completely or not at all; links, pipes and folders are refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Unavailable
from ansible_collections.scoped.secrets.plugins.module_utils.sinks.json_lines import make


def test_lines_are_appended_to_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    sink = make(str(path))
    sink.write([])
    sink.write(["1", "2"])
    path.rename(tmp_path / "rotated")
    sink.write(["3"])
    assert (path.read_text(), (tmp_path / "rotated").read_text()) == ("3\n", "1\n2\n")
    assert path.stat().st_mode & 0o777 == 0o600


def test_only_regular_files_are_written(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "none/file", "."):
        with pytest.raises(Unavailable) as caught:
            make(str(tmp_path / name)).write(["1"])
        assert caught.value.code == "audit_not_written"
    assert (tmp_path / "target").read_text() == ""


def test_partial_write_is_rolled_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.jsonl"
    make(str(path)).write(["first"])
    write = os.write

    def full(descriptor: int, content: bytes) -> int:
        if len(content) < 8:
            raise OSError(28, "No space left on device")
        return write(descriptor, content[:5])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(Unavailable, match="No space"):
        make(str(path)).write(["second line"])
    assert path.read_text() == "first\n"


def test_a_pipe_with_a_reader_is_no_file_either(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(Unavailable, match="not a regular file"):
            make(str(tmp_path / "pipe")).write(["1"])
        assert os.read(reader, 10) == b""
    finally:
        os.close(reader)
