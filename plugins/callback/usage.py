# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback that shows how many secrets a run read, and loads shared code for its workers."""

from __future__ import annotations

DOCUMENTATION = r"""
name: usage
type: aggregate
short_description: Show how many secrets a run read, and speed up lookups
version_added: 0.1.0
author: The scoped.secrets contributors (@scoped)
description:
  - At C(-vv), prints one line at the end of a run. It has the number of calls, of secrets read, of those served from
    the cache, and of values opened or fetched; and for each connector, the number of requests, logins and renewals at
    its provider.
  - Loads the code that lookups, filters and modules share in C(ansible-playbook) itself, so that workers inherit it.
    Otherwise every task with a lookup loads it again, which takes about 5 ms, until the first task with a module of
    this collection. In a run without a broker, this includes the whole engine, which takes about 30 ms.
  - Shows no names and no values of secrets.
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
    """Prints the line with the counts."""

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
    """Return a run's counts as text, followed by those of each connector."""
    line = "{calls} calls, {reads} secrets read, {hits} of them from the cache, {opened} opened".format(**usage)
    each = "; {name}: {requests} requests, {logins} logins, {renewals} renewals"
    return line + "".join(each.format(name=name, **counts) for name, counts in usage["connectors"].items())
