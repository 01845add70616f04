# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line with counts at the end of a run, and the code that workers inherit."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.callback.usage import CallbackModule
from ansible_collections.scoped.secrets.tests.unit.broker.brokers import Lab, read, write


class Display:
    """Records what a run prints at a verbosity."""

    def __init__(self, verbosity: int) -> None:
        self.verbosity = verbosity
        self.lines: list[str] = []

    def vv(self, line: str) -> None:
        self.lines.append(line)


def ended(verbosity: int) -> list[str]:
    """Return what the callback prints at the end of a run."""
    callback = CallbackModule()
    display: Any = Display(verbosity)
    callback._display = display
    callback.v2_playbook_on_stats(None)
    return list(display.lines)


@pytest.mark.parametrize("verbosity", [2, 5])
def test_one_line_with_numbers_and_no_names(lab: Lab, verbosity: int) -> None:
    write(lab.client(), "canary_name", b"canary value")
    read(lab.client(), "canary_name", "canary_name")
    (line,) = ended(verbosity)
    assert line.startswith("scoped.secrets: 2 calls, 2 secrets read, 1 of them from the cache, 1 opened")
    assert "canary" not in line


@pytest.mark.parametrize("verbosity", [0, 1])
def test_nothing_is_printed_at_low_verbosity(lab: Lab, verbosity: int) -> None:
    write(lab.client(), "a")
    assert ended(verbosity) == []


def test_nothing_is_printed_or_started_if_nothing_was_read(lab: Lab) -> None:
    assert ended(2) == []
    assert lab.brokers() == []


def test_workers_inherit_the_shared_code_of_lookups() -> None:
    package = "ansible_collections.scoped.secrets.plugins.module_utils"
    assert {
        f"{package}.client.through_broker",
        f"{package}.face.reading",
        f"{package}.processes.bytecode",
    } <= sys.modules.keys()


def test_it_must_be_enabled() -> None:
    assert CallbackModule.CALLBACK_NEEDS_ENABLED
    assert CallbackModule.CALLBACK_NAME == "scoped.secrets.usage"


PARENT = """
import sys
from ansible.plugins.loader import init_plugin_loader, lookup_loader
init_plugin_loader()
from ansible_collections.scoped.secrets.plugins.callback.usage import CallbackModule
CallbackModule().v2_playbook_on_start(None)
inherited = set(sys.modules)
lookup = lookup_loader.get("scoped.secrets.secret", class_only=True)
print(lookup.__module__, sorted(set(sys.modules) - inherited))
"""


def test_workers_inherit_the_lookup_and_have_nothing_left_to_load() -> None:
    done = subprocess.run([sys.executable, "-c", PARENT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["ansible_collections.scoped.secrets.plugins.lookup.secret", "[]"]
