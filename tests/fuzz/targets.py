# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All parsers that are fuzzed, by name."""

from __future__ import annotations

from fuzz import broker_calls, manifests, private_keys, sealed, texts

__all__ = ["TARGETS"]

_ROOMS = (texts, sealed, private_keys, broker_calls, manifests)
TARGETS = {target.name: target for room in _ROOMS for target in room.TARGETS}
