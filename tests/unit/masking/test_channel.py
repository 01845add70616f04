# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages from forked processes: whole, in order, from many at once, and from nobody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.masking.channel import Channel


def forked(work: Callable[[], None]) -> int:
    """Return the id of a new process that does some work and ends."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return pid


def ended(*pids: int) -> None:
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * len(pids)


def taken(channel: Channel, count: int) -> list[bytes]:
    """Return so many messages."""
    messages: list[bytes] = []
    while len(messages) < count:
        channel.wait()
        messages += channel.receive()
    return messages


def test_nothing_sent_is_nothing_received() -> None:
    assert list(Channel().receive()) == []


@pytest.mark.parametrize("length", [1, 2000, 2031, 2035, 2036, 4070, 100_000, 3_000_000])
def test_a_message_arrives_whole(length: int) -> None:
    channel, message = Channel(), os.urandom(length)
    child = forked(lambda: channel.send(message))
    assert taken(channel, 1) == [message]
    ended(child)


def test_many_at_once_do_not_mix() -> None:
    channel = Channel()
    messages = {bytes([number]) * (1 + number * 1500) for number in range(20)}
    children = [forked(lambda message=message: channel.send(message)) for message in messages]  # type: ignore[misc]
    assert set(taken(channel, 20)) == messages
    ended(*children)


def test_what_one_sends_keeps_its_order() -> None:
    channel = Channel()
    messages = [b"%d" % number * 3000 for number in range(50)]
    child = forked(lambda: [channel.send(message) for message in messages] and None)
    assert taken(channel, 50) == messages
    ended(child)


def test_a_message_that_is_cut_off_is_dropped() -> None:
    channel = Channel()

    class Alarm(Exception):
        pass

    def stop(_number: int, _frame: object) -> None:
        raise Alarm

    def work() -> None:
        signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            channel.send(b"x" * 50_000_000)  # more than can wait to be received
        except Alarm:
            channel.send(b"next")

    child = forked(work)
    # Nothing is received before the alarm: the sender stands in the middle of its message then.
    time.sleep(0.5)
    assert taken(channel, 1) == [b"next"]
    ended(child)


def test_a_sender_whose_parent_no_longer_listens_goes_on() -> None:
    channel = Channel()
    channel._reader.close()
    ended(forked(lambda: channel.send(b"x" * 10_000)))


def test_a_forked_process_can_send_only() -> None:
    channel = Channel()

    def work() -> None:
        assert channel._reader.fileno() == -1

    ended(forked(work))


def test_programs_do_not_inherit_it() -> None:
    channel = Channel()
    ours = {os.fstat(end.fileno()).st_ino for end in (channel._reader, channel._writer)}
    code = "import os\nfor n in os.listdir('/dev/fd'):\n try: print(os.fstat(int(n)).st_ino)\n except OSError: pass"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, close_fds=False)
    found = set(map(int, done.stdout.split()))
    assert found
    assert not found & ours
