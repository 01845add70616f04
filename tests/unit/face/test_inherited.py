# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook loads shared code for its workers; without a broker, the engine too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ENGINE = {"engine.engine", "engine.dispatch", "store.sqlite"}
PARENT = """
import os, sys
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader()
from ansible_collections.scoped.secrets.plugins.{face} import {name}
print(*(module.rpartition(".module_utils.")[2] for module in sys.modules))
"""


def loaded_by(face: str, name: str, environment: dict[str, str]) -> set[str]:
    """Return the modules that a process has after loading a plugin; those in module_utils by their path in there."""
    code = PARENT.format(face=face, name=name)
    plain = {"PYTHONPATH": ":".join(path for path in sys.path if path), "HOME": "/nowhere"}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**plain, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(("face", "name"), [("plugin_utils.router", "Router"), ("callback.usage", "CallbackModule")])
@pytest.mark.parametrize("broker", ["", "on", "off", "maybe"])
def test_the_engine_is_loaded_only_without_a_broker(face: str, name: str, broker: str) -> None:
    loaded = loaded_by(face, name, {"SCOPED_SECRETS_BROKER": broker})
    assert "face.reading" in loaded
    assert ENGINE & loaded == (ENGINE if broker == "off" else set())


def test_ansible_cfg_counts_too(tmp_path: Path) -> None:
    config = tmp_path / "ansible.cfg"
    config.write_text("[scoped_secrets]\nbroker = off\n")
    assert loaded_by("plugin_utils.router", "Router", {"ANSIBLE_CONFIG": str(config)}) >= ENGINE


@pytest.mark.parametrize(
    ("broker", "store", "is_loaded"),
    [
        ("off", "postgresql://ansible@db/secrets", True),
        ("off", "sqlite:////srv/secrets/store.db", False),
        ("off", "mysql://ansible@db/secrets", False),
        ("on", "postgresql://ansible@db/secrets", False),
    ],
)
def test_the_postgresql_driver_is_loaded_for_a_postgresql_store(broker: str, store: str, is_loaded: bool) -> None:
    settings = {"SCOPED_SECRETS_BROKER": broker, "SCOPED_SECRETS_STORE": store}
    assert ("psycopg" in loaded_by("plugin_utils.router", "Router", settings)) == is_loaded
