# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tasks of a play took, one by one."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lab import HERE, Lab
from sources import Source

__all__ = ["TaskLog", "logged"]

CALLBACKS = "ANSIBLE_CALLBACKS_ENABLED"


@dataclass(frozen=True)
class TaskLog:
    """When the tasks of all hosts began, in order, and what they said."""

    starts: list[float]
    messages: list[str]

    @property
    def seconds(self) -> list[float]:
        """Return the time from one task to the next, which with one fork is all that a task takes."""
        return [later - earlier for earlier, later in zip(self.starts, self.starts[1:], strict=False)]


def logged(lab: Lab, source: Source, playbook: Path, *, hosts: int) -> TaskLog:
    """Run a playbook with one fork and return what its tasks did."""
    file = lab.new_folder("task-log") / "log.json"
    enabled = ",".join(filter(None, [source.environment.get(CALLBACKS), "task_log"]))
    more = {"TASK_LOG": str(file), CALLBACKS: enabled, "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins")}
    replace(source, environment={**source.environment, **more}).take(lab, playbook, hosts=hosts, forks=1)
    log: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return TaskLog(**log)
