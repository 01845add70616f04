# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages from forked processes arrive complete and in order, from many at once, and from no other process."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.masking import channel as channel_module
from ansible_collections.scoped.secrets.plugins.module_utils.masking.channel import Channel


def forked(work: Callable[[], None]) -> int:
    """Fork a process that does some work and ends; return its id."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return pid


def assert_ended(*pids: int) -> None:
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * len(pids)


def received(channel: Channel, count: int) -> list[bytes]:
    """Receive `count` messages."""
    messages: list[bytes] = []
    while len(messages) < count:
        channel.wait()
        messages += channel.receive()
    return messages


def test_receives_nothing_if_nothing_was_sent() -> None:
    assert list(Channel().receive()) == []


def test_waiting_ends_when_something_was_sent_and_receives_nothing() -> None:
    channel, waited = Channel(), threading.Event()
    thread = threading.Thread(target=lambda: (channel.wait(), waited.set()), daemon=True)
    thread.start()
    assert not waited.wait(0.1)
    channel.send(b"message")
    assert waited.wait(30)
    assert list(channel.receive()) == [b"message"]


@pytest.mark.parametrize("length", [1, 2000, 2031, 2035, 2036, 4070, 100_000, 3_000_000])
def test_message_arrives_complete(length: int) -> None:
    channel, message = Channel(), os.urandom(length)
    child = forked(lambda: channel.send(message))
    assert received(channel, 1) == [message]
    assert_ended(child)


def test_concurrent_messages_do_not_mix() -> None:
    channel = Channel()
    messages = {bytes([number]) * (1 + number * 1500) for number in range(20)}
    children = [forked(lambda message=message: channel.send(message)) for message in messages]  # type: ignore[misc]
    assert set(received(channel, 20)) == messages
    assert_ended(*children)


def test_messages_of_one_sender_keep_their_order() -> None:
    channel = Channel()
    messages = [b"%d" % number * 3000 for number in range(50)]
    child = forked(lambda: [channel.send(message) for message in messages] and None)
    assert received(channel, 50) == messages
    assert_ended(child)


class FullSocket:
    """A socket of a system that is out of buffers for the first packets."""

    def __init__(self, socket: Any, refusals: int) -> None:
        self._socket = socket
        self._refusals = refusals
        self.sizes: list[int] = []

    def send(self, packet: bytes) -> None:
        if self._refusals:
            self._refusals -= 1
            raise OSError(errno.ENOBUFS, "No buffer space available")
        self.sizes.append(len(packet))
        self._socket.send(packet)


def test_packets_are_small_and_are_sent_again_when_the_system_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    channel, pauses = Channel(), []
    full = FullSocket(channel._writer, 2)
    monkeypatch.setattr(channel, "_writer", full)
    monkeypatch.setattr(channel_module, "time", SimpleNamespace(sleep=pauses.append))
    channel.send(b"x" * 5000)
    assert list(channel.receive()) == [b"x" * 5000]
    assert (max(full.sizes), len(full.sizes), len(pauses)) == (2048, 3, 2)


class InterruptedSocket:
    """A socket whose owner is interrupted, as by a signal, once it has sent some packets."""

    def __init__(self, socket: Any, packets: int) -> None:
        self._socket = socket
        self._left = packets

    def send(self, packet: bytes) -> None:
        if not self._left:
            raise KeyboardInterrupt
        self._left -= 1
        self._socket.send(packet)


@pytest.mark.parametrize("packets", [0, 1, 4])
def test_interrupted_message_is_dropped(packets: int) -> None:
    channel = Channel()

    def work() -> None:
        writer = channel._writer
        channel._writer = InterruptedSocket(writer, packets)  # type: ignore[assignment]
        with pytest.raises(KeyboardInterrupt):
            channel.send(b"x" * 10_000)
        channel._writer = writer
        channel.send(b"next")

    child = forked(work)
    assert received(channel, 1) == [b"next"]
    assert_ended(child)


def test_sender_continues_without_a_receiver() -> None:
    channel = Channel()
    channel._reader.close()
    assert_ended(forked(lambda: channel.send(b"x" * 10_000)))


def test_forked_process_can_only_send() -> None:
    channel = Channel()

    def work() -> None:
        assert channel._reader.fileno() == -1

    assert_ended(forked(work))


def test_programs_do_not_inherit_the_sockets() -> None:
    channel = Channel()
    ours = {os.fstat(end.fileno()).st_ino for end in (channel._reader, channel._writer)}
    code = "import os\nfor n in os.listdir('/dev/fd'):\n try: print(os.fstat(int(n)).st_ino)\n except OSError: pass"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, close_fds=False)
    found = set(map(int, done.stdout.split()))
    assert found
    assert not found & ours
