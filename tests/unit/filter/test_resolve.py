# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter replaces expressions everywhere in strings, and only once."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.scoped.secrets.plugins.filter.resolve import FilterModule, resolve
from ansible_collections.scoped.secrets.plugins.module_utils.client.connect import connect
from ansible_collections.scoped.secrets.plugins.module_utils.face.options import resolve_options, settings_of
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from jinja2 import Environment


def get(reference: str, quote: str = '"') -> str:
    return f"<+secrets.getValue({quote}{reference}{quote})>"


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A store with `a` in the account and in an organization, and a value that looks like an expression."""
    monkeypatch.setenv("SCOPED_SECRETS_BROKER", "off")
    key = base64.b64encode(os.urandom(32)).decode()
    options = {"store": f"sqlite:///{tmp_path}/s/store.db", "root_key": key, "org": "", "project": ""}
    client = connect(settings_of(resolve_options(options)))
    client.handle(Request("scope", {"org": "payments"}))
    for org in ("", "payments"):
        client.handle(Request("secret_text", {"org": org, "identifier": "a", "value": f"of '{org}'".encode()}))
    client.handle(Request("secret_text", {"identifier": "tricky", "value": rf"{get('a')} \g<0> {{{{ 1 }}}}".encode()}))
    client.handle(Request("secret_file", {"identifier": "bytes", "value": b"\xff"}))
    return options


def resolved(data: Any, options: dict[str, str], **variables: str) -> Any:
    return resolve(Environment().from_string("").new_context(variables), data, **options)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("no expression", "no expression"),
        (get("a"), "of ''"),
        (f"<{get('a')}|{get('account.a', chr(39))}|{get('a')}>", "<of ''|of ''|of ''>"),
        ({get("a"): [get("a"), {"deep": (get("a"), 1)}]}, {get("a"): ["of ''", {"deep": ["of ''", 1]}]}),
        ([], []),
        (5, 5),
        (None, None),
    ],
)
def test_every_expression_in_strings_is_replaced(options: dict[str, str], data: Any, expected: Any) -> None:
    assert resolved(data, options) == expected


def test_expressions_inside_values_are_not_resolved(options: dict[str, str]) -> None:
    assert resolved(get("tricky"), options) == rf"{get('a')} \g<0> {{{{ 1 }}}}"


def test_the_scope_comes_from_options_and_variables(options: dict[str, str]) -> None:
    assert resolved(get("a"), {**options, "org": "payments"}) == "of 'payments'"
    rest = {name: value for name, value in options.items() if name in ("store", "root_key")}
    assert resolved(get("a"), rest, scoped_secrets_org="payments") == "of 'payments'"
    assert resolved(get("account.a"), rest, scoped_secrets_org="payments") == "of ''"
    assert resolved(get("a"), {**rest, "org": ""}, scoped_secrets_org="payments") == "of ''"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (get("none"), "unknown_secret"),
        (["ok", get("org.a")], "reference_downward"),
        (get("a b"), "invalid_identifier"),
        (get(""), "invalid_reference"),
        ("<+secrets.getValue(a)>", "invalid_expression"),
        (get("a") + ' <+secrets.getValue("a"', "invalid_expression"),
        (get("bytes"), "not_text"),
    ],
)
def test_unresolvable_expressions_raise_an_error_with_a_code(options: dict[str, str], data: Any, code: str) -> None:
    with pytest.raises(AnsibleFilterError, match=rf"\[{code}\]"):
        resolved(data, options)


def test_unknown_options_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(AnsibleFilterError, match=r"\[unknown_option\]"):
        resolved("x", {**options, "version": "1"})


def test_the_filter_has_its_name() -> None:
    assert FilterModule().filters() == {"resolve": resolve}
