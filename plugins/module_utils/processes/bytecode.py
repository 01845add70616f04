# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets workers load this collection's shared code from bytecode.

ansible-core's loader of collections compiles each file anew in every process, and workers are new processes (measured:
7 of 20 ms that a task with one lookup took). Python's own loader, asked first for what lies below module_utils and
plugin_utils, keeps the result in __pycache__. Where that can't be written, everything is as it was.
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

_OTHERS = "_AnsibleCollectionFinder"
_MODULE_UTILS = __package__.rpartition(".")[0]


class BytecodeFinder:
    """Finds the code that this collection's plugins share."""

    _below = (f"{_MODULE_UTILS}.", f"{_MODULE_UTILS.rpartition('.')[0]}.plugin_utils.")

    def find_spec(self, name: str, path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        """Return where a module is, None for one that is not this collection's."""
        if not path or not name.startswith(self._below):
            return None
        place = f"{path[0]}/{name.rpartition('.')[2]}"
        for file in (f"{place}.py", f"{place}/__init__.py"):
            if isfile(file):
                return spec_from_file_location(name, file)
        return None


def prefer() -> None:
    """From now on, have shared code loaded from bytecode: ask for it just before ansible-core does."""
    names = [type(finder).__name__ for finder in sys.meta_path]
    if BytecodeFinder.__name__ not in names and _OTHERS in names:
        sys.meta_path.insert(names.index(_OTHERS), BytecodeFinder())


def load(*names: str) -> None:
    """Load modules of module_utils, so that workers inherit them."""
    for name in names:
        importlib.import_module(f"{_MODULE_UTILS}.{name}")
