# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays that use values of a source in the ways that people do. All check what they got."""

from __future__ import annotations

from typing import Any

from lab import Lab
from sources import Source, value_of

__all__ = ["in_a_task", "in_a_variable", "in_the_password", "once_by_hand", "write_to_vault"]

Play = dict[str, Any]


def in_a_task(source: Source, count: int) -> Play:
    """One task per host with `count` lookups."""
    return {"tasks": [_check(" ~ ".join(f"({source.expression(number)})" for number in range(count)), count)]}


def once_by_hand(source: Source, count: int) -> Play:
    """All of them kept in a fact by one task that runs once: what people write who know what lookups cost."""
    values = f"[{', '.join(source.expression(number) for number in range(count))}]"
    keep = {"ansible.builtin.set_fact": {"kept": f"{{{{ {values} }}}}"}, "run_once": True, "no_log": True}
    return {"tasks": [keep, _check("kept | join", count)]}


def in_a_variable(source: Source, tasks: int) -> Play:
    """A variable that so many tasks use. It is evaluated anew by each."""
    return {"vars": {"password": f"{{{{ {source.expression(0)} }}}}"}, "tasks": [_check("password", 1)] * tasks}


def in_the_password(source: Source, tasks: int) -> Play:
    """The variable that every task evaluates for its connection, whether that needs a password or not."""
    task = {"ansible.builtin.assert": {"that": "true", "quiet": True}}
    return {"vars": {"ansible_password": f"{{{{ {source.expression(0)} }}}}"}, "tasks": [task] * tasks}


def write_to_vault(lab: Lab, folder: str, count: int) -> dict[str, float]:
    """Write so many secrets to a folder of Vault in a loop, as people do without this collection."""
    vault = lab.openbao
    variables = {"url": vault.url, "token": vault.token, "folder": folder, "count": count}
    return lab.play("vault_kv2_write", changes=True, **variables)


def _check(expression: str, count: int) -> Play:
    wanted = "".join(map(value_of, range(count)))
    return {"ansible.builtin.assert": {"that": f"{expression} == '{wanted}'", "quiet": True}}
