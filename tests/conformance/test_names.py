# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every identifier that may be is one at each provider, or is refused with a reason; two never meet there."""

from __future__ import annotations

from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Capability
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError

from conformance.stage import Stage
from conformance.subject import Subject
from conformance.topic import Topic

TOPIC = Topic()
NAMES = {
    "one letter": "a",
    "the longest": "x" * 128,
    "dollar": "a$b",
    "only an underscore": "_",
    "dashes": "a--b-",
    "mixed": "_Ab-c_9$Z",
    "like a version": "a-2",
    "like a random end": "name-AbCdEf",
}
ALIKE = {
    "case": ["key", "KEY", "Key"],
    "dash and underscore": ["a-b", "a_b", "a--b", "a__b"],
    "dollar": ["a$b", "a-b", "ab", "a_b"],
    "beginning": ["name", "name-", "name-AbCdEf", "name_1"],
    "escapes": ["a-24-b", "a$b", "a-24b", "a_24b", "a-5f", "a_"],
}


def keep(subject: Subject, name: str, value: str) -> ScopedSecretsError | None:
    """Return the error with which a secret is refused, None for one that is kept."""
    try:
        subject.keep(name, value)
    except ScopedSecretsError as error:
        return error
    return None


@TOPIC.asked_of(able=Capability.WRITE, each=NAMES)
def an_identifier_is_kept_or_refused_before_any_request(subject: Subject, name: str) -> None:
    error = keep(subject, name, "value")
    if error:
        assert (error.code, list(subject.provider.requests)) == ("name_not_allowed", [])
        assert name not in subject.names()
        return
    assert subject.read(name) == b"value"
    assert not subject.keep(name, "value").changed


@TOPIC.asked_of(able=Capability.WRITE, each=ALIKE)
def identifiers_that_look_alike_are_two_secrets(subject: Subject, names: list[str]) -> None:
    errors = {name: keep(subject, name, f"value of {name}") for name in names}
    assert {error.code for error in errors.values() if error} <= {"name_not_allowed"}
    kept = [name for name, error in errors.items() if error is None]
    assert len(kept) > 1
    assert [subject.read(name) for name in kept] == [f"value of {name}".encode() for name in kept]
    subject.drop(kept[0])
    assert [subject.read(name) for name in kept[1:]] == [f"value of {name}".encode() for name in kept[1:]]


@TOPIC.managers()
def test_names(stage: Stage) -> None:
    stage.play(TOPIC)
