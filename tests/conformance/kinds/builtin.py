# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in secret manager: values are sealed with the scope's key and kept in the store."""

from __future__ import annotations

from typing import ClassVar

from conformance.provider import Provider

__all__ = ["PROVIDERS"]


class Builtin(Provider):
    KIND = "builtin"
    TITLE = "Built-in"
    CELLS: ClassVar = {"versions": "in the store", "delete": "with all versions"}


PROVIDERS = [Builtin]
