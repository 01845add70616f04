# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run costs at the provider."""

from __future__ import annotations

from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Capability
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query

from conformance.stage import Stage
from conformance.subject import Subject
from conformance.topic import Topic

TOPIC = Topic()
MANY = 30


def keep_many(subject: Subject) -> list[str]:
    names = [f"a{number}" for number in range(MANY)]
    for name in names:
        subject.keep(name, f"value of {name}")
    return names


@TOPIC.asked_of(connector=True, able=Capability.WRITE, variants=True)
def a_run_that_writes_logs_in_once(subject: Subject) -> None:
    subject.new_run()
    names = keep_many(subject)
    assert [subject.read(name) for name in names] == [f"value of {name}".encode() for name in names]
    assert (subject.work.count("logins"), subject.logins) == (1, min(1, subject.logins))
    for name in names:
        subject.drop(name)
    assert (subject.work.count("logins"), subject.logins) == (1, min(1, subject.logins))


@TOPIC.asked_of(connector=True, able=Capability.WRITE, variants=True)
def one_login_and_one_read_for_each_value_also_for_many_at_once(subject: Subject) -> None:
    names = keep_many(subject)
    subject.new_run()
    values = [subject.read(name) for name in names for _again in range(3)]
    assert values == [f"value of {name}".encode() for name in names for _again in range(3)]
    assert (subject.work.count("logins"), subject.logins) == (1, min(1, subject.logins))
    assert subject.reads == (MANY if subject.provider.keeps_values() else subject.provider.unwraps(MANY))
    subject.new_run()
    answers = subject.work.answers([Query(name) for name in [*names, "none"]])
    assert [answer.value for answer in answers[:-1]] == [f"value of {name}".encode() for name in names]
    assert answers[-1].error
    assert answers[-1].error.code == "unknown_secret"
    assert subject.reads <= MANY
    assert (subject.work.count("logins"), subject.logins) == (1, min(1, subject.logins))


@TOPIC.asked_of(able=Capability.WRITE, variants=True, each={"of a run": None, "of no time": 0})
def a_cached_value_is_asked_for_again_where_that_is_wanted(subject: Subject, ttl: int | None) -> None:
    subject.keep("a", "value")
    subject.new_run()
    for _again in range(3):
        assert subject.read("a", cache_ttl=ttl) == b"value"
    times = 1 if ttl is None else 3
    assert subject.reads == (times if subject.provider.keeps_values() else subject.provider.unwraps(times))


@TOPIC.asked_of(option="data_key_reuse", alone=True)
def data_keys_may_be_reused_from_now_on(subject: Subject) -> None:
    """What a run wrote together is read together, and what was written before as it was written."""
    wraps = {}
    for reuse in ("none", "run", "3"):
        subject.connect(data_key_reuse=reuse)
        subject.new_run()
        for number in range(6):
            subject.keep(f"_{reuse}_{number}", reuse)
        wraps[reuse] = subject.writes
    assert wraps == {"none": 6, "run": 1, "3": 2}
    subject.new_run()
    for reuse in wraps:
        assert {subject.read(f"_{reuse}_{number}") for number in range(6)} == {reuse.encode()}
    assert subject.reads == 6 + 1 + 2


@TOPIC.asked_of(able=Capability.WRITE, variants=True)
def a_read_after_a_write_is_true(subject: Subject) -> None:
    for value in ("one", "two", "three"):
        subject.keep("a", value)
        assert subject.read("a") == value.encode()
    subject.drop("a")
    assert subject.refused_read("a").code == "unknown_secret"


@TOPIC.managers()
def test_runs(stage: Stage) -> None:
    stage.play(TOPIC)
