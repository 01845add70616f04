# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error for an invalid manifest, raised by its module and by the engine."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import InvalidInput

__all__ = ["invalid_manifest"]

# How many mistakes the message lists. The details have all of them.
_MAX_LISTED = 10


def invalid_manifest(wrong: Sequence[str]) -> InvalidInput:
    """Return the error for a manifest with invalid items. `wrong` has one line for each."""
    return InvalidInput(
        "invalid_manifest",
        f"The manifest can't be declared: {'; '.join(wrong[:_MAX_LISTED])}.",
        hint="Nothing was changed. Fix these items and run it again.",
        details={"errors": list(wrong)},
    )
