# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup plugins: conversion of results, and invalid options."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ConnectorContext
from ansible_collections.scoped.secrets.plugins.module_utils.managers.lookup import lookup, plugins
from ansible_collections.scoped.secrets.plugins.module_utils.managers.lookup.lookup import Lookup
from ansible_collections.scoped.secrets.plugins.module_utils.managers.lookup.plugins import (
    NoSuchPlugin,
    PluginFailed,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from jinja2 import StrictUndefined

CANARY = "canary-4711"
PLUGIN = "some.collection.plugin"


class Plugin:
    """Returns the result that a test sets, and records its calls."""

    def __init__(self, result: Any) -> None:
        self.result = result
        self.calls: list[Any] = []

    def run(self, terms: list[str], variables: Any, **options: Any) -> Any:
        self.calls.append((terms, variables, options))
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def connector(
    monkeypatch: pytest.MonkeyPatch, result: Any, name: str = PLUGIN, **options: Any
) -> tuple[Lookup, Plugin]:
    plugin = Plugin(result)
    monkeypatch.setattr(lookup, "find", lambda _name: (plugin, name))
    given = {"plugin": PLUGIN, "auth_method": "none", **options}
    return Lookup(given, ConnectorContext("connector 'l'")), plugin


def code_of(monkeypatch: pytest.MonkeyPatch, result: Any) -> str:
    with pytest.raises(ScopedSecretsError) as caught:
        connector(monkeypatch, result)[0].read("p")
    assert CANARY not in str(caught.value.to_dict())
    assert caught.value.__cause__ is None
    return caught.value.code


@pytest.mark.parametrize(
    ("result", "content"),
    [
        (["x", "y"], b"x"),
        ("x", b"x"),
        (("x",), b"x"),
        ([b"\xff"], b"\xff"),
        ([{"a": "ж"}], '{"a": "ж"}'.encode()),
        ([["x"]], b'["x"]'),
        ({"a": 1}, b'{"a": 1}'),
        ([3], b"3"),
        ([False], b"false"),
        ([0], b"0"),
    ],
)
def test_what_a_result_becomes(monkeypatch: pytest.MonkeyPatch, result: Any, content: bytes) -> None:
    assert connector(monkeypatch, result)[0].read("p").content == content


@pytest.mark.parametrize("result", [[], None, [None], [""], "", [b""], [StrictUndefined(name=CANARY)]])
def test_nothing_is_no_value(monkeypatch: pytest.MonkeyPatch, result: Any) -> None:
    assert code_of(monkeypatch, result) == "unknown_path"


@pytest.mark.parametrize("result", [ValueError(CANARY), KeyError(CANARY), [object()], [{"a": {CANARY}}], ["\ud800"]])
def test_an_error_shows_its_class_only(monkeypatch: pytest.MonkeyPatch, result: Any) -> None:
    assert code_of(monkeypatch, result) == "plugin_failed"


def test_what_a_plugin_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"options": {"a": 1}, "option_refs": {"b": "ref"}, "option_refs.b": "secret"}
    login = {"auth_method": "credential", "credential": CANARY, "credential_option": "token"}
    manager, plugin = connector(monkeypatch, ["x"], term_template="a/{path}/{path}", **options, **login)
    manager.read("p {path}")
    assert plugin.calls == [(["a/p {path}/p {path}"], {}, {"a": 1, "b": "secret", "token": CANARY})]


def test_there_are_no_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    manager, plugin = connector(monkeypatch, ["x"])
    with pytest.raises(ScopedSecretsError) as caught:
        manager.read("p", "1")
    assert (caught.value.code, plugin.calls) == ("not_supported", [])


def test_a_redirect_to_ourselves_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    manager, _plugin = connector(monkeypatch, ["x"], name="scoped.secrets.secret")
    with pytest.raises(ScopedSecretsError) as caught:
        manager.login()
    assert caught.value.code == "invalid_option"


@pytest.mark.parametrize(("error", "code"), [(NoSuchPlugin(), "unknown_plugin"), (PluginFailed("X"), "plugin_failed")])
def test_one_that_can_not_be_had(monkeypatch: pytest.MonkeyPatch, error: Exception, code: str) -> None:
    def find(_name: str) -> None:
        raise error

    manager, _plugin = connector(monkeypatch, ["x"])
    monkeypatch.setattr(lookup, "find", find)
    with pytest.raises(ScopedSecretsError) as caught:
        manager.login()
    assert caught.value.code == code


BAD: dict[str, dict[str, Any]] = {
    "short name": {"plugin": "env"},
    "two parts": {"plugin": "builtin.env"},
    "ours": {"plugin": "scoped.secrets.secret"},
    "no path": {"plugin": PLUGIN, "term_template": "x"},
    "twice": {"plugin": PLUGIN, "options": {"a": 1}, "option_refs": {"a": "r"}},
    "twice with the credential": {"plugin": PLUGIN, "options": {"a": 1}, "credential_option": "a"},
    "reserved": {"plugin": PLUGIN, "options": {"variables": {}}},
    "no identifier": {"plugin": PLUGIN, "option_refs": {"a.b": "r"}},
}


@pytest.mark.parametrize("options", BAD.values(), ids=BAD)
def test_options_that_can_not_be(options: dict[str, Any]) -> None:
    with pytest.raises(ScopedSecretsError) as caught:
        Lookup.validate(options)
    assert caught.value.code == "invalid_option"


def test_the_plugin_is_needed() -> None:
    with pytest.raises(ScopedSecretsError) as caught:
        Lookup.validate({"plugin": ""})
    assert caught.value.code == "incomplete_connector"


def test_an_identifier_is_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    assert connector(monkeypatch, ["x"])[0].path_of("a") == "a"


def test_a_plugin_that_can_not_be_loaded_shows_its_class_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_plugin: str) -> None:
        raise ImportError(CANARY)

    monkeypatch.setattr(plugins, "_find", fail)
    with pytest.raises(PluginFailed) as caught:
        plugins.find(PLUGIN)
    assert (caught.value.args, caught.value.__cause__) == (("ImportError",), None)
