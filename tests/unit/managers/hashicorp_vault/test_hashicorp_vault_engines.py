# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How values become fields of a secret, and how metadata is limited."""

from __future__ import annotations

import json

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.hashicorp_vault import engines
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from hypothesis import given
from hypothesis import strategies as st


@given(st.one_of(st.binary(), st.text().map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_every_value_comes_back(value: bytes) -> None:
    content = json.dumps(engines.fields_of(value)).encode()
    assert engines.value_of("x", content) == value


def test_text_and_other_bytes() -> None:
    assert engines.fields_of(b"text") == {"value": "text"}
    assert engines.fields_of(b"\xff") == {"value_base64": "/w=="}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"user": "x"},
        {"value": None},
        {"value": 5},
        {"value": ["canary"]},
        {"value_base64": "canary!"},
        {"value_base64": 5},
        {"value_base64": None},
    ],
)
def test_fields_that_are_no_longer_ours(fields: dict[str, object]) -> None:
    with pytest.raises(ScopedSecretsError) as caught:
        engines.value_of("x", json.dumps(fields).encode())
    assert (caught.value.code, caught.value.category) == ("value_field_missing", "not_found")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("character", ["a", "<", "&", ">", "\n", "é", "\U0001f511", '"', "\\"])
def test_size_is_that_of_go_s_json(character: str) -> None:
    """The storage has to hold it: encoding/json writes `<`, `>` and `&` as `\\u003c` and so on."""
    growth = {"<": 6, ">": 6, "&": 6, "\n": 2, "é": 2, "\U0001f511": 4, '"': 2, "\\": 2}.get(character, 1)
    room = engines.MAX_VALUE - len('{"value": ""}')
    engines.check_size("x", {"value": character * (room // growth)})
    with pytest.raises(ScopedSecretsError) as caught:
        engines.check_size("x", {"value": character * (room // growth + 1)})
    assert caught.value.code == "value_too_large_for_manager"


@pytest.mark.parametrize("version", ["0", "-1", "x", "1.0", "\u0661", "9" * 40, " 1"])
def test_what_no_version_can_be(version: str) -> None:
    assert engines._number(version) == 0


def test_versions() -> None:
    assert (engines._number(""), engines._number("1"), engines._number("42")) == (None, 1, 42)


def test_metadata_within_limits() -> None:
    marks = {"managed_by": "scoped.secrets", "owner": "me"}
    assert engines._bounded(marks, {}) == marks
    assert engines._bounded(marks, {"owner": "other", "note": "n"}) == {**marks, "note": "n"}
    many = {f"tag{number}": "x" for number in range(100)}
    assert len(engines._bounded({**marks, **many}, {"note": "n"})) == 64
    assert engines._bounded({**marks, "": "x", "a": "", "b" * 129: "x", "c": "x" * 513, "é" * 65: "x"}, {}) == marks
    assert engines._bounded({**marks, "b" * 128: "x" * 512}, {}).keys() == {*marks, "b" * 128}
