# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is removed is gone, here and at the provider, and may come back."""

from __future__ import annotations

from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Capability

from conformance.stage import Stage
from conformance.subject import Subject
from conformance.topic import MODES, Topic

TOPIC = Topic()


@TOPIC.asked_of(able=Capability.DELETE, proves="delete")
def it_is_gone_and_may_be_removed_again(subject: Subject) -> None:
    subject.keep("a", "one")
    subject.keep("a", "two")
    assert subject.drop("a").changed
    assert subject.provider.present() == set()
    assert subject.work.rows("secret_version") == subject.work.rows("secret")
    assert subject.refused_read("a").code == "unknown_secret"
    subject.provider.forget_requests()
    assert not subject.drop("a").changed
    assert list(subject.provider.requests) == []


@TOPIC.asked_of(able=Capability.DELETE)
def it_comes_back(subject: Subject) -> None:
    for value in ("one", "two", "three"):
        created = subject.keep("a", value)
        assert (created.changed, created.returned["secret"]["version"]) == (True, 1)
        assert subject.read("a") == value.encode()
        if Capability.VERSIONS in subject.provider.able():
            assert subject.read("a@1") == value.encode()
        subject.drop("a")


@TOPIC.asked_of(able=Capability.DELETE, keeps_values=True, each={"restorable": False, "for good": True})
def what_others_removed_is_removed(subject: Subject, is_for_good: bool) -> None:
    subject.keep("a", "value")
    (subject.provider.remove if is_for_good else subject.provider.retire)(subject.provider.path("a"))
    assert subject.drop("a").changed
    assert "a" not in subject.names()


@TOPIC.asked_of(able=Capability.DELETE)
def only_the_named_one_goes(subject: Subject) -> None:
    for name in ("a", "ab", "A"):
        subject.keep(name, name)
    subject.drop("a")
    assert [subject.read("ab"), subject.read("A")] == [b"ab", b"A"]


@TOPIC.asked_of(able=Capability.WRITE, unable=Capability.DELETE, each=MODES)
def what_can_not_be_deleted_is_forgotten_by_force_only(subject: Subject, check_mode: bool) -> None:
    path = subject.provider.path("a")
    subject.keep("a", "value")
    subject.provider.forget_requests()
    error = subject.work.refused(lambda: subject.drop("a", force=False, check_mode=check_mode))
    assert (error.code, "force: true" in error.hint) == ("not_supported", True)
    assert list(subject.provider.requests) == []
    (warning,) = subject.drop("a", force=True).warnings
    assert path in warning
    assert (subject.provider.value_at(path), subject.names()) == (b"value", [f"subject_{subject.provider.CREDENTIAL}"])


@TOPIC.managers()
def test_deletion(stage: Stage) -> None:
    stage.play(TOPIC)
