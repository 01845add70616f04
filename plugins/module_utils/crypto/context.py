# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The context that an envelope is bound to."""

from __future__ import annotations

from typing import NamedTuple

from .encoding import encode_fields

__all__ = ["FORMAT", "Context"]

FORMAT = 1


class Context(NamedTuple):
    """Identifies the one place where a value belongs. Uses ids, never names, so a rename re-encrypts nothing."""

    store_id: str
    scope_kind: str
    scope_id: str
    secret_id: str
    kind: str
    field: str
    version: int

    def encode(self) -> bytes:
        """Return the format number and the fields, in order, as bytes."""
        return encode_fields(
            FORMAT,
            self.store_id,
            self.scope_kind,
            self.scope_id,
            self.secret_id,
            self.kind,
            self.field,
            self.version,
        )
