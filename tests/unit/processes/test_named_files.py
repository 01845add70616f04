# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that users and rows name, where there is something else: nothing waits, and nothing fills the memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.backup.files import opened
from ansible_collections.scoped.secrets.plugins.module_utils.engine.reading.credential_views import read_on_control_node
from ansible_collections.scoped.secrets.plugins.module_utils.managers import http
from ansible_collections.scoped.secrets.plugins.module_utils.managers.aws import session as aws
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ConnectorContext
from ansible_collections.scoped.secrets.plugins.module_utils.managers.cyberark.conjur_logins import ConjurJwt
from ansible_collections.scoped.secrets.plugins.module_utils.managers.hashicorp_vault import logins as vault
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.processes.files import MAX_FILE, open_file, read_file


def open_backup(path: str) -> None:
    with opened(Path(path), Settings("sqlite:////none/store.db", "/none")):
        pass


READERS: dict[str, Callable[[str], Any]] = {
    "a backup": open_backup,
    "a private key": lambda path: read_on_control_node(path, "it"),
    "a certificate": lambda path: http._file("ca_cert", path),
    "a token for AWS": lambda path: aws._read_token(path, ConnectorContext("it")),
    "a token for Vault": lambda path: vault._read("it", path),
    "a token for Conjur": lambda path: ConjurJwt({"token_file": path})._token("it"),
}


def pipe(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir()


def nothing(_path: Path) -> None:
    pass


@pytest.mark.parametrize("make", [pipe, folder, nothing, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.parametrize("what", READERS)
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, what: str, make: Callable[[Path], object]) -> None:
    make(tmp_path / "file")
    with pytest.raises(ScopedSecretsError) as caught:
        READERS[what](str(tmp_path / "file"))
    assert caught.value.hint


@pytest.mark.parametrize("what", [what for what in READERS if what != "a backup"])
def test_what_is_too_large_is_refused_unread(tmp_path: Path, what: str) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.truncate(10 * 1024**4)
    with pytest.raises(ScopedSecretsError):
        READERS[what](str(tmp_path / "file"))


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * MAX_FILE)
    assert len(read_file(str(tmp_path / "file"))) == MAX_FILE
    with open_file(str(tmp_path / "file")) as file:
        assert file.read(1) == b"x"


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="not a regular file"):
        read_file(str(tmp_path))
    assert len(os.listdir("/proc/self/fd")) == before
