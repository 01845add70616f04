# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a provider has besides our secrets can be referred to, and is left alone."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Capability
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query

from conformance.stage import Stage
from conformance.subject import CONNECTOR, Subject
from conformance.topic import Topic
from conformance.workplace import canary

TOPIC = Topic()
READS_PATH = TOPIC.asked_of(able=Capability.READ_PATH)


def foreign(subject: Subject, name: str = "theirs", **fields: object) -> str:
    """Return the path of a secret of others."""
    path = subject.provider.path(f"sub/{name}")
    subject.provider.write_foreign(path, fields or {"user": "ann", "hosts": ["one", "two"]})
    subject.provider.forget_requests()
    return path


@TOPIC.asked_of(able=Capability.READ_PATH, proves="reads by path")
def a_reference(subject: Subject) -> None:
    path = foreign(subject)
    assert subject.refer("whole", path).changed
    assert subject.refer("user", f"{path}#user").changed
    assert not subject.refer("user", f"{path}#user").changed
    assert json.loads(subject.read("whole")) == {"user": "ann", "hosts": ["one", "two"]}
    assert [subject.read("user"), subject.read("whole#user"), subject.read("whole#/hosts/1")] == [
        b"ann",
        b"ann",
        b"two",
    ]
    assert subject.writes == 0


@READS_PATH
def what_it_refers_to_may_change(subject: Subject) -> None:
    path = foreign(subject)
    subject.refer("a", f"{path}#user")
    subject.provider.write_foreign(path, {"user": "bob", "other": "x"})
    subject.new_run()
    assert subject.read("a") == b"bob"
    assert subject.refer("a", f"{path}#other").changed
    assert subject.read("a") == b"x"


@READS_PATH
def a_url(subject: Subject) -> None:
    path = foreign(subject)
    url = f"{subject.provider.scheme}://{CONNECTOR}/{path}"
    assert [subject.read(f"{url}#user"), subject.read(f"account.{url}#/hosts/0")] == [b"ann", b"one"]
    assert json.loads(subject.read(url))["user"] == "ann"
    codes = {
        f"{url}#none": "unknown_key",
        f"{url}-none#user": "unknown_path",
        url.replace(CONNECTOR, "nobody"): "unknown_connector",
    }
    assert {reference: subject.refused_read(reference).code for reference in codes} == codes


@READS_PATH
def a_reference_to_nothing_is_refused(subject: Subject) -> None:
    path = foreign(subject)
    for reference, code in ((f"{path}-none", "unknown_path"), (f"{path}#none", "unknown_key")):
        error = subject.work.refused(lambda reference=reference: subject.refer("a", reference))  # type: ignore[misc]
        assert (error.code, error.category) == (code, "not_found")
    assert "a" not in subject.names()


@READS_PATH
def what_it_refers_to_stays_when_it_goes(subject: Subject) -> None:
    path = foreign(subject, user="ann")
    subject.refer("a", path)
    assert subject.drop("a").changed
    assert (subject.writes, subject.provider.fields_at(path)) == (0, {"user": "ann"})


@READS_PATH
def a_reference_is_no_value(subject: Subject) -> None:
    path = foreign(subject, user="ann")
    subject.refer("a", path)
    subject.keep("own", "value", secret_manager="builtin")
    errors = [
        subject.work.refused(lambda: subject.keep("a", canary())),
        subject.work.refused(lambda: subject.refer("own", path, secret_manager=None)),
    ]
    assert [error.code for error in errors] == ["reference_or_value"] * 2
    assert (subject.writes, subject.provider.fields_at(path)) == (0, {"user": "ann"})


@READS_PATH
def a_hundred_references_are_one_read_and_one_login(subject: Subject) -> None:
    path = foreign(subject, **{f"k{number}": f"v{number}" for number in range(50)})
    for number in range(50):
        subject.refer(f"r{number}", f"{path}#k{number}")
    subject.new_run()
    url = f"{subject.provider.scheme}://{CONNECTOR}/{path}"
    references = [one for number in range(50) for one in (f"r{number}", f"{url}#k{number}")]
    answers = subject.work.answers([Query(reference) for reference in references])
    assert [answer.value for answer in answers] == [f"v{index // 2}".encode() for index in range(100)]
    assert (subject.reads, subject.work.count("logins"), subject.logins) == (1, 1, min(1, subject.logins))
    assert [answer.value for answer in subject.work.answers([Query(r) for r in references])] == [
        answer.value for answer in answers
    ]
    assert subject.reads == 1


@READS_PATH
def many_at_once_are_one_read_and_one_login(subject: Subject) -> None:
    path = foreign(subject)
    subject.new_run()
    url = f"{subject.provider.scheme}://{CONNECTOR}/{path}#user"
    start = threading.Barrier(16)

    def read(_number: int) -> bytes:
        start.wait()
        return subject.work.read(url)

    with ThreadPoolExecutor(16) as pool:
        values = list(pool.map(read, range(16)))
    assert values == [b"ann"] * 16
    assert (subject.reads, subject.work.count("logins"), subject.logins) == (1, 1, min(1, subject.logins))


@TOPIC.asked_of(able=(Capability.READ_PATH, Capability.VERSIONS, Capability.WRITE))
def a_version_at_a_path(subject: Subject) -> None:
    """In a URL, in a declared reference, and through a reference that names none."""
    subject.keep("a", "value one")
    subject.keep("a", "value two")
    first, second = subject.work.versions_at_provider()
    path = subject.provider.path("a")
    url = f"{subject.provider.scheme}://{CONNECTOR}/{path}"
    subject.refer("pinned", f"{path}@{first}")
    subject.refer("newest", path)
    assert not subject.refer("pinned", f"{path}@{first}").changed
    references = [f"{url}@{first}", "pinned", f"newest@{first}", f"{url}@{second}", url, "newest"]
    values = [subject.read(reference) for reference in references]
    assert [b"value one" in value for value in values] == [True] * 3 + [False] * 3
    assert [b"value two" in value for value in values] == [False] * 3 + [True] * 3
    assert subject.refused_read(f"pinned@{second}").code == "conflicting_reference"
    assert subject.refused_read(f"{url}@999").code == "unknown_path"


@TOPIC.asked_of(able=Capability.READ_PATH, unable=Capability.VERSIONS, variants=True)
def a_version_at_a_path_of_a_manager_without_versions(subject: Subject) -> None:
    path = foreign(subject)
    url = f"{subject.provider.scheme}://{CONNECTOR}/{path}"
    errors = [
        subject.refused_read(f"{url}@3#user"),
        subject.work.refused(lambda: subject.refer("a", f"{path}@3#user")),
    ]
    assert [(error.code, "%40" in error.hint) for error in errors] == [("not_supported", True)] * 2


@TOPIC.asked_of(unable=Capability.READ_PATH, proves="reads by path")
def without_paths_nothing_can_be_referred_to(subject: Subject) -> None:
    error = subject.work.refused(lambda: subject.refer("a", "path#key"))
    assert (error.code, list(subject.provider.requests)) == ("not_supported", [])
    assert "a" not in subject.names()


@TOPIC.managers()
def test_references(stage: Stage) -> None:
    stage.play(TOPIC)
