# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Odd input in playbooks gives the right value, or an error that says what is wrong; never another value."""

from __future__ import annotations

import base64
import datetime
from typing import Any

import pytest
from connector_tasks import of
from site_of_runs import Site, Task

pytestmark = pytest.mark.each_core

DOCUMENT = (
    '{"version": 1.10, "pin": 1e400, "exp": 1E5, "long": 12345678901234567890, "in": {"b": [1.0, true], "a": null}}'
)
DATE = datetime.date(2031, 1, 31)
DECLARED: list[Task] = [
    of("secret_text", identifier="users", value='["zero", "one"]'),
    of("secret_text", identifier="n", value=DOCUMENT),
    of("secret_file", identifier="bom", content_b64=base64.b64encode(b'\xef\xbb\xbf{"type": "x"}').decode()),
    of("connector_lookup", identifier="files", plugin="ansible.builtin.file"),
]
# Arguments of the lookup, and the value or the code of the error. {folder} has files with odd names.
LOOKUPS: list[tuple[str, str]] = [
    ("'users', key=0", "zero"),
    ("'users', key='0'", "zero"),
    ("'users', key=1, version=1", "one"),
    ("'users#0'", "zero"),
    ("'users', key=none, version=none", '["zero", "one"]'),
    ("'users', version=0", "[invalid_version]"),
    ("'users', version='', default='D'", "[invalid_option]"),
    ("'users', key='', default='D'", "[invalid_option]"),
    ("'users', key=false, default='D'", "[invalid_option]"),
    ("nothing, default='D'", "[invalid_reference]"),
    ("[nothing], on_missing='skip'", "[invalid_reference]"),
    ("none, default='D'", "[invalid_reference]"),
    ("'n#version'", "1.10"),
    ("'n#pin'", "1e400"),
    ("'n#exp'", "1E5"),
    ("'n#long'", "12345678901234567890"),
    ("'n#in'", '{"b":[1.0,true],"a":null}'),
    ("'n#/in/a'", "null"),
    ("'bom#type'", "x"),
    ("'lookup://files/{folder}/item %233'", "of item #3"),
    ("'lookup://files/{folder}/me%40example.com'", "of me@example.com"),
    ("'lookup://files/{folder}/100%25'", "of 100%"),
    ("'lookup://files/{folder}/100%'", "of 100%"),
    ("'lookup://files/{folder}/me@example.com', default='D'", "[invalid_reference]"),
    ("'lookup://files/{folder}/item@3', default='D'", "[not_supported]"),
    ("'named'", "of item #3"),
]
VALUES: list[tuple[Any, str]] = [
    (DATE, "2031-01-31"),
    (datetime.datetime(2031, 1, 31, 10, 20, 30), "2031-01-31T10:20:30"),
    ({"until": DATE, "at": [DATE]}, '{"at": ["2031-01-31"], "until": "2031-01-31"}'),
    (4711, "4711"),
    ("1.10", "1.10"),
    (1.10, "invalid_value"),
    (True, "invalid_value"),
    ({"a": float("inf")}, "invalid_value"),
]


def lookups(*arguments: str) -> list[Task]:
    return [
        {
            "ansible.builtin.debug": {"msg": f"{{{{ lookup('scoped.secrets.secret', {one}) }}}}"},
            "ignore_errors": True,
        }
        for one in arguments
    ]


def test_lookups(site: Site) -> None:
    for name in ("item #3", "me@example.com", "100%"):
        (site.folder / name).write_text(f"of {name}")
    reference = {"secret_manager": "files", "reference": f"{site.folder}/item %233"}
    site.declare(*DECLARED, of("secret_text", identifier="named", **reference))
    arguments = [text.replace("{folder}", str(site.folder)) for text, _expected in LOOKUPS]
    run = site.run(lookups(*arguments), variables={"nothing": None})
    for task, (text, expected) in zip(run.tasks, LOOKUPS, strict=True):
        message = task["result"]["msg"]
        is_code = expected.startswith("[") and "_" in expected
        assert expected in message if is_code else expected == message, text


def test_values(site: Site) -> None:
    declared = [
        {**of("secret_text", identifier=f"v{number}", value=value), "ignore_errors": True}
        for number, (value, _expected) in enumerate(VALUES)
    ]
    names = [f"'v{number}'" for number, (_value, expected) in enumerate(VALUES) if expected != "invalid_value"]
    run = site.run([*declared, *lookups(*names)])
    results = [task["result"] for task in run.tasks]
    refused = [result for result in results if result.get("code") == "invalid_value"]
    assert [expected for _value, expected in VALUES].count("invalid_value") == len(refused)
    assert all("quotes" in result["hint"] for result in refused)
    assert [result["msg"] for result in results[len(VALUES) :]] == [
        expected for _value, expected in VALUES if expected != "invalid_value"
    ]


def test_a_dictionary_in_another_order_is_no_change(site: Site) -> None:
    run = site.run([of("secret_text", identifier="a", value=one) for one in ({"b": 1, "a": DATE}, {"a": DATE, "b": 1})])
    assert [task["result"]["changed"] for task in run.tasks] == [True, False]
