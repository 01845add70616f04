# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines reach a log that listens on a socket; a log that doesn't listen is reported."""

from __future__ import annotations

import contextlib
import socket
import tempfile
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Unavailable
from ansible_collections.scoped.secrets.plugins.module_utils.sinks.syslog import make

AUTHPRIV_INFO = 10 * 8 + 6  # RFC 5424, 6.2.1


def test_each_line_becomes_a_message() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.settimeout(60)
        log.bind(f"{folder}/log")
        make(f"{folder}/log").write(['{"a": 1}', '{"b": 2}'])
        messages = [log.recv(1000).rstrip(b"\0") for _number in range(2)]
    assert messages == [b'<%d>scoped_secrets: {"%s": %d}' % (AUTHPRIV_INFO, *one) for one in ((b"a", 1), (b"b", 2))]


def test_log_that_does_not_listen_is_reported(tmp_path: Path) -> None:
    sink = make(str(tmp_path / "none"))
    for lines in ([], ["1"]):
        with pytest.raises(Unavailable) as caught:
            sink.write(lines)
        assert caught.value.code == "audit_not_written"


def test_log_that_ends_is_reported() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        log.bind(f"{folder}/log")
        sink = make(f"{folder}/log")
        sink.write(["1"])
        log.close()
        with pytest.raises(Unavailable):
            sink.write(["2"])


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_probe_of_a_log_that_listens_sends_nothing(kind: socket.SocketKind) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX, kind) as log:
        log.bind(f"{folder}/log")
        if kind is socket.SOCK_STREAM:
            log.listen()
        make(f"{folder}/log").write([])
        log.setblocking(False)
        receiver = log.accept()[0] if kind is socket.SOCK_STREAM else log
        with receiver, contextlib.suppress(BlockingIOError):
            assert receiver.recv(100) == b""
