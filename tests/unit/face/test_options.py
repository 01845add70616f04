# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shared options follow one precedence everywhere."""

from __future__ import annotations

import itertools
import pwd
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.face.options import (
    ARGUMENTS,
    COMMON_SPEC,
    OPTIONS,
    Option,
    default_root_key_file,
    default_store,
    resolve_options,
    settings_of,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput

SOURCES = ("direct", "var", "env", "ini")
SUBSETS = [set(chosen) for count in range(5) for chosen in itertools.combinations(SOURCES, count)]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in OPTIONS:
        monkeypatch.delenv(option.env, raising=False)
    monkeypatch.setenv("HOME", "/home/ansible")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


def config(folder: Path, text: str) -> str:
    path = folder / "ansible.cfg"
    path.write_text(text)
    return str(path)


def can_be_set(option: Option, source: str) -> bool:
    return source in ("direct", "env") or bool(option.var if source == "var" else option.ini)


def expected(option: Option, chosen: set[str]) -> str:
    return next((source for source in SOURCES if source in chosen and can_be_set(option, source)), "")


@pytest.mark.parametrize("chosen", SUBSETS, ids=lambda chosen: "-".join(sorted(chosen)) or "none")
def test_the_first_source_that_is_set_wins(chosen: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    direct = {option.name: "direct" for option in OPTIONS if "direct" in chosen}
    variables = {option.var: "var" for option in OPTIONS if "var" in chosen and option.var}
    lines = [f"{option.ini} = ini" for option in OPTIONS if "ini" in chosen and option.ini]
    if "env" in chosen:
        for option in OPTIONS:
            monkeypatch.setenv(option.env, "env")
    path = config(tmp_path, "\n".join(["[defaults]", "[scoped_secrets]", *lines]))
    resolved = resolve_options(direct, variables, None, path)
    assert resolved == {option.name: expected(option, chosen) for option in OPTIONS}


def test_the_names_are_the_documented_ones() -> None:
    assert {option.name: (option.env, option.ini, option.var) for option in OPTIONS} == {
        "store": ("SCOPED_SECRETS_STORE", "store", "scoped_secrets_store"),
        "root_key_file": ("SCOPED_SECRETS_ROOT_KEY_FILE", "root_key_file", "scoped_secrets_root_key_file"),
        "root_key": ("SCOPED_SECRETS_ROOT_KEY", "", ""),
        "passphrase": ("SCOPED_SECRETS_PASSPHRASE", "", ""),
        "audit": ("SCOPED_SECRETS_AUDIT", "audit", "scoped_secrets_audit"),
        "audit_sink": ("SCOPED_SECRETS_AUDIT_SINK", "audit_sink", "scoped_secrets_audit_sink"),
        "scope_key": ("SCOPED_SECRETS_SCOPE_KEY", "", ""),
        "scope_key_file": ("SCOPED_SECRETS_SCOPE_KEY_FILE", "scope_key_file", ""),
        "org": ("SCOPED_SECRETS_ORG", "org", "scoped_secrets_org"),
        "project": ("SCOPED_SECRETS_PROJECT", "project", "scoped_secrets_project"),
        "broker": ("SCOPED_SECRETS_BROKER", "broker", ""),
        "allowed_commands": ("SCOPED_SECRETS_ALLOWED_COMMANDS", "allowed_commands", ""),
        "allowed_credentials": ("SCOPED_SECRETS_ALLOWED_CREDENTIALS", "allowed_credentials", ""),
        "state_folder": ("SCOPED_SECRETS_STATE_FOLDER", "state_folder", ""),
        "allow_plain_postgresql": ("SCOPED_SECRETS_ALLOW_PLAIN_POSTGRESQL", "allow_plain_postgresql", ""),
        "upgrade_store": ("SCOPED_SECRETS_UPGRADE_STORE", "", ""),
        "ephemeral_store": ("SCOPED_SECRETS_EPHEMERAL_STORE", "ephemeral_store", ""),
    }
    assert [option.name for option in OPTIONS if option not in ARGUMENTS] == [
        "broker",
        "audit",
        "audit_sink",
        "allowed_commands",
        "allowed_credentials",
        "state_folder",
        "allow_plain_postgresql",
        "upgrade_store",
        "ephemeral_store",
    ]
    assert list(COMMON_SPEC) == [option.name for option in ARGUMENTS]
    assert {name for name, spec in COMMON_SPEC.items() if spec["no_log"]} == {"root_key", "passphrase", "scope_key"}
    assert [name for name, spec in COMMON_SPEC.items() if spec["type"] == "path"] == [
        "root_key_file",
        "scope_key_file",
    ]


@pytest.mark.parametrize(
    ("direct", "found"),
    [
        ({}, ("env", "ini")),
        ({"scope_key": "direct"}, ("direct", "")),
        ({"scope_key_file": "direct"}, ("", "direct")),
        ({"scope_key": ""}, ("", "")),
        ({"scope_key": "a", "scope_key_file": "b"}, ("a", "b")),
    ],
)
def test_a_scope_key_or_file_given_directly_excludes_the_other(
    direct: dict[str, str], found: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCOPED_SECRETS_SCOPE_KEY", "env")
    path = config(tmp_path, "[scoped_secrets]\nscope_key_file = ini\n")
    resolved = resolve_options(direct, {}, None, path)
    assert (resolved["scope_key"], resolved["scope_key_file"]) == found


def test_an_empty_option_overrides_all_other_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = config(tmp_path, "[scoped_secrets]\norg = ini\nproject = ini\n")
    monkeypatch.setenv("SCOPED_SECRETS_ORG", "env")
    monkeypatch.setenv("SCOPED_SECRETS_PROJECT", "env")
    variables = {"scoped_secrets_org": "var", "scoped_secrets_project": ""}
    resolved = resolve_options({"org": "", "project": None}, variables, None, path)
    assert (resolved["org"], resolved["project"]) == ("", "")


def test_variables_are_templated_and_options_are_not() -> None:
    variables = {"scoped_secrets_org": "{{ var }}", "scoped_secrets_project": "{{ var }}"}
    resolved = resolve_options({"project": "{{ direct }}"}, variables, lambda text: f"<{text}>")
    assert (resolved["org"], resolved["project"]) == ("<{{ var }}>", "{{ direct }}")


def test_a_variable_that_renders_to_none_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOPED_SECRETS_ORG", "env")
    assert resolve_options({}, {"scoped_secrets_org": "{{ x }}"}, lambda _text: None)["org"] == ""


def test_numbers_become_text() -> None:
    assert resolve_options({"org": 2024})["org"] == "2024"


@pytest.mark.parametrize("value", [True, 1.5, ["a"], {"a": 1}, b"a", "a\0"])
def test_values_other_than_text_are_refused(value: Any) -> None:
    for direct, variables in (({"org": value}, {}), ({}, {"scoped_secrets_org": value})):
        with pytest.raises(InvalidInput) as caught:
            resolve_options(direct, variables)
        assert caught.value.code == "invalid_option"
        assert "'org'" in caught.value.message
        assert "SCOPED_SECRETS_ORG" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "org"),
    [
        ("[scoped_secrets]\norg = payments ; of the shop\n", "payments"),
        ("[scoped_secrets]\nORG: payments%\n", "payments%"),
        ("[scoped_secrets]\n", ""),
        ("[defaults]\norg = payments\n", ""),
        ("no section\n", ""),
        ("", ""),
    ],
)
def test_the_section_of_ansible_cfg(text: str, org: str, tmp_path: Path) -> None:
    assert resolve_options({}, config_file=config(tmp_path, text))["org"] == org


def test_without_an_ansible_cfg_nothing_is_set(tmp_path: Path) -> None:
    nothing = {option.name: "" for option in OPTIONS}
    assert resolve_options({}, config_file=str(tmp_path / "none.cfg")) == nothing
    assert resolve_options({}) == nothing


# Defaults


def test_the_defaults_follow_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_store() == "sqlite:////home/ansible/.local/share/scoped_secrets/store.db"
    assert default_root_key_file() == "/home/ansible/.config/scoped_secrets/root.key"
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/config")
    assert default_store() == "sqlite:////data/scoped_secrets/store.db"
    assert default_root_key_file() == "/config/scoped_secrets/root.key"


@pytest.mark.parametrize("path", ["", "relative/data", "./data", "~/data"])
def test_a_relative_xdg_folder_is_ignored(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", path)
    monkeypatch.setenv("XDG_CONFIG_HOME", path)
    assert default_store() == "sqlite:////home/ansible/.local/share/scoped_secrets/store.db"
    assert default_root_key_file() == "/home/ansible/.config/scoped_secrets/root.key"


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without HOME and without an entry in passwd, as a container may have."""

    def nobody(_user: int) -> None:
        raise KeyError

    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize(
    "direct", [{}, {"store": "sqlite:////srv/store.db"}, {"root_key_file": "/srv/root.key"}, {"root_key": "key"}]
)
def test_a_user_without_a_home_has_no_default_place(direct: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        settings_of(resolve_options(direct))
    assert (caught.value.code, "Set HOME" in caught.value.hint) == ("no_home", True)


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize("key", [{"root_key_file": "/srv/root.key"}, {"root_key": "key"}, {"scope_key_file": "/k"}])
def test_a_user_without_a_home_needs_no_default_place(key: dict[str, str]) -> None:
    settings = settings_of(resolve_options({"store": "sqlite:////srv/store.db", **key}))
    assert (settings.is_local_default, settings.state_folder) == (False, "")
    assert settings.root_key_file == key.get("root_key_file", "")


@pytest.mark.usefixtures("homeless")
def test_folders_of_xdg_are_enough_of_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/config")
    settings = settings_of(resolve_options({}))
    assert (settings.store, settings.is_local_default) == ("sqlite:////data/scoped_secrets/store.db", True)


def test_settings_of_nothing_are_the_local_default() -> None:
    settings = settings_of(resolve_options({}))
    assert (settings.store, settings.root_key_file) == (default_store(), default_root_key_file())
    assert settings.is_local_default
    assert (settings.root_key, settings.passphrase) == ("", "")


@pytest.mark.parametrize("given", [{"store": "sqlite:////srv/store.db"}, {"root_key_file": "/srv/root.key"}])
def test_one_custom_path_is_no_local_default(given: dict[str, str]) -> None:
    assert not settings_of(resolve_options(given)).is_local_default


def test_settings_carry_the_keys_and_expand_the_home() -> None:
    settings = settings_of(resolve_options({"root_key": "k", "passphrase": "p", "root_key_file": "~/root.key"}))
    assert (settings.root_key, settings.passphrase) == ("k", "p")
    assert settings.root_key_file == "/home/ansible/root.key"


def test_a_relative_key_file_means_the_same_in_every_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings_of(resolve_options({"root_key_file": "root.key"})).root_key_file == f"{tmp_path}/root.key"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", True), ("on", True), ("Yes", True), ("1", True), ("off", False), ("OFF", False), ("no", False), ("0", False)],
)
def test_the_broker_can_be_switched_off(text: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOPED_SECRETS_BROKER", text)
    assert settings_of(resolve_options({})).through_broker is expected


def test_an_invalid_value_for_the_broker_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOPED_SECRETS_BROKER", "of")
    with pytest.raises(InvalidInput) as caught:
        settings_of(resolve_options({}))
    assert (caught.value.code, "'broker'" in caught.value.message) == ("invalid_option", True)


@pytest.mark.parametrize(("text", "expected"), [("", False), ("off", False), ("on", True), ("yes", True)])
def test_a_shared_store_is_upgraded_only_when_asked(text: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOPED_SECRETS_UPGRADE_STORE", text)
    assert settings_of(resolve_options({})).may_upgrade is expected
    monkeypatch.setenv("SCOPED_SECRETS_EPHEMERAL_STORE", text)
    assert settings_of(resolve_options({})).may_be_ephemeral is expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [("", "on"), ("on", "on"), ("no", "off"), (True, "on"), (False, "off"), ("Required", "required")],
)
def test_the_audit_can_be_off_or_required(given: Any, expected: str) -> None:
    assert settings_of(resolve_options({}, {"scoped_secrets_audit": given})).audit == expected


@pytest.mark.parametrize("sinks", ["stdout", "store,,syslog", "file:relative"])
def test_an_unknown_audit_sink_is_refused(sinks: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        settings_of(resolve_options({}, {"scoped_secrets_audit_sink": sinks}))
    assert (caught.value.code, "'audit_sink'" in caught.value.message) == ("invalid_option", True)


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("", ""),
        ("none", "none"),
        ("/usr/bin/pass", "/usr/bin/pass"),
        (" /usr/bin/pass ,\n community.general.onepassword,MODE,", "/usr/bin/pass,community.general.onepassword,MODE"),
    ],
)
def test_allowed_commands_are_a_list(text: str, allowed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOPED_SECRETS_ALLOWED_COMMANDS", text)
    assert settings_of(resolve_options({})).allowed_commands == allowed
    monkeypatch.delenv("SCOPED_SECRETS_ALLOWED_COMMANDS")
    lines = text.replace("\n", "\n  ")
    path = config(tmp_path, f"[scoped_secrets]\nallowed_commands = {lines}\n")
    assert settings_of(resolve_options({}, {}, None, path)).allowed_commands == allowed


@pytest.mark.parametrize(
    "text", ["pass -c", "bin/pass", "./pass", "/usr/../pass", "/usr/bin/", "builtin.pipe", "a.b.c.", "*"]
)
def test_what_can_not_be_an_allowed_command_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOPED_SECRETS_ALLOWED_COMMANDS", text)
    with pytest.raises(InvalidInput) as caught:
        settings_of(resolve_options({}))
    assert (caught.value.code, "'allowed_commands'" in caught.value.message) == ("invalid_option", True)


def test_no_variable_allows_commands() -> None:
    variables = {"allowed_commands": "/bin/sh", "scoped_secrets_allowed_commands": "/bin/sh"}
    assert settings_of(resolve_options({}, variables)).allowed_commands == ""
