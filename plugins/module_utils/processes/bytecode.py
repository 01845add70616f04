# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets workers load this collection's shared code from bytecode.

ansible-core's collection loader compiles each file again in every process, and workers are new processes (measured: 7
of the 20 ms of a task with one lookup). Python's own loader, asked first for modules below module_utils and
plugin_utils, caches the result in __pycache__. If that folder isn't writable, each process compiles as before.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from os.path import isfile
from types import ModuleType

__all__ = ["BytecodeFinder", "load", "prefer"]

_CORE_FINDER = "_AnsibleCollectionFinder"
_MODULE_UTILS = __package__.rpartition(".")[0]


class BytecodeFinder:
    """Finds the code that the plugins of this collection share."""

    _below = (f"{_MODULE_UTILS}.", f"{_MODULE_UTILS.rpartition('.')[0]}.plugin_utils.")

    def find_spec(self, name: str, path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        """Return the spec of a module of this collection, None for any other."""
        if not path or not name.startswith(self._below):
            return None
        base = f"{path[0]}/{name.rpartition('.')[2]}"
        for file in (f"{base}.py", f"{base}/__init__.py"):
            if isfile(file):
                return spec_from_file_location(name, file)
        return None


def prefer() -> None:
    """Load shared code from bytecode from now on: insert the finder before ansible-core's."""
    names = [type(finder).__name__ for finder in sys.meta_path]
    if BytecodeFinder.__name__ not in names and _CORE_FINDER in names:
        sys.meta_path.insert(names.index(_CORE_FINDER), BytecodeFinder())


def load(*names: str) -> None:
    """Import modules of module_utils now, so that workers inherit them."""
    for name in names:
        importlib.import_module(f"{_MODULE_UTILS}.{name}")
