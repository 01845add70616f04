# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that makes the items of a manifest out of a tree of scopes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

__all__ = ["FilterModule", "manifest_items"]

Item = dict[str, Any]
Scope = dict[str, str]

_SECRETS = ("text", "file", "ssh", "winrm")
# What a scope has besides the options of module `scope`, and what the scopes below it are called there.
_PARTS = ("connectors", "secrets", "default_secret_manager")
_BELOW = {"account": "organizations", "org": "projects", "project": ""}
_LEVELS = ("account", "org", "project")


def manifest_items(tree: Any) -> list[Item]:
    """Return what a tree declares, as the items of module `manifest`. Raises AnsibleFilterError, never with a value."""
    return list(_scope(_mapping(tree, "the tree"), {"org": "", "project": ""}, "account", ""))


def _scope(found: Mapping[str, Any], scope: Scope, level: str, place: str) -> Iterator[Item]:
    """Yield the items of a scope and of all below it; `place` is where it stands in the tree."""
    below = _BELOW[level]
    own = {name: value for name, value in found.items() if name not in (*_PARTS, below)}
    # The account is always there.
    if own or level != "account":
        yield {"scope": {**own, **scope}}
    for name, options in _children(found, "connectors", place):
        yield _connector(options, {**scope, "identifier": name}, f"{place}connectors.{name}")
    for name, options in _children(found, "secrets", place):
        yield from _secret(options, {**scope, "identifier": name})
    if found.get("default_secret_manager"):
        yield {"default_secret_manager": {**scope, "secret_manager": found["default_secret_manager"]}}
    if below:
        lower = _LEVELS[_LEVELS.index(level) + 1]
        for name, options in _children(found, below, place):
            at = f"{place}{below}.{name}"
            yield from _scope(_mapping(options, at), {**scope, lower: name}, lower, f"{at}.")


def _connector(options: Any, where: Scope, place: str) -> Item:
    options = dict(_mapping(options, place))
    kind = options.pop("kind", None)
    if not kind:
        raise _malformed(f"'{place}' needs a 'kind', as in 'kind: hashicorp_vault'")
    return {f"connector_{kind}": {**options, **where}}


def _secret(options: Any, where: Scope) -> Iterator[Item]:
    """Yield a secret, a text unless it says otherwise, and whom it is shared with. What is no dictionary is a value."""
    options = dict(options) if isinstance(options, Mapping) else {"value": options}
    kind, shared = options.pop("kind", "text"), options.pop("shared_with", [])
    if kind not in _SECRETS:
        raise _malformed(f"the 'kind' of secret '{where['identifier']}' is none of {', '.join(_SECRETS)}")
    yield {f"secret_{kind}": {**options, **where}}
    for one in shared if isinstance(shared, (list, tuple)) else [shared]:
        to = _mapping(one, f"'shared_with' of secret '{where['identifier']}'")
        yield {"secret_share": {**where, **{f"to_{name}": value for name, value in to.items()}}}


def _children(found: Mapping[str, Any], part: str, place: str) -> list[tuple[str, Any]]:
    return [(str(name), options) for name, options in _mapping(found.get(part), f"{place}{part}").items()]


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    """Return a dictionary; an empty one for nothing, as YAML has it for a name with nothing behind it."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return value
    raise _malformed(f"{place} must be a dictionary, and is of type {type(value).__name__}")


def _malformed(why: str) -> AnsibleFilterError:
    return AnsibleFilterError(f"The tree can't be declared: {why}. [invalid_manifest]")


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"manifest_items": manifest_items}
