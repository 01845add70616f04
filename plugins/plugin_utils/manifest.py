# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes a manifest: calls of many modules in one task, each validated by its own module's Spec."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ..module_utils.face.censor import secret_strings, shown
from ..module_utils.face.sources import Files, take_value
from ..module_utils.face.spec import Spec
from ..module_utils.model.errors import InvalidInput, ScopedSecretsError
from ..module_utils.model.manifests import invalid_manifest
from ..module_utils.model.messages import Request
from .router import Router, validated

__all__ = ["ManifestRouter", "declaring_spec", "requests_of"]

_COLLECTION = "scoped.secrets."
# Shared options that an item may set for itself, and the options that contain the items' own options.
_OF_AN_ITEM = ("org", "project")
_NESTED = ("resources", "defaults")


class _Call(NamedTuple):
    """An item as written: the module's name, its Spec (None if there is no such module), and its options."""

    module: str
    spec: Spec | None
    arguments: Mapping[str, Any]


class ManifestRouter(Router):
    """Combines all items into one request, and the results of the items into the task's result."""

    def _secrets_in(self, arguments: dict[str, Any]) -> set[str]:
        found = super()._secrets_in({name: value for name, value in arguments.items() if name not in _NESTED})
        for call in _calls(arguments):
            known = call.spec.argument_spec if call.spec else {}
            found |= secret_strings(call.arguments, known)
        return found

    def _shown(self, arguments: dict[str, Any]) -> dict[str, Any]:
        rest = {name: value for name, value in arguments.items() if name not in _NESTED}
        items = [{call.module: _shown_item(call)} for call in _calls({**arguments, "defaults": {}})]
        return {**super()._shown(rest), "resources": items}

    def _call(self, params: dict[str, Any], options: dict[str, str], items: Sequence[Request] = ()) -> dict[str, Any]:
        items = requests_of(params, options, self._files, self._task.check_mode)
        rest = {name: value for name, value in params.items() if name not in _NESTED}
        # 'org' and 'project' in 'defaults' also set the scope of the manifest itself.
        given = {name: params["defaults"].get(name, options[name]) for name in _OF_AN_ITEM}
        scope = {name: "" if value is None else str(value) for name, value in given.items()}
        return _finished(super()._call(rest, {**options, **scope}, items), self._task.diff)

    def _run_there(self, params: dict[str, Any], options: dict[str, str], task_vars: dict[str, Any]) -> dict[str, Any]:
        raise InvalidInput(
            "manifest_not_delegated",
            "A manifest can't be delegated to another host.",
            hint="Remove 'delegate_to', or delegate tasks with single modules instead.",
        )


@lru_cache(maxsize=64)
def declaring_spec(module: str) -> Spec | None:
    """Return the Spec of a module that declares something; None for any other name."""
    if not re.fullmatch(r"[a-z_]+", module):
        return None
    try:
        spec: Spec = importlib.import_module(f"..modules.{module}", __package__).SPEC
    except ModuleNotFoundError:
        return None
    return spec if "state" in spec.options or module == "default_secret_manager" else None


def _calls(arguments: Mapping[str, Any]) -> Iterator[_Call]:
    """Yield the items, each with the defaults that its module has; a malformed item has no Spec."""
    defaults = arguments.get("defaults")
    defaults = defaults if isinstance(defaults, Mapping) else {}
    resources = arguments.get("resources")
    for item in resources if isinstance(resources, (list, tuple)) else []:
        if not isinstance(item, Mapping) or len(item) != 1:
            yield _Call("", None, {"item": item})
            continue
        ((name, given),) = item.items()
        # Drop text that can't be the name of a module: it may be a misplaced value.
        module = str(name).removeprefix(_COLLECTION) if re.fullmatch(r"[a-z_.]{1,64}", str(name)) else ""
        spec = declaring_spec(module)
        given = {} if given is None else given if isinstance(given, Mapping) else {"item": given}
        known = {name: value for name, value in defaults.items() if spec and name in spec.argument_spec}
        yield _Call(module, spec, {**known, **given})


def _shown_item(call: _Call) -> dict[str, Any]:
    return shown(call.arguments, call.spec.argument_spec if call.spec else {})


def requests_of(params: Mapping[str, Any], options: Mapping[str, str], files: Files, check_mode: bool) -> list[Request]:
    """Return the requests of all items; raise one InvalidInput that lists all invalid items."""
    requests, wrong = [], _unknown_defaults(params)
    for number, call in enumerate(_calls(params), 1):
        try:
            requests.append(_request(call, options, files.read, check_mode))
        except ScopedSecretsError as error:
            wrong.append(f"item {number} ({call.module or 'not a module'}): {error.message}")
    if wrong:
        raise invalid_manifest(wrong)
    return requests


def _unknown_defaults(params: Mapping[str, Any]) -> list[str]:
    specs = [call.spec for call in _calls(params) if call.spec]
    unknown = [name for name in params["defaults"] if not any(name in spec.argument_spec for spec in specs)]
    return [f"no item has the option '{name}' of 'defaults'" for name in unknown] if specs else []


def _request(call: _Call, options: Mapping[str, str], read: Callable[[str], bytes], check_mode: bool) -> Request:
    if call.spec is None:
        raise InvalidInput(
            "invalid_manifest",
            "an item must be one module of this collection that declares something, with its options",
            hint="",
        )
    spec = call.spec
    params = validated(spec, call.arguments)
    of_the_task = [name for name in spec.common(call.arguments) if name not in _OF_AN_ITEM]
    if of_the_task:
        raise InvalidInput("invalid_manifest", f"{', '.join(of_the_task)} can only be set for the whole task", hint="")
    given = {name: value for name, value in params.items() if value is not None and name in spec.options}
    scope = {name: options[name] if params.get(name) is None else str(params[name]) for name in _OF_AN_ITEM}
    return Request(spec.resource, {**take_value(given, read), **scope}, check_mode)


def _finished(task: dict[str, Any], diff: bool) -> dict[str, Any]:
    """Return the task's result: with diffs if they are shown, and failed if an item failed."""
    diffs = [_diff(result) for result in task["results"] if result["status"] == "changed"]
    for result in task["results"]:
        result.pop("before", None), result.pop("after", None)
    task = {**task, "diff": diffs} if diff and diffs else task
    failed = [result for result in task["results"] if result["status"] == "failed"]
    if not failed:
        return task
    first, count = failed[0], task["counts"]["failed"]
    more = f" (and {count - 1} more)" if count > 1 else ""
    return {
        **task,
        "failed": True,
        "code": first["code"],
        "msg": f"{first['item']}{more}: {first['msg']}",
        "hint": first["hint"] or "Run the task again; what is already declared stays unchanged.",
    }


def _diff(result: Mapping[str, Any]) -> dict[str, Any]:
    header = f"{result['module']} {result['item']}"
    return {
        "before": result["before"],
        "after": result["after"],
        "before_header": header,
        "after_header": header,
    }
