# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Value keepers hold what others made too: ours is never taken for theirs, and theirs never for ours."""

from __future__ import annotations

from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Capability

from conformance.stage import Stage
from conformance.subject import Subject
from conformance.topic import Topic
from conformance.workplace import canary

TOPIC = Topic()
VALUE_KEEPERS = TOPIC.asked_of(keeps_values=True, able=Capability.WRITE)
THEIRS = {"user": "ann", "password": "theirs"}


@VALUE_KEEPERS
def a_secret_of_others_is_not_written_over(subject: Subject) -> None:
    path = subject.provider.path("a")
    subject.provider.write_foreign(path, THEIRS)
    for check_mode in (True, False) if subject.provider.FORESEES else (False,):
        error = subject.work.refused(lambda mode=check_mode: subject.keep("a", canary(), check_mode=mode))  # type: ignore[misc]
        assert (error.code, error.category) == ("foreign_secret", "conflict")
    assert subject.provider.fields_at(path) == THEIRS
    assert "a" not in subject.names()


@VALUE_KEEPERS
def it_can_be_adopted(subject: Subject) -> None:
    path = subject.provider.path("a")
    subject.provider.write_foreign(path, THEIRS)
    assert subject.keep("a", "ours", adopt=True, drop_fields=True, check_mode=True).changed
    assert subject.provider.fields_at(path) == THEIRS
    assert subject.keep("a", "ours", adopt=True, drop_fields=True).changed
    assert (subject.provider.value_at(path), subject.read("a")) == (b"ours", b"ours")
    assert not subject.keep("a", "ours").changed
    assert subject.keep("a", "ours 2").changed
    subject.drop("a")
    assert subject.provider.present() == (set() if Capability.DELETE in subject.provider.able() else {path})


@VALUE_KEEPERS
def what_others_changed_is_seen_and_mended(subject: Subject) -> None:
    path = subject.provider.path("a")
    subject.keep("a", "ours")
    subject.provider.change(path, "changed")
    subject.new_run()
    assert subject.read("a") == b"changed"
    assert subject.keep("a", "ours", check_mode=True).changed
    assert subject.provider.value_at(path) == b"changed"
    assert subject.keep("a", "ours").changed
    assert (subject.provider.value_at(path), subject.read("a")) == (b"ours", b"ours")
    assert not subject.keep("a", "ours").changed


@VALUE_KEEPERS
def what_others_changed_stays_where_a_value_is_for_the_beginning_only(subject: Subject) -> None:
    subject.keep("a", "ours", update_value="on_create")
    subject.provider.change(subject.provider.path("a"), "changed")
    subject.new_run()
    assert not subject.keep("a", "ours", update_value="on_create").changed
    assert subject.read("a") == b"changed"


@VALUE_KEEPERS
def what_others_changed_to_the_wanted_value_is_a_version_of_ours(subject: Subject) -> None:
    subject.keep("a", "one")
    subject.provider.change(subject.provider.path("a"), "two")
    subject.new_run()
    assert subject.keep("a", "two").returned["secret"]["version"] == 2
    assert not subject.keep("a", "two").changed
    if Capability.VERSIONS in subject.provider.able():
        assert [subject.read("a@1"), subject.read("a@2")] == [b"one", b"two"]


@TOPIC.asked_of(keeps_values=True, able=Capability.WRITE, each={"restorable": False, "for good": True})
def what_others_removed_is_missed_and_made_again(subject: Subject, is_for_good: bool) -> None:
    path = subject.provider.path("a")
    subject.keep("a", "ours")
    (subject.provider.remove if is_for_good else subject.provider.retire)(path)
    subject.new_run()
    error = subject.refused_read("a")
    assert error.category == "not_found"
    assert error.code == "unknown_path" or not is_for_good
    assert subject.keep("a", "ours", check_mode=True).changed
    assert subject.keep("a", "ours").changed
    assert (subject.provider.value_at(path), subject.read("a")) == (b"ours", b"ours")


@VALUE_KEEPERS
def what_others_put_in_its_place_is_not_written_over(subject: Subject) -> None:
    path = subject.provider.path("a")
    subject.keep("a", "ours")
    subject.provider.write_foreign(path, THEIRS)
    subject.new_run()
    assert subject.work.refused(lambda: subject.keep("a", "ours")).code == "foreign_secret"
    assert subject.provider.fields_at(path) == THEIRS
    assert subject.keep("a", "ours", adopt=True, drop_fields=True).changed
    assert subject.read("a") == b"ours"


@TOPIC.asked_of(keeps_values=True, able=(Capability.WRITE, Capability.DELETE), each={"plain": False, "force": True})
def what_others_put_in_its_place_is_not_removed(subject: Subject, force: bool) -> None:
    path = subject.provider.path("a")
    subject.keep("a", "ours")
    subject.provider.write_foreign(path, THEIRS)
    subject.new_run()
    if force:
        (warning,) = subject.drop("a", force=True).warnings
        assert path in warning
    else:
        assert subject.work.refused(lambda: subject.drop("a")).code == "foreign_secret"
        subject.drop("a", force=True)
    assert subject.provider.fields_at(path) == THEIRS
    assert "a" not in subject.names()


@TOPIC.managers()
def test_ownership(stage: Stage) -> None:
    stage.play(TOPIC)
