# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""antsibull-nox accepts our configuration and offers the sessions that contributors expect."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SESSIONS = {"lint", "docs-check", "extra-checks", "build-import-check", "ansible-test-sanity", "unit"}


def test_the_sessions() -> None:
    pytest.importorskip("antsibull_nox", reason="needs tests/requirements-dev.txt")
    command = [sys.executable, "-m", "nox", "--noxfile", ROOT / "noxfile.py", "--list"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert set(re.findall(r"^[*-] (\S+) ->", done.stdout, re.M)) >= SESSIONS
