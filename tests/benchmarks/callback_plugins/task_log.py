# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback that writes down when each task of a host began, and what the tasks said."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: task_log
type: aggregate
short_description: Write down when tasks began and what they said
description: For the benchmarks only. Writes JSON to the file that TASK_LOG names.
"""


class CallbackModule(CallbackBase):
    """Keeps all in memory until the end, so as to disturb nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_log"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._starts: list[float] = []
        self._messages: list[str] = []

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self._starts.append(time.monotonic())

    def v2_runner_on_ok(self, result: Any) -> None:
        self._messages.append(str(result._result.get("msg", "")))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        log = {"starts": self._starts, "messages": self._messages}
        Path(os.environ["TASK_LOG"]).write_text(json.dumps(log), encoding="utf-8")
