# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds that are only read: what they can't do is refused before they are asked, and what is there is read."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Capability

from conformance.stage import Stage
from conformance.subject import CONNECTOR, Subject
from conformance.topic import MODES, Topic
from conformance.workplace import canary

TOPIC = Topic()


def refused(subject: Subject, deed: Callable[[], object]) -> None:
    subject.provider.forget_requests()
    assert subject.work.refused(deed).code == "not_supported"
    assert list(subject.provider.requests) == []
    assert "a" not in subject.names()


@TOPIC.asked_of(unable=Capability.WRITE, proves="writes", each=MODES)
def no_text_is_written(subject: Subject, check_mode: bool) -> None:
    refused(subject, lambda: subject.keep("a", canary(), check_mode=check_mode))


@TOPIC.asked_of(unable=Capability.WRITE, proves="value limit")
def a_value_of_any_size_is_refused(subject: Subject) -> None:
    refused(subject, lambda: subject.keep("a", canary().ljust(subject.provider.limit() + 1, "x")))


@TOPIC.asked_of(unable=Capability.FILES, proves="files")
def no_file_is_kept(subject: Subject) -> None:
    refused(subject, lambda: subject.keep("a", b"\xff"))


@TOPIC.asked_of(unable=Capability.DELETE, proves="delete")
def nothing_is_deleted(subject: Subject) -> None:
    path = subject.provider.path("theirs")
    subject.provider.write_foreign(path, {"user": "ann"})
    subject.refer("a", path)
    assert subject.drop("a").changed
    assert subject.provider.fields_at(path) == {"user": "ann"}


@TOPIC.asked_of(unable=Capability.WRITE, able=Capability.READ_PATH, proves="JSON #key")
def fields_of_what_is_there(subject: Subject) -> None:
    path = subject.provider.path("theirs")
    subject.provider.write_foreign(path, {"user": "ann", "port": "3"})
    subject.refer("a", path)
    url = f"{subject.provider.scheme}://{CONNECTOR}/{path}"
    assert [subject.read(one) for one in ("a#user", f"{url}#port")] == [b"ann", b"3"]
    assert subject.refused_read("a#none").code == "unknown_key"


@TOPIC.asked_of(unable=Capability.WRITE, proves="versions")
def no_version_is_made_up(subject: Subject) -> None:
    path = subject.provider.path("theirs")
    subject.provider.write_foreign(path, {"user": "ann"})
    subject.refer("a", path)
    url = f"{subject.provider.scheme}://{CONNECTOR}/{path}"
    errors = [subject.refused_read("a@1"), subject.refused_read(url, version="2")]
    assert [error.code for error in errors] == ["not_supported"] * 2


@TOPIC.managers()
def test_readers(stage: Stage) -> None:
    stage.play(TOPIC)
