# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user at the other end of a socket, and the programs above a process."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import cast

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.processes.peer import ancestors, peer_user
from ansible_collections.scoped.secrets.tests.unit.broker.brokers import OTHER_USER, as_user, needs_root


def test_peer_of_own_socket_is_this_user() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert peer_user(one) == peer_user(other) == os.geteuid()


@needs_root
def test_each_end_knows_the_user_of_the_other() -> None:
    folder = Path(tempfile.mkdtemp(prefix="ss-", dir="/tmp"))
    folder.chmod(0o755)
    path = str(folder / "socket")

    def connect() -> int:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            return peer_user(connection)

    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            os.chmod(path, 0o666)
            listener.listen(1)
            assert as_user(OTHER_USER, connect) == os.geteuid()
            with listener.accept()[0] as connection:
                assert peer_user(connection) == OTHER_USER
    finally:
        shutil.rmtree(folder)


class Credentials:
    """A socket of macOS or a BSD, which returns a struct xucred (sys/ucred.h) for LOCAL_PEERCRED."""

    def __init__(self, user: int) -> None:
        self.content = struct.pack("=IIh2x16I", 0, user, 1, *range(16))

    def getsockopt(self, level: int, option: int, size: int) -> bytes:
        assert (level, option) == (0, 1)
        assert size >= len(self.content)
        return self.content


@pytest.mark.parametrize("user", [0, 501, 2**32 - 2])
def test_falls_back_to_local_peercred(user: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "SO_PEERCRED")
    assert peer_user(cast(socket.socket, Credentials(user))) == user


def test_the_programs_above_a_process() -> None:
    # The inner shell says its id, and stays a process of its own since a command follows.
    script = "echo $$; read answer; true"
    with subprocess.Popen(
        ["env", "sh", "-c", f"sh -c '{script}'; true"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as outer:
        assert outer.stdout
        assert outer.stdin
        inner = int(outer.stdout.readline())
        assert list(ancestors(inner)) == ["sh", "sh"]
        outer.stdin.write("\n")


def test_nothing_stands_above_a_process_that_has_gone() -> None:
    with subprocess.Popen(["true"]) as gone:
        pass
    assert list(ancestors(gone.pid)) == []
