# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A manifest's items: the modules they may use, the options they get, and what of them may be shown."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.action.manifest import ActionModule as Manifest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things.registry import RESOURCES
from ansible_collections.scoped.secrets.plugins.plugin_utils.manifest import declaring_spec
from ansible_collections.scoped.secrets.tests.unit.plugin_utils.test_router import HIDDEN, VALUE, run

MODULES = Path(__file__).resolve().parents[3] / "plugins" / "modules"
NOT_DECLARED = {"connector_info", "connector_check"}


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("SCOPED_SECRETS_BROKER", "off")
    return {"store": f"sqlite:///{tmp_path}/s/store.db", "root_key": base64.b64encode(os.urandom(32)).decode()}


def test_items_may_use_all_modules_that_the_engine_declares() -> None:
    modules = {path.stem for path in MODULES.glob("*.py")}
    connectors = {name for name in modules if name.startswith("connector_")} - NOT_DECLARED
    assert {name for name in modules if declaring_spec(name)} == {*RESOURCES, *connectors}


@pytest.mark.parametrize("name", ["secret_info", "doctor", "nothing", "", "os.path", "../scope", "Scope"])
def test_other_names_have_no_declaring_spec(name: str) -> None:
    assert declaring_spec(name) is None


def test_defaults_apply_to_items_that_have_the_option(shared: dict[str, str]) -> None:
    defaults = {"org": "payments", "tags": {"a": "b"}, "update_value": "on_create"}
    items: list[dict[str, Any]] = [
        {"scope": {"tags": {}}},
        {"scope": None},
        {"scoped.secrets.secret_text": {"identifier": "a", "value": VALUE}},
    ]
    result = run(Manifest, {**shared, "defaults": defaults, "resources": [items[0], items[2]]})
    scope, secret = (one.get("scope", one.get("secret")) for one in result["results"])
    assert (scope["tags"], secret["tags"], secret["org"]) == ({}, {"a": "b"}, "payments")
    assert run(Manifest, {**shared, "defaults": {"org": "payments"}, "resources": [items[1]]})["changed"] is False


def test_a_scope_that_looks_like_nothing_counts(shared: dict[str, str]) -> None:
    result = run(Manifest, {**shared, "defaults": {"org": 0}, "resources": [{"scope": {"org": "payments"}}]})
    assert (result["failed"], result["code"]) == (True, "invalid_identifier")


def test_an_unknown_default_is_refused(shared: dict[str, str]) -> None:
    result = run(Manifest, {**shared, "defaults": {"orgg": "payments"}, "resources": [{"scope": {}}]})
    assert result["details"]["errors"] == ["no item has the option 'orgg' of 'defaults'"]


def test_items_without_a_scope_use_that_of_the_task(shared: dict[str, str]) -> None:
    items = [{"scope": {}}, {"scope": {"org": "shop"}}, {"secret_text": {"identifier": "a", "value": "x", "org": ""}}]
    result = run(Manifest, {**shared, "org": "payments", "resources": items})
    assert [one["item"] for one in result["results"]] == [
        "organization 'payments'",
        "organization 'shop'",
        "secret 'a' of the account",
    ]


@pytest.mark.parametrize(
    "item",
    [
        {"secret_text": {"identifier": "a", "value": VALUE, "expires": "soon"}},
        {"secret_text": {"identifier": "a", "valu": VALUE}},
        {"secret_txt": {"identifier": "a", "value": VALUE}},
        {"secret_text": VALUE},
        {VALUE: {}},
        {"secret_text": {"identifier": "a", "value": VALUE, "secret_manager": "nobody"}},
    ],
)
def test_no_value_of_an_item_is_shown(shared: dict[str, str], item: dict[str, Any]) -> None:
    result = run(Manifest, {**shared, "resources": [{"scope": {}}, item]}, diff=True)
    assert result["failed"]
    assert VALUE not in str(result)


def test_arguments_are_shown_without_values(shared: dict[str, str]) -> None:
    items = [{"secret_text": {"identifier": "a", "value": VALUE}}, {"scope": {"org": "pay"}}]
    shown = run(Manifest, {**shared, "resources": items})["invocation"]["module_args"]
    assert shown["resources"] == [{"secret_text": {"identifier": "a", "value": HIDDEN}}, {"scope": {"org": "pay"}}]
    assert shown["root_key"] == HIDDEN


def test_options_of_the_task_are_refused_in_an_item(shared: dict[str, str]) -> None:
    item = {"scope": {"org": "payments", "root_key": VALUE}}
    result = run(Manifest, {**shared, "resources": [item]})
    assert result["details"]["errors"] == ["item 1 (scope): root_key can only be set for the whole task"]


def test_a_manifest_can_not_be_delegated(shared: dict[str, str]) -> None:
    result = run(Manifest, {**shared, "resources": [{"scope": {}}]}, delegate_to="other")
    assert (result["failed"], result["code"]) == (True, "manifest_not_delegated")
