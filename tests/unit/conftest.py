# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run with a place for its brokers, for tests that ask for one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.tests.unit.broker.brokers import PLAIN_USER, Lab, make_lab, write


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    with make_lab(monkeypatch) as lab:
        yield lab


@pytest.fixture(scope="module")
def lasting() -> Iterator[Lab]:
    """A run with its broker, and the secret `a`, for all tests that leave both as they are."""
    with pytest.MonkeyPatch.context() as patch, make_lab(patch) as lab:
        write(lab.client(), "a")
        yield lab


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of a plain user's own, with a short path."""
    folder = Path(tempfile.mkdtemp(prefix="ss-", dir="/tmp"))
    os.chown(folder, PLAIN_USER, -1)
    yield folder
    shutil.rmtree(folder)
