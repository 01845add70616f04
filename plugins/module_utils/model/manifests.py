# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a manifest: its face and the engine both find things, and say them alike."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import InvalidInput

__all__ = ["invalid_manifest"]

# As many mistakes as a message names; all of them are in the details.
_NAMED = 10


def invalid_manifest(wrong: Sequence[str]) -> InvalidInput:
    """Return the error for items that can't be declared. `wrong`: a line about each."""
    return InvalidInput(
        "invalid_manifest",
        f"The manifest can't be declared: {'; '.join(wrong[:_NAMED])}.",
        hint="Nothing was done. Mend these items and run it again.",
        details={"errors": list(wrong)},
    )
