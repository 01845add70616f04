# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the suite itself relies on: a value that comes out is found, in whatever form, and so is one that is left."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import NotFound
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Result

from conformance.kinds.builtin import Builtin
from conformance.stage import Stage
from conformance.subject import Subject
from conformance.topic import Topic
from conformance.workplace import Watch, Workplace, canary

VALUE = b'canary "\xc3\xa9"'
FORMS = {
    "plain": VALUE.decode(),
    "base64": base64.b64encode(VALUE).decode(),
    "hex": VALUE.hex(),
    "url": quote(VALUE),
    "json": json.dumps(VALUE.decode())[1:-1],
}


def test_a_value_is_found_in_every_form() -> None:
    watch = Watch()
    watch.remember(VALUE)
    watch.look(Result(returned={"secret": {"identifier": "a"}}))
    assert [name for name, form in FORMS.items() if not finds(watch, f"before {form} after")] == []


def finds(watch: Watch, text: str) -> bool:
    try:
        watch.look(text.encode())
    except AssertionError:
        return True
    return False


def test_what_is_given_is_remembered_and_looked_for(tmp_path: Path) -> None:
    work = Workplace(tmp_path)
    value = canary()
    work.declare("secret_text", identifier="a", value=value.encode())
    with pytest.raises(AssertionError):
        work.declare("secret_text", identifier="a", description=f"it is {value}")
    with pytest.raises(AssertionError):
        work.refused(lambda: raise_it(value))
    with pytest.raises(AssertionError):
        work.search_store()


def raise_it(value: str) -> None:
    raise NotFound("unknown_path", f"There is no {value}.", hint="None.")


def test_what_is_left_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Subject(Builtin(lambda _name: None, "place"), tmp_path)
    subject.settle()
    for remove in (subject.clear, subject.leave):
        subject.keep("a", "value")
        monkeypatch.setattr(Builtin, "present", lambda _self: {"place/a"})
        with pytest.raises(AssertionError):
            remove()
        monkeypatch.undo()
        remove()
        subject.keep("a", "value")
        monkeypatch.setattr(Subject, "drop", lambda *_arguments: None)
        with pytest.raises(AssertionError):
            remove()
        monkeypatch.undo()
        remove()


def test_a_scenario_that_fails_hides_no_other(tmp_path: Path) -> None:
    topic = Topic()
    values: list[bytes] = []
    folders = iter([tmp_path / "first", tmp_path / "second"])

    @topic.asked_of(proves="writes", each={"bad": "b", "good": "g", "better": "x"})
    def a_value_is_good(subject: Subject, value: str) -> None:
        values.append(value.encode())
        subject.keep("a", value)
        assert value != "b"

    @topic.asked_of(proves="files")
    def it_is_refused(subject: Subject) -> None:
        subject.work.refused(lambda: subject.keep("a", "value"))

    def new_subject() -> Subject:
        folder = next(folders)
        folder.mkdir()
        return Subject(Builtin(lambda _name: None, "place"), folder)

    recorded: list[object] = []
    with pytest.raises(BaseExceptionGroup) as caught:
        Stage(Builtin, new_subject, lambda _name, value: recorded.append(value)).play(topic)
    assert str(caught.value).startswith("builtin: a_value_is_good[bad]; it_is_refused")
    assert values == [b"b", b"g", b"x"]
    assert recorded == [
        ["builtin", "writes", "failed"],
        ["builtin", "writes", "passed"],
        ["builtin", "writes", "passed"],
        ["builtin", "files", "failed"],
    ]
