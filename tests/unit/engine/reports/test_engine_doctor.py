# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor gives a verdict on each part, whatever state it finds, and the next step."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.key_failures import BCRYPT
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.reports.doctor import (
    CRYPTOGRAPHY,
    examine,
    used_settings,
)
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import kinds
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.model.version import VERSION
from ansible_collections.scoped.secrets.plugins.module_utils.store.location import Location
from ansible_collections.scoped.secrets.plugins.module_utils.store.postgresql.dialect import REQUIREMENT as PSYCOPG
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, is_made, store_path

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def made(settings: Settings) -> Settings:
    declare(Engine(settings), "secret_text", identifier="a", value=b"canary value")
    return settings


def checks(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the checks by name; each has a message, and a hint unless all is well."""
    found = examine(settings, "in a test")
    for check in found:
        assert check["verdict"] in ("ok", "warning", "error")
        assert check["message"]
        assert bool(check["hint"]) == (check["verdict"] != "ok")
    assert "canary" not in str(found)
    return {check["check"]: check for check in found}


def test_all_is_well(made: Settings) -> None:
    found = checks(made)
    assert {check["verdict"] for check in found.values()} == {"ok"}
    assert VERSION in found["versions"]["message"]
    assert found["engine"]["message"] == "in a test"
    assert str(Location.parse(made.store)) in found["store"]["message"]
    assert made.root_key_file in found["root key"]["message"]


def test_settings_are_shown_without_secrets() -> None:
    url = "postgresql://u:canary@db.example.com/secrets?password=canary"
    settings = Settings(store=url, root_key_file="/etc/root.key")
    shown = {"store": "postgresql://db.example.com/secrets", "root_key_file": "/etc/root.key"}
    assert used_settings(settings) == {**shown, "key_option": "root_key_file"}
    assert used_settings(settings._replace(passphrase="canary")) == {**shown, "key_option": "passphrase"}
    keys = settings._replace(passphrase="canary", root_key="canary", scope_key="canary")
    assert used_settings(keys) == {**shown, "key_option": "scope_key"}
    assert used_settings(settings._replace(store="postgresql://u:can@ary@x"))["store"] == ""


def test_no_store_yet(settings: Settings) -> None:
    found = checks(settings)
    assert (found["store"]["verdict"], found["root key"]["verdict"]) == ("warning", "ok")
    assert not is_made(settings)


def break_key(settings: Settings) -> None:
    Path(settings.root_key_file).unlink()


def expose_store(settings: Settings) -> None:
    store_path(settings).chmod(0o644)


def damage_store(settings: Settings) -> None:
    store_path(settings).write_bytes(b"SQLite format 3\0" + bytes(4096))


def replace_store(settings: Settings) -> None:
    store_path(settings).write_bytes(b"no database at all")


@pytest.mark.parametrize(
    ("spoil", "part", "code"),
    [
        (break_key, "root key", "missing_key_file"),
        (expose_store, "store", "exposed_store_file"),
        (replace_store, "store", "foreign_database"),
    ],
)
def test_a_broken_part_is_named(made: Settings, spoil: Any, part: str, code: str) -> None:
    spoil(made)
    found = checks(made)
    assert (found[part]["verdict"], found[part]["code"]) == ("error", code)
    assert found["library for builtin"]["verdict"] == "ok"


def test_an_invalid_store_url(settings: Settings) -> None:
    assert checks(settings._replace(store="mysql://u:canary@h/d"))["store"]["verdict"] == "error"


def test_the_key_of_another_store(made: Settings, tmp_path: Path) -> None:
    other = Settings(f"sqlite:///{tmp_path}/other/store.db", str(tmp_path / "other.key"), is_local_default=True)
    declare(Engine(other), "secret_text", identifier="a", value=b"v")
    wrong = made._replace(root_key_file=other.root_key_file)
    assert checks(wrong)["root key"]["code"] == "wrong_key"


def test_a_damaged_store_is_reported_not_raised(made: Settings) -> None:
    damage_store(made)
    assert "error" in {check["verdict"] for check in checks(made).values()}


@pytest.mark.parametrize(("version", "verdict"), [("43.0.3", "error"), ("44.0.0", "ok"), ("100.1", "ok")])
def test_an_outdated_library(settings: Settings, version: str, verdict: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(metadata, "version", lambda _package: version)
    check = checks(settings)["library for builtin"]
    assert check["verdict"] == verdict
    assert version in check["message"]


def test_a_missing_library(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(package: str) -> str:
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", none)
    check = checks(settings)["library for builtin"]
    assert check["verdict"] == "error"
    assert CRYPTOGRAPHY in check["hint"]


def test_the_libraries_match_requirements_txt() -> None:
    wanted = {CRYPTOGRAPHY, BCRYPT, PSYCOPG, *(one for kind in kinds().values() for one in kind.REQUIREMENTS)}
    listed = {line for line in (ROOT / "requirements.txt").read_text().split("\n") if line and line[0] != "#"}
    # ansible-core is there wherever this runs.
    assert wanted - {"ansible-core>=2.18"} == listed
