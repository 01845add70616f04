# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs tasks with the module doctor on the control node."""

from __future__ import annotations

from ..modules.doctor import SPEC
from ..plugin_utils.doctor import DoctorRouter


class ActionModule(DoctorRouter):
    spec = SPEC
