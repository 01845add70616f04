# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that run roles, and what runs of roles leave."""

from __future__ import annotations

from typing import Any

from site_of_runs import Run, Task


def role(name: str, **variables: Any) -> Task:
    return {"ansible.builtin.include_role": {"name": f"scoped.secrets.{name}"}, "vars": variables}


def refused(name: str, task: Task) -> Task:
    """Return a task that must fail, and one called `name` which shows the failure. If not, nothing more is run."""
    said = {"name": name, "ansible.builtin.debug": {"msg": "{{ ansible_failed_result }}"}}
    return {"block": [task, {"ansible.builtin.meta": "end_play"}], "rescue": [said]}


def why(run: Run, name: str) -> str:
    """Return the message of the failure that `refused` shows."""
    return str(run.result(name)["msg"]["msg"])


def changed(run: Run) -> list[str]:
    """Return the tasks that changed something, without the names of their roles."""
    return [task["task"].rpartition(" : ")[2] for task in run.tasks if task["result"].get("changed")]
