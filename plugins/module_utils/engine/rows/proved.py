# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was proved before, by the digest that proved it.

A digest stands for one content only, whenever and in whichever transaction it is met: so nothing here is ever outdated.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Proved"]

MOST = 5_000


class Proved:
    """Contents by digest, at most `most` of them, forgotten all at once."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._contents: dict[bytes, Any] = {}

    def get(self, digest: bytes) -> Any:
        """Return the content of a digest, None if it is not known."""
        return self._contents.get(digest)

    def put(self, digest: bytes, content: Any) -> None:
        """Keep a content, which the caller has hashed. Nobody may change it."""
        if len(self._contents) >= self._most:
            self._contents.clear()
        self._contents[digest] = content
