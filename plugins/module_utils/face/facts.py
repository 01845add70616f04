# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuses settings that are facts: a managed host can report whatever it likes, and facts become variables."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ..model.errors import Forbidden

__all__ = ["FACTS", "refuse_fact"]

# ansible-core collects the facts of a host in this variable, besides making each of them a variable.
FACTS = "ansible_facts"


def refuse_fact(variables: Mapping[str, Any], name: str) -> None:
    """Raise Forbidden if the variable `name` has the value that a host reported for it.

    set_fact with `cacheable: true` makes a fact too. A literal in it counts as a setting, until a later run reads it
    from the fact cache.
    """
    if name not in (variables.get(FACTS) or ()) or _is_from_control_node(variables[name]):
        return
    # A host can report another name for itself, too.
    is_named = "inventory_hostname" not in variables[FACTS]
    host = (is_named and variables.get("inventory_hostname")) or "a managed host"
    raise Forbidden(
        "setting_from_host",
        f"'{name}' is a fact of {host}. Settings are never taken from a managed host.",
        hint="Set it in the inventory, the playbook, the environment or ansible.cfg. If your playbook sets it with "
        f"set_fact, leave out 'cacheable'. Otherwise find out why {host} reports it: someone may control that host.",
    )


def _is_from_control_node(value: Any) -> bool:
    """Return whether ansible-core would render a template in this value: it never does so in what hosts report."""
    is_trusted = getattr(import_module("ansible.template"), "is_trusted_as_template", None)
    if is_trusted is None:  # ansible-core 2.18
        return isinstance(value, str) and not hasattr(value, "__UNSAFE__")
    return bool(is_trusted(value))
