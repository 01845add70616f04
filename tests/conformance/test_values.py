# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes in comes out again, of every kind and size, and only what changed is written."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Capability

from conformance.stage import Stage
from conformance.subject import Subject
from conformance.topic import MODES, Topic
from conformance.workplace import canary

TOPIC = Topic()
GENERATE = {"kind": "password", "length": 24, "charset": ["ascii_letters", "digits"]}
TEXTS = {
    "one byte": "x",
    "unicode": "ключ ✓ 😀 e\u0301 \u2028",
    "lines": "a\r\nb\n\n  c \t\n",
    "quotes": "\"'\\{{ x }}%s<>&\x7f",
    "no JSON": '{"open": ',
    "like a file": "=base64?",
}
FILES = {"all": bytes(range(256)), "one": b"\xff", "text": b"text", "0": b"\0" * 1000}
UPDATES = {"text": ("one", "two"), "file": (b"\xfe one", b"\xfe two")}


@TOPIC.asked_of(able=Capability.WRITE, proves="writes", each=TEXTS)
def a_text(subject: Subject, text: str) -> None:
    assert subject.keep("a", text).changed
    assert subject.read("a") == text.encode()


@TOPIC.asked_of(able=Capability.WRITE, keeps_values=True)
def a_value_keeper_has_it(subject: Subject) -> None:
    subject.keep("a", "ключ")
    assert subject.provider.value_at(subject.provider.path("a")) == "ключ".encode()
    assert subject.provider.present() == {subject.provider.path("a")}


@TOPIC.asked_of(able=Capability.WRITE, refuses_empty=False)
def empty_text(subject: Subject) -> None:
    subject.keep("a", "")
    assert subject.read("a") == b""
    assert not subject.keep("a", "").changed


@TOPIC.asked_of(able=Capability.WRITE, refuses_empty=True, each=MODES)
def empty_text_is_refused(subject: Subject, check_mode: bool) -> None:
    error = subject.work.refused(lambda: subject.keep("a", "", check_mode=check_mode))
    assert (error.code, list(subject.provider.requests)) == ("empty_value_not_allowed", [])
    assert "a" not in subject.names()


@TOPIC.asked_of(able=Capability.WRITE, proves="JSON #key")
def fields_of_json(subject: Subject) -> None:
    value = {"user": "ann", "größe": 3, "hosts": [{"a/b": "x"}, {"~": True}], "": "nothing", "value": "own"}
    subject.keep("a", json.dumps(value))
    expected = {
        "user": b"ann",
        "größe": b"3",
        "value": b"own",
        "/hosts/0/a~1b": b"x",
        "/hosts/1/~0": b"true",
        "/hosts/0": b'{"a/b":"x"}',
        "/": b"nothing",
    }
    assert {key: subject.read(f"a#{key}") for key in expected} == expected
    assert subject.refused_read("a#pass").code == "unknown_key"
    assert json.loads(subject.read("a")) == value


@TOPIC.asked_of(able=Capability.WRITE, variants=True, proves="value limit")
def the_largest_value(subject: Subject) -> None:
    value = canary().ljust(subject.provider.largest(), "x")
    subject.keep("a", value)
    assert subject.read("a") == value.encode()


@TOPIC.asked_of(able=Capability.WRITE, proves="value limit", each=MODES)
def one_byte_more_is_refused_before_any_request(subject: Subject, check_mode: bool) -> None:
    value = canary().ljust(subject.provider.largest() + 1, "x")
    error = subject.work.refused(lambda: subject.keep("a", value, check_mode=check_mode))
    assert error.code in ("value_too_large", "value_too_large_for_manager")
    assert list(subject.provider.requests) == []
    assert "a" not in subject.names()


@TOPIC.asked_of(able=Capability.FILES, proves="files", each=FILES)
def a_file(subject: Subject, value: bytes) -> None:
    subject.keep("a", value)
    assert subject.read("a") == value
    assert not subject.keep("a", value).changed


@TOPIC.asked_of(able=Capability.FILES)
def a_file_of_more_than_64_kib(subject: Subject) -> None:
    value = bytes(range(256)) * 256 + b"\xff"
    if subject.provider.limit() < len(value):
        error = subject.work.refused(lambda: subject.keep("a", value))
        assert (error.code, list(subject.provider.requests)) == ("value_too_large_for_manager", [])
        return
    subject.keep("a", value)
    assert subject.read("a") == value


@TOPIC.asked_of(
    able=Capability.VERSIONS,
    variants=True,
    proves="versions",
    each=UPDATES,
)
def an_update_is_a_new_version(subject: Subject, values: tuple[str | bytes, str | bytes]) -> None:
    first, second = values
    subject.keep("a", first)
    result = subject.keep("a", second)
    assert (result.changed, result.returned["secret"]["version"]) == (True, 2)
    raw = [value.encode() if isinstance(value, str) else value for value in (first, second)]
    assert [subject.read(reference) for reference in ("a@1", "a@2", "a")] == [*raw, raw[1]]
    subject.new_run()
    assert [subject.read(reference) for reference in ("a", "a@1", "a@2")] == [raw[1], *raw]
    assert subject.refused_read("a@3").code == "unknown_version"


@TOPIC.asked_of(able=Capability.WRITE, unable=Capability.VERSIONS, proves="versions")
def without_versions_none_can_be_asked_for(subject: Subject) -> None:
    subject.keep("a", "one")
    assert subject.keep("a", "two").changed
    assert [subject.refused_read(f"a@{version}").code for version in (1, 2)] == ["not_supported"] * 2
    assert subject.read("a") == b"two"


@TOPIC.asked_of(able=Capability.WRITE, variants=True)
def what_did_not_change_is_not_written(subject: Subject) -> None:
    subject.keep("a", "value", description="d", tags={"team": "x"})
    subject.new_run()
    again = subject.keep("a", "value", description="d", tags={"team": "x"})
    assert (again.changed, subject.writes, again.returned["secret"]["version"]) == (False, 0, 1)


@TOPIC.asked_of(able=Capability.WRITE)
def a_description_is_no_new_value(subject: Subject) -> None:
    subject.keep("a", "value")
    result = subject.keep("a", "value", description="d", tags={"team": "x"}, expires="2099-01-01")
    view = result.returned["secret"]
    assert (result.changed, view["version"], view["description"], view["tags"]) == (True, 1, "d", {"team": "x"})
    assert subject.read("a") == b"value"


@TOPIC.asked_of(able=Capability.WRITE)
def only_on_create(subject: Subject) -> None:
    subject.keep("a", "first", update_value="on_create")
    subject.provider.forget_requests()
    assert not subject.keep("a", "second", update_value="on_create").changed
    assert (subject.writes, subject.read("a")) == (0, b"first")


@TOPIC.asked_of(able=Capability.WRITE)
def generated_once(subject: Subject) -> None:
    given: dict[str, Any] = {"identifier": "a", "secret_manager": subject.manager, "generate": GENERATE}
    assert subject.work.declare("secret_text", **given).changed
    value = subject.read("a")
    subject.work.watch.remember(value)
    assert (len(value), value.isalnum()) == (24, True)
    subject.provider.forget_requests()
    assert not subject.work.declare("secret_text", **given).changed
    assert (subject.writes, subject.read("a")) == (0, value)


@TOPIC.asked_of(able=Capability.WRITE, variants=True)
def check_mode_tells_what_would_happen(subject: Subject) -> None:
    predicted = subject.keep("a", "one", check_mode=True)
    assert (predicted.changed, predicted.returned["secret"]["version"], subject.writes) == (True, 1, 0)
    assert subject.refused_read("a").code == "unknown_secret"
    subject.keep("a", "one")
    subject.provider.forget_requests()
    assert subject.keep("a", "two", check_mode=True).returned["secret"]["version"] == 2
    assert not subject.keep("a", "one", check_mode=True).changed
    assert subject.drop("a", check_mode=True).changed
    subject.new_run()
    assert (subject.writes, subject.read("a")) == (0, b"one")


@TOPIC.managers()
def test_values(stage: Stage) -> None:
    stage.play(TOPIC)
