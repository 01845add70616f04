# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A parent masks the values that its workers reveal."""

from __future__ import annotations

import os
import threading
from types import SimpleNamespace

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.masking import run_masker
from ansible_collections.scoped.secrets.plugins.module_utils.masking.run_masker import RunMasker
from ansible_collections.scoped.secrets.plugins.module_utils.model.censored import CENSORED
from ansible_collections.scoped.secrets.tests.unit.masking.test_channel import assert_ended, forked


@pytest.fixture
def masker() -> RunMasker:
    return RunMasker()


def test_masks_what_the_process_itself_reveals(masker: RunMasker) -> None:
    masker.reveal("text", b"hunter22")
    assert masker.mask("a hunter22") == f"a {CENSORED}"


def test_parent_knows_a_value_once_the_worker_continues(masker: RunMasker) -> None:
    """A worker reveals a value before it shows anything; here it just ends."""
    for number in range(50):
        value = b"value %d" % number + b"x" * 5000
        assert_ended(forked(lambda value=value: masker.reveal("text", value)))  # type: ignore[misc]
        assert masker.mask({"a": value.decode()}) == {"a": CENSORED}


def test_workers_do_not_block_while_nothing_is_masked(masker: RunMasker) -> None:
    assert_ended(forked(lambda: [masker.reveal("text", os.urandom(5000)) for _number in range(100)] and None))


def test_kind_is_sent_with_the_value(masker: RunMasker) -> None:
    assert_ended(forked(lambda: masker.reveal("ssh", b'{"user": "webuser", "password": "hunter22"}')))
    assert masker.mask(["webuser", "hunter22"]) == ["webuser", CENSORED]


def test_known_values_are_not_sent_again(masker: RunMasker, monkeypatch: pytest.MonkeyPatch) -> None:
    masker.reveal("text", b"hunter22")
    sent: list[bytes] = []
    monkeypatch.setattr(masker._channel, "send", sent.append)

    def work() -> None:
        masker.reveal("text", b"hunter22")
        masker.reveal("text", b"hunter23")
        masker.reveal("text", b"hunter23")
        assert sent == [b"text\0hunter23"]

    assert_ended(forked(work))


def test_a_worker_prepares_nothing_to_mask_before_it_shows_anything(
    masker: RunMasker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most workers only reveal what they read, and how a value may be written is a lot of work."""
    added: list[bytes] = []
    monkeypatch.setattr(masker._masker, "add", lambda _kind, value: added.append(value))

    def work() -> None:
        masker.reveal("text", b"hunter23")
        assert added == []
        masker.mask("x")
        masker.mask("x")
        assert added == [b"hunter23"]

    assert_ended(forked(work))


def test_worker_masks_the_values_it_knows(masker: RunMasker) -> None:
    """A worker writes to the log itself, and must not receive messages meant for the parent."""
    masker.reveal("text", b"hunter22")

    def work() -> None:
        masker.reveal("text", b"hunter23")
        assert masker.mask("hunter22 hunter23 hunter24") == f"{CENSORED} {CENSORED} hunter24"

    assert_ended(forked(work))


def test_all_that_was_revealed_is_masked_before_the_listener_has_received_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_masker, "threading", SimpleNamespace(Lock=threading.Lock, Thread=NoThread))
    masker = RunMasker()
    assert_ended(forked(lambda: masker.reveal("text", b"hunter22")))
    assert masker.mask("a hunter22") == f"a {CENSORED}"


class NoThread:
    """A thread that never runs."""

    def __init__(self, **_options: object) -> None:
        pass

    def start(self) -> None:
        pass


def test_the_listener_keeps_no_process_alive() -> None:
    before = set(threading.enumerate())
    RunMasker()
    assert {thread.daemon for thread in set(threading.enumerate()) - before} == {True}


def test_worker_forked_while_the_lock_is_held_does_not_block(masker: RunMasker) -> None:
    with masker._lock:
        assert_ended(forked(lambda: masker.reveal("text", b"hunter22")))


def test_short_values_are_warned_about_once(masker: RunMasker) -> None:
    masker.reveal("text", b"hunter22")
    assert not masker.take_warning()
    masker.reveal("text", b"abc")
    assert masker.take_warning()
    assert not masker.take_warning()
    masker.reveal("text", b"def")
    assert not masker.take_warning()
