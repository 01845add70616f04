# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shared errors: each has one code, and says what happened, where, and what to do."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import (
    Forbidden,
    NotFound,
    ScopedSecretsError,
    Unavailable,
)

SAMPLES: dict[str, Any] = {
    "size": 11,
    "limit": 10,
    "seconds": 30.0,
    "status": 400,
    "least": 1,
    "most": 9,
    "missing": ["token", "user"],
    "requirement": "library>=1",
}


def made(name: str) -> ScopedSecretsError:
    """Call one of the functions with sample arguments."""
    function = getattr(failures, name)
    arguments = {
        parameter: SAMPLES.get(parameter, f"the-{parameter}") for parameter in inspect.signature(function).parameters
    }
    error: ScopedSecretsError = function(**arguments)
    return error


@pytest.mark.parametrize("name", failures.__all__)
def test_an_error_says_what_and_what_next(name: str) -> None:
    error = made(name)
    assert isinstance(error, ScopedSecretsError)
    assert error.code
    assert error.message.endswith(".")
    assert error.hint
    for argument in ("what", "path", "option", "key", "doing", "why"):
        if argument in inspect.signature(getattr(failures, name)).parameters:
            assert f"the-{argument}" in error.message, argument


@pytest.mark.parametrize("name", failures.__all__)
def test_an_error_survives_the_way_as_data(name: str) -> None:
    error = made(name)
    again = ScopedSecretsError.from_dict(error.to_dict())
    assert (type(again), again.to_dict()) == (type(error), error.to_dict())


def test_not_found_forbidden_and_unavailable_are_three_things() -> None:
    kinds = {name: type(made(name)) for name in failures.__all__}
    assert {name for name, kind in kinds.items() if kind is Forbidden} == {"denied", "login_expired", "login_refused"}
    assert {name for name, kind in kinds.items() if kind is NotFound} == {
        "secret_scheduled_for_deletion",
        "secret_version_destroyed",
        "unknown_master_key",
        "unknown_path",
    }
    assert {name for name, kind in kinds.items() if kind is Unavailable} == {
        "incomplete_reply",
        "malformed_reply",
        "plugin_failed",
        "program_failed",
        "throttled",
        "timed_out",
        "tls_refused",
        "unavailable",
    }


def test_only_what_may_pass_by_itself_is_retryable() -> None:
    retryable = {name for name in failures.__all__ if made(name).retryable}
    assert retryable == {
        "incomplete_reply",
        "malformed_reply",
        "provider_conflict",
        "throttled",
        "timed_out",
        "unavailable",
    }


def test_a_version_is_named_where_there_is_one() -> None:
    assert failures.unknown_path("it", "p").message == "it has no 'p'."
    assert failures.unknown_path("it", "p", "3").message == "it has no version 3 of 'p'."


def test_a_permission_is_named_where_it_is_known() -> None:
    assert "It needs: read." in failures.denied("it", "read 'p'", "read").hint
    assert "It needs" not in failures.denied("it", "read 'p'").hint


def test_a_library_is_named_with_what_pip_takes() -> None:
    error = failures.missing_library("boto3>=1.40", "AWS KMS")
    assert "'boto3>=1.40' is needed for AWS KMS" in error.message
    assert "pip install 'boto3>=1.40'" in error.hint


def test_a_long_name_is_cut() -> None:
    assert len(failures.name_not_allowed("it", "x" * 5000, "short").message) < 300
