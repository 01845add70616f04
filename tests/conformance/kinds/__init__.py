# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One file per kind, named like the kind, with what the suite needs to know about it."""

from __future__ import annotations

import importlib
import pkgutil

from conformance.provider import Provider

__all__ = ["providers"]


def providers() -> list[type[Provider]]:
    """Return all kinds and their variants in the order of the table, the built-in manager first."""
    names = sorted((file.name for file in pkgutil.iter_modules(__path__)), key=lambda name: (name != "builtin", name))
    return [one for name in names for one in importlib.import_module(f"{__name__}.{name}").PROVIDERS]
