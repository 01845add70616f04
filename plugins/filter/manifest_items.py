# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that turns a tree of scopes into the items of a manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

__all__ = ["FilterModule", "manifest_items"]

Item = dict[str, Any]
Scope = dict[str, str]

_SECRETS = ("text", "file", "ssh", "winrm")
# Parts of a scope besides the options of the module `scope`, and the part that holds the scopes below each level.
_PARTS = ("connectors", "secrets", "default_secret_manager")
_BELOW = {"account": "organizations", "org": "projects", "project": ""}
_LEVELS = ("account", "org", "project")


def manifest_items(tree: Any) -> list[Item]:
    """Return the items of a tree for the module `manifest`. Raises AnsibleFilterError, without any value in it."""
    return list(_scope(_mapping(tree, "the tree"), {"org": "", "project": ""}, "account", ""))


def _scope(found: Mapping[str, Any], scope: Scope, level: str, place: str) -> Iterator[Item]:
    """Yield the items of a scope and of all scopes below it; `place` is its path in the tree, for messages."""
    below = _BELOW[level]
    own = {name: value for name, value in found.items() if name not in (*_PARTS, below)}
    # The account always exists.
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
        raise _malformed(f"'{place}' needs a 'kind', such as 'kind: hashicorp_vault'")
    return {f"connector_{kind}": {**options, **where}}


def _secret(options: Any, where: Scope) -> Iterator[Item]:
    """Yield a secret and its shares. Without a 'kind' it is a text; anything but a dictionary is its value."""
    options = dict(options) if isinstance(options, Mapping) else {"value": options}
    kind, shared = options.pop("kind", "text"), options.pop("shared_with", [])
    if kind not in _SECRETS:
        raise _malformed(f"the 'kind' of secret '{where['identifier']}' must be one of {', '.join(_SECRETS)}")
    yield {f"secret_{kind}": {**options, **where}}
    for one in shared if isinstance(shared, (list, tuple)) else [shared]:
        to = _mapping(one, f"'shared_with' of secret '{where['identifier']}'")
        yield {"secret_share": {**where, **{f"to_{name}": value for name, value in to.items()}}}


def _children(found: Mapping[str, Any], part: str, place: str) -> list[tuple[str, Any]]:
    return [(str(name), options) for name, options in _mapping(found.get(part), f"{place}{part}").items()]


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    """Return a dictionary; an empty one for None, which is what YAML makes of a name without a value."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return value
    raise _malformed(f"{place} must be a dictionary, not {type(value).__name__}")


def _malformed(why: str) -> AnsibleFilterError:
    return AnsibleFilterError(f"The tree is invalid: {why}. [invalid_manifest]")


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"manifest_items": manifest_items}
