# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of managers, as the engine makes them."""

from __future__ import annotations

from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Manager
from ansible_collections.scoped.secrets.plugins.module_utils.managers.checks import AccessProof, Aim

__all__ = ["check"]


def check(manager: Manager, right: str = "", *, may_write: bool = True) -> AccessProof:
    """Return the proof of a check."""
    proof = AccessProof()
    manager.check(Aim(right, may_write), proof)
    return proof
