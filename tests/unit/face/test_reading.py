# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading for templates: one call for all references, text or base64, checked options."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.client.connect import connect
from ansible_collections.scoped.secrets.plugins.module_utils.face.options import resolve_options, settings_of
from ansible_collections.scoped.secrets.plugins.module_utils.face.reading import check_options, read, to_template
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput, NotFound
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Answer

OWN = {"version": (), "encoding": ("text", "base64")}


@pytest.fixture
def options(tmp_path: Path) -> dict[str, str]:
    """A store with a secret in the account and one in an organization."""
    key = base64.b64encode(os.urandom(32)).decode()
    options = resolve_options({"store": f"sqlite:///{tmp_path}/s/store.db", "root_key": key, "broker": "off"})
    client = connect(settings_of(options))
    client.handle(Request("scope", {"org": "payments"}))
    client.handle(Request("secret_text", {"identifier": "a", "value": b'{"k": "top"}'}))
    client.handle(Request("secret_text", {"identifier": "a", "value": b'{"k": "of payments"}', "org": "payments"}))
    return options


def test_references_are_answered_in_order(options: dict[str, str]) -> None:
    answers = read(["a", "none", "a#k", "a"], options, pytest.fail)
    assert [answer.value for answer in answers] == [b'{"k": "top"}', b"", b"top", b'{"k": "top"}']
    assert [answer.error.code if answer.error else "" for answer in answers] == ["", "unknown_secret", "", ""]


def test_scope_version_and_key_are_passed_on(options: dict[str, str]) -> None:
    inside = {**options, "org": "payments"}
    assert [answer.value for answer in read(["a", "account.a"], inside, pytest.fail, key="k")] == [
        b"of payments",
        b"top",
    ]
    error = read(["a"], options, pytest.fail, version="2")[0].error
    assert (error.code if error else None) == "unknown_version"


def test_without_references_no_store_is_opened(tmp_path: Path) -> None:
    assert read([], resolve_options({"store": "nowhere"}), pytest.fail) == []


@pytest.mark.parametrize(
    ("value", "encoding", "expected"),
    [(b"", "text", ""), ("ü\n".encode(), "text", "ü\n"), (b"\0\xff", "base64", "AP8="), (b"", "base64", "")],
)
def test_values_become_text_or_base64(value: bytes, encoding: str, expected: str) -> None:
    assert to_template(Answer("file", value), "a", encoding) == expected


def test_bytes_can_not_be_read_as_text() -> None:
    with pytest.raises(InvalidInput) as caught:
        to_template(Answer("file", b"\xff\xfe"), "account.a")
    assert (caught.value.code, "account.a" in caught.value.message) == ("not_text", True)
    assert "base64" in caught.value.hint


@pytest.mark.parametrize("encoding", ["text", "base64"])
def test_the_error_of_an_answer_is_raised(encoding: str) -> None:
    error = NotFound("unknown_secret", "m", hint="h")
    with pytest.raises(NotFound) as caught:
        to_template(Answer(error=error), "a", encoding)
    assert caught.value is error


@pytest.mark.parametrize("given", [{}, {"org": "anything"}, {"version": 3}, {"encoding": "base64"}, {"root_key": "k"}])
def test_known_options_are_accepted(given: dict[str, object]) -> None:
    check_options(given, OWN, "lookup x")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"verzion": 1}, "unknown_option"),
        ({"encoding": "hex"}, "invalid_option"),
        ({"org": "a", "Encoding": "text"}, "unknown_option"),
    ],
)
def test_other_options_are_refused_and_the_valid_ones_listed(given: dict[str, object], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_options(given, OWN, "lookup x")
    assert (caught.value.code, "lookup x" in caught.value.message) == (code, True)
    expected = "base64" if code == "invalid_option" else "encoding, org, passphrase, project, root_key"
    assert expected in caught.value.hint
