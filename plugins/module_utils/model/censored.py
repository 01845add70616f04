# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in output where a secret would."""

from __future__ import annotations

__all__ = ["CENSORED", "MIN_LENGTH"]

CENSORED = "********"

# Characters. Shorter ones stand in ordinary words everywhere; replacing them would tell more than it hides.
MIN_LENGTH = 4
