# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor's router: adds what only the run itself knows, whether its output is masked."""

from __future__ import annotations

from typing import Any

from ansible import constants as C

from ..module_utils.masking.revealing import is_masked
from ..module_utils.model.checks import with_summary
from .router import Router, validated

MASK = "scoped.secrets.mask"


class DoctorRouter(Router):
    """Adds a check to those of the engine. Workers inherit from ansible-playbook whether the callback is on."""

    def _run(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        result = super()._run(arguments, task_vars)
        if "checks" not in result:
            return result
        fail_on = str(validated(self.spec, arguments)["fail_on"])
        result.pop("failed", None)
        result.pop("msg", None)
        return {**result, **with_summary([*result["checks"], _check_masking()], fail_on)}


def _check_masking() -> dict[str, str]:
    if is_masked():
        return {"check": "masking", "verdict": "ok", "message": "This run hides secrets in its output.", "hint": ""}
    if MASK in C.CALLBACKS_ENABLED:
        return {
            "check": "masking",
            "verdict": "warning",
            "message": "Runs of ansible-playbook hide secrets in their output, but this command loads no callbacks.",
            "hint": "Set bin_ansible_callbacks = true in section [defaults] of ansible.cfg.",
        }
    return {
        "check": "masking",
        "verdict": "warning",
        "message": "This run does not hide secrets in its output.",
        "hint": "Set callbacks_enabled = scoped.secrets.mask in section [defaults] of ansible.cfg, or add it to "
        "what is there. For the command ansible, set bin_ansible_callbacks = true as well.",
    }
