# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests, as variables and templates may bring them: read, validated, and put in order."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.scoped.secrets.plugins.module_utils.engine.manifest.manifest import items_of
from ansible_collections.scoped.secrets.plugins.module_utils.engine.manifest.order import order_of
from ansible_collections.scoped.secrets.plugins.module_utils.face.sources import Files
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.modules.manifest import SPEC
from ansible_collections.scoped.secrets.plugins.plugin_utils.manifest import requests_of
from ansible_collections.scoped.secrets.plugins.plugin_utils.router import validated
from fuzz.target import Target

_TREE: dict[str, Any] = {
    "defaults": {"org": "payments"},
    "resources": [
        {"scope": {"project": "api", "tags": {"a": "b"}}},
        {"connector_custom": {"identifier": "c", "command": ["cat"], "credential_ref": "t", "use_as_default": True}},
        {"secret_text": {"identifier": "t", "value": {"a": [1, None]}, "expires": "2027-01-31"}},
        {"secret_file": {"identifier": "f", "content_b64": "dg==", "secret_manager": "c"}},
        {"secret_ssh": {"identifier": "h", "user": "u", "password_ref": "t#a", "project": "api"}},
        {"default_secret_manager": {"secret_manager": "builtin", "project": "api"}},
        {"secret_text": {"identifier": "g", "generate": {"length": 12}}},
    ],
}


def _no_file(_path: str) -> bytes:
    raise InvalidInput("missing_src", "There are no files here.", hint="None.")


def _manifest(data: bytes) -> None:
    try:
        given = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(given, dict):
        params = validated(SPEC, {str(name): value for name, value in given.items()})
        options = {"org": str(params.get("org") or ""), "project": str(params.get("project") or "")}
        requests = requests_of(params, options, Files(_no_file, str), False)
        items = items_of(Request("manifest", {}, False, tuple(requests)))
        order_of([item.request for item in items], [item.thing for item in items])


def _seeds() -> list[bytes]:
    one_by_one = [{**_TREE, "resources": [item]} for item in _TREE["resources"]]
    return [json.dumps(tree).encode() for tree in (_TREE, *one_by_one)]


TARGETS = (Target("manifest", _seeds, _manifest),)
