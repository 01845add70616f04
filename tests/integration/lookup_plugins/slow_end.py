# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the worker of a task busy after its result was sent, as a slow machine may: ansible-core then terminates it."""

from __future__ import annotations

import time
from multiprocessing.util import Finalize
from typing import Any

from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: Any = None, **kwargs: Any) -> list[str]:
        # Before all other finalizers.
        Finalize(None, time.sleep, args=(600,), exitpriority=1000)
        return [""]
