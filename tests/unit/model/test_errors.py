# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error tree: it round-trips as plain data."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model import errors
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import (
    MissingLibrary,
    ScopedSecretsError,
    internal_error,
)
from hypothesis import given
from hypothesis import strategies as st

KINDS = [kind for name in errors.__all__ if isinstance(kind := getattr(errors, name), type)]
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))


@given(
    st.sampled_from(KINDS),
    st.text(),
    st.text(),
    st.text(),
    st.booleans(),
    st.dictionaries(st.text(), JSON, max_size=3),
)
def test_every_class_round_trips_as_json(
    kind: type[ScopedSecretsError], code: str, message: str, hint: str, retryable: bool, details: dict[str, Any]
) -> None:
    error = kind(code, message, hint=hint, retryable=retryable, details=details)
    back = ScopedSecretsError.from_dict(json.loads(json.dumps(error.to_dict())))
    assert back.__class__ is kind
    assert back.to_dict() == error.to_dict()
    assert (back.code, back.message, back.hint, back.retryable, back.details) == (
        code,
        message,
        hint,
        retryable,
        details,
    )


def test_every_class_has_its_own_category() -> None:
    categories = [kind.category for kind in KINDS]
    assert len(set(categories)) == len(KINDS)
    assert all(issubclass(kind, ScopedSecretsError) for kind in KINDS)


def test_unknown_category_gives_the_base_class() -> None:
    data = {**ScopedSecretsError("c", "m", hint="h").to_dict(), "category": "from a newer version"}
    assert ScopedSecretsError.from_dict(data).category == "error"


@pytest.mark.parametrize(("hint", "expected"), [("", "It failed."), ("Do this.", "It failed. Do this.")])
def test_text_is_message_and_hint(hint: str, expected: str) -> None:
    assert str(ScopedSecretsError("c", "It failed.", hint=hint)) == expected


def test_details_are_not_shared() -> None:
    first, second = (ScopedSecretsError("c", "m", hint="h") for _number in range(2))
    first.details["a"] = 1
    assert second.details == {}


def test_missing_library_is_named_with_its_exact_requirement() -> None:
    error = MissingLibrary("missing_x", requirement="x>=1", needed_for="to do y")
    assert error.message == "The Python library 'x>=1' is needed to do y, but it is not installed."
    assert error.hint.endswith("pip install 'x>=1'")
    assert ScopedSecretsError.from_dict(error.to_dict()).to_dict() == error.to_dict()


def test_internal_error_has_the_location_but_not_the_text() -> None:
    def inner() -> None:
        raise ValueError("hunter22")

    with pytest.raises(ValueError, match="hunter22") as caught:
        inner()
    error = internal_error(caught.value)
    line = inner.__code__.co_firstlineno + 1
    assert (error.code, error.message) == ("internal_error", f"Unexpected ValueError at test_errors.py:{line}.")
    assert "hunter22" not in str(error)
    assert internal_error(ValueError()).message == "Unexpected ValueError at ?:0."
