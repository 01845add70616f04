# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of every module (meta/runtime.yml), named as one of them because ansible-test asks for that."""

from __future__ import annotations

from ..plugin_utils.router import ActionModule

__all__ = ["ActionModule"]
