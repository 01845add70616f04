# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports the secret values that this process reads or writes to the run's masker. Every worker loads this."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["is_masked", "reveal", "reveal_to"]

Listener = Callable[[str, bytes], object]
_listener: Listener | None = None


def reveal_to(listener: Listener | None) -> None:
    """Call `listener` with kind and value of each secret revealed in this process or one forked from it."""
    global _listener
    _listener = listener


def is_masked() -> bool:
    """Return whether the run masks its output."""
    return _listener is not None


def reveal(value: bytes | str, kind: str = "text") -> None:
    """Report a secret value to the listener. Does nothing if output is not masked."""
    if _listener:
        _listener(kind, value.encode(errors="surrogateescape") if isinstance(value, str) else value)
