# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kerberos configuration can make programs load code: only a trusted file is used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.krb5_config import krb5_config_of
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput


def reason(path: object) -> str:
    with pytest.raises(InvalidInput) as caught:
        krb5_config_of({"krb5_config": str(path)})
    assert caught.value.code == "unsafe_krb5_config"
    return caught.value.message


def test_a_file_of_ones_own_is_used(tmp_path: Path) -> None:
    file = tmp_path / "krb5.conf"
    file.write_text("[libdefaults]")
    file.chmod(0o644)
    assert krb5_config_of({"krb5_config": str(file)}) == str(file)
    assert krb5_config_of({}) == ""
    # The programs say best why a file can't be read.
    assert krb5_config_of({"krb5_config": "/none"}) == "/none"


@pytest.mark.parametrize("path", ["krb5.conf", "/etc/krb5.conf:/tmp/x", "./krb5.conf"])
def test_it_is_one_absolute_path(path: str) -> None:
    assert "is not one absolute path" in reason(path)


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_others_can_not_write_to_it(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "krb5.conf"
    file.touch()
    file.chmod(mode)
    assert "others can write to it" in reason(file)


def test_it_is_a_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        assert "is not a regular file" in reason(path)


def test_it_belongs_to_root_or_oneself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "krb5.conf"
    file.touch(0o644)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    if os.stat(file).st_uid:
        assert "belongs to another user" in reason(file)
    os.chown(file, 12345, -1) if os.getuid() == 0 else None
    assert "belongs to another user, with the id" in reason(file)
