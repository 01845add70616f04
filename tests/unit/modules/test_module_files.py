# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each module file has one Spec and is registered everywhere it must be."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils import basic
from ansible_collections.scoped.secrets.plugins.module_utils.engine.dispatch import OPERATIONS
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things.registry import INFOS, RESOURCES
from ansible_collections.scoped.secrets.plugins.module_utils.face.connectors import connector_spec
from ansible_collections.scoped.secrets.plugins.module_utils.face.options import ARGUMENTS
from ansible_collections.scoped.secrets.plugins.module_utils.face.spec import Spec
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import kinds
from ansible_collections.scoped.secrets.plugins.plugin_utils.router import Router

PACKAGE = "ansible_collections.scoped.secrets.plugins.modules"
ROOT = Path(__file__).resolve().parents[3]
NAMES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__")

EXAMPLES = {"str": "x", "path": "/x", "bool": True, "int": 1, "dict": {}, "list": []}


def runtime() -> dict[str, Any]:
    with open(ROOT / "meta" / "runtime.yml", encoding="utf-8") as file:
        data: dict[str, Any] = yaml.safe_load(file)
    return data


def spec_of(name: str) -> Spec:
    spec: Spec = importlib.import_module(f"{PACKAGE}.{name}").SPEC
    return spec


def test_there_are_modules() -> None:
    assert {"scope", "secret_text", "secret_file"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_module_has_its_own_spec_and_a_main(name: str) -> None:
    module = importlib.import_module(f"{PACKAGE}.{name}")
    assert isinstance(module.SPEC, Spec)
    assert module.SPEC.resource == name
    assert callable(module.main)


@pytest.mark.parametrize("name", NAMES)
def test_the_engine_knows_the_resource(name: str) -> None:
    kind = name.removeprefix("connector_")
    connectors = {"connector_check", *(f"connector_{kind}" for kind in kinds())}
    assert spec_of(name).resource in {*INFOS, *OPERATIONS, *RESOURCES, *connectors, "doctor"}
    if kind in kinds():
        assert spec_of(name) == connector_spec(kinds()[kind])


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_every_kind_of_secret_manager_has_a_module(kind: str) -> None:
    assert f"connector_{kind}" in NAMES


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_a_connector_s_page_names_the_libraries_that_it_needs(kind: str) -> None:
    page = yaml.safe_load(importlib.import_module(f"{PACKAGE}.connector_{kind}").DOCUMENTATION)
    # ansible-core is installed wherever modules run.
    needed = [one for one in kinds()[kind].REQUIREMENTS if not one.startswith("ansible-core")]
    assert page.get("requirements", [])[: len(needed)] == needed
    assert all(", for " in one for one in page.get("requirements", [])[len(needed) :])


@pytest.mark.parametrize("name", NAMES)
def test_rules_name_options_that_exist(name: str) -> None:
    spec = spec_of(name)
    named = [*(option for group in spec.mutually_exclusive for option in group), *spec.required_by]
    assert set(named) <= set(spec.options)
    assert {option.name for option in ARGUMENTS} <= set(spec.argument_spec)
    own = {"passphrase"} if name == "secret_ssh" else set()
    assert {option.name for option in ARGUMENTS} & set(spec.options) == own


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("_info")])
def test_options_that_take_a_value_are_never_logged(name: str) -> None:
    options = spec_of(name).argument_spec
    secret = {"value", "content", "content_b64", "root_key", "passphrase"} & set(options)
    assert {option for option in secret if not options[option].get("no_log")} == set()
    assert {"root_key", "passphrase"} <= secret


def test_the_action_group_has_every_module_and_nothing_else() -> None:
    assert sorted(runtime()["action_groups"]["all"]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_module_has_an_action_with_its_spec(name: str) -> None:
    action = importlib.import_module(f"ansible_collections.scoped.secrets.plugins.action.{name}").ActionModule
    assert issubclass(action, Router)
    assert action.spec is spec_of(name)


def example(option: dict[str, Any]) -> Any:
    return option["choices"][0] if "choices" in option else EXAMPLES[option["type"]]


def failure_of(name: str, arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch, output: Any) -> str:
    """Run a module file's main() with arguments, as on another host; return the message with which it fails."""
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
    with pytest.raises(SystemExit, match="1"):
        importlib.import_module(f"{PACKAGE}.{name}").main()
    message: str = json.loads(output.readouterr().out)["msg"]
    return message


@pytest.mark.parametrize("name", NAMES)
def test_main_takes_the_options_of_its_own_spec(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = spec_of(name).options
    needed = {one: example(options[one]) for one in options if options[one].get("required")}
    message = failure_of(name, {**needed, "no_such_option": 1}, monkeypatch, capsys)
    assert "no_such_option. Supported parameters include:" in message
    named = re.findall(r"\w+", message.partition("include:")[2])
    assert set(named) >= set(spec_of(name).argument_spec)


def test_a_manifest_is_declared_only_on_the_control_node(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    message = failure_of("manifest", {"resources": [{"scope": {}}]}, monkeypatch, capsys)
    assert "on the control node" in message
