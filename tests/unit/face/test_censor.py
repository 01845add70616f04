# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Censoring: secret input never shows up in output."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.face.censor import (
    HIDDEN,
    censor,
    censored_result,
    may_be_secret,
    secret_strings,
    shown,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.censored import CENSORED, MIN_LENGTH
from hypothesis import given
from hypothesis import strategies as st

SPEC: dict[str, Any] = {
    "value": {"type": "raw", "no_log": True},
    "name": {"type": "str"},
    "authority": {"type": "str"},
    "endpoint_url": {"type": "str"},
    "sts_endpoint": {"type": "str"},
    "login": {"type": "dict", "options": {"token": {"no_log": True}, "user": {}}},
}
SECRETS = st.sets(st.text("abcdef", min_size=MIN_LENGTH, max_size=8), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"value": "hunter22"}, {"hunter22"}),
        ({"name": "hunter22"}, set()),
        ({"value": None, "name": "x", "valeu": "hunter22"}, {"hunter22"}),
        ({"value": {"user": "api1", "list": ["pass1", ("pass2",), {"pass3"}]}}, {"api1", "pass1", "pass2", "pass3"}),
        ({"value": 123456}, {"123456"}),
        ({"value": True}, set()),
        ({"value": b"\xffpass"}, {"\N{REPLACEMENT CHARACTER}pass"}),
        ({"value": "abc"}, set()),
        ({"value": "abcd"}, {"abcd"}),
        ({"value": " first \nsecond\r\nxy\n"}, {" first \nsecond\r\nxy\n", "first", "second"}),
        ({"login": {"token": "tok1", "user": "api1"}}, {"tok1"}),
        ({"login": {"tokn": "tok1", "user": "api1"}}, {"tok1"}),
        ({"login": "hunter22"}, {"hunter22"}),
        ({"login": None}, set()),
        ({"endpoint_url": "https://u:pass%261@host:8200/path"}, {"pass%261", "pass&1"}),
        ({"endpoint_url": "https://host:8200/path"}, set()),
        ({"authority": "https://u:pass%261@host"}, {"pass%261", "pass&1"}),
        ({"sts_endpoint": "https://u:pass%261@host"}, {"pass%261", "pass&1"}),
    ],
)
def test_every_string_that_may_be_secret_is_found(arguments: dict[str, Any], expected: set[str]) -> None:
    assert secret_strings(arguments, SPEC) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("value", "x", True),
        ("valeu", "x", True),
        ("name", "x", False),
        ("login", {"token": "x"}, False),
        ("login", "token=x", True),
    ],
)
def test_misplaced_values_may_be_secret(name: str, value: Any, expected: bool) -> None:
    assert may_be_secret(name, value, SPEC) is expected


def test_lists_and_nested_dictionaries_are_censored_but_no_keys() -> None:
    data = {"say hunter22": [{"a": "hunter22"}, ("hunter22", 1)], "n": 5, "none": None, "yes": True}
    assert censor(data, {"hunter22"}) == {
        "say hunter22": [{"a": CENSORED}, [CENSORED, 1]],
        "n": 5,
        "none": None,
        "yes": True,
    }


RESULT: dict[str, Any] = {
    "changed": True,
    "failed": True,
    "code": "hunter22",
    "msg": "hunter22!",
    "hint": "hunter22!",
    "warnings": ["hunter22!"],
    "details": {"hunter22": ["hunter22!"]},
    "secret": {"identifier": "hunter22", "description": "hunter22!", "tags": {"hunter22": "hunter22!"}},
    "results": [{"item": "hunter22", "msg": "hunter22!", "secret": {"reference": "hunter22"}}],
    "diff": {"before": {"hunter22": 1}, "after": {"path": "hunter22", "description": "hunter22!"}},
    "invocation": {"module_args": {"identifier": "hunter22_password", "description": "hunter22!"}},
}


def test_only_the_prose_of_a_result_is_censored() -> None:
    """Everything that ends in an exclamation mark is prose."""
    expected = json.loads(json.dumps(RESULT).replace("hunter22!", f"{CENSORED}!"))
    assert censored_result(RESULT, {"hunter22"}) == expected


def test_a_value_in_the_wrong_option_is_not_shown() -> None:
    arguments = {
        "identifier": "two words\n",
        "items": [{"org": "word"}],
        "project": "words",
        "path": "a/0123456789abcdef",
    }
    result = censored_result({"invocation": {"module_args": arguments}}, {"two words", "word", "0123456789abcdef"})
    shown = {"identifier": f"{CENSORED}\n", "items": [{"org": CENSORED}], "project": "words", "path": f"a/{CENSORED}"}
    assert result == {"invocation": {"module_args": shown}}


def test_arguments_are_shown_without_secrets() -> None:
    arguments = {
        "value": "x",
        "valeu": "x",
        "name": "hunter22",
        "endpoint_url": "https://u:hunter22@host",
        "authority": "https://host",
        "login": {"token": "x", "user": "u", "tokn": "x"},
    }
    assert shown(arguments, SPEC) == {
        "value": HIDDEN,
        "valeu": HIDDEN,
        "name": "hunter22",
        "endpoint_url": f"https://u:{CENSORED}@host",
        "authority": "https://host",
        "login": {"token": HIDDEN, "user": "u", "tokn": HIDDEN},
    }
    assert shown({"login": "token=x"}, SPEC) == {"login": HIDDEN}


def test_sets_are_censored() -> None:
    assert censor({"hunter22"}, {"hunter22"}) == [CENSORED]


@pytest.mark.parametrize("order", [["pass", "password1"], ["password1", "pass"]])
def test_the_longest_secret_is_replaced_first(order: list[str]) -> None:
    assert censor("x password1 y pass z", dict.fromkeys(order)) == f"x {CENSORED} y {CENSORED} z"


def test_without_secrets_the_data_is_returned_unchanged() -> None:
    data = {"a": ("b",)}
    assert censor(data, set()) is data


def test_the_input_is_not_modified() -> None:
    data = {"a": ["hunter22"]}
    censor(data, {"hunter22"})
    assert data == {"a": ["hunter22"]}


@given(SECRETS, st.text("abcdef ", max_size=30), st.text("abcdef ", max_size=30))
def test_no_secret_is_left(secrets: set[str], before: str, after: str) -> None:
    for secret in secrets:
        shown = json.dumps(censor({"": [before + secret + after]}, secrets))
        assert [one for one in secrets if one in shown] == []


def test_overlapping_secrets_are_hidden_completely() -> None:
    assert censor("-abcdefgh-", {"abcdef", "efgh"}) == "-********-"
