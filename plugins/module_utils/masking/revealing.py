# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling whoever masks the output of a run which values this process reads or writes. Every worker loads this."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["reveal", "reveal_to"]

Listener = Callable[[str, bytes], object]
_listener: Listener | None = None


def reveal_to(listener: Listener | None) -> None:
    """Have the kind and the value of each secret told to `listener`, here and in processes forked from here."""
    global _listener
    _listener = listener


def reveal(value: bytes | str, kind: str = "text") -> None:
    """Tell that a value is secret. Nothing happens where no output is masked."""
    if _listener:
        _listener(kind, value.encode(errors="surrogateescape") if isinstance(value, str) else value)
