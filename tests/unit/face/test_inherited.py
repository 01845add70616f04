# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook loads shared code for its workers; without a broker, the engine too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ENGINE = {"engine.engine", "engine.dispatch", "store.sqlite"}
# For each line: a child imports a plugin within the given environment, and prints the modules that it has then.
PARENT = """
import importlib, json, os, sys
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader()
for line in sys.stdin:
    face, name, environment = json.loads(line)
    child = os.fork()
    if not child:
        os.environ.update(environment)
        getattr(importlib.import_module(f"ansible_collections.scoped.secrets.plugins.{face}"), name)
        print(*(module.rpartition(".module_utils.")[2] for module in sys.modules), flush=True)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        print(flush=True)
"""


class Parent:
    """A process with ansible-core."""

    def __init__(self, **environment: str) -> None:
        # `make coverage` measures the process too.
        coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        plain = {"PYTHONPATH": ":".join(path for path in sys.path if path), "HOME": "/nowhere", **coverage}
        self.process = subprocess.Popen(
            [sys.executable, "-c", PARENT],
            env={**plain, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def loaded_by(self, face: str, name: str, **environment: str) -> set[str]:
        """Return the modules that it has after loading a plugin; those in module_utils by their path in there."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([face, name, environment]) + "\n")
        self.process.stdin.flush()
        modules = set(self.process.stdout.readline().split())
        assert modules
        return modules

    def __enter__(self) -> Parent:
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.communicate()


@pytest.fixture(scope="module")
def parent() -> Iterator[Parent]:
    with Parent() as parent:
        yield parent


@pytest.mark.parametrize(("face", "name"), [("plugin_utils.router", "Router"), ("callback.usage", "CallbackModule")])
@pytest.mark.parametrize("broker", ["", "on", "off", "maybe"])
def test_the_engine_is_loaded_only_without_a_broker(parent: Parent, face: str, name: str, broker: str) -> None:
    loaded = parent.loaded_by(face, name, SCOPED_SECRETS_BROKER=broker)
    assert "face.reading" in loaded
    assert ENGINE & loaded == (ENGINE if broker == "off" else set())


def test_ansible_cfg_counts_too(tmp_path: Path) -> None:
    config = tmp_path / "ansible.cfg"
    config.write_text("[scoped_secrets]\nbroker = off\n")
    with Parent(ANSIBLE_CONFIG=str(config)) as parent:
        assert parent.loaded_by("plugin_utils.router", "Router") >= ENGINE


@pytest.mark.parametrize(
    ("broker", "store", "is_loaded"),
    [
        ("off", "postgresql://ansible@db/secrets", True),
        ("off", "sqlite:////srv/secrets/store.db", False),
        ("off", "mysql://ansible@db/secrets", False),
        ("on", "postgresql://ansible@db/secrets", False),
    ],
)
def test_the_postgresql_driver_is_loaded_for_a_postgresql_store(
    parent: Parent, broker: str, store: str, is_loaded: bool
) -> None:
    loaded = parent.loaded_by("plugin_utils.router", "Router", SCOPED_SECRETS_BROKER=broker, SCOPED_SECRETS_STORE=store)
    assert ("psycopg" in loaded) == is_loaded
