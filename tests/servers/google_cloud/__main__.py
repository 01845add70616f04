# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the fake Google Cloud by hand."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from servers.google_cloud.server import serve
from servers.process import by_hand


@contextlib.contextmanager
def _variables() -> Iterator[Mapping[str, str]]:
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as cloud:
        yield cloud.variables()


if __name__ == "__main__":
    by_hand(_variables())
