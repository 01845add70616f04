# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter turns a tree into a list; errors in the tree are reported without values."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.scoped.secrets.plugins.filter.manifest_items import FilterModule, manifest_items

ACCOUNT = {"org": "", "project": ""}
ORG = {"org": "payments", "project": ""}
API = {"org": "payments", "project": "api"}


def of_project(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the items of a project, without the scopes."""
    tree = {"organizations": {"payments": {"projects": {"api": found}}}}
    return [item for item in manifest_items(tree) if "scope" not in item]


def test_each_item_names_its_scope() -> None:
    tree = {
        "secrets": {"smtp": "x"},
        "organizations": {
            "payments": {
                "description": "Payments",
                "secrets": {"key": {"generate": {"kind": "hex"}}},
                "projects": {"api": {"secrets": {"a": {"value": 1}}}, "web": None},
            },
            "sales": {"state": "absent", "force": True},
        },
    }
    assert manifest_items(tree) == [
        {"secret_text": {"value": "x", **ACCOUNT, "identifier": "smtp"}},
        {"scope": {"description": "Payments", **ORG}},
        {"secret_text": {"generate": {"kind": "hex"}, **ORG, "identifier": "key"}},
        {"scope": API},
        {"secret_text": {"value": 1, **API, "identifier": "a"}},
        {"scope": {"org": "payments", "project": "web"}},
        {"scope": {"state": "absent", "force": True, "org": "sales", "project": ""}},
    ]


def test_the_account_is_an_item_only_if_it_has_options() -> None:
    assert manifest_items({}) == manifest_items(None) == []
    assert manifest_items({"inherited_managers": "allowed"}) == [
        {"scope": {"inherited_managers": "allowed", **ACCOUNT}}
    ]


@pytest.mark.parametrize(
    ("given", "item"),
    [
        ("plain", {"secret_text": {"value": "plain"}}),
        (["a", "b"], {"secret_text": {"value": ["a", "b"]}}),
        ({"value": {"user": "u"}}, {"secret_text": {"value": {"user": "u"}}}),
        ({"kind": "file", "src": "a.pem"}, {"secret_file": {"src": "a.pem"}}),
        ({"kind": "ssh", "user": "u", "password": "p"}, {"secret_ssh": {"user": "u", "password": "p"}}),
        ({"kind": "winrm", "user": "u"}, {"secret_winrm": {"user": "u"}}),
    ],
)
def test_a_secret_is_a_text_unless_it_has_a_kind(given: Any, item: dict[str, Any]) -> None:
    ((module, options),) = item.items()
    assert of_project({"secrets": {"a": given}}) == [{module: {**options, **API, "identifier": "a"}}]


def test_each_share_is_an_item() -> None:
    tree = {"secrets": {"a": {"value": "x", "shared_with": [{"org": "payments"}, API]}}}
    assert manifest_items(tree)[1:] == [
        {"secret_share": {**ACCOUNT, "identifier": "a", "to_org": "payments"}},
        {"secret_share": {**ACCOUNT, "identifier": "a", "to_org": "payments", "to_project": "api"}},
    ]


def test_a_connector_becomes_the_module_of_its_kind() -> None:
    found = {"connectors": {"vault": {"kind": "hashicorp_vault", "url": "u"}}, "default_secret_manager": "vault"}
    assert of_project(found) == [
        {"connector_hashicorp_vault": {"url": "u", **API, "identifier": "vault"}},
        {"default_secret_manager": {**API, "secret_manager": "vault"}},
    ]


def test_the_tree_is_not_modified() -> None:
    secret = {"kind": "file", "content": "x", "shared_with": [{"org": "a"}]}
    tree = {"secrets": {"a": secret}}
    assert manifest_items(tree) == manifest_items(tree)
    assert secret == {"kind": "file", "content": "x", "shared_with": [{"org": "a"}]}


@pytest.mark.parametrize(
    ("tree", "why"),
    [
        ("canary", "the tree must be a dictionary"),
        ({"organizations": ["canary"]}, "organizations must be a dictionary, not list"),
        ({"organizations": {"payments": "canary"}}, "organizations.payments must be a dictionary"),
        ({"organizations": {"payments": {"projects": "canary"}}}, "organizations.payments.projects must be"),
        ({"secrets": "canary"}, "secrets must be a dictionary"),
        ({"secrets": {"a": {"kind": "canary"}}}, "the 'kind' of secret 'a' must be one of text, file, ssh, winrm"),
        ({"secrets": {"a": {"shared_with": "canary"}}}, "'shared_with' of secret 'a' must be a dictionary"),
        ({"connectors": {"v": {"token": "canary"}}}, "'connectors.v' needs a 'kind'"),
    ],
)
def test_errors_in_the_tree_show_no_value(tree: Any, why: str) -> None:
    with pytest.raises(AnsibleFilterError, match="invalid_manifest") as caught:
        FilterModule().filters()["manifest_items"](tree)
    assert why in str(caught.value)
    assert "canary" not in str(caught.value)
