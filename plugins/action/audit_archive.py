# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs tasks with the module audit_archive on the control node."""

from __future__ import annotations

from ..modules.audit_archive import SPEC
from ..plugin_utils.router import Router


class ActionModule(Router):
    spec = SPEC
