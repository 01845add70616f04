# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A value that is a word of a task's own result changes nothing about the result's structure."""

from __future__ import annotations

import base64
import importlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.tests.unit.plugin_utils.test_router import run

ROOT = Path(__file__).resolve().parents[3]
RANDOM = "Zq7vXw2kLp9"
DEMO = {"org": "demo"}
# By module: what a task is given besides its value, and the option that has the value.
TASKS: dict[str, tuple[dict[str, Any], str]] = {
    "secret_text": ({**DEMO, "identifier": "postgres_password"}, "value"),
    "secret_file": ({**DEMO, "identifier": "postgres_file"}, "content"),
    "secret_ssh": ({**DEMO, "identifier": "deploy", "user": "root"}, "password"),
    "secret_winrm": ({**DEMO, "identifier": "windows", "user": "Administrator"}, "password"),
    "connector_hashicorp_vault": (
        {**DEMO, "identifier": "vault", "url": "http://127.0.0.1:1", "check": False},
        "token",
    ),
    "connector_aws_kms": (
        {**DEMO, "identifier": "kms", "key_id": "alias/x", "access_key": "AKIA", "region": "eu-west-1", "check": False},
        "secret_key",
    ),
}
FAILING = {
    "secret_text": ({"org": "nosuchorg", "identifier": "x"}, "value"),
    "secret_file": ({"org": "nosuchorg", "identifier": "x"}, "content"),
    "secret_ssh": ({**DEMO, "identifier": "x", "private_key_ref": "nowhere"}, "password"),
    "connector_hashicorp_vault": ({**DEMO, "identifier": "vault", "url": "http://192.0.2.1"}, "token"),
}


def router(module: str) -> Any:
    return importlib.import_module(f"ansible_collections.scoped.secrets.plugins.action.{module}").ActionModule


def task(folder: Path, module: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of a task on a new store, which has an organization."""
    folder.mkdir()
    key = base64.b64encode(os.urandom(32)).decode()
    shared = {"store": f"sqlite:///{folder}/s/store.db", "root_key": key}
    run(router("scope"), {**shared, **DEMO})
    result: dict[str, Any] = run(router(module), {**shared, **arguments}, diff=True)
    return result


def structure(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what playbooks and ansible-core build upon: switches, the code, and all keys."""
    decided = {name: result.get(name) for name in ("failed", "changed", "code")}
    return {**decided, "keys": sorted(keys(result))}


def keys(data: Any, path: str = "") -> Iterator[str]:
    if isinstance(data, Mapping):
        for name, value in data.items():
            yield f"{path}/{name}"
            yield from keys(value, f"{path}/{name}")
    elif isinstance(data, list):
        for item in data:
            yield from keys(item, path)


def words(result: Mapping[str, Any]) -> list[str]:
    """Return some words of a result, and parts of those that decide the most."""
    text = json.dumps({name: value for name, value in result.items() if name != "invocation"})
    some = sorted(set(re.findall(r"[\w-]{4,}", text)))[::4]
    return sorted({*some, "fail", "failed", "hang", "code", "true", "secret", "identifier", "postgres", "2026"})


def cases() -> Iterator[Any]:
    for name, table in (("works", TASKS), ("fails", FAILING)):
        for module, (arguments, option) in table.items():
            yield pytest.param(module, arguments, option, id=f"{module}-{name}")


@pytest.mark.parametrize(("module", "arguments", "option"), list(cases()))
def test_a_value_that_is_a_word_of_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, arguments: dict[str, Any], option: str
) -> None:
    monkeypatch.setenv("SCOPED_SECRETS_BROKER", "off")
    expected = task(tmp_path / "expected", module, {**arguments, option: RANDOM})
    assert RANDOM not in json.dumps(expected)
    for number, word in enumerate(words(expected)):
        result = task(tmp_path / str(number), module, {**arguments, option: word})
        assert structure(result) == structure(expected), word
        for name in ("identifier", "reference", "org", "created_at"):
            assert "*" not in str(result.get("secret", {}).get(name)), word


@pytest.mark.parametrize("word", ["fail", "failed", "status", "item", "results", "chan", "2026", "unknown_scope"])
def test_a_value_of_a_manifest_hides_no_other_item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("SCOPED_SECRETS_BROKER", "off")

    def resources(value: str) -> dict[str, Any]:
        one = {"secret_text": {**DEMO, "identifier": "status_word", "value": value}}
        other = {"secret_text": {"org": "nosuchorg", "identifier": "other", "value": RANDOM}}
        return {"resources": [one, other]}

    expected = task(tmp_path / "expected", "manifest", resources(RANDOM[::-1]))
    result = task(tmp_path / "result", "manifest", resources(word))
    assert structure(result) == structure(expected)
    assert (result["failed"], result["code"]) == (True, "unknown_scope")
    assert [one["item"] for one in result["results"]] == [one["item"] for one in expected["results"]]


@pytest.mark.parametrize("module", sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[a-z]*.py")))
def test_every_module_with_a_secret_option_shares_this_rule(module: str) -> None:
    """The router censors, and no module has a router of its own but the manifest."""
    kind = router(module)
    assert kind.run is router("secret_text").run
    own = {"manifest": "ManifestRouter", "doctor": "DoctorRouter"}
    assert kind.__mro__[1].__name__ == own.get(module, "Router")
