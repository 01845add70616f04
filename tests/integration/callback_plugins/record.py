# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes every task result as one JSON line, loop items included, so that tests see what a callback sees."""

from __future__ import annotations

import importlib.util
import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

ATTRIBUTES = ("task", "host", "result")
# Whether tests want to see what the callback that hides secrets leaves.
MASKS = "scoped.secrets.mask" in os.environ.get("ANSIBLE_CALLBACKS_ENABLED", "")


def _unmasked(outcome: Any, result: Any) -> Any:
    """Return a result as the task left it: from ansible-core 2.22 on, values that modules got as secrets are hidden."""
    raw = getattr(outcome, "_CallbackTaskResult__utr", None)
    if raw is None or importlib.util.find_spec("ansible.module_utils.secrets") is None:
        return result
    return raw.as_result_dict(for_callback=True, censor_callback_result=outcome.task.no_log or raw.no_log)


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record"

    def _write(self, status: str, outcome: Any) -> None:
        # Core 2.20 renamed the attributes of a result.
        task, host, result = (getattr(outcome, name, None) or getattr(outcome, f"_{name}") for name in ATTRIBUTES)
        if not MASKS:
            result = _unmasked(outcome, result)
        record = {"task": task.get_name(), "host": host.get_name(), "status": status, "result": result}
        line = json.dumps(record, default=str)
        with open(os.environ["RECORD_FILE"], "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._write("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._write("failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._write("unreachable", result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._write("item ok", result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._write("item failed", result)
