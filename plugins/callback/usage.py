# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback that tells what a run read, and that gives its workers a head start."""

from __future__ import annotations

DOCUMENTATION = r"""
name: usage
type: aggregate
short_description: Show how many secrets a run read, and speed up lookups
version_added: 0.1.0
author: The scoped.secrets contributors (@scoped)
description:
  - At C(-vv), prints one line at the end of a run with the number of calls, of secrets read, and of those that came out
    of the cache; and for each connector, the number of requests, logins and renewals at its provider.
  - Has the shared code of lookup, filter and modules loaded once, by C(ansible-playbook) itself. Otherwise every task
    with a lookup loads it anew, which takes about 5 ms, until a task with a module of this collection has come. Where
    the run is to have no broker, that is the whole engine, which takes about 30 ms.
  - Shows no name and no value of any secret.
requirements:
  - Enable it with C(callbacks_enabled = scoped.secrets.usage) in C(ansible.cfg).
"""

from typing import Any

from ansible import constants as C
from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import lookup_loader

from ..module_utils.processes import bytecode

bytecode.prefer()

from ..module_utils.client.usage import usage_of_run
from ..module_utils.face.inherited import load_inherited

load_inherited(C.CONFIG_FILE)


class CallbackModule(CallbackBase):
    """Prints one line."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "scoped.secrets.usage"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: Any) -> None:
        lookup_loader.get("scoped.secrets.secret", class_only=True)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        usage = usage_of_run() if self._display.verbosity >= 2 else {}
        if usage:
            self._display.vv("scoped.secrets: " + _line(usage))


def _line(usage: dict[str, Any]) -> str:
    """Return the counts of a run in words, those of each connector behind them."""
    line = "{calls} calls, {reads} secrets read, {hits} of them from the cache, {opened} opened".format(**usage)
    each = "; {name}: {requests} requests, {logins} logins, {renewals} renewals"
    return line + "".join(each.format(name=name, **counts) for name, counts in usage["connectors"].items())
