# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Spec of a module's options, shared by the module file, the router and the tests of the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .options import COMMON_SPEC

__all__ = ["DESCRIPTION_SPEC", "SECRET_SPEC", "STATE_SPEC", "Spec"]

STATE_SPEC: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force": {"type": "bool", "default": False},
}

DESCRIPTION_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str"},
    "description": {"type": "str"},
    "tags": {"type": "dict"},
}


SECRET_SPEC: dict[str, dict[str, Any]] = {
    "identifier": {"type": "str", "required": True},
    "update_value": {"type": "str", "choices": ["always", "on_create"], "default": "always"},
    "expires": {"type": "str"},
    "secret_manager": {"type": "str", "no_log": False},
    "reference": {"type": "str"},
    "adopt": {"type": "bool", "default": False},
    "drop_fields": {"type": "bool", "default": False},
}


@dataclass(frozen=True)
class Spec:
    """A module's own options, in addition to the shared ones, and the rules between them."""

    resource: str
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    mutually_exclusive: list[list[str]] = field(default_factory=list)
    required_by: dict[str, list[str]] = field(default_factory=dict)
    # Options with the path of a file that the engine itself reads or writes.
    paths: tuple[str, ...] = ()

    @property
    def argument_spec(self) -> dict[str, dict[str, Any]]:
        return {**COMMON_SPEC, **self.options}

    def common(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the shared options among a call's parameters, except those that the module itself defines."""
        return {name: value for name, value in params.items() if name in COMMON_SPEC and name not in self.options}
