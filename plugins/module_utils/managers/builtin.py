# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in secret manager: a key keeper whose data keys are wrapped under the scope's own key."""

from __future__ import annotations

from ..crypto.context import Context
from ..crypto.envelope import open_envelope, read_header, seal
from ..crypto.scopekey import ScopeKey
from ..model.errors import Damaged

__all__ = ["NAME", "keep", "read"]

NAME = "builtin"


def keep(value: bytes, context: Context, key: ScopeKey) -> bytes:
    """Return the envelope that keeps `value`; raise InvalidInput for one over 10 MiB."""
    return seal(value, context, wrapper=key, generation=key.generation)


def read(envelope: bytes, context: Context, key: ScopeKey) -> bytes:
    """Return the value in an envelope; raise Damaged for any that is not exactly what `keep` made."""
    if read_header(envelope).generation != key.generation:
        raise Damaged(
            "damaged_value",
            "The envelope names another key generation than its row.",
            hint="Somebody edited the store: restore the newest backup, or declare the secret again.",
        )
    return open_envelope(envelope, context, wrapper=key)
