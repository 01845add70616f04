# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test takes for granted, declared by the engine in this process: a run for it would take a second."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any
from unittest import mock

from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.face.call import given_of
from ansible_collections.scoped.secrets.plugins.module_utils.face.options import resolve_options, settings_of
from ansible_collections.scoped.secrets.plugins.module_utils.face.sources import LOCAL
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.plugin_utils.router import validated

__all__ = ["declare"]

COLLECTION = "scoped.secrets."
MODULES = "ansible_collections.scoped.secrets.plugins.modules"

# This process imports the collection without Ansible's loader. Once a lookup plugin has brought that in, it wants this.
vars(import_module("ansible_collections.scoped.secrets")).setdefault("_collection_meta", {})


def declare(tasks: Sequence[Mapping[str, Any]], environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """Do what tasks of this collection's modules say, for a user with this environment, and return their results.

    Nothing is templated, and what fails is raised.
    """
    with mock.patch.dict(os.environ, environment, clear=True):
        return [_declare(*_module(task)) for task in tasks]


def _module(task: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    (name,) = (key for key in task if key.startswith(COLLECTION))
    return name.removeprefix(COLLECTION), task[name]


def _declare(module: str, arguments: dict[str, Any]) -> dict[str, Any]:
    spec = import_module(f"{MODULES}.{module}").SPEC
    params = validated(spec, arguments)
    options = resolve_options(spec.common(params))
    engine = Engine(settings_of(options))
    try:
        return engine.handle(Request(spec.resource, given_of(spec, params, options, LOCAL))).returned
    finally:
        engine.close(seconds=10)
        engine.shared.close()
