# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls Ansible's lookup plugins outside of templates, in a process that may not have a plugin loader yet."""

from __future__ import annotations

import importlib
import json
import threading
from collections.abc import Mapping
from typing import Any

__all__ = ["NoSuchPlugin", "NoValue", "PluginFailed", "content_of", "find", "first_result"]

# Finding a plugin modifies tables of the loader.
_lock = threading.Lock()


class NoSuchPlugin(Exception):
    """No such plugin is installed."""


class PluginFailed(Exception):
    """The plugin raised an exception. The argument is its class name; its text may contain a value."""


class NoValue(Exception):
    """The plugin found nothing."""


def find(plugin: str) -> tuple[Any, str]:
    """Return a new instance of a plugin and its full name after redirects. Raises NoSuchPlugin or PluginFailed."""
    with _lock:
        try:
            return _find(plugin)
        except NoSuchPlugin:
            raise
        except Exception as error:
            raise PluginFailed(type(error).__name__) from None


def _find(plugin: str) -> tuple[Any, str]:
    # Not import statements, because module_utils must work without ansible-core. Only the control node gets here.
    loading = importlib.import_module("ansible.plugins.loader")
    paths = importlib.import_module("ansible.utils.collection_loader").AnsibleCollectionConfig
    if paths.collection_finder is None:
        loading.init_plugin_loader()
    reader = importlib.import_module("ansible.parsing.dataloader").DataLoader()
    templar = importlib.import_module("ansible.template").Templar(loader=reader, variables={})
    found = loading.lookup_loader.get_with_context(plugin, loader=reader, templar=templar)
    if found.object is None:
        raise NoSuchPlugin
    return found.object, str(found.plugin_load_context.resolved_fqcn or plugin)


def first_result(instance: Any, term: str, options: Mapping[str, Any]) -> Any:
    """Return a plugin's first result for a term. Raises NoValue or PluginFailed."""
    try:
        results = instance.run([term], variables={}, **options)
    except Exception as error:
        raise PluginFailed(type(error).__name__) from None
    result = next(iter(results), None) if isinstance(results, (list, tuple)) else results
    # Many plugins return an empty text for "not found", and a secret is never empty.
    if result is None or _is_undefined(result) or (isinstance(result, (str, bytes)) and not result):
        raise NoValue
    return result


def _is_undefined(result: Any) -> bool:
    return isinstance(result, importlib.import_module("jinja2").Undefined)


def content_of(result: Any) -> bytes:
    """Return a result as bytes: text and bytes unchanged, anything else as JSON. Raises PluginFailed if it can't."""
    if isinstance(result, bytes):
        return bytes(result)
    try:
        text = str(result) if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        return text.encode()
    except Exception as error:
        raise PluginFailed(type(error).__name__) from None
