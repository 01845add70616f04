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
from conformance.subject import Subject
from conformance.workplace import Watch, Workplace, canary

VALUE = b'canary "\xc3\xa9"'
FORMS = {
    "plain": VALUE.decode(),
    "base64": base64.b64encode(VALUE).decode(),
    "hex": VALUE.hex(),
    "url": quote(VALUE),
    "json": json.dumps(VALUE.decode())[1:-1],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_value_is_found_in_every_form(form: str) -> None:
    watch = Watch()
    watch.remember(VALUE)
    watch.look(Result(returned={"secret": {"identifier": "a"}}))
    with pytest.raises(AssertionError):
        watch.look(f"before {form} after".encode())


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
    subject.keep("a", "value")
    monkeypatch.setattr(Builtin, "present", lambda _self: {"place/a"})
    with pytest.raises(AssertionError):
        subject.leave()
    monkeypatch.undo()
    subject.leave()
    subject.keep("a", "value")
    monkeypatch.setattr(Subject, "drop", lambda *_arguments: None)
    with pytest.raises(AssertionError):
        subject.leave()
