# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How answers of HashiCorp Vault are translated, without their text."""

from __future__ import annotations

import json

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.hashicorp_vault import replies
from ansible_collections.scoped.secrets.plugins.module_utils.managers.http import Reply
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError

CANARY = "canary-7c0a"
DOING = "read 'secret/data/x'"


def reply(status: int, *errors: object, **content: object) -> Reply:
    return Reply(status, {}, json.dumps({"errors": errors, **content}).encode())


@pytest.mark.parametrize(
    ("status", "errors", "code", "category"),
    [
        (400, [], "provider_refused", "invalid_input"),
        (400, ["relative paths not supported"], "name_not_allowed", "invalid_input"),
        (400, ["Upgrading from non-versioned to versioned data."], "provider_unavailable", "unavailable"),
        (401, [], "provider_denied", "forbidden"),
        (403, [], "provider_denied", "forbidden"),
        (405, ["unsupported operation"], "provider_refused", "invalid_input"),
        (412, [], "provider_refused", "invalid_input"),
        (500, ["sealed"], "provider_unavailable", "unavailable"),
        (502, [], "provider_unavailable", "unavailable"),
        (503, ["Vault is sealed"], "vault_sealed", "unavailable"),
        (503, [], "provider_unavailable", "unavailable"),
    ],
)
def test_refusals(status: int, errors: list[str], code: str, category: str) -> None:
    error = replies.refusal("connector 'x'", DOING, reply(status, *errors, CANARY), "path … {}")
    assert (error.code, error.category) == (code, category)
    assert CANARY not in str(error)


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"5", b"[]", b"{}", b'{"errors": null}', b'{"errors": 5}', b'{"errors": [5, null]}', b"[" * 99_999],
)
def test_errors_in_any_form(content: bytes) -> None:
    assert replies.errors_in(Reply(400, {}, content)) == ""
    assert not replies.is_lost_race(Reply(400, {}, content))
    assert not replies.is_unknown_mount(Reply(404, {}, content))
    assert not replies.warns_of_version_2(Reply(404, {}, content))


def test_what_vault_says_of_mounts_and_races() -> None:
    race = "check-and-set parameter did not match the current version"
    assert replies.is_lost_race(reply(400, race))
    assert not replies.is_lost_race(reply(500, race))
    assert replies.is_unknown_mount(reply(404, 'no handler for route "x". route entry not found.'))
    assert not replies.is_unknown_mount(reply(404))
    warning = "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints."
    assert replies.warns_of_version_2(reply(404, warnings=[warning]))
    assert not replies.warns_of_version_2(reply(404, warning))


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b'"x"', b"{", b"\xff", b"[" * 99_999, CANARY.encode()])
def test_what_is_no_json_object(content: bytes) -> None:
    with pytest.raises(ScopedSecretsError) as caught:
        replies.content_of("connector 'x'", Reply(200, {}, content))
    assert caught.value.code == "malformed_reply"
    assert CANARY not in str(caught.value)
