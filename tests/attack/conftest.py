# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures of the engine's tests: a place for a store, an engine on it, and secret managers in memory."""

from __future__ import annotations

from ansible_collections.scoped.secrets.tests.unit.engine.conftest import (
    cloud,
    elsewhere,
    engine,
    new_place,
    quick_commits,
    quick_passphrases,
    settings,
)

__all__ = ["cloud", "elsewhere", "engine", "new_place", "quick_commits", "quick_passphrases", "settings"]
