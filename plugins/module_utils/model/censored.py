# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text that replaces a secret in output."""

from __future__ import annotations

__all__ = ["CENSORED", "MIN_LENGTH"]

CENSORED = "********"

# Characters. Shorter values occur inside ordinary words: replacing them everywhere would reveal more than it hides.
MIN_LENGTH = 4
