# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that writes to a store as a task does, and prints what was acknowledged, as JSON, a line each.

It reads one line of JSON: the settings, a name, how many writes. It waits for a second line before it begins.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings

SCOPE = {"org": "payments", "project": "api"}
SHARED = "shared"


def main() -> None:
    order: dict[str, Any] = json.loads(sys.stdin.readline())
    engine = Engine(Settings(*order["settings"]))
    # Only a store that was there once is waited for when its server goes away.
    engine.store(create=False)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(order["writes"]):
        label = f"{order['name']}_{number}"
        # One secret of all writers, and one of its own: the first or the second, turn by turn.
        identifier = SHARED if number % 2 == 0 else label
        params = {**SCOPE, "identifier": identifier, "value": label.encode()}
        secret = engine.handle(Request("secret_text", params)).returned["secret"]
        print(json.dumps([label, identifier, secret["version"]]), flush=True)


if __name__ == "__main__":
    main()
