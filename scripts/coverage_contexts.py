# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pytest plugin that labels covered lines with the test that ran them. `make coverage` loads it.

The label is the test function without its parameters. Forked processes inherit it. Processes that a test starts read it
from the environment: `context` in pyproject.toml.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from coverage import Coverage

__all__ = ["VARIABLE", "function_of"]

VARIABLE = "COVERAGE_TEST"


def function_of(test: str) -> str:
    """Return the node id of a test without its parameters."""
    return test.partition("[")[0]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    _label(function_of(item.nodeid))
    try:
        return (yield)
    finally:
        _label("")


def _label(test: str) -> None:
    os.environ[VARIABLE] = test
    if measuring := Coverage.current():
        measuring.switch_context(test)
