# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX accepts our credential type by its own rules, and a job gets exactly what its credential contains."""

from __future__ import annotations

import copy
import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from servers.awx.rules import HIDDEN, Injected, credential_errors, inject, type_errors

ROOT = Path(__file__).resolve().parents[2]
URL = "postgresql://app@db.example.com/secrets"
SEEN_AS = "/runner/env"
ALL = {
    "store": f"{URL}?sslmode=verify-full",
    "database_login": "db.example.com:5432:secrets:app:a\\:b\\\\c",
    "database_ca": "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n",
    "scope_key": "sssk1:x",
    "org": "payments",
    "project": "api",
}


@pytest.fixture
def ours() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "roles" / "awx" / "files" / "credential_type.yml").read_text()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def file_of(folder: Path, path: str) -> Path:
    return folder / path.removeprefix(f"{SEEN_AS}/")


def test_the_guide_has_the_type_as_it_is(ours: dict[str, Any]) -> None:
    blocks = [part.partition("```")[0] for part in (ROOT / "docs" / "awx.md").read_text().split("```yaml\n")[1:]]
    shown = [content for content in map(yaml.safe_load, blocks) if isinstance(content, dict)]
    assert shown == [ours["inputs"], ours["injectors"]]


def test_awx_takes_the_type(ours: dict[str, Any]) -> None:
    assert type_errors(ours) == []
    assert credential_errors(ours["inputs"], ALL) == []
    assert credential_errors(ours["inputs"], {**ALL, "passphrase": "x"}) != []


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("env", "ANSIBLE_CALLBACKS_ENABLED", "x"),
        ("env", "JOB_ID", "1"),
        ("env", "WITH-DASH", "x"),
        ("env", "SCOPED_SECRETS_X", "{{ nothing }}"),
        ("env", "SCOPED_SECRETS_X", "{{ tower.filename }}"),
        ("env", "SCOPED_SECRETS_X", "{{ tower.filename.nothing }}"),
        ("env", "SCOPED_SECRETS_X", "{{ store.__class__.__mro__ }}"),
        ("env", "SCOPED_SECRETS_X", "{% if %}"),
        ("env", "SCOPED_SECRETS_X", "ü"),
        ("file", "template", "{{ store }}"),
        ("file", "other.name", "x"),
        ("inputs", "id", "store"),
        ("inputs", "id", "tower"),
        ("inputs", "sort", "x"),
        ("inputs", "ask_at_runtime", True),
    ],
)
def test_what_awx_refuses_is_refused_here(ours: dict[str, Any], part: str, name: str, value: Any) -> None:
    broken = copy.deepcopy(ours)
    if part == "inputs":
        broken["inputs"]["fields"].append({"id": "more", "type": "string", "label": "More", name: value})
    else:
        broken["injectors"][part][name] = value
    assert type_errors(broken) != []
    assert type_errors({**ours, "kind": "vault"}) != []


def test_secrets_are_passed_as_files_only(ours: dict[str, Any], folder: Path) -> None:
    injected = inject(ours, ALL, folder, SEEN_AS)
    options = dict(part.split("=") for part in injected.env["SCOPED_SECRETS_STORE"].partition("?")[2].split("&"))
    assert options.keys() == {"sslmode", "passfile", "sslrootcert"}
    assert file_of(folder, options["passfile"]).read_text() == ALL["database_login"]
    assert file_of(folder, options["sslrootcert"]).read_text().strip() == ALL["database_ca"].strip()
    key = file_of(folder, injected.env["SCOPED_SECRETS_SCOPE_KEY_FILE"])
    assert (key.read_text(), stat.S_IMODE(key.stat().st_mode)) == (ALL["scope_key"], 0o600)
    assert injected.env["SCOPED_SECRETS_ROOT_KEY_FILE"] == ""
    assert injected.safe_env == injected.env
    assert not {ALL["database_login"], ALL["scope_key"], HIDDEN} & set(re.split("[=&]", str(injected.env)))


@pytest.mark.parametrize(
    ("given", "store"),
    [
        ({}, ""),
        ({"store": URL}, URL),
        ({"store": URL, "database_login": "x"}, rf"{re.escape(URL)}\?passfile=/runner/env/\w+"),
        ({"store": URL, "database_ca": "x"}, rf"{re.escape(URL)}\?sslrootcert=/runner/env/\w+"),
        ({"store": f"{URL}?a=b", "database_ca": "x"}, rf"{re.escape(URL)}\?a=b&sslrootcert=/runner/env/\w+"),
    ],
)
def test_empty_fields_count_as_unset(ours: dict[str, Any], folder: Path, given: dict[str, str], store: str) -> None:
    # The user interface sends empty strings, API clients can leave fields out.
    for inputs in (given, {**dict.fromkeys(ALL, ""), **given}):
        injected: Injected = inject(ours, inputs, folder, SEEN_AS)
        assert re.fullmatch(store, injected.env.pop("SCOPED_SECRETS_STORE"))
        assert set(injected.env.values()) == {""}


def test_a_scope_key_takes_precedence_over_the_root_key(ours: dict[str, Any], folder: Path) -> None:
    injected = inject(ours, {"store": URL, "scope_key": "s", "root_key": "r"}, folder, SEEN_AS)
    assert injected.env["SCOPED_SECRETS_ROOT_KEY_FILE"] == ""
    injected = inject(ours, {"store": URL, "root_key": "r"}, folder, SEEN_AS)
    assert file_of(folder, injected.env["SCOPED_SECRETS_ROOT_KEY_FILE"]).read_text() == "r"
