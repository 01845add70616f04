# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text form of a scope key: complete or refused; its file needs the same permissions as the root key's."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.exported_key import (
    key_text,
    read_key_text,
    read_scope_key_file,
)
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.scopekey import ScopeKey
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import KeyRefused
from hypothesis import given
from hypothesis import strategies as st

STORE, SCOPE = "6f5902ac-237a-4d2b-9a3f-0f1d7a9a3c53", "0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9"
RAW = hashlib.sha256(b"a scope key for tests").digest()
TEXT = key_text(STORE, ScopeKey(SCOPE, 3, RAW))


def refusal(text: str) -> KeyRefused:
    with pytest.raises(KeyRefused) as caught:
        read_key_text(text, "the test")
    assert "the test" in caught.value.message
    assert caught.value.hint
    assert base64.b64encode(RAW).decode() not in str(caught.value)
    assert len(text) < 8 or text not in str(caught.value)
    return caught.value


def with_sum(body: str) -> str:
    return f"{body}:{hashlib.sha256(body.encode()).hexdigest()[:8]}"


def test_text_has_the_documented_format() -> None:
    assert f"sssk1:{STORE}:{SCOPE}:3:{base64.b64encode(RAW).decode()}:145f5bb4" == TEXT
    assert len(TEXT) == 135


def test_key_round_trips() -> None:
    found = read_key_text(f"  {TEXT}\n", "the test")
    assert (found.store_id, found.source) == (STORE, "the test")
    assert (found.key.scope_id, found.key.generation, found.key.export()) == (SCOPE, 3, RAW)
    assert base64.b64encode(RAW).decode() not in repr(found)


@pytest.mark.parametrize("length", range(len(TEXT)))
def test_truncated_key_is_refused(length: int) -> None:
    assert refusal(TEXT[:length]).code == "malformed_scope_key"


@given(st.integers(0, len(TEXT) - 1), st.characters(codec="utf-8"))
def test_changed_key_is_refused(at: int, other: str) -> None:
    changed = TEXT[:at] + other + TEXT[at + 1 :]
    if changed.strip() != TEXT:
        assert refusal(changed).code == "malformed_scope_key"


@given(st.text())
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(KeyRefused):
        read_key_text(text, "the test")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (base64.b64encode(RAW).decode(), "root_key"),
        (TEXT[:-1], "truncated"),
        (TEXT + TEXT, "truncated"),
        (TEXT.replace("sssk1", "sssk2"), "does not know"),
        ("", "start with sssk1:"),
        (with_sum(TEXT.rpartition(":")[0].replace(":3:", ":03:")), "truncated"),
    ],
    ids=["root key", "truncated", "twice", "newer format", "empty", "odd generation"],
)
def test_error_says_what_is_wrong(text: str, says: str) -> None:
    assert says in str(refusal(text))


@pytest.mark.parametrize("material", [bytes(32), b"\xff" * 32, b"ab" * 16, b"Correct horse battery staple 42!"])
def test_weak_key_is_refused(material: bytes) -> None:
    assert refusal(key_text(STORE, ScopeKey(SCOPE, 1, material))).code == "weak_scope_key"


def test_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "api.key"
    path.write_text(f"{TEXT}\n")
    path.chmod(0o640)
    with pytest.raises(KeyRefused) as caught:
        read_scope_key_file(str(path))
    assert caught.value.code == "exposed_key_file"
    assert "The scope key file" in caught.value.message
    path.chmod(0o600)
    found = read_scope_key_file(str(path))
    assert (found.key.export(), found.source) == (RAW, f"the file {path}")


def test_large_file_hint_names_the_option(tmp_path: Path) -> None:
    path = tmp_path / "api.key"
    path.write_bytes(bytes(5000))
    path.chmod(0o600)
    with pytest.raises(KeyRefused) as caught:
        read_scope_key_file(str(path))
    assert caught.value.hint == "Set 'scope_key_file' to a file with one line that starts with sssk1:."


def test_missing_file_hint_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused) as caught:
        read_scope_key_file(str(tmp_path / "none"))
    assert caught.value.code == "missing_key_file"
    assert "scope_key_file" in caught.value.hint
