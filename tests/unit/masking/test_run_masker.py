# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A parent that masks with what its workers reveal."""

from __future__ import annotations

import os

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.masking.run_masker import RunMasker
from ansible_collections.scoped.secrets.plugins.module_utils.model.censored import CENSORED
from ansible_collections.scoped.secrets.tests.unit.masking.test_channel import ended, forked


@pytest.fixture
def masker() -> RunMasker:
    return RunMasker()


def test_what_the_process_itself_reveals(masker: RunMasker) -> None:
    masker.reveal("text", b"hunter22")
    assert masker.mask("a hunter22") == f"a {CENSORED}"


def test_what_a_worker_reveals_is_known_when_it_goes_on(masker: RunMasker) -> None:
    """A worker reveals a value, and only then shows anything: here by its end."""
    for number in range(50):
        value = b"value %d" % number + b"x" * 5000
        ended(forked(lambda value=value: masker.reveal("text", value)))  # type: ignore[misc]
        assert masker.mask({"a": value.decode()}) == {"a": CENSORED}


def test_a_worker_is_not_held_up_while_nobody_asks(masker: RunMasker) -> None:
    ended(forked(lambda: [masker.reveal("text", os.urandom(5000)) for _number in range(100)] and None))


def test_the_kind_comes_along(masker: RunMasker) -> None:
    ended(forked(lambda: masker.reveal("ssh", b'{"user": "webuser", "password": "hunter22"}')))
    assert masker.mask(["webuser", "hunter22"]) == ["webuser", CENSORED]


def test_what_is_known_is_not_sent_again(masker: RunMasker, monkeypatch: pytest.MonkeyPatch) -> None:
    masker.reveal("text", b"hunter22")
    sent: list[bytes] = []
    monkeypatch.setattr(masker._channel, "send", sent.append)

    def work() -> None:
        masker.reveal("text", b"hunter22")
        masker.reveal("text", b"hunter23")
        masker.reveal("text", b"hunter23")
        assert sent == [b"text\0hunter23"]

    ended(forked(work))


def test_a_worker_masks_with_what_it_knows(masker: RunMasker) -> None:
    """It writes to the log by itself, and must not take what others send to the parent."""
    masker.reveal("text", b"hunter22")

    def work() -> None:
        masker.reveal("text", b"hunter23")
        assert masker.mask("hunter22 hunter23 hunter24") == f"{CENSORED} {CENSORED} hunter24"

    ended(forked(work))


def test_a_worker_forked_while_another_thread_masks_does_not_wait_for_it(masker: RunMasker) -> None:
    with masker._lock:
        ended(forked(lambda: masker.reveal("text", b"hunter22")))


def test_short_ones_are_warned_about_once(masker: RunMasker) -> None:
    masker.reveal("text", b"hunter22")
    assert not masker.take_warning()
    masker.reveal("text", b"abc")
    assert masker.take_warning()
    assert not masker.take_warning()
    masker.reveal("text", b"def")
    assert not masker.take_warning()
