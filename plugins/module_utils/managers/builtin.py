# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in secret manager: values stay in the store, their data keys wrapped with the scope's own key."""

from __future__ import annotations

from ..crypto.context import Context
from ..crypto.envelope import open_envelope, seal
from ..crypto.envelope import rewrap as rewrap_envelope
from ..crypto.scopekey import ScopeKey

__all__ = ["NAME", "keep", "read", "rewrap"]

NAME = "builtin"


def keep(value: bytes, context: Context, key: ScopeKey) -> bytes:
    """Return an envelope with `value` sealed in it. Raises InvalidInput for more than 10 MiB."""
    return seal(value, context, wrapper=key)


def read(envelope: bytes, context: Context, key: ScopeKey) -> bytes:
    """Return the value in an envelope. Raises Damaged unless the envelope is exactly what `keep` returned."""
    return open_envelope(envelope, context, wrapper=key)


def rewrap(envelope: bytes, context: Context, old: ScopeKey, new: ScopeKey) -> bytes:
    """Return the envelope with its data key rewrapped, without opening the value. Raises Damaged like `read`."""
    return rewrap_envelope(envelope, context, old=old, new=new)
